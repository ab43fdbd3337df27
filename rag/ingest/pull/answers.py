"""What NCBI's E-utilities answer: an answer, or one of the many ways in which it says that it is none."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from rag.errors import PullError
from rag.ingest.pull.records import Element, parse

_IS_GONE = re.compile(r"unable to obtain query|cannot retrieve history|webenv|query_key", re.IGNORECASE)
_IS_EMPTY = re.compile(r"empty result|id list is empty|empty id list", re.IGNORECASE)
_IS_KEY = re.compile(r"api.?key", re.IGNORECASE)


class Session(NamedTuple):
    """The place of a search's result on NCBI's history server, which forgets it after some hours."""

    web_env: str
    query_key: str


class Found(NamedTuple):
    """A search's result. ``ids`` are the first of ``total``; ``warnings`` are what NCBI ignored or did not find."""

    total: int
    ids: tuple[str, ...]
    session: Session
    translation: str
    warnings: tuple[str, ...]


class Answer(NamedTuple):
    """Records as they came, and parsed. ``content`` is empty and ``root`` without children when there were none."""

    content: bytes
    root: Element


class FaultyError(PullError):
    """An answer for which it is worth to ask again, after ``wait_s`` at least."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class RefusedError(PullError):
    """An answer that will be the same however often one asks."""


class GoneError(FaultyError):
    """The history server does not know the session, of which one more attempt makes no more."""


def judged(status: int, content: bytes, expected: str) -> Answer:
    """The answer, when it is one: NCBI says many of its errors in the body, some of them with status 200.

    Raises:
        FaultyError: another attempt may help.
        GoneError: the history server has forgotten the search.
        RefusedError: no other attempt will help.
    """
    root, said = _read(status, content)
    if not said and status == 200 and root is not None and root.tag == expected and _is_counted(root):
        return Answer(content, root)
    if _IS_EMPTY.search(said):
        return Answer(b"", parse(f"<{expected}/>".encode()))
    if _IS_GONE.search(said):
        raise GoneError(said)
    if _IS_KEY.search(said) and "rate limit" not in said.lower():
        raise RefusedError(f"{said}; expected a key of an NCBI account; correct OSLER_NCBI_API_KEY or leave it out")
    if said:
        raise FaultyError(said)
    if status != 200:
        raise RefusedError(f"HTTP {status}; expected an answer; check the query and OSLER_EUTILS_URL")
    raise FaultyError(f"answered with a page of another kind; expected <{expected}>")


def _read(status: int, content: bytes) -> tuple[Element | None, str]:
    """The root of the XML, if it is that, and the error in its words, if it is one."""
    if content.lstrip().startswith(b"{"):
        try:
            return None, str(json.loads(content)["error"])  # and no more: it repeats the key beside it
        except (ValueError, KeyError):
            return None, "an error in JSON"
    try:
        root = parse(content)
    except ValueError:
        if status != 200:
            return None, ""
        raise FaultyError("the answer broke off, or is no XML") from None
    return root, " ".join(error.text or "no reason given" for error in root.iter("ERROR"))


def _is_counted(root: Element) -> bool:
    return root.tag != "eSearchResult" or (root.findtext("Count") or "").isdecimal()


def found(root: Element, limit: int) -> Found:
    """Of an answer that was ``judged``, with ``limit`` ids at most."""
    count, web_env, query_key = (root.findtext(name) or "" for name in ("Count", "WebEnv", "QueryKey"))
    said = [f"{item.tag}: {item.text}" for item in root.iterfind("ErrorList/*") if item.text]
    said += [f"{item.tag}: {item.text}" for item in root.iterfind("WarningList/*") if item.text]
    ids = tuple(text for item in root.iterfind("IdList/Id") if (text := (item.text or "").strip()).isdecimal())[:limit]
    return Found(int(count), ids, Session(web_env, query_key), root.findtext("QueryTranslation") or "", tuple(said))
