"""Those who read the record at the same time: as many connections as there are of them, kept and not opened anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sqlalchemy import event

from study.database import connect
from study.log import EventLog

READERS, TIMES = 16, 5


def test_readers_at_once_open_the_file_once_each(tmp_path: Path) -> None:
    log = EventLog(connect(f"sqlite:///{tmp_path / 'log.db'}"))
    opened: list[object] = []
    event.listen(log.engine, "connect", lambda connection, _: opened.append(connection))
    all_at_once = Barrier(READERS)

    def read() -> None:
        for _ in range(TIMES):
            with log.connected():
                all_at_once.wait(30)
            all_at_once.wait(30)

    with ThreadPoolExecutor(READERS) as readers:
        for done in [readers.submit(read) for _ in range(READERS)]:
            done.result()
    assert len(opened) <= READERS
