"""Statements read from what a model writes, in whatever shape: each that is whole comes out, nothing else does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.writing.lines import Line, Lines, Malformed

ONE: dict[str, Any] = {"section": 1, "evidence": [2], "text": "Argatroban has no antidote."}
TWO: dict[str, Any] = {"section": 0, "evidence": [3, 4], "text": 'Ein µ – ≥ 😀 {curly} "quoted" \\ back.'}
READ = [Line(1, (2,), ONE["text"]), Line(0, (3, 4), TWO["text"])]


def read(pieces: Iterable[str]) -> list[Line | Malformed]:
    lines = Lines()
    return [*(found for piece in pieces for found in lines.fed(piece)), *lines.ended()]


def dumped(*records: dict[str, Any], **options: Any) -> str:
    return "\n".join(json.dumps(r, **options) for r in records)


BOTH = dumped(ONE, TWO)
SHAPES = {
    "lines": BOTH,
    "no line ends": BOTH.replace("\n", ""),
    "line ends of another system": BOTH.replace("\n", "\r\n"),
    "a list": json.dumps([ONE, TWO]),
    "a list over lines": json.dumps([ONE, TWO], indent=2),
    "pretty": dumped(ONE, TWO, indent=4),
    "a fence": f"```json\n{BOTH}\n```",
    "a wrapper": json.dumps({"statements": [ONE, TWO]}, indent=1),
    "a wrapper of wrappers": json.dumps({"a": {"b": [{"c": ONE}, TWO]}}),
    "words around": f"Sure! Here are the statements:\n{BOTH}\nLet me know if you need more.",
    "thoughts before": f"<think>I should cite {{evidence}} and \"quotes\".\n</think>\n{BOTH}",
    "bullets": "\n".join(f"- {line}" for line in BOTH.splitlines()),
    "numbered": "\n".join(f"{n}. {line}," for n, line in enumerate(BOTH.splitlines(), 1)),
    "a byte order mark": f"\ufeff{BOTH}",
    "letters escaped": dumped(ONE, TWO, ensure_ascii=True),
    "letters as they are": dumped(ONE, TWO, ensure_ascii=False),
    "other keys": dumped(ONE | {"confidence": 1.0, "note": None}, TWO | {"id": "x"}),
    "another order": dumped(dict(reversed(ONE.items())), dict(reversed(TWO.items()))),
    "numbers as digits": dumped(ONE | {"section": "1", "evidence": ["2"]}, TWO | {"evidence": ["3", 4]}),
    "a number twice": dumped(ONE | {"evidence": [2, 2]}, TWO | {"evidence": [3, 4, 3]}),
    "white space": dumped(ONE | {"text": f"  {ONE['text']}\t\n "}, TWO),
}  # fmt: skip


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_statements_are_read_in_any_shape(text: str, size: int) -> None:
    found = read(text[i : i + size] for i in range(0, len(text), size))
    assert [f for f in found if isinstance(f, Line)] == READ
    assert [f for f in found if isinstance(f, Malformed)] == ([Malformed("{evidence}")] if "<think>" in text else [])


MALFORMED = {
    "no text": {"section": 1, "evidence": [2]},
    "empty text": ONE | {"text": " \n"},
    "text that is none": ONE | {"text": ["a"]},
    "too long": ONE | {"text": "x" * 601},
    "no section": {"evidence": [2], "text": "x"},
    "section null": ONE | {"section": None},
    "section of words": ONE | {"section": "one"},
    "section below 0": ONE | {"section": -1},
    "section between": ONE | {"section": 1.5},
    "section true": ONE | {"section": True},
    "section of many digits": ONE | {"section": 10**300},
    "section of other digits": ONE | {"section": "²"},
    "no evidence": {"section": 1, "text": "x"},
    "evidence that is no list": ONE | {"evidence": 2},
    "evidence of words": ONE | {"evidence": ["ASH"]},
    "evidence below 0": ONE | {"evidence": [-2]},
    "evidence true": ONE | {"evidence": [True]},
    "evidence in lists": ONE | {"evidence": [[2]]},
    "too much evidence": ONE | {"evidence": [1, 2, 3, 4, 5]},
    "half a character": ONE | {"text": "x \ud83d"},
    "other half": ONE | {"text": "\ude00 x"},
    "empty": {},
}


@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_statement_is_told_apart(record: dict[str, Any]) -> None:
    found = read([dumped(record, ONE)])
    assert [type(f) for f in found] == [Malformed, Line]


@pytest.mark.parametrize(
    "text",
    [
        dumped(ONE)[:-1],
        dumped(ONE)[:20],
        "{",
        dumped(ONE).replace('"', "'"),
        dumped(ONE).replace("}", ",}"),
        '{"section": NaN, "evidence": [1], "text": "x"}',
        '{"section": 1, "evidence": [1], "text": "a\nb"}',
        '{"section": 1, "evidence": [1], "text": "a \\x b"}',
        '{"section": 1, "evidence": ' + "[" * 3000 + "]" * 3000 + "}",
        '{"section": ' + "9" * 3900 + ', "evidence": [1], "text": "x"}',
    ],
    ids=lambda text: text[:40],
)
def test_what_cannot_be_read_is_malformed_and_what_follows_is_read(text: str) -> None:
    assert any(isinstance(f, Malformed) for f in read([text]))
    assert not any(isinstance(f, Line) for f in read([text]))
    assert read([f"{text}\n{BOTH}"])[-2:] == READ


def test_prose_has_no_statements() -> None:
    assert read(["I'm sorry, but I can't help with that. [1] (2) \"3\"\n"]) == []


def test_two_halves_of_a_character_are_one_wherever_they_are_cut() -> None:
    text = json.dumps(ONE | {"text": "naïve 😀"})
    assert "\\ud83d\\ude00" in text
    assert read(text) == [Line(1, (2,), "naïve 😀")]
    halves = json.dumps(ONE | {"text": "naïve \ud83d\ude00"}, ensure_ascii=False)
    assert read(halves) == [Line(1, (2,), "naïve 😀")]


def test_a_letter_and_its_accent_are_one() -> None:
    assert read([dumped(ONE | {"text": "nai\u0308ve"})]) == [Line(1, (2,), "na\u00efve")]


@pytest.mark.parametrize("repairs", [3, "3", None, -1, "x"])
def test_the_number_of_what_it_repairs_is_read(repairs: object) -> None:
    [found] = read([dumped(ONE | {"repairs": repairs})])
    assert isinstance(found, Line)
    assert found.repairs == (3 if repairs in (3, "3") else None)


ENDLESS = {
    "braces": "{",
    "objects": "{}",
    "a string": '{"text": "' + "x" * 50,
    "a string of braces": '"{',
    "lists": "[",
    "quotes": '"',
    "escapes": '{"\\',
    "nesting": '{"a":',
    "digits": '{"section": 1' + "1" * 50,
    "statements": dumped(ONE),
}


@pytest.mark.parametrize("piece", ENDLESS.values(), ids=ENDLESS)
def test_the_time_is_linear_and_nothing_large_is_kept(piece: str) -> None:
    def seconds(chars: int) -> float:
        started = time.process_time()
        found = read([piece] * (chars // len(piece)))
        assert all(len(f.text) <= 4001 for f in found)
        return time.process_time() - started

    assert min(seconds(160_000) for _ in range(2)) < 8 * max(0.01, min(seconds(40_000) for _ in range(3)))


_NOISE = st.text(alphabet='{}[]",:\\ab1\n\ud83d\ude00µ ', max_size=30)
_RECORDS = st.fixed_dictionaries(
    {
        "section": st.one_of(st.integers(-1, 9), st.none(), st.text(max_size=3)),
        "evidence": st.one_of(st.lists(st.integers(-1, 99), max_size=6), st.none()),
        "text": st.text(max_size=80),
    }
)
_WRITTEN = st.lists(st.one_of(_NOISE, _RECORDS.map(json.dumps), st.just(dumped(TWO))), max_size=6).map("".join)


@given(_WRITTEN, st.lists(st.integers(0, 400), max_size=12))
def test_however_it_is_cut_the_same_is_read(text: str, cuts: list[int]) -> None:
    ends = sorted({min(c, len(text)) for c in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(ends)]
    whole = read([text])
    assert read(pieces) == whole == read(text)
    for found in whole:
        if isinstance(found, Line):
            assert found.text.strip()
            assert len(found.text) <= 600
            assert found.text.encode()
            assert len(found.evidence) <= 4
            assert found.section >= 0 <= min(found.evidence, default=0)


@given(_NOISE.filter(lambda noise: "{" not in noise), _RECORDS)
def test_what_is_read_is_what_was_written(noise: str, record: dict[str, Any]) -> None:
    found = read([noise + json.dumps(record)])
    assert len(found) == 1
    if isinstance(found[0], Line):
        assert list(found[0].evidence) == list(dict.fromkeys(record["evidence"]))
