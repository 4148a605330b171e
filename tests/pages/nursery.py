"""Servers that begin where their imports end: forks of a process that holds what the pages stand on, and no page.

Most of a server's start are torch, open_clip, Streamlit and our `core` and `study` being imported, the same in every
one. A fork of a process that has computed nothing finds what a new process would, for neither of ours asks where it is
imported or knows Streamlit; the rest of the start is the app's own, which mounts its pages in the server that it finds.
What is told of a server's first breath (`sitecustomize`, two machines, the command that users type) starts by the
command itself.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process that forks; `with` starts it and ends it."""

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, arguments: list[str], *, cwd: Path, env: dict[str, str], output: Path) -> Fork:
        """A fork that runs Streamlit's command line with these arguments."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"arguments": arguments, "cwd": str(cwd), "env": env, "output": str(output)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Fork(int(self._process.stdout.readline()))


@dataclass(frozen=True)
class Fork:
    """A server that was forked, as far as a `Popen` is asked for."""

    pid: int

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> None:
        """Until it is gone: its parent buries it at once."""
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.005)


def fork_as_told() -> None:
    """A child for each line that comes in, its number for a line that goes out."""
    sys.path[0] = str(ROOT)
    import pandas  # noqa: F401
    import plotly.graph_objects  # noqa: F401
    import psycopg  # noqa: F401
    import pyarrow  # noqa: F401
    import pydantic  # noqa: F401
    import scipy.stats  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401
    import streamlit.web.bootstrap
    import streamlit.web.cli  # noqa: F401
    import torch  # noqa: F401
    import uvicorn  # noqa: F401

    import core.bundle
    import core.ripple  # noqa: F401
    import study.acts
    import study.claims
    import study.database
    import study.exports
    import study.lock
    import study.log
    import study.replay
    import study.scripts
    import study.settings  # noqa: F401

    assert threading.active_count() == 1, "a fork has the one thread that forks"
    gc.collect()
    gc.freeze()  # a child goes through what it has made itself, and copies nothing of what all of them hold
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are buried by the system
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            become(asked)
        print(child, flush=True)


def become(asked: dict[str, Any]) -> None:
    """This process, as if the command had been typed."""
    from streamlit.web.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(asked["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, place)
    faulthandler.register(signal.SIGUSR1)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]
    sys.argv = ["streamlit", *asked["arguments"]]
    main()


if __name__ == "__main__":
    fork_as_told()
