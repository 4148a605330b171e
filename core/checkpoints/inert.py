"""Torch files are read as data: tensors, plain values, inert stand-ins for configurations; nothing in them is run."""

from __future__ import annotations

import re
import struct
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from core.checkpoints import CheckpointRefused
from core.checkpoints.shape import TORCH_ZIP, refuse_shape

_NAMED = re.compile(r"(?:GLOBAL |unrecognized function |but got )(<[^>]*>|[\w.]+)")
_LONGEST_REASON = 160  # characters
# torch keeps its list of safe names for the whole process; two files read at once would end each other's
_ONE_AT_A_TIME = threading.Lock()

_CONFIGURATIONS = (
    *(f"{root}vit_prisma.sae.config.{name}" for root in ("", "src.") for name in (
        "VisionModelSAERunnerConfig", "RunnerConfig", "CacheActivationsRunnerConfig", "EvalConfig")),
    "sae.vision_config.VisionModelRunnerConfig",
    "vit_prisma.configs.HookedViTConfig.HookedViTConfig",
    *(f"{root}sae_training.config.{name}" for root in ("", "src.") for name in (
        "Config", "ViTSAERunnerConfig", "RunnerConfig", "LanguageModelSAERunnerConfig")),
    *(f"sae_lens.{module}.{name}" for module in ("config", "training.config") for name in (
        "LanguageModelSAERunnerConfig", "LanguageModelSAETrainingConfig", "RunnerConfig", "PretokenizeRunnerConfig",
        "CacheActivationsRunnerConfig", "LoggingConfig")),
    "sae_lens.sae.SAEConfig",
    "sae_lens.training.training_sae.TrainingSAEConfig",
    "saev.config.Train", "saev.config.SparseAutoencoder", "saev.nn.modeling.SparseAutoencoderConfig",
    "saev.nn.modeling.Relu", "saev.nn.modeling.TopK", "saev.nn.modeling.BatchTopK",
    "argparse.Namespace", "types.SimpleNamespace",
)  # fmt: skip
_MAPPINGS = (
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
)
_PATHS = tuple(
    f"{module}.{name}"
    for module in ("pathlib", "pathlib._local")
    for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
)
_VALUES = (  # kinds of values that configurations hold, kept as the arguments they are made of
    *(f"builtins.{name}" for name in ("list", "dict", "tuple", "str", "int", "float", "bool", "frozenset")),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    "numpy.dtype", "numpy.ndarray",
)  # fmt: skip


_NUMBERS = {"f8": "<d", "f4": "<f", "f2": "<e", "i8": "<q", "i4": "<i"}


