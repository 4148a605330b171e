"""Measures exports and verification at two sizes of log: time, peak memory, and a bare pandas dump of the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert
from test_bench_log import intervention

from study.database import connect
from study.drafts import draft, rows_of
from study.log import EventLog
from study.records import server_now
from study.schema import events, payloads
from study.session_events import SessionStarted

pytestmark = pytest.mark.bench
HOME = Path(__file__).parents[2]
SIZES = tuple(int(size) for size in os.environ.get("TILLER_BENCH_EVENTS", "10000,100000").split(","))
ACTS = 250  # of two rows each, in one session

# Each measurement in a process of its own, so that its peak memory is its own.
CHILD = """
import json, sys, time
from pathlib import Path
url, what, out = sys.argv[1:]
from study.database import connect
from study.exports import export_log
from study.log import EventLog
import pandas, sqlite3
log = EventLog(connect(url, make=False))
if what == "parquet":
    import study.exports.parquet
start = time.perf_counter()
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
seconds = time.perf_counter() - start
# not ru_maxrss, which a child inherits from the process that started it
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps([seconds, int(peak) / 1024]))
"""


def filled(path: Path, size: int) -> str:
    """A log of `size` rows, written by the log's own drafts and rows, with no flush between its sessions."""
    url = f"sqlite:///{path}"
    log = EventLog(connect(url))
    drafts = [tuple(map(draft, intervention(turn % 40))) for turn in range(ACTS)]

    def session(number: int, acts: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        start = SessionStarted(study="bench", study_version="1", script_sha256="5c", participant=f"P{number}")
        kept, texts, head = [], [], None
        for turn, drafted in enumerate([(draft(start),), *drafts[:acts]]):
            rows = rows_of(
                drafted, f"s{number:06d}", f"key {turn}", {"actor": "participant", "page": None}, server_now(), head
            )
            head = rows[-1]
            kept += rows
            texts += [
                {"event_id": row["event_id"], "salt": one.salt, "request_digest": "r", "json": one.payload}
                for row, one in zip(rows, drafted, strict=True)
            ]
        return kept, texts

    left, number = size, 0
    while left > 0:
        kept, texts = session(number, min(ACTS, max(0, (left - 1) // 2)))
        with log.writer._engine.begin() as connection:
            connection.execute(insert(events), kept)
            connection.execute(insert(payloads), texts)
        left -= len(kept)
        number += 1
    return url


def test_exports_stay_flat_in_memory(tmp_path: Path) -> None:
    print("\n| rows | what | seconds | peak MB | rows/s |\n|---|---|---|---|---|")
    for size in SIZES:
        url = filled(tmp_path / f"{size}.db", size)
        for what in ("pandas", "csv", "parquet", "jsonl", "qdpx", "verify", "open"):
            out = tmp_path / f"{size}-{what}"
            out.mkdir()
            words = [sys.executable, "-c", CHILD, url, what, str(out)]
            done = subprocess.run(words, cwd=HOME, capture_output=True, text=True, check=True)
            seconds, peak = json.loads(done.stdout)
            name = {"pandas": "bare pandas.read_sql + to_csv", "open": "read one session of 501 rows"}.get(what, what)
            print(f"| {size:,} | {name} | {seconds:.2f} | {peak:.0f} | {size / seconds:,.0f} |")
