"""The console script `tiller`: Ctrl-C is one sentence also in the second that the command line takes to be imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Import the command line and run it; status 130 where that was interrupted."""
    try:
        from study.__main__ import main as run  # noqa: PLC0415 - this is what may be interrupted
    except KeyboardInterrupt:
        sys.stderr.write("tiller: Stopped before it began.\n")
        sys.exit(130)
    run()
