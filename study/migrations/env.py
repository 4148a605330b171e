"""Where Alembic begins: it works in the transaction that the record's own code has opened, and in no other."""

from __future__ import annotations

from alembic import context

from study.schema import record

context.configure(connection=context.config.attributes["connection"], target_metadata=record)
context.run_migrations()
