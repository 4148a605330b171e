"""What a member of staff is called in the records of sessions: M1, M2, ...; never by their own name."""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, insert, select

from study.database import take_turn
from study.log import EventLog
from study.schema import moderators


def called(log: EventLog, name: str) -> str | None:
    """What somebody is called in the record, None where they were never at a console."""
    with log.connected() as connection:
        number = connection.execute(_number(name)).scalar()
    return None if number is None else f"M{number}"


def call(log: EventLog, name: str) -> str:
    """The same, a new one for whoever has none yet."""
    stands = called(log, name)
    if stands is not None:
        return stands

    def work(connection: Connection) -> str:
        take_turn(connection, "moderators")
        number = connection.execute(_number(name)).scalar()
        if number is None:
            number = (connection.execute(select(func.max(moderators.c.number))).scalar() or 0) + 1
            connection.execute(insert(moderators).values(name=name, number=number))
        return f"M{number}"

    return log.writer.write(work)


def _number(name: str) -> Select[tuple[int]]:
    return select(moderators.c.number).where(moderators.c.name == name)
