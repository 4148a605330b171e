"""A whole and consistent copy of the record, made while the app writes to it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from core.types import TillerError


def back_up(record: Path, out: Path) -> Path:
    """Copy the record to the new file `out`: one moment of it, compact, without the remains of what was erased.

    Raises:
        TillerError: `out` is there already or cannot be written, or the record is damaged; nothing is left of a copy.
    """
    if out.exists():
        raise TillerError(f"The copy was to be {out}, and that is there already; name a file that is not.")
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(f"{record.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(aside),))
        with closing(sqlite3.connect(aside)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check").fetchone()
            strays = copy.execute("PRAGMA foreign_key_check").fetchall()
        if said != "ok" or strays:
            raise sqlite3.DatabaseError(f"the copy is malformed: {said if said != 'ok' else strays[0]}")
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(out)
    except sqlite3.Error as error:
        raise TillerError(f"The record {record} could not be copied ({error}); ask `tiller verify`.") from error
    except OSError as error:
        raise TillerError(
            f"The copy was to be {out}, and that failed ({error.strerror}); name another file."
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink()
    return out
