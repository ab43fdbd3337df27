"""What a reader is told about the terms of an answer.

Trainees get abbreviations spelled out and, where the corpus has one, a sentence of it that says what a term is: an
exact quote with its number. Patients get plain words of ours. Nothing is looked up for clinicians.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from rag.answer.headings import listed
from rag.answer.plain import plainly, terms_in
from rag.answer.sentences import can_be_shown
from rag.domain import Evidence, EvidenceType, Filter, GlossaryEntry, Passage, Statement
from rag.index.snapshot import Snapshot
from rag.index.store import SentenceRecord
from rag.language.abbreviations import definitions
from rag.language.definitions import definition
from rag.language.lexicon import Mention, tokens

_SHORT = re.compile(r"(?<![\w/-])(?=\w*[A-Z])[A-Za-z]\w{1,9}(?:/\w+)?")
#: Kinds of concept that may need explaining.
_EXPLAINED = frozenset({"drug", "drug_class", "condition", "test", "procedure", "term"})
_RANK = {kind: i for i, kind in enumerate(EvidenceType)}
#: So many passages on a term are looked through for a sentence that defines it, and so many terms of an answer.
_PASSAGES, _MOST_TERMS, _REMEMBERED = 60, 40, 20_000
_K = TypeVar("_K")
_V = TypeVar("_V")


class Defined(NamedTuple):
    """A sentence that defines a term; ``text[start:end]`` says what it is."""

    passage: Passage
    record: SentenceRecord
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.passage.text[self.record.start : self.record.end]


class Glossary:
    """What terms of a snapshot mean, and its statements in plain words; each is made when first needed, and remembered.

    Safe to share between threads.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._lexicon = snapshot.analyzer.lexicon
        self._short = dict(snapshot.abbreviations)
        self._found: dict[tuple[str, Filter | None], Defined | None] = {}
        self._plain: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def for_trainee(
        self, statements: Sequence[Statement], within: Filter | None, number: Callable[[str], int]
    ) -> tuple[GlossaryEntry, ...]:
        """Abbreviations and terms of ``statements``, in the order of first use.

        Args:
            number: the reference number of a source's key; asked only for sources that are quoted.
        """
        shown = {s.text for s in statements}
        long_forms, ours = self._long_forms(statements)
        entries: list[GlossaryEntry] = []
        for term, concept in self._terms(statements, long_forms):
            found = self.defined(concept, within) if concept else None
            found = None if found and found.text in shown else found  # the article says it already
            meaning = long_forms.get(term) or (found.text[found.start : found.end] if found else None)
            kinds = self._classes(concept) if concept and not meaning else ""
            if meaning or kinds:
                entry = GlossaryEntry(term=term, meaning=meaning or kinds, derived=not meaning or term in ours)
                entries.append(_quoting(entry, found, len(entries) + 1, number) if found else entry)
        return tuple(entries)

    def for_patient(self, statements: Sequence[Statement]) -> tuple[GlossaryEntry, ...]:
        """Terms of the table of plain words, exchanged or left, and the abbreviations that patients still see."""
        shown = [s.shown for s in statements]
        long_forms, ours = self._long_forms(statements)
        rows = terms_in(s.text for s in statements)
        terms = [GlossaryEntry(term=row.term, meaning=row.meaning, derived=True) for row in rows]
        used = dict.fromkeys(short for text in shown for short in _short_forms(text) if short in long_forms)
        spelled = [GlossaryEntry(term=short, meaning=long_forms[short], derived=short in ours) for short in used]
        return (*spelled, *sorted(terms, key=lambda entry: entry.term))

    def defined(self, concept: str, within: Filter | None = None) -> Defined | None:
        """The best sentence that says what ``concept`` is, of a source that ``within`` passes."""
        return self._remembered(self._found, (concept, within), lambda: self._best(concept, within))

    def plain(self, text: str) -> str | None:
        """A statement's text in plain words, if there are any; see ``rag.answer.plain``."""
        return self._remembered(self._plain, text, lambda: plainly(text, self._lexicon))

    def _remembered(self, known: dict[_K, _V], key: _K, make: Callable[[], _V]) -> _V:
        try:  # not "in", since another thread may clear what is known
            return known[key]
        except KeyError:
            value = make()
        with self._lock:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = value
        return value

    def _best(self, concept: str, within: Filter | None) -> Defined | None:
        """By pattern, then what names a broader concept, then the stronger source, then the shorter sentence."""
        ranked = [(self._rank(d, rank, concept), d) for d, rank in self._candidates(concept, within)]
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def _rank(self, found: Defined, pattern: int, concept: str) -> tuple[object, ...]:
        broader = self._lexicon.ancestors(concept)
        said = self._lexicon.mentions(found.text[found.start : found.end])
        source = self._snapshot.store.source(found.passage.source_key)
        is_kind = any(m.concept in broader for m in said)
        place = (found.passage.source_key, found.passage.start, found.record.start)
        return (pattern > 0 and not is_kind, pattern, _RANK[source.evidence_type], len(found.text), place)

    def _candidates(self, concept: str, within: Filter | None) -> Iterator[tuple[Defined, int]]:
        snapshot = self._snapshot
        rows, _ = snapshot.lexical.search({f"={concept}": 1.0}, _PASSAGES, snapshot.selection(within))
        passages = {row: snapshot.store.shown(row, within) for row in rows.tolist()}
        standing = [row for row, p in passages.items() if snapshot.store.source(p.source_key).stands]
        for record in snapshot.store.sentences(standing) if standing else []:
            passage = passages[record.passage_row]
            text = passage.text[record.start : record.end]
            first = self._first_mention(text)
            if not first or not self._names(text[first.start : first.end], first.concept, concept):
                continue
            said = definition(text, first.start, first.end)
            if said and not passage.derived and (passage.anchor or can_be_shown(text)):
                yield Defined(passage, record, said.start, said.end), said.rank

    def _first_mention(self, text: str) -> Mention | None:
        """The mention that a sentence begins with; the rest of it is not read."""
        return next(iter(self._lexicon.mentions(text[:120])), None)

    def _names(self, written: str, concept: str, wanted: str) -> bool:
        """Whether a mention is of the wanted concept under its own name or initials, not a brand or a kind of it."""
        if concept != wanted:
            return False
        return [t.form for t in tokens(written)] == [t.form for t in tokens(wanted)] or written.isupper()

    def _terms(self, statements: Sequence[Statement], long_forms: dict[str, str]) -> Iterator[tuple[str, str | None]]:
        """Terms as they are first written, abbreviations before names, each with its concept."""
        by_concept: dict[str, str] = {}
        for statement in statements:
            for mention in self._lexicon.mentions(statement.text):
                if mention.kind in _EXPLAINED:
                    by_concept.setdefault(mention.concept, statement.text[mention.start : mention.end])
        used = dict.fromkeys(s for st in statements for s in _short_forms(st.text) if s in long_forms)
        named = {self._concept(short, long_forms[short]) for short in used}
        yield from ((short, self._concept(short, long_forms[short])) for short in used)
        others = [(term, concept) for concept, term in by_concept.items() if concept not in named]
        yield from others[:_MOST_TERMS]

    def _classes(self, concept: str) -> str:
        """The classes that a drug belongs to, by our own table: "direct thrombin inhibitor"."""
        if self._lexicon.kind(concept) != "drug":
            return ""
        return listed(p for p in self._lexicon.parents(concept) if self._lexicon.kind(p) == "drug_class")

    def _concept(self, short: str, long: str) -> str | None:
        found = self._lexicon.mentions(long)
        whole = [m.concept for m in found if m.start == 0 and m.end == len(long)]
        return whole[0] if whole else None

    def _long_forms(self, statements: Sequence[Statement]) -> tuple[dict[str, str], set[str]]:
        """Long forms of the statements' abbreviations, and which of these only our table of concepts knows.

        Passages that a statement is from come first, then what most of the corpus says.
        """
        own = dict(pair for s in reversed(statements) for e in reversed(s.evidence) for pair in self._defined_in(e))
        known = self._short | own
        found: dict[str, str] = {}
        for short in (short for s in statements for short in _short_forms(s.text)):
            long = known.get(short) or self._lexicon.acronyms.get(short)
            if long and short.casefold() not in long.casefold().split():  # "MELD score" spells nothing out
                found.setdefault(short, long)
        return found, found.keys() - known.keys()

    def _defined_in(self, evidence: Evidence) -> list[tuple[str, str]]:
        return definitions(self._snapshot.store.find(evidence.passage_id).text)


def _short_forms(text: str) -> Iterable[str]:
    """What may be an abbreviation, in order: words with a capital after their first letter, or of capitals."""
    for match in _SHORT.finditer(text):
        word = match[0]
        if sum(c.isupper() for c in word) > 1 or (word[0].islower() and any(c.isupper() for c in word)):
            yield word
            if word.endswith("s") and word[:-1].isupper():
                yield word[:-1]


def _quoting(entry: GlossaryEntry, found: Defined, n: int, number: Callable[[str], int]) -> GlossaryEntry:
    """``entry`` with the sentence that defines its term."""
    passage, record = found.passage, found.record
    quoted = Evidence(
        label=f"G{n}", passage_id=passage.passage_id, source_id=passage.source_key, start=record.start, end=record.end,
        quote=found.text, heading=passage.heading, page=passage.page,
    )  # fmt: skip
    added = {"definition": found.text, "citations": (number(passage.source_key),), "evidence": quoted}
    return entry.model_copy(update=added)
