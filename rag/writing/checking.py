"""What a model wrote, held against the evidence that it cites: accepted with the evidence it needs, or refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rag.answer.condensing import Reason
from rag.answer.verify import Verification, Verifier, bare
from rag.domain import Verdict
from rag.language.sentences import sentence_spans
from rag.writing.lines import Line
from rag.writing.prompting import Item

_MARKED = re.compile(r"\[(\d[\d,;\s–-]*)\]")
#: What is markup to one renderer or another. Signs of comparison stand before a number.
_MARKUP = re.compile(
    r"[`*_#|\\^{}\[\]]|~~|<(?!\s?=?\s?\d)|(?<![\s(\w])>|>(?!\s?=?\s?\d)|://|\bwww\.|\bjavascript:|&#?\w+;", re.I
)
#: Why a statement is refused, in a reader's words.
WHY = {
    "evidence": "it cited no evidence that it was given",
    "section": "it was written for a section that the article does not have",
    "markup": "it held markup, a link, or letters of another script",
    "number": "a number in it is not that of its source",
    "unit": "a unit in it is not that of its source",
    "comparator": "a limit in it is not that of its source",
    "negation": "it said the opposite of its source",
    "exception": "it left out or changed an exception",
    "modality": "it was firmer or weaker than its source",
    "drug": "it named a drug that its source does not",
    "population": "it was about other patients than its source",
    "strength": "it gave a strength that its source does not",
    "order": "it turned a comparison round",
}
_UNSUPPORTED = "its source does not say it"


class Accepted(NamedTuple):
    """A statement that its evidence supports; ``items`` are those of the cited that it needs."""

    line: Line
    items: tuple[Item, ...]
    verification: Verification


class Refused(NamedTuple):
    line: Line
    reason: Reason

    @property
    def why(self) -> str:
        """For a reader, without a word of what was written."""
        return WHY.get(self.reason.kind, _UNSUPPORTED)

    @property
    def told(self) -> str:
        """For the model."""
        return f"{self.why} ({self.reason.kind}: {self.reason.detail})"


class Checker:
    """Checks the statements of one article."""

    def __init__(self, verifier: Verifier, items: Sequence[Item], sections: int) -> None:
        self._verifier = verifier
        self._items: Mapping[int, Item] = {item.number: item for item in items}
        self._sections = sections

    def checked(self, line: Line) -> Accepted | Refused:
        """Numbers of references in its text are taken out: what it cites is said beside it."""
        fault = self._form_fault(line)
        if fault:
            return Refused(line, fault)
        line = line._replace(text=" ".join(bare(line.text).split()))
        cited = tuple(self._items[n] for n in line.evidence)
        fault = _foreign(line.text, " ".join(q for item in cited for q in item.quotes))
        if fault:
            return Refused(line, fault)
        found = self._verified(line.text, cited)
        if found.verdict is not Verdict.SUPPORTED:
            reason = found.reasons[0] if found.reasons else Reason("coverage", "not all of it is in the quotes")
            return Refused(line, reason)
        needed = self._needed(line.text, cited)
        return Accepted(line, needed, found if needed == cited else self._verified(line.text, needed))

    def _form_fault(self, line: Line) -> Reason | None:
        if line.section >= self._sections:
            return Reason("section", f"there is no section {line.section}")
        marked = {int(n) for marks in _MARKED.findall(line.text) for n in re.findall(r"\d+", marks)}
        unknown = sorted({*line.evidence, *marked} - self._items.keys())
        if unknown or not line.evidence:
            return Reason("evidence", f"{unknown} was not given" if unknown else "none was cited")
        return None if bare(line.text).strip() else Reason("empty", "no words")

    def _verified(self, text: str, cited: Sequence[Item]) -> Verification:
        """The worst of the verdicts on its sentences: all that is shown must be supported."""
        quotes = [q for item in cited for q in item.quotes]
        strengths = {item.statement.strength for item in cited}
        strength = strengths.pop() if len(strengths) == 1 else None
        found = [self._verifier.verify(text[a:b], quotes, strength=strength) for a, b in sentence_spans(text)]
        refused = (f for f in found if f.verdict is not Verdict.SUPPORTED)
        return next(refused, min(found, key=lambda f: f.support))

    def _needed(self, text: str, cited: tuple[Item, ...]) -> tuple[Item, ...]:
        """Without those that neither support it alone nor are missed by the others."""
        for item in cited if len(cited) > 1 else ():
            others = tuple(i for i in cited if i is not item)
            alone, without = self._verified(text, [item]), self._verified(text, others)
            if alone.verdict is not Verdict.SUPPORTED and without.verdict is Verdict.SUPPORTED:
                return self._needed(text, others)
        return cited


def _foreign(text: str, evidence: str) -> Reason | None:
    """Markup, and letters and digits that are not Latin or Greek, as far as the evidence does not have them."""
    for match in _MARKUP.finditer(text):
        if match[0] not in evidence:
            return Reason("markup", repr(match[0]))
    for character in text:
        if not _is_plain(character) and character not in evidence:
            return Reason("markup", f"U+{ord(character):04X}")
    return None


def _is_plain(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    category = unicodedata.category(character)
    if category[0] == "L":
        return unicodedata.name(character, "").startswith(("LATIN", "GREEK", "MICRO", "FEMININE", "MASCULINE"))
    return category in ("Mn", "No", "Pd", "Pi", "Pf", "Po", "Sc", "Sk", "Sm", "So", "Zs")
