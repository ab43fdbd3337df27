"""The table of plain words and how it is used: a term is better than a wrong word."""

from __future__ import annotations

import pytest

from rag.language.lexicon import tokens
from rag.language.plain import TABLE, PlainWords, Row
from rag.language.polarity import cues
from rag.language.quantities import quantities

WORDS = PlainWords.load()
DECIDING = {"negation", "exception", "exclusion", "limit", "hedge", "modality"}


def plain(text: str) -> str:
    return WORDS.of(text).text


def test_the_table_is_well_formed() -> None:
    rows = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert rows[0] == ["use", "term", "plain"]
    assert len(rows) > 300
    assert {row[0] for row in rows[1:]} == {"term", "adjective", "word", "explain", "keep"}
    terms = [tuple(t.form for t in tokens(row[1])) for row in rows[1:]]
    assert [t for t in terms if not t or terms.count(t) > 1] == []
    assert all(row[2].strip("+|") for row in rows[1:] if row[0] != "keep")


@pytest.mark.parametrize("row", [row for row in WORDS.rows if row.is_exchanged], ids=lambda row: row.term)
def test_no_exchange_adds_or_drops_a_number_a_negation_a_condition_or_a_hedge(row: Row) -> None:
    for words in filter(None, (row.singular, row.plural)):
        assert [q[:4] for q in quantities(words)] == [q[:4] for q in quantities(row.term)]
        said = [(c.kind, c.sense) for c in cues(words) if c.kind in DECIDING]
        assert said == [(c.kind, c.sense) for c in cues(row.term) if c.kind in DECIDING]
        assert plain(words) == words, "plain words are not exchanged again"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Anticoagulants help.", "Blood thinners help."),
        ("an anticoagulant or an analgesic", "a blood thinner or a painkiller"),
        ("A hepatic cause", "A liver cause"),
        ("Haemorrhage and hemorrhage", "Bleeding and bleeding"),
        ("thromboses of the arm", "blood clots of the arm"),
        ("severe renal impairment", "severely reduced kidney function"),
        ("heparin-induced thrombocytopenia (HIT)", "low platelet count caused by heparin (HIT)"),
    ],
)
def test_terms_are_exchanged(text: str, said: str) -> None:
    assert plain(text) == said


@pytest.mark.parametrize(
    ("text", "said", "why"),
    [
        ("A thrombosis is seen.", None, "a plural does not fit after an article"),
        ("Thrombosis is common.", None, "nor before a singular verb"),
        ("hepatic or renal impairment", "liver or kidney impairment", "the first adjective shares the noun"),
        ("renal impairment or failure", "kidney impairment or failure", "the second noun shares the adjective"),
        ("less severe thrombocytopenia", "less severe low platelet count", "less severe is not very low"),
        ("elimination is not exclusively hepatic", None, "an adjective needs a noun"),
        ("the Society on Thrombosis and Haemostasis", None, "part of a name"),
        ("an intra-abdominal bleed", None, "part of a compound"),
        ("thrombophilia screening", None, "a phrase cannot stand before a noun"),
        ("portal hypertension", None, "another disease than hypertension"),
        ("A myocardial infarction is a heart attack.", None, "it is being explained"),
        ("individual risk", None, "only the plural is people"),
        ("a first thrombosis", None, "a plural does not fit after an article, wherever that stands"),
        ("a heparin/anticoagulant mix", None, "part of a pair"),
        ("lupus anticoagulant", None, "an antibody, and no drug"),
        ("vitamin K antagonist therapy", None, "a phrase cannot stand before a noun"),
        ("adverse, event", None, "words beyond a comma are not one term"),
    ],
)
def test_where_it_does_not_fit_the_term_stays(text: str, said: str | None, why: str) -> None:
    assert plain(text) == (said or text), why


def test_what_is_exchanged_and_what_is_to_be_explained_is_told() -> None:
    found = WORDS.of("Anticoagulants are contraindicated prior to a refractory haemorrhage.")
    assert found.text == "Blood thinners are contraindicated before a refractory bleeding."
    assert [row.term for row in found.exchanged] == ["anticoagulant", "haemorrhage"], "everyday words need no glossary"
    assert [row.term for row in found.left] == ["contraindicated", "refractory"]
