"""Measures exports and verification at several sizes of log, beside a bare pandas dump of the same rows.

The largest sizes are asked for: TILLER_BENCH_EVENTS=10000,100000,1000000 takes an hour and 12 GB of disk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from sessions import filled

pytestmark = pytest.mark.bench
HOME = Path(__file__).parents[2]
SIZES = tuple(int(size) for size in os.environ.get("TILLER_BENCH_EVENTS", "10000,100000").split(","))
TURNS = 3  # of what is set against each other, one after the other

# Each measurement in a process of its own, so that its peak memory is its own.
CHILD = """
import sys, time, json
from pathlib import Path
url, what, out = sys.argv[1:]
from study.database import connect
from study.exports import export_log
from study.log import EventLog
import pandas, sqlite3
log = EventLog(connect(url, make=False))
if what == "parquet":
    import study.exports.parquet
start, begun = time.perf_counter(), time.process_time()
if what == "verify":
    assert all(log.verify(session).whole for session in log.sessions())
elif what == "pandas":
    query = "select e.*, p.json from events e join payloads p on p.event_id = e.event_id order by e.session_id, e.seq"
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        pandas.read_sql(query, connection).to_csv(Path(out) / "bare.csv", index=False)
elif what == "open":
    session = log.sessions()[0]
    assert log.read(session)
else:
    export_log(log, Path(out), what)
seconds, spent = time.perf_counter() - start, time.process_time() - begun
# not ru_maxrss, which a child inherits from the process that started it
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps([seconds, spent, int(peak) / 1024]))
"""
NAMES = {"pandas": "bare pandas.read_sql + to_csv", "open": "read one session of about 500 rows"}


def measured(url: str, what: str, out: Path) -> tuple[float, float, float]:
    """Seconds on the clock, seconds of the processor, and the peak of memory in MB."""
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, url, what, str(out)], cwd=HOME, capture_output=True, text=True, check=True
    )
    shutil.rmtree(out)
    seconds, spent, peak = json.loads(done.stdout)
    return seconds, spent, peak


def test_exports_stay_flat_in_memory(tmp_path: Path) -> None:
    print("\n| rows | what | seconds | of the processor | peak MB | rows/s |\n|---|---|---|---|---|---|")
    for size in SIZES:
        url = filled(tmp_path / f"{size}.db", size)
        # three turns where they are short; once where one alone takes minutes
        both = [
            [measured(url, what, tmp_path / what) for what in ("pandas", "csv")]
            for _ in range(TURNS if size < 1e6 else 1)
        ]
        rows = {
            what: sorted(turn[place] for turn in both)[len(both) // 2] for place, what in enumerate(("pandas", "csv"))
        }
        rows |= {what: measured(url, what, tmp_path / what) for what in ("parquet", "jsonl", "qdpx", "verify", "open")}
        for what, (seconds, spent, peak) in rows.items():
            rate = f"{size / seconds:,.0f}"
            print(f"| {size:,} | {NAMES.get(what, what)} | {seconds:.2f} | {spent:.2f} | {peak:.0f} | {rate} |")
        clock, spent = (median(csv[which] / bare[which] for bare, csv in both) for which in (0, 1))
        print(f"| {size:,} | CSV over pandas, median of {len(both)} | {clock:.2f}x | {spent:.2f}x | | |")
