"""``osler keys``, ``audit``, ``backup``, ``restore`` and ``forget``, on a store in SQLite."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from builders import make_answer

from api import cli, storing
from api.cli import main
from api.keeping.conversations import Turn
from api.keeping.keeping import Keeping
from api.keeping.keys import Scope
from rag.errors import NotFoundError


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store of the settings; there is no index beside it."""
    url = str(tmp_path / "store" / "osler.sqlite")
    monkeypatch.setenv("OSLER_DATABASE", url)
    monkeypatch.setenv("OSLER_INDEX_DIR", str(tmp_path / "no-index"))
    return url


def done(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    printed = capsys.readouterr()
    assert (printed.err == "") == (code != 2)
    return printed.out if code != 2 else printed.err


def test_scopes_are_those_of_the_store() -> None:
    assert set(Scope) == set(storing.SCOPES)


def test_every_command_has_its_function() -> None:
    for line in ("keys create n --scope ask", "keys list", "keys revoke p", "audit verify", "backup f", "restore f",
                 "forget --older-than 1d"):  # fmt: skip
        module, _, function = cli.parser().parse_args(line.split()).command.partition(".")
        assert callable(getattr(import_module(f"api.{module}"), function))


def test_a_key_is_made_listed_and_revoked(capsys: pytest.CaptureFixture[str], database: str) -> None:
    assert "no keys" in done(capsys, "keys", "list")
    out = done(capsys, "keys", "create", "Ward 3", "--scope", "ask", "--scope", "review", "--expires", "90d")
    whole, prefix = out.splitlines()[0], out.splitlines()[1].split()[-1]
    assert re.fullmatch(rf"osler_{prefix}_[\w-]{{32}}", whole)
    listed = done(capsys, "keys", "list")
    assert listed.startswith(f"{prefix}  Ward 3  ask,review  created ")
    assert whole.removeprefix(f"osler_{prefix}_") not in listed
    with Keeping.open(database) as keeping:
        assert keeping.keys.find(whole)
        assert done(capsys, "keys", "revoke", prefix) == f"key {prefix} (Ward 3): revoked\n"
        assert keeping.keys.find(whole) is None
        assert [e.action for e in keeping.audit.entries()] == ["key.create", "key.revoke"]
    assert done(capsys, "keys", "list").endswith("revoked\n")
    assert "there is none of this prefix" in done(capsys, "keys", "revoke", "nothing", code=2)


@pytest.mark.parametrize("age", ["90", "d", "-1d", "0d", "90y", "1e3d"])
def test_ages_are_hours_days_or_weeks(capsys: pytest.CaptureFixture[str], age: str) -> None:
    message = done(capsys, "forget", f"--older-than={age}", code=2)
    assert message.startswith(f"osler: age '{age}': expected hours, days or weeks, such as 12h")


def test_the_audit_log_is_verified(capsys: pytest.CaptureFixture[str], database: str) -> None:
    done(capsys, "keys", "create", "a", "--scope", "ask")
    out = done(capsys, "audit", "verify")
    assert out.startswith("1 entries, none changed, lost or moved\nanchor 1:")
    anchor = out.split()[-1]
    done(capsys, "keys", "create", "b", "--scope", "ask")
    assert done(capsys, "audit", "verify", "--anchor", anchor).startswith("2 entries")
    assert "entry 1: not the entry that was anchored" in done(
        capsys, "audit", "verify", "--anchor", "1:" + "0" * 64, code=1
    )
    assert "expected NUMBER:HASH" in done(capsys, "audit", "verify", "--anchor", "x", code=2)


def test_a_back_up_is_restored(capsys: pytest.CaptureFixture[str], database: str, tmp_path: Path) -> None:
    with Keeping.open(database) as keeping:
        kept = keeping.answers.add(make_answer())
    file, other = str(tmp_path / "backup"), str(tmp_path / "other.sqlite")
    assert done(capsys, "backup", file) == f"{file}: answers 1, audit head 1, askings 1, citations 3\n"
    assert "--force" in done(capsys, "backup", file, code=2)
    assert done(capsys, "restore", file, "--database", other).startswith(f"{file}: restored answers 1, ")
    with Keeping.open(other) as keeping:
        assert keeping.answers.get("a-1") == kept
    assert "holds answers" in done(capsys, "restore", file, code=2)
    done(capsys, "restore", file, "--force")
    assert "none changed" in done(capsys, "audit", "verify")


def test_what_is_kept_is_forgotten(capsys: pytest.CaptureFixture[str], database: str) -> None:
    with Keeping.open(database) as keeping:
        conversation_id = keeping.conversations.create().conversation_id
        keeping.answers.add(make_answer(), conversation_id=conversation_id)
        keeping.conversations.add_turn(conversation_id, Turn("q", "q", "a-1"))
        keeping.answers.add(make_answer(answer_id="a-2"), key_id="k")
        assert done(capsys, "forget", "--older-than", "1h") == "forgotten: nothing\n"
        out = done(capsys, "forget", "--conversation", conversation_id)
        assert out == f"conversation {conversation_id} erased: turns 1, answers 1, reviewed kept 0\n"
        with pytest.raises(NotFoundError):
            keeping.answers.get("a-1")
        assert done(capsys, "forget", "--source", "cuker2018") == "erased: answers 1\n"
        assert keeping.answers.count() == 0
        assert {e.action for e in keeping.audit.entries()} == {"retention.forget"}
    assert "not kept" in done(capsys, "forget", "--conversation", conversation_id, code=2)
    assert "expected" in done(capsys, "keys", "list", "--database", "mysql://h/d", code=2)
