"""What is checked of words before they are kept, and ids."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from rag.errors import InputError

#: Gives the present moment, with its time zone.
Clock = Callable[[], datetime]
MAX_NAME_CHARS = 200
MAX_TEXT_CHARS = 10_000
_CODE = re.compile(r"[A-Za-z0-9_.:/@+-]{1,200}")


def now() -> datetime:
    return datetime.now(UTC)


def new_id(kind: str) -> str:
    """A random id of 80 bits that begins with its kind's letter."""
    return kind + secrets.token_hex(10)


def checked(what: str, given: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Text that can be kept, without white space around it.

    Raises:
        InputError: it is empty, too long, or holds a character that a database cannot keep.
    """
    found = given.strip()
    if not found or len(found) > max_chars:
        raise InputError(f"{what} of {len(found)} characters: expected 1 to {max_chars}")
    if "\0" in found or any("\ud800" <= c <= "\udfff" for c in found):
        raise InputError(f"{what}: holds a character that is none; expected text in Unicode without NUL")
    return found


def maybe(what: str, given: str | None) -> str | None:
    return None if given is None or not given.strip() else checked(what, given)


def code(what: str, given: str) -> str:
    """A word of a machine, such as an id: never what a person has written. Raises ``InputError`` for anything else."""
    if not _CODE.fullmatch(given):
        raise InputError(f"{what} {given[:40]!r}: expected an id or a code, without spaces")
    return given


def storable(text: str) -> str:
    """Text for a list to be read by people: what a database cannot keep is shown as replaced."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
