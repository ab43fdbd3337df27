"""``osler verify``: whether evidence says what a statement says, with the reason where it does not.

Exit code 0 whatever the verdict, 2 when there is no statement or no evidence to judge.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from api.commands import pipeline_of
from api.terminal import write_fields, write_json
from rag.errors import InputError

if TYPE_CHECKING:
    from rag.answer.verify import Verification
    from rag.pipeline import Pipeline

_STANDARD_INPUT = "-"


class _Given(NamedTuple):
    """A text of evidence, and where it is from: a file's name, a passage's id, or "quote"."""

    origin: str
    text: str
    strength: str | None = None


def verify(arguments: Namespace) -> int:
    taken = [arguments.statement, *arguments.evidence].count(_STANDARD_INPUT)
    if taken > 1:
        raise InputError(f"standard input: asked for {taken} times; expected - once, and files for the rest")
    statement = _text(arguments.statement, "statement", is_file=False)
    given = [_Given("quote", _said(text, "quote")) for text in arguments.quote]
    given += [_Given(name, _text(name, "evidence", is_file=True)) for name in arguments.evidence]
    if not given and not arguments.passage:
        raise InputError("evidence: none was given; expected --quote TEXT, --evidence FILE or --passage PASSAGE_ID")
    pipeline = pipeline_of(arguments)
    from rag.language.sentences import sentences

    given += [_passage(pipeline, passage_id) for passage_id in arguments.passage]
    strength = next((g.strength for g in given if g.strength), None)
    found = pipeline.verifier.verify(statement, sentences([g.text for g in given]), strength=strength)
    if arguments.format == "json":
        write_json(json.dumps(_record(statement, given, found), indent=2, ensure_ascii=False))
    else:
        write_fields(_fields(given, found))
    return 0


def _passage(pipeline: Pipeline, passage_id: str) -> _Given:
    passage, _ = pipeline.passage(passage_id)
    return _Given(passage_id, passage.text, passage.strength)


def _text(given: str, role: str, *, is_file: bool) -> str:
    """Standard input for ``-``, else the file of that name or the words themselves."""
    if given == _STANDARD_INPUT:
        try:
            return _said(sys.stdin.read(), role)
        except UnicodeError:
            raise InputError(f"{role}: standard input is not UTF-8; expected text, give it in UTF-8") from None
    if not is_file:
        return _said(given, role)
    try:
        return _said(Path(given).read_text("utf-8"), f"{role} {given}")
    except OSError as error:
        raise InputError(f"{role} {given}: cannot be read ({error.strerror}); expected a text file") from None
    except UnicodeError:
        raise InputError(f"{role} {given}: not UTF-8; expected text, give it in UTF-8") from None


def _said(text: str, role: str) -> str:
    """``text``, which must have words and be Unicode."""
    try:
        text.encode()  # arguments that are not UTF-8 reach Python as lone surrogates
    except UnicodeError:
        raise InputError(f"{role}: not UTF-8; expected text, give it in UTF-8") from None
    if not text.strip():
        raise InputError(f"{role} {text!r}: empty; expected words")
    return text


def _fields(given: list[_Given], found: Verification) -> list[tuple[str, str]]:
    fields = [("verdict", found.verdict.value), ("probability", f"{found.probability:.3f}")]
    fields += [("reason", f"{reason.kind}: {reason.detail}") for reason in found.reasons]
    return [*fields, ("judged by", found.by), ("evidence", ", ".join(g.origin for g in given))]


def _record(statement: str, given: list[_Given], found: Verification) -> dict[str, Any]:
    return {
        "statement": statement,
        "verdict": found.verdict.value,
        "probability": round(found.probability, 4),
        "support": round(found.support, 4),
        "reasons": [reason._asdict() for reason in found.reasons],
        "judged_by": found.by,
        "evidence": [{"origin": g.origin, "text": g.text} for g in given],
    }
