"""The processes that share one pass: who takes which batches, and how what they counted comes together."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
from torch import distributed

_PATIENCE = timedelta(days=7)  # others wait while the first lists a hundred million files, or writes the index
_ELEMENTS = dict(enumerate(("float32", "int32", "int64", "uint32", "uint64", "float64", "uint8")))


@dataclass(frozen=True, slots=True)
class Share:
    """Process `rank` of `count`; alone where there is one."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def numbers(self, total: int, done: int = 0) -> range:
        """The batches of this process, after the first `done` of them."""
        return range(self.rank + done * self.count, total, self.count)

    def wait(self) -> None:
        """Until all have come this far."""
        if self.count > 1:
            distributed.barrier()

    def agree(self, value: bool) -> bool:
        """Whether it is true in any process; each has to ask."""
        if self.count == 1:
            return value
        said = torch.tensor([int(value)], device=self.device)
        distributed.all_reduce(said, distributed.ReduceOp.MAX)
        return bool(said.item())

    def send(self, arrays: dict[str, np.ndarray]) -> None:
        """Give arrays to the first process, in the order of their names; it calls `receive`."""
        for _, array in sorted(arrays.items()):
            head = torch.tensor([*array.shape, *[-1] * (2 - array.ndim), _code(array)], device=self.device)
            distributed.send(head, 0)
            if array.size:
                distributed.send(_as_bytes(array).to(self.device), 0)

    def receive(self, names: list[str], rank: int) -> dict[str, np.ndarray]:
        """What process `rank` sends."""
        found = {}
        for name in sorted(names):
            head = torch.zeros(3, dtype=torch.int64, device=self.device)
            distributed.recv(head, rank)
            *shape, code = head.tolist()
            array = np.zeros([size for size in shape if size >= 0], _ELEMENTS[code])
            if array.size:
                room = torch.zeros(array.nbytes, dtype=torch.uint8, device=self.device)
                distributed.recv(room, rank)
                array = room.cpu().numpy().view(array.dtype).reshape(array.shape)
            found[name] = array
        return found

    def spread(self, array: np.ndarray) -> np.ndarray:
        """The first process's array, in every process; shapes and types are the same in all."""
        if self.count == 1:
            return array
        carried = _as_bytes(array).to(self.device)
        distributed.broadcast(carried, 0)
        return carried.cpu().numpy().view(array.dtype).reshape(array.shape)


@contextmanager
def shared(device: str = "cpu") -> Generator[Share]:
    """The share that `torchrun` gives this process; all of the work where it was not started by it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Share(device=device)
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=_PATIENCE)
    try:
        yield Share(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()


def _code(array: np.ndarray) -> int:
    return next(code for code, dtype in _ELEMENTS.items() if array.dtype == dtype)


def _as_bytes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