class Inert(dict[str, Any]):
    """What was pickled of one object: its attributes by name; `args` holds what it was made of, where that is said.

    Args:
        name: the module and the class that the file names; neither is ever imported.
    """

    def __init__(self, name: str, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self.name = name


class _StandIn:
    """Takes the place of a class: keeps what it is given in two slots, sets no attribute and calls nothing."""

    __slots__ = ("args", "state")
    name = ""

    def __new__(cls, *args: Any) -> _StandIn:
        made = super().__new__(cls)
        made.args, made.state = args, {}
        return made

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _mapping(*_: Any) -> dict[Any, Any]:
    return {}


def _path(*parts: Any) -> str:
    if not all(type(part) is str for part in parts):
        raise ValueError("a path is made of texts")
    return str(PurePosixPath(*parts))


_SAFE: list[Any] = [
    *((type("StandIn", (_StandIn,), {"__slots__": (), "name": name}), name) for name in (*_CONFIGURATIONS, *_VALUES)),
    *((dict, name) for name in _MAPPINGS),
    (_mapping, "collections.defaultdict"),
    *((_path, name) for name in _PATHS),
]


def load_inert(path: Path) -> Any:
    """What a file of `torch.save` holds: dicts, lists, tuples, tensors on the CPU, plain values, and `Inert` objects.

    Weights stay on disk until they are read, where the file is of today's (zip) form. An object of a class that the
    public formats pickle comes as `Inert`; a path as its text.

    Raises:
        CheckpointRefused: the file names anything else, is not torch's, is not whole, or claims more than it holds.
    """
    path = Path(path)
    refuse_shape(path)
    with path.open("rb") as file:
        zipped = file.read(4) == TORCH_ZIP
    try:
        with _ONE_AT_A_TIME, torch.serialization.safe_globals(_SAFE), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about protocols; what cannot be read fails below
            raw = torch.load(str(path), map_location="cpu", weights_only=True, mmap=zipped or None)
        return _plain(raw, {}, path.stat().st_size)
    except Exception as refused:  # a file that is not sound fails in many types, all of them for one reason
        raise CheckpointRefused(_why(path, refused)) from refused


def _why(path: Path, refused: Exception) -> str:
    said = " ".join(str(refused).split())
    named = _NAMED.search(said)
    if named:
        return (
            f"{path} asks for `{named[1].strip('.')}`, which is none of the classes that Tiller reads as plain data; "
            "nothing in the file was run: save its state dict and its configuration as JSON, and convert those."
        )
    short = (said if len(said) <= _LONGEST_REASON else said[:_LONGEST_REASON] + " ...") or type(refused).__name__
    return f"{path} is not a whole torch file ({short}), and nothing in it was run; fetch it again."


def _plain(value: Any, known: dict[int, Any], size: int) -> Any:
    """`value` with every object in it made inert; `known` keeps what is shared shared, `size` is the file's."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    if id(value) not in known:
        known[id(value)] = None
        known[id(value)] = _contents(value, known, size)
    if known[id(value)] is None:
        raise ValueError("it holds an object that holds itself")
    return known[id(value)]


def _contents(value: Any, known: dict[int, Any], size: int) -> Any:
    if isinstance(value, Tensor):
        return _sound(value, size)
    if isinstance(value, _StandIn):
        state = value.state if isinstance(value.state, dict) else {"state": value.state}
        held = {str(_plain(key, known, size)): _plain(each, known, size) for key, each in dict.items(state)}
        if value.args:
            held["args"] = _plain(value.args, known, size)
        number = _number(value.name, held)
        return Inert(value.name, held) if number is None else number
    if isinstance(value, dict):  # its own methods may be shadowed by what the file set on it
        return {_plain(key, known, size): _plain(each, known, size) for key, each in dict.items(value)}
    if isinstance(value, list | tuple | set | frozenset):
        kind = type(value) if type(value) in (list, set, frozenset) else tuple
        return kind(_plain(each, known, size) for each in value)
    return _name(value)


def _number(name: str, held: Mapping[str, Any]) -> float | None:
    """A pickled numpy scalar as the number that it is; None where `held` is none."""
    match held.get("args"):
        case ({"args": (str() as kind, *_)}, bytes() as raw) if name.endswith("multiarray.scalar"):
            form = _NUMBERS.get(kind)
            return struct.unpack(form, raw)[0] if form and struct.calcsize(form) == len(raw) else None
    return None


def _name(value: Any) -> str:
    """What stands for a value that no configuration computes with."""
    if isinstance(value, torch.dtype | torch.device | torch.layout):
        return str(value).removeprefix("torch.")
    if isinstance(value, type):
        return value.name if issubclass(value, _StandIn) else f"{value.__module__}.{value.__qualname__}"
    raise ValueError(f"it holds a {type(value).__name__}, which is no value")


def _sound(tensor: Tensor, size: int) -> Tensor:
    """A plain dense tensor that claims no more values than the file has bytes for."""
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise ValueError("it holds a tensor that is not a plain dense one")
    if tensor.numel() * tensor.element_size() > min(size, tensor.untyped_storage().nbytes()):
        raise ValueError("it holds a tensor that claims more values than the file holds")
    return Tensor.detach(tensor)
