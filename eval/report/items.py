"""An item as its reader needs it: what the answer should have said beside what it did say.

What became of claims, errata and statements is read from the details of the scores, where scorers list claims by id
under "said", "missed" and "contradicted", errata under "errata" and statements with their citations under "statements".
What one score calls denied or said is not undone by another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from eval.domain import Article, Claim, Record, Score
from eval.log import EvalLog
from eval.report.view import agreement, means
from eval.wording import plain
from rag.render.words import printable

#: States of a claim, the strongest first: the names under which scorers list claims.
STATES = ("contradicted", "said", "missed")
NOT_JUDGED = "not judged"
#: Details that are shown beside the answer and the claims instead of under their score.
_SHOWN_ELSEWHERE = frozenset({"errata", "statements"})
_SHORT = 24
_ADDRESS = re.compile(r"https?://[^\s<>\"'`{}|\\^]+", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?)]"


class Judged(NamedTuple):
    """A claim that the answer should say, its state (contradicted, said, missed or not judged) and the judge's why."""

    claim: Claim
    state: str
    why: str = ""


class Line(NamedTuple):
    """A score with what stands behind it, as rows of a name and texts; ``judge`` with its agreement, or ""."""

    measure: str
    score: Score
    judge: str
    details: list[tuple[str, list[str]]]


class View(NamedTuple):
    """A record for the page.

    ``number`` counts from 1. ``errata`` says by id what the answer did with each; ``faults`` what is wrong with the
    citations of a statement, by its text. ``scores_json`` is what the page sorts by.
    """

    number: int
    record: Record
    mean: float | None
    claims: list[Judged]
    errata: dict[str, str]
    faults: dict[str, str]
    lines: list[Line]
    scores_json: str

    @property
    def quoted(self) -> frozenset[str]:
        """What stands under the statements and need not stand under the references again."""
        return frozenset(quote for said in self.article.said() for quote in said.quotes)

    @property
    def article(self) -> Article:
        return self.record.response.article


def views(log: EvalLog) -> Iterator[View]:
    """All records of a log, in its order."""
    judges = {name: agreement(log, summary.judge, labels=False) for name, summary in log.summaries.items()}
    for number, (record, mean) in enumerate(zip(log.records, means(log), strict=True), 1):
        lines = [Line(name, s, judges.get(name, ""), _details(s.details, record)) for name, s in record.scores.items()]
        shown = json.dumps({"mean": mean} | {name: s.value for name, s in record.scores.items()})
        yield View(number, record, mean, claims(record), errata(record), faults(record), lines, shown)


def claims(record: Record) -> list[Judged]:
    """The claims of an item's gold with their states."""
    found: dict[str, tuple[str, str]] = {}
    for state in STATES:
        for score in record.scores.values():
            for claim_id, why in _named(score.details.get(state)):
                known = found.get(claim_id)
                if known is None or (known[0] == state and not known[1]):
                    found[claim_id] = (state, why)
    return [Judged(c, *found.get(c.claim_id, (NOT_JUDGED, ""))) for c in record.item.gold.claims]


def _named(listed: Any) -> Iterator[tuple[str, str]]:
    """Ids with the judge's reason, of a list of ids or of a mapping from id to what was found."""
    if isinstance(listed, Mapping):
        for key, found in listed.items():
            yield key, str(found.get("reason", "")) if isinstance(found, Mapping) else ""
    elif isinstance(listed, list | tuple):
        yield from ((str(name), "") for name in listed)


def errata(record: Record) -> dict[str, str]:
    """What the answer did with the errata of the reference, by id: repeated, corrected, both or neither."""
    words = {}
    for row in _rows(record, "errata"):
        done = [word for word in ("repeated", "corrected") if row.get(word)]
        words[str(row.get("erratum_id"))] = " and ".join(done) or "neither repeated nor corrected"
    return words


def faults(record: Record) -> dict[str, str]:
    """What is wrong with the citations of statements, by their text; statements that are well cited are left out."""
    found = {}
    for row in _rows(record, "statements"):
        idle = [
            str(c) for c, precise in zip(row.get("citations", ()), row.get("precise", ()), strict=False) if not precise
        ]
        if row.get("recalled") is False:
            found[str(row.get("text"))] = "not supported by its citations"
        elif idle:
            found[str(row.get("text"))] = f"citation {', '.join(idle)} adds no support"
    return found


def _rows(record: Record, key: str) -> Iterator[Mapping[str, Any]]:
    for score in record.scores.values():
        listed = score.details.get(key)
        if isinstance(listed, list | tuple):
            yield from (row for row in listed if isinstance(row, Mapping))


def _details(details: Mapping[str, Any], record: Record) -> list[tuple[str, list[str]]]:
    """Names with texts, one of them where all are short; without what is empty or shown elsewhere."""
    ids = {claim.claim_id for claim in record.item.gold.claims}
    shown = {
        key: _texts(value)
        for key, value in details.items()
        if key not in _SHOWN_ELSEWHERE and not (key in STATES and {name for name, _ in _named(value)} <= ids)
    }
    return [
        (key, [", ".join(texts)] if all(len(t) <= _SHORT for t in texts) else texts)
        for key, texts in shown.items()
        if any(texts)
    ]


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [_entry(entry) for entry in value]
    if isinstance(value, Mapping):
        return [f"{key}: {_entry(entry)}" for key, entry in value.items()]
    return [] if value is None else [plain(value)]


def _entry(entry: Any) -> str:
    """A mapping as its entries side by side; anything else on one line."""
    if isinstance(entry, Mapping):
        return "; ".join(f"{key}: {plain(value)}" for key, value in entry.items())
    return plain(entry)


def linked(text: str) -> Markup:
    """Text of which only whole http and https addresses become links; everything is escaped."""
    text, parts, done = printable(text), [], 0
    for match in _ADDRESS.finditer(text):
        address = match.group().rstrip(_AFTER_ADDRESS)
        parts.append(Markup("{}").format(text[done : match.start()]))
        parts.append(Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(address))
        done = match.start() + len(address)
    return Markup("").join(parts) + text[done:]
