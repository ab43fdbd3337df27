"""Bringing a database to the tables of this version, by Alembic's migrations in the package.

Several workers may open a new database at the same time: one of them makes it, the others wait and find it made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from api.keeping.database import Database
from api.keeping.tables import REVISION
from rag.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_TABLE = "alembic_version"
# Any number, the same for all who upgrade this kind of database.
_LOCK = 0x05_1E_12


def upgrade(database: Database) -> None:
    """Makes the tables where there are none, and changes those of an older version.

    Raises:
        StoreError: the database is of a newer version.
    """
    with database.reading() as db:
        if revision(db) == REVISION:
            return  # without Alembic, whose import takes longer than all else here
    with database.writing(lasting=True) as db:
        if not database.is_sqlite:
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if revision(db) != REVISION:
            _run(db, REVISION)


def check(database: Database) -> None:
    """Raises ``StoreError`` unless the tables are those of this version."""
    with database.reading() as db:
        found = revision(db)
    if found != REVISION:
        raise StoreError(
            f"database {database.name}: its tables are of version {found or 'none'}, expected {REVISION}; open it once "
            "with the service of this version, which upgrades it"
        )


def downgrade(db: Connection, to: str) -> None:
    """Takes migrations back, within the caller's transaction; ``base`` drops all tables with what they hold."""
    from alembic import command

    command.downgrade(_config(db), to)


def revision(db: Connection) -> str | None:
    """The version of a database's tables; None for one that has none."""
    if not inspect(db).has_table(_TABLE):
        return None
    return db.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608


def _run(db: Connection, to: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    found = revision(db)
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"database: its tables are of version {found}, which this version does not know; expected {REVISION} or "
            "older: run the newer version of Osler"
        )
    command.upgrade(_config(db), to)


def _config(db: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    return config
