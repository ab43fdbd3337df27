"""The file formats of retrieval evaluation: BEIR's queries and qrels, TREC's qrels and runs.

| file | a line |
|---|---|
| BEIR ``queries.jsonl`` | ``{"_id": "q1", "text": "…"}``; other fields are ignored |
| BEIR qrels | header ``query-id``, ``corpus-id``, ``score``, then three columns between tabs |
| TREC qrels | ``topic iteration document grade`` between white space |
| TREC run | ``topic Q0 document rank score tag`` between white space |

**The order of a ranking.** The list is the ranking: documents of equal score rank as they stand. ``trec_eval`` ignores
ranks and order, keeps scores in single precision, sorts by score and breaks ties by document id, *descending*. So
``write_run`` lowers a score that single precision cannot tell from the one before by the least that it can, and
``trec_eval`` finds the order that the system had; ``read_run`` returns what ``trec_eval`` would make of a file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

Qrels = dict[str, dict[str, int]]
"""Grades of judged documents by topic. 0 and less is judged not relevant; what is absent is unjudged."""

Run = dict[str, list[tuple[str, float]]]
"""Retrieved documents with their scores by topic, best first."""

_BEIR_HEADER = ["query-id", "corpus-id", "score"]
_T = TypeVar("_T")


class FormatError(ValueError):
    """A file that breaks its format: which line, what is there and what was expected."""

    def __init__(self, path: Path, line: int, found: object, expected: str) -> None:
        super().__init__(f"{path}, line {line}: found {found!r}; expected {expected}")


def ranked(documents: Mapping[str, float] | Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Best first. Equal scores stay in the order of a sequence; those of a mapping are ordered by document id."""
    if isinstance(documents, Mapping):
        return sorted(documents.items(), key=lambda d: (-d[1], d[0]))
    return sorted(documents, key=lambda d: -d[1])


def read_queries(path: Path) -> dict[str, str]:
    """Texts by topic of a BEIR ``queries.jsonl``, in the file's order.

    Raises:
        FormatError: A line is not an object with strings ``_id`` and ``text``, or a topic comes twice.
    """
    queries: dict[str, str] = {}
    for number, line in _lines(path):
        try:
            query = json.loads(line)
        except json.JSONDecodeError:
            query = None
        if not (isinstance(query, dict) and isinstance(query.get("_id"), str) and isinstance(query.get("text"), str)):
            raise FormatError(path, number, line, 'an object with strings "_id" and "text"')
        _add(queries, query["_id"], query["text"], path, number, "each topic once")
    return queries


def write_queries(path: Path, queries: Mapping[str, str]) -> None:
    """BEIR's ``queries.jsonl``."""
    lines = (json.dumps({"_id": topic, "text": text}, ensure_ascii=False) for topic, text in queries.items())
    _write(path, lines)


def read_qrels(path: Path) -> Qrels:
    """Grades of either format: a first line with BEIR's header makes it BEIR's, anything else TREC's.

    Raises:
        FormatError: A line has other columns, a grade is not an integer, or a document is judged twice for a topic.
    """
    qrels: Qrels = {}
    beir = False
    for number, line in _lines(path):
        if not qrels and line.split("\t") == _BEIR_HEADER:
            beir = True
            continue
        topic, document, grade = _beir(path, number, line) if beir else _trec(path, number, line)
        judged = qrels.setdefault(topic, {})
        _add(judged, document, _grade(path, number, grade), path, number, "each document once in a topic")
    return qrels


def write_beir_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """BEIR's TSV with its header. Raises ValueError for an id with a tab or a line break."""
    rows = (
        (_field(t, "\t\r\n"), _field(d, "\t\r\n"), str(g)) for t, judged in qrels.items() for d, g in judged.items()
    )
    _write(path, ("\t".join(row) for row in (_BEIR_HEADER, *rows)))


