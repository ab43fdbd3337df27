"""What a model is told: rules, from files of ours, and the question, outline and evidence of an article, as data."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rag.domain import Answer, Reference, Statement
from rag.writing.lines import Line
from rag.writing.model import Message

#: Files of words; with other words they get another number in their name.
WORDING, REPAIR = "wording-1", "repair-1"
_FOLDER = Path(__file__).parent / "prompts"
_BOTTOM_LINE = "Bottom line"
#: Words that speak to a machine instead of a clinician: such evidence is shown as it is, and given to no model.
_TO_MACHINES = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|previous|above|prior)\b"
    r"|\b(?:system|developer) (?:prompt|message)\b"
    r"|\byou are (?:now )?(?:an? )?(?:\w+ )?(?:AI|assistant|chatbot|model)\b"
    r"|\b(?:as an? )?(?:AI|language) (?:assistant|model)s?\b.{0,40}\b(?:must|should|say|write|answer|respond|reply)\b"
    r"|<\|?(?:im_start|im_end|system|assistant|user|endoftext)\b",
    re.IGNORECASE | re.DOTALL,
)


class Item(NamedTuple):
    """Numbered evidence: a statement of the article in its sources' words, and where it stands."""

    number: int
    section: int
    statement: Statement
    sources: tuple[Reference, ...] = ()

    @property
    def quotes(self) -> tuple[str, ...]:
        """Its exact quotes, each once."""
        return tuple(dict.fromkeys(e.quote for e in self.statement.evidence))


class Brief(NamedTuple):
    """An article as a model is given it: ``sections`` are headings, that of the bottom line first."""

    question: str
    audience: str
    sections: tuple[str, ...]
    items: tuple[Item, ...]

    @classmethod
    def of(cls, answer: Answer) -> Brief:
        """Of an article in the words of its sources. Corrections of the question stay in them, and what speaks to
        machines."""
        places = [answer.bottom_line, *(s.statements for s in answer.sections)]
        found = [(n, s) for n, statements in enumerate(places) for s in statements if _is_given(s)]
        return cls(
            question=answer.question,
            audience=answer.audience.value,
            sections=(_BOTTOM_LINE, *(s.heading for s in answer.sections)),
            items=tuple(Item(i, n, s, _cited(s, answer.references)) for i, (n, s) in enumerate(found, 1)),
        )

    def messages(self) -> list[Message]:
        return [Message("system", told(WORDING)), Message("user", self._data())]

    def repair(self, refused: Sequence[tuple[int, Line, str]]) -> list[Message]:
        """Asks for other words for refused statements, each with its number and why."""
        lines = [{"repairs": n, "section": x.section, "evidence": x.evidence, "text": x.text, "refused": why}
                 for n, x, why in refused]  # fmt: skip
        asked = f"{told(REPAIR)}\n\n{tagged('refused', lines)}"
        return [*self.messages(), Message("user", asked)]

    def _data(self) -> str:
        asked = {"question": self.question, "audience": self.audience}
        sections = [{"section": n, "heading": heading} for n, heading in enumerate(self.sections)]
        parts = (
            tagged("question", [asked]),
            tagged("sections", sections),
            tagged("evidence", map(self._item, self.items)),
        )
        return "\n".join(parts)

    def _item(self, item: Item) -> dict[str, Any]:
        statement = item.statement
        return {
            "evidence": item.number,
            "section": item.section,
            "quotes": item.quotes,
            "sources": [_source(r) for r in item.sources],
            "strength": statement.strength,
            "certainty": statement.certainty,
        }


@cache
def told(name: str) -> str:
    """The words of a prompt."""
    return (_FOLDER / f"{name}.md").read_text("utf-8").strip()


@cache
def named(*names: str) -> str:
    """The names of prompts, those of wording unless given, and a digest of their words."""
    names = names or (WORDING, REPAIR)
    digest = hashlib.sha256("\0".join(map(told, names)).encode()).hexdigest()[:12]
    return f"{'+'.join(names)}@{digest}"


def _is_given(statement: Statement) -> bool:
    quotes = (unicodedata.normalize("NFKC", _visible(e.quote)) for e in statement.evidence)
    return not statement.correction_of and not any(map(_TO_MACHINES.search, quotes))


def _cited(statement: Statement, references: Sequence[Reference]) -> tuple[Reference, ...]:
    return tuple(r for r in references if r.number in statement.citations)


def _source(reference: Reference) -> dict[str, Any]:
    return {
        "title": reference.title,
        "year": reference.year,
        "body": reference.issuing_body,
        "jurisdiction": reference.jurisdiction,
        "kind": reference.evidence_type.value,
    }


def tagged(tag: str, records: Iterable[dict[str, Any]]) -> str:
    """Records as lines of JSON between tags, which none of them can close."""
    lines = "\n".join(_escaped(json.dumps(r, ensure_ascii=False, separators=(",", ":"))) for r in records)
    return f"<{tag}>\n{lines}\n</{tag}>"


def _escaped(text: str) -> str:
    return _visible(text).replace("<", "\\u003c").replace(">", "\\u003e")


def _visible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cn", "Cs"))
