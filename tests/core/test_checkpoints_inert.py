"""Nothing in a file is run, whatever it asks for, and the refusal is one sentence that names what it asked for."""

from __future__ import annotations

import os
import pathlib
import pickle
import threading
import zipfile
from argparse import Namespace
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from enum import Enum

import pytest
import torch

from core.checkpoints import CheckpointRefused
from core.checkpoints.inert import Inert, load_inert


class Hostile:
    def __init__(self, function, *args):
        self.made = (function, args)

    def __reduce__(self):
        return self.made


def refusal(path) -> str:
    with pytest.raises(CheckpointRefused) as refused:
        load_inert(path)
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 500 + len(str(path))
    return said


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "function", [os.system, eval, exec, getattr, os.open, pathlib.Path.touch, pickle.loads, __import__]
)
@pytest.mark.parametrize("where", ["alone", "nested"])
def test_nothing_in_a_hostile_file_is_run(tmp_path, function, where, zipped):
    marker = tmp_path / "run"
    text = {os.system: f"touch {marker}", exec: f"open({str(marker)!r}, 'w')", eval: f"open({str(marker)!r}, 'w')"}
    arguments = (text.get(function, str(marker)),) if function is not os.open else (str(marker), os.O_CREAT)
    hostile = Hostile(function, *arguments)
    held = hostile if where == "alone" else {"state_dict": {"W": torch.zeros(2)}, "cfg": [({"deep": hostile},)]}
    path = tmp_path / "x.pt"
    torch.save(held, path, _use_new_zipfile_serialization=zipped)

    said = refusal(path)
    assert not marker.exists()
    assert "nothing in the file was run" in said
    assert function.__name__ in said or "getattr" in said  # a method is pickled as getattr of its class


def test_a_stand_in_made_of_callables_calls_none_of_them(tmp_path, module_named):
    class Shown:
        pass

    module_named(Shown, "vit_prisma.sae.config.VisionModelSAERunnerConfig")
    path = tmp_path / "x.pt"
    torch.save({"cfg": Hostile(Shown, Shown, OrderedDict, "text")}, path)
    held = load_inert(path)["cfg"]
    assert type(held) is Inert
    assert held["args"] == ("vit_prisma.sae.config.VisionModelSAERunnerConfig", "collections.OrderedDict", "text")


def test_a_state_sets_no_attribute_of_a_stand_in(tmp_path, module_named):
    class Shown:
        def __reduce__(self):
            state = {"__class__": "x", "__dict__": {"items": 1}, "name": "y", "state": "z", "__setstate__": 3, "k": 4}
            return (Shown, (), state)

    module_named(Shown, "sae_training.config.Config")
    path = tmp_path / "x.pt"
    torch.save([Shown(), Shown()], path)
    for held in load_inert(path):
        assert type(held) is Inert
        assert held.name == "sae_training.config.Config"
        assert held["__class__"] == "x"
        assert (held["name"], held["k"]) == ("y", 4)
        assert dict(held.items())["__dict__"] == {"items": 1}


def test_attributes_set_on_a_mapping_do_not_shadow_its_methods(tmp_path):
    class Shadowed:
        def __reduce__(self):
            return (OrderedDict, (), {"items": "no method"}, None, iter([("W", torch.ones(2))]))

    path = tmp_path / "x.pt"
    torch.save(Shadowed(), path)
    held = load_inert(path)
    assert type(held) is dict
    assert next(iter(held.items()))[0] == "W"


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_configuration_comes_as_plain_values(tmp_path, module_named, zipped):
    class Kind(Enum):
        TOPK = "topk"

    @dataclass
    class Shown:
        d_in: int = 768
        lr: float = 1e-3
        device: torch.device = field(default_factory=lambda: torch.device("cuda"))
        dtype: torch.dtype = torch.float32
        folder: pathlib.Path = pathlib.PurePosixPath("/a") / "b"
        kwargs: dict = field(default_factory=lambda: {"k": 64})
        sizes: tuple = (1, 2)
        counts: dict = field(default_factory=lambda: defaultdict(int, {"a": 1}))
        nested: Namespace = field(default_factory=lambda: Namespace(seed=3))

    module_named(Shown, "vit_prisma.sae.config.VisionModelSAERunnerConfig")
    path = tmp_path / "x.pt"
    torch.save({"cfg": Shown(), "state_dict": OrderedDict(W=torch.arange(3.0))}, path,
               _use_new_zipfile_serialization=zipped)  # fmt: skip
    held = load_inert(path)
    assert held["cfg"].name == "vit_prisma.sae.config.VisionModelSAERunnerConfig"
    assert dict(held["cfg"]) == {
        "d_in": 768, "lr": 1e-3, "device": "cuda", "dtype": "float32", "folder": "/a/b", "kwargs": {"k": 64},
        "sizes": (1, 2), "counts": {"a": 1}, "nested": {"seed": 3},
    }  # fmt: skip
    assert torch.equal(held["state_dict"]["W"], torch.arange(3.0))


