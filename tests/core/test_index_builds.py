"""However often a build is cut off and however many processes share it, the index has the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from indexed import WORDS, build, draw_pictures, write_bundle
from tiny import TINY
from typer.testing import CliRunner

from core.indexing.build import build_index
from core.indexing.layout import IndexFile
from core.indexing.order import Order
from core.indexing.passing import Stopped
from core.indexing.shares import shared
from core.sae import Convention, Relu, TopK
from core.types import TillerError
from study.__main__ import app

BROKEN = (1, 30, 31)
COUNT = 240


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("images"), COUNT, broken=BROKEN)


@pytest.fixture(scope="module", params=["relu", "topk at the class token"])
def pair(request, make_clip, make_sae):
    if request.param == "relu":
        model = make_clip(block=-2)
        return model, make_sae(model, Convention(Relu()))
    model = make_clip(block=-1)
    return model, make_sae(model, Convention(TopK(6), tokens="cls"))


@pytest.fixture(scope="module")
def whole(pair, images, tmp_path_factory) -> bytes:
    return build(*pair, images, tmp_path_factory.mktemp("whole") / "x.index").path.read_bytes()


def order_of(images: Path, out: Path, **changed) -> Order:
    return Order(images=images, out=out, **{"vocabulary": WORDS, "batch": 8, "from_folders": True, **changed})


def lives(pair, order: Order, *, count: int = 1, seconds: float = 1e9) -> list[int]:
    """Start `count` processes that share a build, kill one of them after some seconds, and return how they ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(count):
        process = get_context("fork").Process(target=_life, args=(pair, order, rank, count, port))
        process.start()
        started.append(process)
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(each.is_alive() for each in started):
        time.sleep(0.002)
    victim = random.choice(started)
    if victim.is_alive():
        os.kill(victim.pid, signal.SIGKILL)
        time.sleep(0.05)
        for each in started:  # as torchrun does when one of its processes is lost
            if each.is_alive():
                os.kill(each.pid, signal.SIGKILL)
    for each in started:
        each.join()
    return [each.exitcode for each in started]


def _life(pair, order: Order, rank: int, count: int, port: int) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    with shared() as share:
        build_index(*pair, order, share=share, progress=lambda what, done, of: None)
    os._exit(0)


@pytest.mark.parametrize("count", [2, 4])
def test_several_processes_make_the_same_file_as_one(pair, images, whole, tmp_path, count):
    assert lives(pair, order_of(images, tmp_path / "x.index"), count=count) == [0] * count
    assert (tmp_path / "x.index").read_bytes() == whole
    assert not (tmp_path / "x.index.work").exists()


@pytest.mark.parametrize("count", [1, 2])
def test_a_build_that_is_killed_again_and_again_makes_the_same_file(pair, images, whole, tmp_path, count):
    order, draw, deaths = order_of(images, tmp_path / "x.index", every=0.0), random.Random(count), 0
    longest = 0.1
    while not order.out.exists():
        ended = lives(pair, order, count=count, seconds=draw.uniform(0.02, longest))
        deaths += any(ended)
        longest *= 1.05  # on a busy machine no life might be long enough to get anywhere
        assert deaths < 60
    assert deaths >= 3
    assert order.out.read_bytes() == whole


