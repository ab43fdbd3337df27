"""The lexicon: how mentions are found, and whether the shipped table is well formed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language.lexicon import TABLE, Lexicon, folded, tokens

KINDS = {"drug", "drug_class", "condition", "population", "test", "procedure", "setting"}
ROWS = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
FORMS = [(form, row[1]) for row in ROWS[1:] for form in (row[1], *row[3].split("|")) if form]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load()


def found(lexicon: Lexicon, text: str) -> list[tuple[str, str]]:
    """Concepts with their surface forms."""
    return [(m.concept, text[m.start : m.end]) for m in lexicon.mentions(text)]


# the table


def test_rows_have_four_columns_of_clean_text() -> None:
    assert ROWS[0] == ["kind", "concept", "parents", "synonyms"]
    for row in ROWS:
        assert len(row) == 4, row
        for cell in (c for column in row for c in column.split("|")):
            assert cell == " ".join(cell.split()), row


def test_concepts_are_unique_lower_case_and_of_a_known_kind() -> None:
    names = [row[1] for row in ROWS[1:]]
    assert [name for name, n in Counter(names).items() if n > 1] == []
    assert [name for name in names if name != name.lower()] == []
    assert {row[0] for row in ROWS[1:]} == KINDS


def test_parents_exist_and_no_concept_is_its_own_ancestor(lexicon: Lexicon) -> None:
    assert [(c.name, p) for c in lexicon.concepts.values() for p in c.parents if p not in lexicon.concepts] == []
    assert [name for name in lexicon.concepts if name in lexicon.ancestors(name)] == []


def test_no_form_is_written_twice() -> None:
    assert [form for form, n in Counter(form for form, _ in FORMS).items() if n > 1] == []


def test_every_form_is_found_whole_as_its_own_concept(lexicon: Lexicon) -> None:
    wrong = [(form, name, found(lexicon, form)) for form, name in FORMS if found(lexicon, form) != [(name, form)]]
    assert wrong == []


def test_every_form_is_found_inside_a_sentence(lexicon: Lexicon) -> None:
    missed = [f for f, name in FORMS if name not in {c for c, _ in found(lexicon, f"because of {f}, and it")}]
    assert missed == []


# mentions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "heparin-induced thrombocytopenia",
            [("heparin-induced thrombocytopenia", "heparin-induced thrombocytopenia")],
        ),
        (
            "Heparin induced thrombocytopenia",
            [("heparin-induced thrombocytopenia", "Heparin induced thrombocytopenia")],
        ),
        ("heparin and thrombocytopenia", [("heparin", "heparin"), ("thrombocytopenia", "thrombocytopenia")]),
        ("HIT on heparin", [("heparin-induced thrombocytopenia", "HIT"), ("heparin", "heparin")]),
        ("He was hit by a car", []),
        ("Hit the target", []),
        ("ARGATROBAN", [("argatroban", "ARGATROBAN")]),
        ("argatroban's effect", [("argatroban", "argatroban's")]),
        ("argatrobanic", []),
        ("argatroban/bivalirudin", [("argatroban", "argatroban"), ("bivalirudin", "bivalirudin")]),
        ("LMWH or UFH", [("low-molecular-weight heparin", "LMWH"), ("unfractionated heparin", "UFH")]),
        ("two DOACs", [("direct oral anticoagulant", "DOACs")]),
        ("low-molecular-weight heparins", [("low-molecular-weight heparin", "low-molecular-weight heparins")]),
        ("", []),
        ("… — 5 %", []),
    ],
)
def test_mentions(lexicon: Lexicon, text: str, expected: list[tuple[str, str]]) -> None:
    assert found(lexicon, text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("haemorrhage", "hemorrhage"),
        ("perinephric haematoma", "perinephric hematoma"),
        ("acquired haemophilia A", "acquired hemophilia A"),
        ("anaemia", "anemia"),
        ("ischaemic stroke", "ischemic stroke"),
        ("pulmonary oedema", "pulmonary edema"),
        ("inguinal hernias", "inguinal hernia"),
        ("IVIG", "intravenous immunoglobulin"),
    ],
)
def test_spelling_number_and_synonyms_make_no_difference(lexicon: Lexicon, one: str, other: str) -> None:
    concepts = [m.concept for m in lexicon.mentions(one)]
    assert concepts == [m.concept for m in lexicon.mentions(other)]
    assert len(concepts) == 1


def test_folding_is_idempotent_for_every_form() -> None:
    assert [f for f, _ in FORMS if folded(folded(f)) != folded(f)] == []


def test_broader_concepts(lexicon: Lexicon) -> None:
    assert lexicon.is_a("argatroban", "argatroban")
    assert lexicon.is_a("argatroban", "direct thrombin inhibitor")
    assert lexicon.is_a("argatroban", "anticoagulant")
    assert not lexicon.is_a("anticoagulant", "argatroban")
    assert not lexicon.is_a("argatroban", "heparin")
    assert lexicon.is_a("enoxaparin", "heparin")
    assert lexicon.kind("argatroban") == "drug"
    assert (lexicon.kind("no such thing"), lexicon.parents("no such thing")) == ("term", ())
    assert lexicon.ancestors("no such thing") == frozenset()


# abbreviations mined from a corpus


def test_a_known_long_form_lends_its_concept(lexicon: Lexicon) -> None:
    assert found(lexicon, "ARGX") == []
    extended = lexicon.extended([("ARGX", "argatroban")])
    assert found(extended, "ARGX works") == [("argatroban", "ARGX")]
    assert found(lexicon, "ARGX") == [], "the lexicon that was extended is unchanged"


def test_an_unknown_long_form_becomes_a_term(lexicon: Lexicon) -> None:
    extended = lexicon.extended([("QZW", "quartz zebra wheel")])
    assert [m.concept for m in extended.mentions("QZW or quartz zebra wheels")] == ["quartz zebra wheel"] * 2
    assert extended.kind("quartz zebra wheel") == "term"


def test_the_table_keeps_its_meaning(lexicon: Lexicon) -> None:
    extended = lexicon.extended([("HIT", "high intensity training"), ("ITP", "idle time policy")])
    assert [m.concept for m in extended.mentions("HIT or ITP")] == [m.concept for m in lexicon.mentions("HIT or ITP")]


def test_a_mined_acronym_that_is_a_word_needs_its_capitals(lexicon: Lexicon) -> None:
    extended = lexicon.extended([("COWS", "clinical opiate withdrawal scale")])
    assert len(extended.mentions("COWS of 12")) == 1
    assert extended.mentions("twelve cows") == ()


def test_extending_with_nothing_changes_nothing(lexicon: Lexicon) -> None:
    same = lexicon.extended([])
    assert (same.concepts, same.forms, same.acronyms) == (lexicon.concepts, lexicon.forms, lexicon.acronyms)


# properties


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([f for f, _ in FORMS][::7]) | st.text(max_size=8)).map(" ".join))
def test_mentions_do_not_overlap_and_lie_on_word_boundaries(lexicon: Lexicon, text: str) -> None:
    mentions = lexicon.mentions(text)
    starts, ends = {t.start for t in tokens(text)}, {t.end for t in tokens(text)}
    assert all(one.end <= other.start for one, other in pairwise(mentions))
    for m in mentions:
        assert m.start in starts
        assert m.end in ends
        assert m.kind == lexicon.concepts[m.concept].kind


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_tokens_are_slices_in_order(text: str) -> None:
    words = tokens(text)
    assert all(text[t.start : t.end] == t.text for t in words)
    assert all(one.end <= other.start for one, other in pairwise(words))


def test_another_table_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(
        "kind\tconcept\tparents\tsynonyms\n# note\ndrug\tx\ty\tEX|x drug\ndrug_class\ty\t\t\n"
    )
    lexicon = Lexicon.load(tmp_path / "t.tsv")
    assert [m.concept for m in lexicon.mentions("EX, x drugs, ex, y")] == ["x", "x", "y"]
    assert lexicon.is_a("x", "y")


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("a non-heparin agent", "non-heparin anticoagulant"),
        ("alternatives to heparin", "non-heparin anticoagulant"),
        ("stopping heparin", "heparin"),
        ("heparin cessation", "heparin"),
        ("platelets not be transfused", "platelet transfusion"),
        ("platelets should not be given", "platelet transfusion"),
        ("whether platelets can be transfused", "platelet transfusion"),
        ("abnormal coagulation", "coagulopathy"),
        ("Child's B or C", "moderate or severe hepatic impairment"),
    ],
)
def test_what_clinicians_say_is_read_as_what_they_mean(lexicon: Lexicon, text: str, concept: str) -> None:
    assert [m.concept for m in lexicon.mentions(text)] == [concept]
