"""The layout's versions: what each looked like, and the way from any of them to this one, by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from study.schema import VERSION, record

if TYPE_CHECKING:
    from alembic.config import Config

FIRST = "0001"
KEPT_IN = "alembic_version"  # the table by which a record says its version; those of the first have none

_NOW = {name: [column.name for column in table.columns] for name, table in record.tables.items()}
_RECRUITMENT = ("passphrases", "sign_ins", "moderators", "recruitment_links", "arrivals", "platform_ids")


def _without(*tables: str) -> dict[str, list[str]]:
    return {name: columns for name, columns in _NOW.items() if name not in tables}


# A version changes by addition alone, so that each is this one with something left out.
LAYOUTS: dict[str, dict[str, list[str]]] = {
    VERSION: _NOW,
    "0002": _without(*_RECRUITMENT),
    FIRST: _without(*_RECRUITMENT, "staff"),
}


def make_tables(connection: Connection) -> None:
    """Every table of this version at once, marked as being of it."""
    record.create_all(connection)
    connection.exec_driver_sql(f"CREATE TABLE {KEPT_IN} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO {KEPT_IN} VALUES ('{VERSION}')")


def bring_up(connection: Connection, *, untold: bool) -> None:
    """Run the migrations that a record lacks, in the transaction of `connection`: all of them or none.

    Args:
        connection: of a writer.
        untold: the record is of the first version, which did not say so.
    """
    from alembic import command  # noqa: PLC0415 - slow to import, and hardly ever wanted

    config = config_for(connection)
    if untold:
        command.stamp(config, FIRST)
    command.upgrade(config, "head")


def config_for(connection: Connection) -> Config:
    """What Alembic needs to work in the transaction of `connection`."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
