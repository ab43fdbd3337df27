from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language.lexicon import Lexicon, folded, tokens
from rag.language.terms import GENERIC_WORDS, STOP_WORDS, Analyzer, is_generic, stem


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(Lexicon.load())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Argatroban is infused", ["=argatroban", "infus"]),
        ("heparin-induced thrombocytopenia and heparin", ["=heparin-induced thrombocytopenia", "=heparin"]),
        ("HIT HIT", ["=heparin-induced thrombocytopenia"] * 2),
        ("hit", ["hit"]),
        ("the of and", []),
        ("", []),
        ("infusing 5 mg", ["infus", "5", "mg"]),
        ("ends with argatroban", ["end", "=argatroban"]),
    ],
)
def test_content_terms(analyzer: Analyzer, text: str, expected: list[str]) -> None:
    assert analyzer.content_terms(text) == expected


def test_index_terms_hold_the_words_and_the_concepts(analyzer: Analyzer) -> None:
    assert analyzer.index_terms("the LMWH infusions") == ["lmwh", "infus", "=low-molecular-weight heparin"]
    both = set(analyzer.index_terms("LMWH")) & set(analyzer.index_terms("low-molecular-weight heparin"))
    assert both == {"=low-molecular-weight heparin"}


def test_given_mentions_are_used(analyzer: Analyzer) -> None:
    text = "argatroban infusion"
    assert analyzer.content_terms(text, ()) == ["argatroban", "infus"]
    assert analyzer.content_terms(text, analyzer.lexicon.mentions(text)) == analyzer.content_terms(text)


@pytest.mark.parametrize(
    "words", [("infusion", "infusions", "infused"), ("bleed", "bleeding"), ("monitor", "monitoring")]
)
def test_inflections_share_a_stem(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1


def test_word_lists_are_folded_words_and_do_not_overlap_in_sense() -> None:
    for words in (STOP_WORDS, GENERIC_WORDS):
        assert {w for w in words if folded(w) != w} == set()
    assert not {w for w in STOP_WORDS if len(tokens(w)) != 1}


@pytest.mark.parametrize("word", ["patients", "treatment", "recommended", "dose", "risk"])
def test_generic_words(word: str) -> None:
    assert is_generic(stem(word))


@pytest.mark.parametrize("term", [stem("argatroban"), "=argatroban", stem("hernia"), "=patient", ""])
def test_words_of_a_subject_are_not_generic(term: str) -> None:
    assert not is_generic(term)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(["argatroban", "HIT", "the", "in", "liver disease", "infused", "5 mg", "β", "?"])
        | st.text(max_size=6)
    ).map(" ".join)
)
def test_every_mention_is_one_content_term_and_stop_words_none(analyzer: Analyzer, text: str) -> None:
    mentions = analyzer.lexicon.mentions(text)
    terms = analyzer.content_terms(text)
    assert [t[1:] for t in terms if t.startswith("=")] == [m.concept for m in mentions]
    assert set(terms) <= set(analyzer.index_terms(text))
