"""What the scripted model writes: true statements in other words of its evidence, and a share of them made false.

It sees what a real model sees, draws by a seed, and remembers what is true of all that it wrote. What is sent back to
it it writes anew: nearer to the quote, or false again.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from eval.alterations import Altered, alterations
from eval.paraphrases import Paraphrases
from eval.rewordings import other_names
from eval.scripted import Request
from rag.language.lexicon import Lexicon
from rag.language.terms import Analyzer

#: What statements are altered in; a dose is a number, here of whatever kind.
KINDS = ("dose", "unit", "negation", "drug", "population", "strength", "citation")
TRUE = ""
_NAMES = {"number": "dose"}
#: Of statements that were sent back, the share that is made false again if it was; and of miscited ones, the share
#: that cites what was not given.
_AGAIN, _NOT_GIVEN = 0.3, 0.25
#: Share of what is true that says two quotes at once.
_JOINED = 0.1
#: Share of a statement's words that other evidence may have that is cited for it: with more it may say the same.
_SAME = 0.5
_TRIES = 6


class Written(NamedTuple):
    """A statement as it went out: ``style`` is how it says its quote, ``altered`` in what it is false, "" for true.

    ``repairs`` is the place of the one that it is another attempt at, 0 for a first one.
    """

    place: int
    line: str
    text: str
    section: int
    evidence: tuple[int, ...]
    style: str
    altered: str
    repairs: int = 0


class LyingModel:
    """A ``Script``. It answers one request after another; ``article`` begins the next article.

    Args:
        drugs: that one may be mistaken for, the commonest first.
        share: of the statements that are altered, in [0, 1].
    """

    def __init__(self, lexicon: Lexicon, drugs: Sequence[str], seed: int, share: float) -> None:
        self._lexicon, self._drugs, self._share = lexicon, drugs, share
        self._analyzer = Analyzer(lexicon)
        self._chance = Random(seed)  # noqa: S311  not for secrets
        self._paraphrases = Paraphrases(lexicon, other_names(lexicon), self._chance)
        self._counts: Counter[str] = Counter()
        self.written: list[Written] = []
        self.sent_at: dict[str, float] = {}
        #: When what was refused was sent back, by the same clock.
        self.again_at = math.inf
        #: Why what was written was refused, by its text.
        self.why: dict[str, str] = {}

    def article(self) -> None:
        self.written, self.sent_at, self.again_at, self.why = [], {}, math.inf, {}

    def lines(self, request: Request) -> Iterator[str]:
        if request.refused:
            self.again_at = time.perf_counter()
        for written in self._again(request) if request.refused else self._first(request):
            self.written.append(written)
            yield written.line

    def sent(self, line: str, at: float) -> None:
        self.sent_at[line] = at

    def _first(self, request: Request) -> Iterator[Written]:
        said: set[str] = set()
        for number, record in enumerate(request.evidence):
            others = request.evidence[:number] + request.evidence[number + 1 :]
            written = self._statement(len(said) + 1, record, others)
            if written and written.text not in said:
                said.add(written.text)
                yield written

    def _statement(self, place: int, record: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Written | None:
        if self._chance.random() < self._share and (altered := self._altered(place, record, others)):
            return altered
        same = [o for o in others if o["section"] == record["section"]]
        if same and self._chance.random() < _JOINED:
            other = self._chance.choice(same)
            if joined := self._paraphrases.joined(record["quotes"][0], other["quotes"][0]):
                return _written(place, record, joined, evidence=(record["evidence"], other["evidence"]))
        true = self._true(record)
        return _written(place, record, true) if true else None

    def _true(self, record: Mapping[str, Any]) -> Altered | None:
        """In the style that was least written so far, of those that the quote allows."""
        found = self._paraphrases.of(record["quotes"][0], record["sources"])
        self._chance.shuffle(found)
        chosen = min(found, key=lambda f: self._counts[f.kind], default=None)
        if chosen:
            self._counts[chosen.kind] += 1
        return chosen

    def _altered(self, place: int, record: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Written | None:
        """In the kind that was least written so far, of those that its words allow."""
        true = self._true(record)
        if true is None:
            return None
        for kind in sorted(KINDS, key=lambda k: (self._counts[f"altered {k}"], self._chance.random())):
            found: Written | None = None
            if kind == "citation":
                if cited := self._miscited(record, others):
                    found = _written(place, record, true, kind, evidence=cited)
            elif text := self._changed(true.text, kind, record["quotes"][0]):
                found = _written(place, record, Altered(true.kind, text), kind)
            if found:
                self._counts[f"altered {kind}"] += 1
                return found
        return None

    def _changed(self, text: str, kind: str, quote: str) -> str | None:
        """The text made false in a place that is drawn, else in the first that can be."""
        spaces = [i for i, c in enumerate(text) if c == " "]
        for begin in [*(self._chance.choice([0, *spaces]) for _ in range(_TRIES)), 0]:
            known = {m.concept for m in self._lexicon.mentions(quote)}
            drugs = [d for d in self._drugs if d not in known]
            self._chance.shuffle(drugs)
            for name, altered in alterations(text[begin:], self._lexicon, drugs):
                if _NAMES.get(name, name) == kind:
                    return text[:begin] + altered
        return None

    def _miscited(self, record: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> tuple[int, ...] | None:
        """Evidence that does not say it, most alike first, or a number that was not given."""
        if self._chance.random() < _NOT_GIVEN:
            return (max([record["evidence"], *(o["evidence"] for o in others)]) + self._chance.randint(1, 9),)
        mine = self._terms(record)
        shares = [(len(mine & self._terms(o)) / len(mine), o["evidence"]) for o in others]
        unlike = sorted((s for s in shares if s[0] < _SAME), reverse=True)[:3]
        return (self._chance.choice(unlike)[1],) if unlike else None

    def _terms(self, record: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(self._analyzer.content_terms(record["quotes"][0]))

    def _again(self, request: Request) -> Iterator[Written]:
        records = {r["evidence"]: r for r in request.evidence}
        first = {w.place: w for w in self.written if not w.repairs}
        by_text = {w.text: w for w in first.values()}
        for refused in request.refused:
            self.why[refused["text"]] = refused["refused"]
            before = by_text.get(refused["text"])
            record = records[before.evidence[0]] if before and before.evidence[0] in records else None
            if before is None or record is None:
                continue
            is_false = before.altered and self._chance.random() < _AGAIN
            others = [r for r in request.evidence if r is not record]
            again = self._altered(before.place, record, others) if is_false else None
            again = again or _written(before.place, record, self._paraphrases.closer(record["quotes"][0]))
            yield _repairing(again, refused["repairs"])


def _written(
    place: int, record: Mapping[str, Any], said: Altered, altered: str = TRUE, evidence: Iterable[int] = ()
) -> Written:
    cited = tuple(evidence) or (record["evidence"],)
    line = _line(record["section"], cited, said.text)
    return Written(place, line, said.text, record["section"], cited, said.kind, altered)


def _repairing(written: Written, number: int) -> Written:
    line = _line(written.section, written.evidence, written.text, repairs=number)
    return written._replace(line=line, repairs=written.place)


def _line(section: int, evidence: Sequence[int], text: str, **more: int) -> str:
    statement = {"section": section, "evidence": list(evidence), "text": text, **more}
    return json.dumps(statement, ensure_ascii=False) + "\n"