def test_a_build_that_is_stopped_goes_on_at_the_same_place(pair, images, whole, tmp_path):
    order, asked = order_of(images, tmp_path / "x.index"), []
    with pytest.raises(Stopped, match="Stopped after 24 of 240 images"):
        build_index(*pair, order, progress=lambda *_: None, stop=lambda: asked.append(1) or len(asked) == 3)
    seen = []
    build_index(*pair, order, progress=lambda what, done, of: seen.append((what, done)))
    assert seen[0] == ("reading images", 32)
    assert order.out.read_bytes() == whole


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"batch": 16}, "begun with --batch 8; this command says --batch 16. Give what it was begun with"),
        ({"vocabulary": ("x",)}, "begun with another vocabulary. Give"),
        ({"from_folders": False}, "begun with --labels-from-folders; this command says no --labels-from-folders"),
        ({"batch": 9, "vocabulary": ("x",)}, "begun with --batch 8 and another vocabulary; this .* says --batch 9"),
    ],
)
def test_another_order_on_the_same_folder_is_refused(pair, images, tmp_path, changed, named):
    stopped = order_of(images, tmp_path / "x.index")
    with pytest.raises(Stopped):
        build_index(*pair, stopped, progress=lambda *_: None, stop=lambda: True)
    with pytest.raises(TillerError, match=named):
        build_index(*pair, order_of(images, tmp_path / "x.index", **changed), progress=lambda *_: None)
    assert (tmp_path / "x.index.work" / "counted-0.safetensors").exists()


def test_pictures_that_changed_since_are_refused_by_name(pair, tmp_path):
    images = draw_pictures(tmp_path / "images", 20)
    order = order_of(images, tmp_path / "x.index")
    with pytest.raises(Stopped):
        build_index(*pair, order, progress=lambda *_: None, stop=lambda: True)
    gone = (images / "b" / "00003.png").read_bytes()
    (images / "b" / "00003.png").unlink()
    with pytest.raises(TillerError, match=r"20 then, 19 now; the first that differs is b/00003\.png"):
        build_index(*pair, order, progress=lambda *_: None)
    (images / "b" / "00003.png").write_bytes(gone + b"x")
    with pytest.raises(TillerError, match="20 then, 20 now; the same names, other sizes"):
        build_index(*pair, order, progress=lambda *_: None)
    (images / "b" / "00003.png").write_bytes(gone)
    draw_pictures(images, 21)
    with pytest.raises(TillerError, match=r"20 then, 21 now; the first that differs is a/00020\.png"):
        build_index(*pair, order, progress=lambda *_: None)


def test_a_build_that_is_stopped_after_the_pass_keeps_what_it_counted(pair, images, whole, tmp_path):
    order, seen = order_of(images, tmp_path / "x.index"), []
    with pytest.raises(Stopped, match="while comparing dictionary rows; what was counted of the pictures is kept"):
        build_index(
            *pair, order, progress=lambda what, *_: seen.append(what), stop=lambda: seen[-1] != "reading images"
        )
    del seen[:]
    build_index(*pair, order, progress=lambda what, *_: seen.append(what))
    assert "reading images" not in seen
    assert order.out.read_bytes() == whole


def test_two_commands_do_not_work_in_one_folder(pair, images, tmp_path):
    order = order_of(images, tmp_path / "x.index")
    refused = []

    def meanwhile(what: str, done: int, of: int) -> None:
        if not refused:
            with pytest.raises(TillerError, match="Another command is at work") as error:
                build_index(*pair, order, progress=lambda *_: None)
            refused.append(error)

    build_index(*pair, order, progress=meanwhile)
    with pytest.raises(TillerError, match=r"There is .*x\.index already"):
        build_index(*pair, order, progress=lambda *_: None)


def test_a_folder_without_a_readable_picture_is_refused(pair, tmp_path):
    with pytest.raises(TillerError, match="there is no such folder"):
        build(*pair, tmp_path / "none", tmp_path / "x.index")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TillerError, match="holds no picture"):
        build(*pair, tmp_path / "empty", tmp_path / "y.index")
    images = draw_pictures(tmp_path / "images", 3, broken=(0, 1, 2))
    with pytest.raises(TillerError, match=r"None of the 3 pictures .* can be read; the first: .*cut short"):
        build(*pair, images, tmp_path / "z.index")
    (tmp_path / "file").write_text("")
    with pytest.raises(TillerError, match="file is no folder"):
        build(*pair, images, tmp_path / "file" / "z.index")
    assert not list(tmp_path.glob("*.work"))


