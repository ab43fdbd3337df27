"""What Alembic runs for a migration: on the connection that it is given, within the caller's transaction."""

from __future__ import annotations

from alembic import context

from api.keeping.tables import metadata

# Alembic's own way to begin and end transactions is not used: SQLite can undo DDL, too, when a transaction is open.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
