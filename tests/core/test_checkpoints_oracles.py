"""What our readers make of a file is what the library that wrote it makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from core.checkpoints import CheckpointRefused
from core.checkpoints.contents import Checkpoint
from core.checkpoints.formats import read_checkpoint
from core.convention import BatchTopK, JumpRelu

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parent / "oracles"
PACKAGES = {
    "saelens": ("sae-lens==6.54.12", "transformer-lens==2.16.1", "einops==0.8.2"),
    "dictionary_learning": ("dictionary_learning==0.1.0", "einops==0.8.2"),
    "saev": ("saev==0.1.0", "einops==0.8.2"),
    "clip_scope": ("clipscope==0.1.8",),
}
LEAST_CASES = {"saelens": 20, "dictionary_learning": 13, "saev": 1, "clip_scope": 2}


@dataclass(frozen=True)
class Run:
    """What one library wrote, and what its own forward pass gave for each case."""

    reader: str
    folder: Path

    def read(self, case: str) -> Checkpoint:
        held = read_checkpoint(self.folder / case)
        assert held.format == self.reader
        return held

    @property
    def cases(self) -> list[str]:
        return sorted(file.stem for file in self.folder.glob("*.npz"))


@pytest.fixture(scope="session")
def oracle(tmp_path_factory) -> Iterator[Callable[[str], Run]]:
    """The run of a library, made once: its packages in a folder of their own, beside the torch that runs here."""
    runs: dict[str, Run] = {}

    def made(reader: str) -> Run:
        if reader not in runs:
            packages, written = tmp_path_factory.mktemp(f"{reader}-packages"), tmp_path_factory.mktemp(reader)
            _install(packages, *PACKAGES[reader])
            _run([sys.executable, SCRIPTS / f"{reader}_oracle.py", written], PYTHONPATH=str(packages))
            runs[reader] = Run(reader, written)
        return runs[reader]

    yield made
    for run in runs.values():  # true sizes, which no later session needs
        shutil.rmtree(run.folder)


def _install(folder: Path, *packages: str) -> None:
    """Without a registry there is nothing to compare with; with one, CI takes no excuse."""
    done = _pip("install", "--no-deps", "--no-compile", "--target", str(folder), *packages)
    if done.returncode and not any(_is_offered(library.split("==")[0]) for library, *_ in PACKAGES.values()):
        pytest.skip(f"No package registry is in reach, and {', '.join(packages)} are not here to compare with.")
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"{', '.join(packages)} could not be installed: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


def _is_offered(package: str) -> bool:
    return _pip("index", "versions", package).returncode == 0


def _pip(*command: str) -> subprocess.CompletedProcess[str]:
    pip = [sys.executable, "-m", "pip", *command, "--quiet", "--disable-pip-version-check"]
    return subprocess.run(pip, check=False, capture_output=True, text=True, timeout=120)


def _run(command: list, **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def agrees(checkpoint: Checkpoint, theirs: Path) -> None:
    """Codes and reconstruction are the library's own to 1e-5.

    A code that lies on its own threshold (or on the last place of a top k) within 1e-5 may be kept by one sum and
    not by another of the same numbers: such a token is left out, and at most one in a run may be.
    """
    known = {name: torch.from_numpy(array) for name, array in np.load(theirs).items()}
    sae = checkpoint.stated()
    at = torch.cat([torch.zeros(1, sae.width), known["x"]])[None]  # a class token of its own, for what reads patches
    if checkpoint.convention.tokens != "patches":
        at = known["x"][None] if checkpoint.convention.tokens == "all" else known["x"][:, None]
    found = sae.encode(at)
    codes = found.dense()[:, -len(known["x"]) :].reshape(known["codes"].shape)
    rebuilt = sae.decode(found, at=at)[:, -len(known["x"]) :].reshape(known["reconstruction"].shape)
    edge = _edge(checkpoint, known["codes"])
    apart = (codes - known["codes"]).abs() > 1e-5
    on_edge = apart & ((codes == 0) != (known["codes"] == 0)) & ((codes + known["codes"] - edge).abs() < 2e-5)
    whole = ~on_edge.any(dim=-1)
    assert (~whole).sum() <= 1
    torch.testing.assert_close(codes[whole], known["codes"][whole], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rebuilt[whole], known["reconstruction"][whole], atol=1e-5, rtol=1e-5)
    assert 0.001 < (known["codes"] != 0).float().mean() < 0.9  # codes that are there, and codes that are not


def _edge(checkpoint: Checkpoint, codes: torch.Tensor) -> torch.Tensor:
    activation = checkpoint.convention.activation
    if isinstance(activation, JumpRelu) and checkpoint.thresholds is not None:
        return checkpoint.thresholds
    if isinstance(activation, BatchTopK):
        return torch.tensor(activation.threshold)
    return torch.where(codes == 0, torch.inf, codes).amin(dim=-1, keepdim=True)


@pytest.mark.parametrize("reader", PACKAGES)
def test_each_file_of_a_library_reads_to_what_the_library_computes(oracle, reader):
    run = oracle(reader)
    cases = [case for case in run.cases if case != "batch-top-k-unset"]
    largest = 0
    for case in cases:
        held = run.read(case)
        agrees(held, run.folder / f"{case}.npz")
        largest = max(largest, len(held.dictionary))
    assert len(cases) >= LEAST_CASES[reader]
    assert largest >= 24576  # the size that is published


def test_transcoders_and_unfinished_autoencoders_of_saelens_are_refused_by_name(oracle):
    run = oracle("saelens")
    with pytest.raises(CheckpointRefused, match="a transcoder of architecture 'transcoder'"):
        run.read("transcoder")
    for case in ("batchtopk", "matryoshka"):
        with pytest.raises(CheckpointRefused, match="save it with save_inference_model"):
            run.read(f"{case}-in-training")
        assert isinstance(run.read(case).convention.activation, JumpRelu)


def test_an_untrained_threshold_keeps_every_positive_code_in_the_library_and_is_refused_here(oracle):
    run = oracle("dictionary_learning")
    codes = np.load(run.folder / "batch-top-k-unset.npz")["codes"]
    assert (codes > 0).sum(axis=-1).min() > 5  # k is 5
    with pytest.raises(CheckpointRefused, match="threshold was never set"):
        run.read("batch-top-k-unset")