def test_a_class_that_no_format_pickles_is_named(tmp_path, module_named):
    class Shown:
        pass

    module_named(Shown, "somebody.research.Config")
    path = tmp_path / "x.pt"
    torch.save({"cfg": Shown()}, path)
    assert "`somebody.research.Config`" in refusal(path)


def test_a_parameter_comes_as_a_tensor_without_gradient(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"W": torch.nn.Parameter(torch.ones(2, 3))}, path)
    held = load_inert(path)["W"]
    assert type(held) is torch.Tensor
    assert not held.requires_grad


def test_what_is_no_torch_file_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    assert "no such file" in refusal(path)
    assert "is a folder" in refusal(tmp_path)
    path.write_bytes(b"")
    assert "empty" in refusal(path)
    path.write_bytes(b"<html>not found</html>")
    assert "torch.save" in refusal(path)
    for protocol in (2, 4, 5):
        path.write_bytes(pickle.dumps({"cfg": {}}, protocol=protocol))
        assert "is a bare pickle" in refusal(path)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, kept, zipped):
    path = tmp_path / "x.pt"
    torch.save({"W": torch.randn(64, 64)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "fetch it again" in refusal(path)


def test_an_archive_that_unpacks_to_more_than_itself_is_refused(tmp_path):
    plain, bomb = tmp_path / "x.pt", tmp_path / "bomb.pt"
    torch.save({"W": torch.zeros(1024, 1024)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    assert bomb.stat().st_size < plain.stat().st_size / 10
    assert "which torch.save never writes" in refusal(bomb)


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"W": torch.zeros(1).expand(1 << 20, 1 << 20)}, path)
    assert "claims more values" in refusal(path)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_no_room_is_made_for_bytes_by_their_number(tmp_path, zipped):
    path = tmp_path / "x.pt"
    torch.save({"more": Hostile(bytearray, 1 << 40)}, path, _use_new_zipfile_serialization=zipped)
    assert "asks for `bytearray`" in refusal(path)


def test_an_object_that_holds_itself_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    ring = []
    ring.append(ring)
    torch.save(ring, path)
    assert "holds itself" in refusal(path)


def test_an_object_shared_a_million_times_is_read_once(tmp_path):
    path = tmp_path / "x.pt"
    laugh = ["ha"]
    for _ in range(60):
        laugh = [laugh, laugh]
    torch.save(laugh, path)
    assert load_inert(path)[0][1][0] is not None


def test_torch_trusts_no_more_names_after_a_file_than_before(tmp_path, module_named):
    before = set(torch.serialization.get_safe_globals())
    path, hostile = tmp_path / "x.pt", tmp_path / "hostile.pt"
    torch.save({"cfg": Namespace(a=1)}, path)
    torch.save(Hostile(os.system, "true"), hostile)
    load_inert(path)
    refusal(hostile)
    assert set(torch.serialization.get_safe_globals()) == before


def test_files_read_at_once_do_not_end_each_others_reading(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"cfg": Namespace(a=1)}, path)
    wrong = []

    def read():
        for _ in range(30):
            try:
                load_inert(path)
            except CheckpointRefused as refused:
                wrong.append(refused)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