def test_only_a_work_folder_of_its_own_without_counts_is_taken_away(pair, images, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    order = order_of(images, tmp_path / "x.index")
    with pytest.raises(KeyboardInterrupt):
        build_index(*pair, order, progress=interrupted)
    assert not order.work.exists()
    with pytest.raises(Stopped):
        build_index(*pair, order, progress=lambda *_: None, stop=lambda: True)
    with pytest.raises(KeyboardInterrupt):
        build_index(*pair, order, progress=interrupted)
    assert (order.work / "counted-0.safetensors").exists()


def test_the_command_line_builds_and_says_what_it_built(
    images, tmp_path, make_network, make_clip, make_sae, monkeypatch
):
    network = make_network()
    model = make_clip(network, block=-2)
    bundle = write_bundle(tmp_path / "bundle", network, TINY, make_sae(model, Convention(TopK(6))))
    monkeypatch.setenv("TILLER_BUNDLE", str(bundle))
    monkeypatch.setattr("study.workshop.index.CACHE", tmp_path / "cache")
    words = tmp_path / "words.txt"
    words.write_text("cat\ndog\n")
    out = tmp_path / "x.index"
    order = ["index", "build", "--images", str(images), "--vocabulary", str(words), "--out", str(out), "--batch", "8"]
    told = CliRunner().invoke(app, [*order, "--threads", "1", "--labels-from-folders", "--json"])
    assert told.exit_code == 0, told.output
    assert f'"broken": {len(BROKEN)}' in told.stdout
    assert [one["file"] for one in json.loads(told.stdout)["broken_files"]] == [
        "a/00030.png",
        "b/00001.png",
        "b/00031.png",
    ]
    assert IndexFile(out).texts("words")[:] == ("a", "b", "cat", "dog")
    again = CliRunner().invoke(app, order)
    assert (again.exit_code, "already" in again.stderr) == (2, True)
    shown = CliRunner().invoke(app, ["index", "info", str(out), "--verify"])
    assert "237 read of 240, 3 broken" in shown.stdout
    assert "every byte is as it was written" in shown.stdout
    card = CliRunner().invoke(app, ["index", "info", str(out), "--component", "3", "--json"])
    assert '"runner_ups"' in card.stdout
    for query in (["--text", "cat"], ["--text", "two small cats"], ["--from", "apple", "--to", "boat"]):
        found = CliRunner().invoke(app, ["index", "search", str(out), *query, "--top", "5", "--json"])
        assert found.exit_code == 0, found.output
        assert found.stdout.count('"component"') == 5
    neither = CliRunner().invoke(app, ["index", "search", str(out), "--from", "apple"])
    assert (neither.exit_code, "--to CLASS was left out" in neither.stderr) == (2, True)


@pytest.mark.slow
def test_torchrun_makes_the_same_file_and_goes_on_after_a_kill(images, tmp_path, make_network, make_clip, make_sae):
    network = make_network()
    model = make_clip(network, block=-2)
    sae = make_sae(model, Convention(TopK(6)))
    bundle = write_bundle(tmp_path / "bundle", network, TINY, sae)
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    out = tmp_path / "x.index"
    order = ["index", "build", "--images", str(images), "--vocabulary", str(tmp_path / "words.txt"), "--out", str(out)]
    order += ["--batch", "8", "--threads", "1", "--every", "0"]
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    begin = {"args": [*start, "-m", "study", *order], "env": {**os.environ, "TILLER_BUNDLE": str(bundle)}}
    first = subprocess.Popen(**begin, stderr=subprocess.DEVNULL)
    kept = out.with_name("x.index.work") / "counted-1.safetensors"
    while not kept.exists():
        assert first.poll() is None
        time.sleep(0.005)
    workers = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    os.kill(int(workers[-1]), signal.SIGKILL)
    assert first.wait(timeout=60) != 0
    assert not out.exists()
    subprocess.run(**begin, check=True, capture_output=True)
    alone = build(model, sae, images, tmp_path / "y.index", from_folders=False)
    assert out.read_bytes() == alone.path.read_bytes()
