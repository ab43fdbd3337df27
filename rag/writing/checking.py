"""What a model wrote, held against the evidence that it cites: accepted with the evidence it needs, or refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rag.answer import withholding
from rag.answer.condensing import Reason
from rag.answer.verify import Verification, Verifier, bare
from rag.domain import Audience, Verdict
from rag.language.sentences import sentence_spans
from rag.writing.attribution import named, unattributed
from rag.writing.clauses import addition, mixture
from rag.writing.lines import Line
from rag.writing.prompting import Item

_WORD = re.compile(r"\S+")
_MARKED = re.compile(r"\[(\d[\d,;\s–-]*)\]")
#: What is markup or a link to one renderer or another. Signs of comparison stand before a number.
_MARKUP = re.compile(
    r"[`*_#|\\^{}\[\]@]|~~|<(?!\s?=?\s?\d)|(?<![\s(\w])>|>(?!\s?=?\s?\d)|://|\bjavascript:|&#?\w+;"
    r"|\b[a-z\d-]{2,}\.[a-z]{2,}\b",
    re.IGNORECASE,
)
#: What stands in prose beside letters, digits and ASCII: marks of typography, signs of units and of comparison.
_SIGNS = frozenset("‐‑‒–—‘’“”…·•°±×÷−≤≥≈≠→®™§†‡′″\u00a0\u2009\u202f")
#: A prefix of a unit, the one letter of other scripts that is written without being in a source.
_MICRO = re.compile(r"(?<![^\W\d])[µμ](?=(?:g|l|m|mol|kat|u|iu)\b)", re.IGNORECASE)
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
    "addition": "it added what its source does not say",
    "mixture": "it put together what different sources say",
    "dose": withholding.WHY["dose"],
    "monitoring_section": withholding.WHY["monitoring_section"],
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
    """Checks the statements of one article, written for ``audience``."""

    def __init__(
        self, verifier: Verifier, items: Sequence[Item], sections: int, audience: Audience = Audience.CLINICIAN
    ) -> None:
        self._verifier = verifier
        self._items: Mapping[int, Item] = {item.number: item for item in items}
        self._sections = sections
        self._is_patient = audience is Audience.PATIENT

    def checked(self, line: Line) -> Accepted | Refused:
        """Numbers of references are taken out, and a lead-in that only names the source: both are said beside it."""
        fault = self._form_fault(line)
        if fault:
            return Refused(line, fault)
        line = line._replace(text=" ".join(bare(line.text).split()))
        cited = tuple(self._items[n] for n in line.evidence)
        found = self._checked(line, cited)
        plain = unattributed(line.text, [source for item in cited for source in item.sources])
        is_named = isinstance(found, Refused) and plain != line.text
        return self._checked(line._replace(text=plain), cited) if is_named else found

    def _checked(self, line: Line, cited: tuple[Item, ...]) -> Accepted | Refused:
        fault = self._fault(line.text, cited)
        if fault:
            return Refused(line, fault)
        found = self._verified(line.text, cited)
        if found.verdict is not Verdict.SUPPORTED:
            reason = found.reasons[0] if found.reasons else Reason("coverage", "not all of it is in the quotes")
            return Refused(line, reason)
        needed = self._needed(line.text, cited)
        mixed = self._mixture(line.text, needed)
        if mixed:
            return Refused(line, mixed)
        return Accepted(line, needed, found if needed == cited else self._verified(line.text, needed))

    def _fault(self, text: str, cited: Sequence[Item]) -> Reason | None:
        """What speaks against a statement before it is verified."""
        quotes = _quotes(cited)
        kind = withholding.withheld(text, quotes) if self._is_patient else None
        if kind:
            return Reason(kind, "not for patients")
        sentences, lexicon = [text[a:b] for a, b in sentence_spans(text)], self._verifier.lexicon
        names = {name for item in cited for source in item.sources for name in named(source)}
        found = (addition(s, quotes, lexicon, names) for s in sentences)
        return foreign(text, " ".join(quotes)) or next(filter(None, found), None)

    def _mixture(self, text: str, cited: Sequence[Item]) -> Reason | None:
        """What no one of the cited supports alone must at least be said clause by clause by one of them."""
        lexicon, each = self._verifier.lexicon, [item.quotes for item in cited]
        for sentence in (text[a:b] for a, b in sentence_spans(text)) if len(cited) > 1 else ():
            alone = any(self._verified(sentence, [item]).verdict is Verdict.SUPPORTED for item in cited)
            if not alone and (mixed := mixture(sentence, each, lexicon)):
                return mixed
        return None

    def _form_fault(self, line: Line) -> Reason | None:
        if line.section >= self._sections:
            return Reason("section", f"there is no section {line.section}")
        marked = {int(n) for marks in _MARKED.findall(line.text) for n in re.findall(r"\d+", marks)}
        unknown = sorted({*line.evidence, *marked} - self._items.keys())
        if unknown or not line.evidence:
            return Reason("evidence", f"{unknown} was not given" if unknown else "none was cited")
        return None if bare(line.text).strip() else Reason("empty", "no words")

    def _verified(self, text: str, cited: Sequence[Item]) -> Verification:
        """The worst of the verdicts on all of it and on its sentences: all that is shown must be supported."""
        quotes = _quotes(cited)
        strengths = {item.statement.strength for item in cited}
        strength = strengths.pop() if len(strengths) == 1 else None
        sentences = [text[a:b] for a, b in sentence_spans(text)]
        parts = [text, *sentences] if len(sentences) > 1 else sentences
        found = [self._verifier.verify(part, quotes, strength=strength, is_strict=True) for part in parts]
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


def _quotes(cited: Sequence[Item]) -> list[str]:
    return [quote for item in cited for quote in item.quotes]


def foreign(text: str, evidence: str) -> Reason | None:
    """Markup, links, and words with letters or signs that prose does not have, unless the evidence has that word."""
    known = frozenset(evidence.split()) | frozenset(map(_bared, evidence.split()))
    for match in _WORD.finditer(text):
        word = match[0]
        hidden = next((c for c in word if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn", "Cs")), None)
        if hidden:
            return Reason("markup", f"U+{ord(hidden):04X}")
        if word in known or _bared(word) in known:
            continue
        if (markup := _MARKUP.search(text, match.start())) and markup.start() < match.end():
            return Reason("markup", repr(markup[0]))
        strange = next((c for c in _MICRO.sub("", word) if not _is_plain(c)), None)
        if strange:
            return Reason("markup", f"U+{ord(strange):04X}")
    return None


def _bared(word: str) -> str:
    """Without the punctuation around it."""
    return word.strip(".,;:!?()\"'“”‘’")


def _is_plain(character: str) -> bool:
    """ASCII, signs, and ASCII letters with an accent."""
    if character.isascii() or character in _SIGNS:
        return True
    parts = unicodedata.normalize("NFD", character)
    return len(parts) > 1 and parts[0].isascii() and all(unicodedata.category(c) == "Mn" for c in parts[1:])
