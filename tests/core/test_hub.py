"""Fetching by huggingface_hub from a server of ours: resumed, checked, named where it fails, and offline after."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import open_clip
import pytest
import torch
from hub_server import COMMIT, Hub, Serving
from huggingface_hub import constants
from safetensors.torch import save
from tiny import PRESETS, TINY

from core.fetching import fetch_preset, open_preset
from core.model import Clip
from core.preset_file import read_presets
from core.types import MissingArtefact

FETCH = """
import sys
from core import hub
wanted = hub.Wanted(sys.argv[1], tuple(tuple(one.split("|")) for one in sys.argv[3:]), sys.argv[2])
found = hub.fetch(wanted, lambda what, done, of: print(done, of, flush=True))
print("found", found.commit, *found.files, sep="\\n")
"""


def environment(home: Path, url: str, **more: str) -> dict[str, str]:
    return {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", **more}


def fetched(home: Path, url: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FETCH, *words],
        env=environment(home, url, **more),
        capture_output=True,
        text=True,
        check=False,
    )


def said(home: Path, url: str, *words: str, **more: str) -> str:
    done = fetched(home, url, *words, **more)
    assert done.returncode != 0, done.stdout
    last = done.stderr.strip().splitlines()[-1]
    kind, _, sentence = last.partition(": ")
    assert kind in ("core.types.TillerError", "core.hub.Unreached"), done.stderr[-2000:]
    return sentence


def content(length: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(length)


@pytest.fixture
def serve():
    running: list[Serving] = []

    def start(**options) -> Serving:
        running.append(Serving(Hub(**options)))
        return running[-1]

    yield start
    for one in running:
        one.shutdown()
        one.server_close()


def test_a_file_comes_whole_into_huggingfaces_own_cache_and_serves_without_a_network(tmp_path, serve):
    large, small = content(3_000_000), b'{"k": 64}'
    hub = serve(files={"some/where": {"config.json": small, "n_images_9.pt": b"x" * 10, "n_images_10.pt": large}})
    done = fetched(tmp_path, hub.url, "some/where", "main", "config.json", "weights.pt|n_images_*.pt")
    assert done.returncode == 0, done.stderr
    commit, one, two = done.stdout.partition("found\n")[2].split()
    assert commit == COMMIT
    assert (Path(one).read_bytes(), Path(two).read_bytes()) == (small, large)
    assert Path(two).name == "n_images_10.pt"  # the later of two by its number, not by its letters
    assert Path(two).resolve().name == hashlib.sha256(large).hexdigest()
    seen = len(hub.hub.asked)
    again = fetched(tmp_path, hub.url, "some/where", "main", "config.json", "n_images_*.pt", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert len(hub.hub.asked) == seen
    check = (
        "import sys; from huggingface_hub import hf_hub_download as get; "
        "print(get('some/where', 'n_images_10.pt', local_files_only=True))"
    )
    own = subprocess.run(
        [sys.executable, "-c", check], env=environment(tmp_path, hub.url), capture_output=True, text=True, check=True
    )
    assert own.stdout.strip() == two


def test_a_killed_fetch_goes_on_where_it_stopped(tmp_path, serve):
    data = content(60_000_000)
    hub = serve(files={"some/where": {"weights.pt": data}}, pause=0.02)
    words = [sys.executable, "-c", FETCH, "some/where", "main", "weights.pt"]
    with subprocess.Popen(words, env=environment(tmp_path, hub.url), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        done = 0
        while done < 20_000_000:
            done = int(first.stdout.readline().split()[0])
        first.send_signal(signal.SIGKILL)
    before = -1
    while before != hub.hub.served["weights.pt"]:  # what was on its way when it died is still counted
        before = hub.hub.served["weights.pt"]
        time.sleep(0.2)
    hub.hub.pause = 0.0
    assert not list(tmp_path.rglob("snapshots/*/weights.pt"))
    second = fetched(tmp_path, hub.url, "some/where", "main", "weights.pt")
    assert second.returncode == 0, second.stderr
    assert Path(second.stdout.split()[-1]).read_bytes() == data
    assert hub.hub.served["weights.pt"] - before <= len(data) - 20_000_000
    assert not list(tmp_path.rglob("*.part"))


def test_a_dropped_connection_is_taken_up_again(tmp_path, serve):
    data = content(30_000_000)
    hub = serve(files={"some/where": {"weights.pt": data}}, cut_after=15_000_000)
    done = fetched(tmp_path, hub.url, "some/where", "main", "weights.pt")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.split()[-1]).read_bytes() == data
    assert hub.hub.served["weights.pt"] < 1.6 * len(data)


@pytest.mark.parametrize("size", [100, 2_000_000])
def test_other_bytes_than_the_hub_states_never_enter_the_cache(tmp_path, serve, size):
    hub = serve(files={"some/where": {"weights.pt": content(size)}}, spoiled={"weights.pt"})
    assert "came with other bytes" in said(tmp_path, hub.url, "some/where", "main", "weights.pt")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == size]


def test_a_rotten_part_of_an_earlier_fetch_is_thrown_away(tmp_path, serve):
    data = content(2_000_000)
    hub = serve(files={"some/where": {"weights.pt": data}})
    blobs = tmp_path / "hub" / "models--some--where" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hashlib.sha256(data).hexdigest()}.part").write_bytes(bytes(1_000_000))
    done = fetched(tmp_path, hub.url, "some/where", "main", "weights.pt")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.split()[-1]).read_bytes() == data


def test_what_is_not_there_is_named(tmp_path, serve):
    hub = serve(files={"some/where": {"weights.pt": b"x"}})
    assert "has no repository some/else" in said(tmp_path, hub.url, "some/else", "main", "weights.pt")
    assert "has no revision v2" in said(tmp_path, hub.url, "some/where", "v2", "weights.pt")
    sentence = said(tmp_path, hub.url, "some/where", "main", "config.json", "ae.pt|sae.pt")
    assert "asked for config.json and ae.pt or sae.pt; it has weights.pt" in sentence


@pytest.mark.parametrize("more", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_network_one_sentence_says_what_to_put_where_and_then_it_serves(tmp_path, more):
    nowhere = "http://127.0.0.1:9"
    sentence = said(tmp_path, nowhere, "some/where", "main", "config.json", "ae.pt|sae.pt", **more)
    folder = tmp_path / "tiller" / "some--where"
    assert "config.json and ae.pt or sae.pt of some/where" in sentence
    assert str(folder) in sentence
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "sae.pt").write_bytes(b"x")
    done = fetched(tmp_path, nowhere, "some/where", "main", "config.json", "ae.pt|sae.pt", **more)
    assert done.stdout.split()[-2:] == [str(folder / "config.json"), str(folder / "sae.pt")]


OPEN = """
import sys, torch
from pathlib import Path
from core.model import Clip
from core.preset_file import read_presets
from core.fetching import fetch_preset, open_preset
preset = read_presets(Path(sys.argv[2]))["tiny"]
found = (fetch_preset if sys.argv[1] == "fetch" else open_preset)(preset)
model = Clip.load(preset.model, block=1, labels=["a", "b"])
print(model.digest, model.file_sha256, found.dictionaries["cls"], preset.published["cls"]["explained"]["value"])
"""


def test_a_preset_is_fetched_once_and_opens_offline_until_a_byte_changes(tmp_path, serve, monkeypatch):
    torch.manual_seed(0)
    weights = save(open_clip.CLIP(**TINY).state_dict())
    config = json.dumps({"model_cfg": TINY, "preprocess_cfg": {}}).encode()
    model = {
        "open_clip_config.json": config,
        "open_clip_model.safetensors": weights,
        "open_clip_pytorch_model.bin": b"",
    }
    sae = {"config.json": b"{}", "weights.pt": content(2000)}
    hub = serve(files={"some/model": model, "some/sae": sae})
    (tmp_path / "presets.yaml").write_text(PRESETS)
    home = tmp_path / "home"

    def run(way: str, **more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", OPEN, way, str(tmp_path / "presets.yaml")]
        done = subprocess.run(
            words, env=environment(home, hub.url, **more), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done

    online = run("fetch")
    asked = len(hub.hub.asked)
    offline = run("open", HF_HUB_OFFLINE="1")
    assert (offline.stdout, len(hub.hub.asked)) == (online.stdout, asked)
    _, file_sha256, place, value = offline.stdout.split()
    assert (file_sha256, value) == (hashlib.sha256(weights).hexdigest(), "0.97")
    folder = Path(place)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "weights.pt"]
    record = json.loads((home / "tiller" / "fetched" / "tiny.json").read_text())
    assert record["dictionaries"]["cls"]["commit"] == COMMIT

    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    preset = read_presets(tmp_path / "presets.yaml")["tiny"]
    (folder / "weights.pt").resolve().write_bytes(content(2000, seed=1))
    with pytest.raises(MissingArtefact, match=r"weights.pt is not the file that was fetched"):
        open_preset(preset)
    blob = next((home / "hub" / "models--some--model").rglob("*.safetensors")).resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x07")
    with pytest.raises(MissingArtefact, match="has changed since it was fetched"):
        Clip.load(preset.model, block=1, labels=["a", "b"])
    (home / "tiller" / "fetched" / "tiny.json").unlink()
    with pytest.raises(MissingArtefact, match="never fetched here; run `tiller fetch tiny`"):
        open_preset(preset)


def test_a_preset_without_a_network_is_one_reason_and_a_line_for_each_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "tiller"
    with pytest.raises(MissingArtefact) as refused:
        fetch_preset(read_presets()["clip-b32"])
    first, *lines = str(refused.value).splitlines()
    assert first == (
        "Preset clip-b32 is not whole: HF_HUB_OFFLINE forbids to ask the network; run this again where there is a "
        "network, or put these files there by hand:"
    )
    assert len(lines) == 3
    repo = "Prisma-Multimodal/sae-top_k-64-cls_only-layer_11-hook_resid_post"
    assert (
        lines[1] == f"  config.json and weights.pt or n_images_*.pt, of {repo}, into {folder / repo.replace('/', '--')}"
    )
    (folder / repo.replace("/", "--")).mkdir(parents=True)
    for name in ("config.json", "weights.pt"):
        (folder / repo.replace("/", "--") / name).write_text("{}")
    with pytest.raises(MissingArtefact) as refused:
        fetch_preset(read_presets()["clip-b32"])
    assert str(refused.value).splitlines() == [first, lines[0], lines[2]]


def test_what_no_repository_serves_says_where_it_is_had(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = tmp_path / "tiller" / "some--model"
    model.mkdir(parents=True)
    (model / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY, "preprocess_cfg": {}}))
    (model / "open_clip_model.safetensors").write_bytes(b"x")
    of_hub = PRESETS[PRESETS.index("      repo:") : PRESETS.index("      block:")]
    by_hand = PRESETS.replace(of_hub, "      by_hand: out.pt\n      from: its archive\n")
    (tmp_path / "presets.yaml").write_text(by_hand)
    with pytest.raises(MissingArtefact) as refused:
        fetch_preset(read_presets(tmp_path / "presets.yaml")["tiny"])
    assert str(refused.value) == (
        "Preset tiny is not whole: a part of it is served by no repository; put it there by hand:\n"
        f"  out.pt, from its archive, into {tmp_path / 'tiller' / 'tiny'}"
    )
