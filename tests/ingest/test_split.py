"""Passages: where a document is cut, and what is never merged."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.domain import Block, BlockKind, Checked, Document, EvidenceType, Passage, Source
from rag.errors import CorpusError
from rag.ingest.pieces import LONGEST, MOST, estimated_tokens
from rag.ingest.readers.assembly import Item, assembled
from rag.ingest.readers.markdown import read_markdown
from rag.ingest.split import _pieces, context, split
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


def test_headings_are_never_crossed_and_pages_only_to_the_next() -> None:
    passages = split(made(("One.", "A", 1), ("Two.", "A", 2), ("Three.", "A", 3), ("Four.", "B", 3), ("Five.", "B", 5)))
    assert [p.text for p in passages] == ["One.\n\nTwo.", "Three.", "Four.", "Five."]
    assert [(p.heading, p.page) for p in passages] == [("A", 1), ("A", 3), ("B", 3), ("B", 5)]


def words(tokens: int, mark: str = "x") -> str:
    """A sentence of about so many estimated tokens."""
    return f"{mark} " + "word " * round((tokens - 3) / 0.91) + "end."


def test_a_section_is_packed_up_to_the_limit() -> None:
    passages = split(made(*[(words(60, str(i)), "A", None) for i in range(7)]))
    assert [p.text.count("end.") for p in passages] == [2, 2, 2, 1]


def test_a_short_last_paragraph_joins_its_neighbour() -> None:
    (passage,) = split(made((words(155), "A", None), (words(25), "A", None)))
    assert passage.text.count("end.") == 2
    assert len(split(made((words(155), "A", None), (words(50), "A", None)))) == 2


def test_a_long_paragraph_is_cut_between_sentences_into_even_pieces() -> None:
    sentences = [f"Sentence number {i} speaks of argatroban in hepatic impairment." for i in range(60)]
    passages = split(read(" ".join(sentences) + "\n"))
    sizes = [estimated_tokens(p.text) for p in passages]
    assert len(passages) > 3
    assert max(sizes) <= MOST
    assert min(sizes) > 0.8 * max(sizes)
    assert [p.text[s:e] for p in passages for s, e in p.sentences] == sentences


def test_an_overlong_sentence_is_cut_at_its_clauses() -> None:
    clauses = [f"clause number {i} of a sentence that nobody should have written," for i in range(40)]
    passages = split(read(f"Before. {' '.join(clauses)} end. After.\n"))
    assert all(estimated_tokens(p.text) <= LONGEST for p in passages)
    assert all(p.text.endswith(("written,", "After.")) for p in passages)
    assert " ".join(p.text for p in passages) == f"Before. {' '.join(clauses)} end. After."


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000, "a, " * 300_000, "e.g. A " * 140_000])
def test_a_text_without_an_end_is_cut_in_linear_time(text: str) -> None:
    document = laid((text.strip(), "A", BlockKind.PARAGRAPH))
    began = time.process_time()
    passages = list(_pieces(document))
    assert time.process_time() - began < 5
    assert all(piece.tokens <= LONGEST for piece in passages)
    assert passages[-1].end == len(document.text)


# what belongs together


def laid(*blocks: tuple[str, str, BlockKind]) -> Document:
    return assembled(SOURCE, [Item(text, (heading,), kind) for text, heading, kind in blocks])


def section(*blocks: str | tuple[str, BlockKind]) -> list[str]:
    """The passages of one section: paragraphs, or (text, kind)."""
    full = [b if isinstance(b, tuple) else (b, BlockKind.PARAGRAPH) for b in blocks]
    return [p.text for p in split(laid(*((text, "A", kind) for text, kind in full)))]


RECOMMENDATION = "Recommendation 3: In adults with acute disease we suggest early oral fluids."
STRENGTH = "Strength of recommendation: conditional. Certainty of evidence: low."


def test_a_recommendation_keeps_its_strength_and_remarks_and_nothing_else() -> None:
    remarks = "Remarks: the panel valued comfort."
    passages = section("Before.", RECOMMENDATION, STRENGTH, remarks, "The next paragraph.")
    assert passages == ["Before.", f"{RECOMMENDATION}\n\n{STRENGTH}\n\n{remarks}", "The next paragraph."]


def test_a_recommendation_s_strength_is_read() -> None:
    (passage,) = split(laid(*((t, "A", BlockKind.PARAGRAPH) for t in (RECOMMENDATION, STRENGTH))))
    assert (passage.strength, passage.certainty) == ("conditional", "low")


def test_recommendations_are_never_in_one_passage() -> None:
    one, other = "We recommend A in adults (1B).", "We suggest B in children (2C)."
    passages = split(laid((one, "A", BlockKind.LIST_ITEM), (other, "A", BlockKind.LIST_ITEM)))
    assert [(p.text, p.strength) for p in passages] == [(one, "1B"), (other, "2C")]


def test_long_remarks_come_after_the_recommendation_with_its_strength() -> None:
    passages = section(RECOMMENDATION, STRENGTH, f"Remarks: {words(185)}")
    assert passages[0] == f"{RECOMMENDATION}\n\n{STRENGTH}"
    assert all(text.startswith(("Remarks", "word")) or "end." in text for text in passages[1:])


def test_a_recommendation_takes_its_list_along() -> None:
    items = [(f"Item {i}.", BlockKind.LIST_ITEM) for i in range(3)]
    assert section("We recommend the following:", *items, STRENGTH, "Else.") == [
        f"We recommend the following:\n\nItem 0.\n\nItem 1.\n\nItem 2.\n\n{STRENGTH}",
        "Else.",
    ]


def test_an_introducing_line_stays_with_its_list() -> None:
    items = [(words(40, str(i)), BlockKind.LIST_ITEM) for i in range(3)]
    passages = section(words(100), "The following should be given:", *items)
    assert passages[1].startswith("The following should be given:\n\n0 word")
    assert len(passages) == 2
    items = [(words(80, str(i)), BlockKind.LIST_ITEM) for i in range(5)]
    passages = section(words(100), "The following should be given:", *items)
    assert passages[1].startswith("The following should be given:\n\n0 word")


def test_rows_share_a_passage_with_their_table_only() -> None:
    rows = [(f"Drug: drug {i} | Dose: {i} mg. Then stop.", BlockKind.TABLE_ROW) for i in range(3)]
    caption, figure = ("Table 1. Doses.", BlockKind.CAPTION), ("Figure 1. A curve.", BlockKind.CAPTION)
    passages = split(laid(*((t, "A", k) for t, k in (("Text.", BlockKind.PARAGRAPH), caption, *rows, figure))))
    texts = [p.text for p in passages]
    assert texts[0] == "Text."
    assert texts[1].startswith("Table 1. Doses.\n\nDrug: drug 0")
    sentences = [passages[1].text[s:e] for s, e in passages[1].sentences]
    assert sentences[-3:] == [text for text, _ in rows], "a row is one sentence"
    assert texts[2:] == ["Figure 1. A curve."]
    assert section(caption, rows[0], ("Table 2. Ages.", BlockKind.CAPTION), rows[1])[1].startswith("Table 2. Ages.")


def test_rows_are_not_cut() -> None:
    rows = [(f"Drug: {words(90, str(i))}", BlockKind.TABLE_ROW) for i in range(3)]
    assert section(*rows) == [text for text, _ in rows]


def test_a_box_stands_by_itself() -> None:
    boxes = [("Key point one.", BlockKind.BOX), ("Key point two.", BlockKind.BOX)]
    assert section("Text.", *boxes, "More.") == ["Text.", "Key point one.\n\nKey point two.", "More."]


def test_a_list_item_is_a_sentence_of_its_own() -> None:
    (passage,) = split(laid(("aspirin", "A", BlockKind.LIST_ITEM), ("heparin", "A", BlockKind.LIST_ITEM)))
    assert [passage.text[s:e] for s, e in passage.sentences] == ["aspirin", "heparin"]


# what vectors and terms are made from


def of(text: str, *headings: str, anchor: str | None = None) -> Passage:
    return Passage(passage_id="a-1", source_key="a", text=text, start=0, end=len(text), heading_path=headings,
                   sentences=((0, len(text)),), anchor=anchor)  # fmt: skip


def test_context_names_title_and_headings_once() -> None:
    source = SOURCE.model_copy(update={"title": "Dengue in adults"})
    assert context(of("Give fluids.", "Abstract"), source) == "Dengue in adults. Give fluids."
    assert (
        context(of("Give fluids.", "Dengue", "Care", "Fluids?"), source)
        == "Dengue in adults. Care. Fluids? Give fluids."
    )
    assert context(of("Give fluids.", "Dosing", anchor="x"), source) == "Dengue in adults. Give fluids."


def test_context_leaves_out_a_title_that_is_only_the_key() -> None:
    source = SOURCE.model_copy(update={"title": SOURCE.key})
    assert context(of("Give fluids.", "Care"), source) == "Care. Give fluids."
    assert context(of("Give fluids."), source) == "Give fluids."


def test_context_never_pushes_the_passage_out_of_the_window() -> None:
    source = SOURCE.model_copy(update={"title": words(300)})
    for tokens in (20, 120, 185):
        full = context(of(words(tokens), *[f"heading {i} of many" for i in range(90)]), source)
        assert full.endswith(words(tokens))
        assert estimated_tokens(full) <= max(250, tokens + 30)


def test_a_long_statement_is_never_cut() -> None:
    text = "One sentence of a statement. " * 60
    (passage,) = split(read(f"- {text}{{#x}}\n"))
    assert passage.text == text.strip()
    assert estimated_tokens(passage.text) > LONGEST


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
        assert estimated_tokens(passage.text) <= MOST + 1
        inside = [b for b in document.blocks if b.start < passage.end and passage.start < b.end]
        assert {b.heading_path for b in inside} == {passage.heading_path}
        assert inside[0].page == passage.page
        spans = [(passage.start + s, passage.start + e) for s, e in passage.sentences]
        assert all(any(b.start <= s < e <= b.end for b in inside) for s, e in spans)
    assert all(one.end <= other.start for one, other in pairwise(passages))
    kept = "\n".join(p.text for p in passages)
    assert all(text[start:end] in kept for text, _, _ in blocks for start, end in sentence_spans(text))
