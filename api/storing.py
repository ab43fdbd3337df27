"""``osler keys``, ``audit``, ``backup``, ``restore``, ``forget``: work on what the service keeps, also while it runs.

Each notes in the audit log that it was done, but not what it printed.
"""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from api.terminal import write, write_fields
from rag.errors import InputError

if TYPE_CHECKING:
    from api.keeping.keeping import Keeping
    from api.keeping.keys import Key

_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns

# The values of api.keeping.keys.Scope, whose import costs the database's; a test compares them.
SCOPES = ("ask", "search", "review", "admin")
_ACTOR = "cli"
_AGE = re.compile(r"(\d{1,6})([dhw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def keys_create(arguments: Namespace) -> int:
    from api.keeping.words import now

    expires = now() + _age(arguments.expires) if arguments.expires else None
    with _opened(arguments) as keeping, keeping.at_once(lasting=True):
        key, whole = keeping.keys.create(arguments.name, arguments.scope, expires)
        keeping.audit.record(_ACTOR, "key.create", key.key_id, {"prefix": key.prefix})
    write(f"{whole}\n")
    write_fields([*_fields(key), ("note", "this is shown once; only its hash is kept")])
    return 0


def keys_list(arguments: Namespace) -> int:
    with _opened(arguments) as keeping:
        found = keeping.keys.list()
    for key in found:
        write("  ".join(value for _, value in _fields(key)) + "\n")
    if not found:
        write("no keys; `osler keys create NAME --scope ask` makes one\n")
    return 0


def keys_revoke(arguments: Namespace) -> int:
    with _opened(arguments) as keeping, keeping.at_once(lasting=True):
        key = keeping.keys.revoke(arguments.prefix)
        keeping.audit.record(_ACTOR, "key.revoke", key.key_id, {"prefix": key.prefix})
    write(f"key {key.prefix} ({key.name}): revoked\n")
    return 0


def _fields(key: Key) -> list[tuple[str, str]]:
    state = "revoked" if key.revoked else f"expires {_day(key.expires)}" if key.expires else "valid"
    used = f"last used {_day(key.last_used)}" if key.last_used else "never used"
    return [
        ("prefix", key.prefix),
        ("name", key.name),
        ("scopes", ",".join(sorted(key.scopes))),
        ("created", f"created {_day(key.created)}"),
        ("used", used),
        ("state", state),
    ]


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"


def audit_verify(arguments: Namespace) -> int:
    from api.keeping.audit import Anchor

    anchor = Anchor.parsed(arguments.anchor) if arguments.anchor else None
    with _opened(arguments) as keeping:
        broken, last = keeping.audit.verify(anchor), keeping.audit.anchor()
    if broken:
        write(f"entry {broken.sequence}: {broken.why}\n")
        return 1
    write(f"{last.sequence:,} entries, none changed, lost or moved\nanchor {last}\n")
    return 0


def backup(arguments: Namespace) -> int:
    from api.keeping.backup import said

    with _opened(arguments) as keeping:
        counts = keeping.back_up(arguments.file, force=arguments.force)
        keeping.audit.record(_ACTOR, "backup.write", "database")
    write(f"{arguments.file}: {said(counts)}\n")
    return 0


def restore(arguments: Namespace) -> int:
    from api.keeping.backup import said

    with _opened(arguments) as keeping:
        done = keeping.restore(arguments.file, force=arguments.force)
        keeping.audit.record(_ACTOR, "backup.restore", "database")
    write(f"{arguments.file}: restored {said(done.rows)}\n")
    if done.broken:
        write(f"audit log: entry {done.broken.sequence}: {done.broken.why}\n")
    return 1 if done.broken else 0


def forget(arguments: Namespace) -> int:
    with _opened(arguments) as keeping:
        if arguments.older_than:
            done = keeping.retention.forget(_age(arguments.older_than))
            what, detail = "forgotten", {name: count for name, count in done._asdict().items() if count}
        elif arguments.conversation:
            erased = keeping.retention.erase(arguments.conversation, even_reviewed=arguments.even_reviewed)
            detail = {"turns": erased.turns, "answers": erased.answers, "reviewed_kept": len(erased.reviewed)}
            what = f"conversation {arguments.conversation} erased"
        else:
            what, detail = "erased", {"answers": keeping.retention.erase_citing(arguments.source)}
        keeping.audit.record(_ACTOR, "retention.forget", "database", detail)
    said = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in detail.items())
    write(f"{what}: {said or 'nothing'}\n")
    return 0


