"""Passages: where a document is cut, and what is never merged."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Block, Checked, Document, EvidenceType, Source
from rag.errors import CorpusError
from rag.ingest.readers.markdown import read_markdown
from rag.ingest.split import MAX_CHARS, split
from rag.language.sentences import sentence_spans

SOURCE = Source(key="a", title="T", evidence_type=EvidenceType.COHORT, jurisdiction="US")
HEADER = "---\nkey: a\ntitle: T\njurisdiction: US\nevidence_type: cohort\n---\n"


def read(body: str) -> Document:
    return read_markdown((HEADER + body).encode(), "a.md")


def made(*blocks: tuple[str, str, int | None]) -> Document:
    """A document of (text, heading, page)."""
    parts, spans, at = [], [], 0
    for text, heading, page in blocks:
        spans.append(Block(start=at, end=at + len(text), heading_path=(heading,), page=page))
        parts.append(text)
        at += len(text) + 2
    return Document(source=SOURCE, text="\n\n".join(parts), blocks=tuple(spans))


def test_short_paragraphs_of_a_section_share_a_passage() -> None:
    (passage,) = split(read("## A\n\nOne. Two.\n\nThree.\n"))
    assert passage.text == "One. Two.\n\nThree."
    assert [passage.text[s:e] for s, e in passage.sentences] == ["One.", "Two.", "Three."]
    assert passage.heading_path == ("A",)


def test_a_statement_stands_alone_and_is_one_sentence() -> None:
    passages = split(read("Plain.\n\n- One. Two! {#x}\n- Three. {#y}\n\nPlain again.\n\nAnd more.\n"))
    assert [p.text for p in passages] == ["Plain.", "One. Two!", "Three.", "Plain again.\n\nAnd more."]
    assert passages[1].sentences == ((0, 9),)
    assert [p.anchor for p in passages] == [None, "x", "y", None]


def test_what_a_statement_says_of_itself_is_kept() -> None:
    body = (
        '- A. {#x strength="strong" certainty="low" population="adults" checked="abstract" derived="true"}\n- B. {#y}\n'
    )
    one, other = split(read(body))
    assert (one.strength, one.certainty, one.population) == ("strong", "low", "adults")
    assert one.checked is Checked.ABSTRACT
    assert one.derived
    assert other.checked is other.strength is None
    assert not other.derived


def test_an_unknown_way_of_checking_is_refused() -> None:
    with pytest.raises(
        CorpusError, match="source 'a', statement x: checked 'guessed' is unknown; expected one of primary"
    ):
        split(read('- A. {#x checked="guessed"}\n'))


def test_headings_and_pages_are_never_crossed() -> None:
    passages = split(made(("One.", "A", 1), ("Two.", "A", 2), ("Three.", "B", 2), ("Four.", "B", 2)))
    assert [p.text for p in passages] == ["One.", "Two.", "Three.\n\nFour."]
    assert [(p.heading, p.page) for p in passages] == [("A", 1), ("A", 2), ("B", 2)]


def test_a_section_is_packed_up_to_the_limit() -> None:
    passages = split(made(*[(str(i) * 300, "A", None) for i in range(7)]))
    assert [len(p.text) for p in passages] == [602, 602, 602, 300]
    assert [len(p.text) for p in split(made(("a" * 449, "A", None), ("b" * 449, "A", None)))] == [MAX_CHARS]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentences = [f"Sentence number {i} speaks of argatroban in hepatic impairment." for i in range(60)]
    passages = split(read(" ".join(sentences) + "\n"))
    assert len(passages) > 3
    assert all(MAX_CHARS / 2 < len(p.text) <= MAX_CHARS for p in passages[:-1])
    assert [p.text[s:e] for p in passages for s, e in p.sentences] == sentences


def test_a_sentence_longer_than_the_limit_stays_whole() -> None:
    long = "Words " * 300 + "end."
    assert [p.text for p in split(read(f"Before. {long} After.\n"))] == ["Before.", long, "After."]


def test_a_long_statement_is_never_cut() -> None:
    text = "One sentence of a statement. " * 60
    (passage,) = split(read(f"- {text}{{#x}}\n"))
    assert passage.text == text.strip()
    assert len(passage.text) > MAX_CHARS


def test_identical_passages_are_kept_once() -> None:
    passages = split(read("- Same. {#a}\n- Other. {#b}\n- Same. {#c}\n"))
    assert [p.anchor for p in passages] == ["a", "b"]


def test_no_text_no_passages() -> None:
    assert split(read("## Heading\n")) == []


SENTENCES = ("Short.", "A longer sentence about heparin, e.g. 5 mg.", "X" * 400 + ".", "Is it?")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=12).map(" ".join),
            st.sampled_from("AB"),
            st.sampled_from([1, 2, None]),
        ),
        min_size=1,
        max_size=8,
    )
)  # fmt: skip
def test_passages_cover_the_document_and_fit(blocks: list[tuple[str, str, int | None]]) -> None:
    document = made(*blocks)
    passages = split(document)
    for passage in passages:
        assert document.text[passage.start : passage.end] == passage.text
        assert len(passage.text) <= MAX_CHARS or len(passage.sentences) == 1
        inside = [b for b in document.blocks if b.start < passage.end and passage.start < b.end]
        assert {(b.heading_path, b.page) for b in inside} == {(passage.heading_path, passage.page)}
    assert all(one.end <= other.start for one, other in pairwise(passages))
    kept = "\n".join(p.text for p in passages)
    assert all(text[start:end] in kept for text, _, _ in blocks for start, end in sentence_spans(text))