def write_trec_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """TREC's four columns. Raises ValueError for an id with white space."""
    _write(path, (f"{_field(t)} 0 {_field(d)} {g}" for t, judged in qrels.items() for d, g in judged.items()))


def read_run(path: Path) -> Run:
    """Rankings of a TREC run file, as ``trec_eval`` orders them; its ranks and tags are ignored.

    Raises:
        FormatError: A line has not six columns, a score is no number or overflows, or a topic has a document twice.
    """
    scores: dict[str, dict[str, float]] = {}
    for number, line in _lines(path):
        columns = line.split()
        if len(columns) != 6:
            raise FormatError(path, number, line, "six columns: topic Q0 document rank score tag")
        topic, _, document, _, score, _ = columns
        retrieved = scores.setdefault(topic, {})
        _add(retrieved, document, _score(path, number, score), path, number, "each document once in a topic")
    return {topic: _as_trec_eval(retrieved) for topic, retrieved in scores.items()}


def write_run(path: Path, run: Mapping[str, Sequence[tuple[str, float]]], tag: str) -> None:
    """A TREC run file in which ``trec_eval`` finds every ranking in its own order, ranks from 1.

    Raises:
        ValueError: An id or the tag is empty or has white space, a topic has a document twice, a score overflows.
    """
    name = _field(tag)
    _write(path, (f"{line} {name}" for topic, documents in run.items() for line in _run_lines(topic, documents)))


def _run_lines(topic: str, documents: Sequence[tuple[str, float]]) -> Iterator[str]:
    seen: set[str] = set()
    above = np.float32(np.inf)
    for rank, (document, score) in enumerate(ranked(documents), start=1):
        if document in seen or not _is_single(score):
            found = f"run, topic {topic}: document {document} with score {score}"
            raise ValueError(f"{found}; expected each document once, with a score of single precision")
        seen.add(document)
        lowered = np.float32(score) >= above
        single = np.nextafter(above, np.float32(-np.inf)) if lowered else np.float32(score)
        # Nine digits are enough to tell any two single precision numbers apart.
        yield f"{_field(topic)} Q0 {_field(document)} {rank} " + (f"{single:.9g}" if lowered else repr(float(score)))
        above = single


def _as_trec_eval(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    descending = sorted(scores.items(), reverse=True)
    return sorted(descending, key=lambda d: -float(np.float32(d[1])))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.rstrip("\r\n")


def _beir(path: Path, number: int, line: str) -> tuple[str, str, str]:
    columns = line.split("\t")
    if len(columns) != 3:
        raise FormatError(path, number, line, "three columns between tabs: query-id, corpus-id, score")
    return columns[0], columns[1], columns[2]


def _trec(path: Path, number: int, line: str) -> tuple[str, str, str]:
    columns = line.split()
    if len(columns) != 4:
        header = ", ".join(_BEIR_HEADER)
        raise FormatError(
            path, number, line, f"four columns: topic iteration document grade, or BEIR's header: {header}"
        )
    return columns[0], columns[2], columns[3]


def _grade(path: Path, number: int, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise FormatError(path, number, text, "an integer as grade") from None


def _score(path: Path, number: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not _is_single(score):
        raise FormatError(path, number, text, "a finite number of single precision as score")
    return score


def _is_single(score: float) -> bool:
    return abs(score) <= float(np.finfo(np.float32).max)


def _add(known: dict[str, _T], key: str, value: _T, path: Path, number: int, expected: str) -> None:
    if key in known:
        raise FormatError(path, number, key, expected)
    known[key] = value


def _field(text: str, separators: str | None = None) -> str:
    """A value that stays one column of a line. Without ``separators`` any white space parts columns."""
    parted = len(text.split()) != 1 or text != text.strip() if separators is None else set(text) & set(separators)
    if parted or not text:
        what = "white space" if separators is None else "tabs and line breaks"
        raise ValueError(f"identifier {text!r}: expected at least one character and no {what}")
    return text


def _write(path: Path, lines: Iterator[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