@contextmanager
def _opened(arguments: Namespace) -> Iterator[Keeping]:
    from api.keeping.keeping import Keeping
    from api.settings import ServiceSettings
    from rag.settings import Settings

    database = ServiceSettings.from_environment(database=arguments.database).database
    index_dir = Settings.from_environment().index_dir
    with Keeping.open(database, index_dir=index_dir if index_dir.is_dir() else None) as keeping:
        yield keeping


def _age(given: str) -> timedelta:
    found = _AGE.fullmatch(given)
    if not found or not int(found[1]):
        raise InputError(f"age {given!r}: expected hours, days or weeks, such as 12h, 90d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def add_storing(commands: _Commands[argparse.ArgumentParser]) -> None:
    """Adds these commands to those of ``osler``."""
    _add_keys(commands)
    audit = commands.add_parser("audit", help="check the service's audit log", description="Work on the audit log.")
    verify = _command(_actions(audit), "verify", "audit_verify", "check that no entry was changed, lost or moved")
    verify.add_argument("--anchor", metavar="NUMBER:HASH", help="an entry as an earlier run has printed it")
    _add_files(commands)
    _add_forget(commands)


def _add_keys(commands: _Commands[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="make, list and revoke keys of the service", description="Work on keys.")
    actions = _actions(keys)
    create = _command(actions, "create", "keys_create", "make a key, which is printed once")
    create.add_argument("name", metavar="NAME", help="who it is for")
    scope = "what it may do; may be repeated"
    create.add_argument("--scope", action="append", required=True, choices=SCOPES, help=scope)
    create.add_argument(
        "--expires", metavar="AGE", help="in so many hours, days or weeks, such as 90d (default: never)"
    )
    _command(actions, "list", "keys_list", "list all keys, without their secrets")
    revoke = _command(actions, "revoke", "keys_revoke", "make a key worthless")
    revoke.add_argument("prefix", metavar="PREFIX", help="as printed by osler keys list")


def _add_files(commands: _Commands[argparse.ArgumentParser]) -> None:
    written = _command(commands, "backup", "backup", "write all that the service keeps into a file")
    written.add_argument("file", metavar="FILE", type=Path, help="file to write")
    written.add_argument("--force", action="store_true", help="write over a file that is there")
    read = _command(commands, "restore", "restore", "take in a file that osler backup has written")
    read.add_argument("file", metavar="FILE", type=Path, help="file to read")
    read.add_argument("--force", action="store_true", help="erase what the database holds first")


def _add_forget(commands: _Commands[argparse.ArgumentParser]) -> None:
    forget = _command(commands, "forget", "forget", "erase what the service keeps, by age, conversation or source")
    which = forget.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--older-than", metavar="AGE", help="not asked for in so long, such as 90d; reviewed answers stay"
    )
    which.add_argument("--conversation", metavar="ID", help="a conversation, with the answers that only it holds")
    which.add_argument("--source", metavar="KEY", help="all answers that cite a source, with their reviews")
    forget.add_argument("--even-reviewed", action="store_true", help="with --conversation: its reviewed answers, too")


def _actions(parent: argparse.ArgumentParser) -> _Commands[argparse.ArgumentParser]:
    return parent.add_subparsers(required=True, metavar="COMMAND", title="commands")


def _command(
    commands: _Commands[argparse.ArgumentParser], name: str, function: str, summary: str
) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    added.set_defaults(command=f"storing.{function}")
    where = "path of an SQLite file, or postgresql://user@host/name (default: OSLER_DATABASE)"
    added.add_argument("--database", metavar="URL", help=where)
    return added
