"""Migrations make the tables that the code works with, on each database, once, whoever comes first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from builders import make_answer
from sqlalchemy import inspect, text

from api.keeping import tables
from api.keeping.conversations import Turn
from api.keeping.database import Database, database_url
from api.keeping.keeping import Keeping
from api.keeping.upgrading import MIGRATIONS, check, downgrade, revision, upgrade
from rag.errors import InputError, StoreError


@pytest.fixture(params=["sqlite", "empty_postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return str(tmp_path / "new" / "osler.sqlite")
    address: str = request.getfixturevalue("empty_postgresql")
    return address


def test_the_tables_of_the_code_are_those_of_the_migrations(empty: str) -> None:
    database = Database(database_url(empty))
    upgrade(database)
    with database.reading() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
    database.close()


def test_the_code_names_the_last_migration() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_heads() == [tables.REVISION]
    assert [s.revision for s in scripts.walk_revisions()][-1] == "0001"


def test_a_migration_is_taken_back_whole(empty: str) -> None:
    database = Database(database_url(empty))
    upgrade(database)
    with database.writing() as db:
        downgrade(db, "base")
    with database.reading() as db:
        assert set(inspect(db).get_table_names()) == {"alembic_version"}
        assert revision(db) is None
    upgrade(database)
    check(database)
    database.close()


def test_what_was_kept_before_there_were_titles_has_none(empty: str) -> None:
    with Keeping.open(empty) as keeping:
        keeping.answers.add(make_answer())
        conversation_id = keeping.conversations.create("k").conversation_id
        keeping.conversations.add_turn(conversation_id, Turn("q", "q", "a-1"))
        keeping.conversations.rename(conversation_id, "title")
        before = keeping.conversations.get(conversation_id)
        with keeping.database.writing() as db:
            downgrade(db, "0001")
            assert "title" not in {c["name"] for c in inspect(db).get_columns("conversations")}
    with Keeping.open(empty) as keeping:
        assert keeping.conversations.get(conversation_id) == before._replace(title=None)
        keeping.conversations.rename(conversation_id, "title")
        assert keeping.conversations.get(conversation_id) == before


def test_several_workers_may_open_a_new_database_at_once(empty: str) -> None:
    found, barrier = list[object](), threading.Barrier(4)

    def open_() -> None:
        barrier.wait()
        try:
            with Keeping.open(empty) as keeping:
                found.append(keeping.answers.count())
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=open_) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * 4


def test_a_database_without_tables_may_be_refused(empty: str) -> None:
    with pytest.raises(StoreError, match=f"of version none, expected {tables.REVISION}; open it once"):
        Keeping.open(empty, upgrades=False)


def test_a_database_of_a_newer_version_is_refused(empty: str) -> None:
    Keeping.open(empty).close()
    database = Database(database_url(empty))
    with database.writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for upgrades in (True, False):
        with pytest.raises(StoreError, match="of version 9999"):
            Keeping.open(empty, upgrades=upgrades)
    database.close()


def test_a_migration_that_is_interrupted_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(database_url(empty))

    def fail() -> None:
        with database.writing() as db:
            from api.keeping.upgrading import _run

            _run(db, tables.REVISION)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with database.reading() as db:
        assert inspect(db).get_table_names() == []
    upgrade(database)
    database.close()


def test_a_store_is_opened_again_with_what_it_held(empty: str) -> None:
    with Keeping.open(empty) as keeping:
        kept = keeping.answers.add(make_answer())
    with Keeping.open(empty, upgrades=False) as keeping:
        assert keeping.answers.get("a-1") == kept


def test_an_sqlite_file_is_only_its_owners(tmp_path: Path) -> None:
    Keeping.open(str(tmp_path / "data" / "osler.sqlite")).close()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "osler.sqlite").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "url", ["", "sqlite://", ":memory:", "sqlite:///:memory:", "mysql://h/d", "oracle://u:secret@h/d", "://", "x://["]
)
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="expected the path of an SQLite file or postgresql://") as refused:
        Keeping.open(url)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "osler.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError, match="file is not a database; restore a backup"):
        Keeping.open(str(path))
    with pytest.raises(StoreError, match="cannot be opened"):
        Keeping.open(str(tmp_path))
    with pytest.raises(StoreError, match="cannot be opened"):
        Keeping.open(str(path / "below"))


@pytest.mark.parametrize("given", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg2://u@h/d"])
def test_a_postgresql_address_is_that_of_psycopg(given: str) -> None:
    assert database_url(given).drivername == "postgresql+psycopg"


def test_names_for_messages_hold_no_password() -> None:
    database = Database(database_url("postgresql://u:secret@h/d"))
    assert database.name == "postgresql+psycopg://u:***@h/d"
    database.close()
