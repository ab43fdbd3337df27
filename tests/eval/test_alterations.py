"""True sentences made false: in one place, never left as they were, and never nonsense."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.alterations import alterations
from eval.datasets import altered
from eval.datasets.base import Dataset
from rag.errors import InputError
from rag.language.lexicon import Lexicon
from rag.language.quantities import quantities

LEXICON = Lexicon.load()
DRUGS = ["argatroban", "bivalirudin", "danaparoid", "warfarin", "heparin"]
KINDS = {"number", "unit", "comparator", "negation", "drug", "population", "strength"}
REWORDED = {"typography", "unit", "spelling", "name"}
PIECES = st.sampled_from(
    ["argatroban", "heparin", "unfractionated heparin", "is", "is not", "was not", "should", "cannot", "can",
     "there is no", "0.5 mg/kg", "2 mcg/kg/min", "100000", "in 2018", "(2012)", "5 days", "50 %", "5%", "0",
     "less than", "at least", "slower", "<", "<=", "->", "≥", "higher", "10⁹/L", "1,000", "3-6 months", "PF4",
     "n=24,", "the", "patients", "."]
)  # fmt: skip
SENTENCES = st.lists(PIECES, min_size=1, max_size=10).map(" ".join)


def of(sentence: str) -> dict[str, str]:
    found = list(alterations(sentence, LEXICON, DRUGS))
    assert len({a.kind for a in found}) == len(found)
    return {a.kind: a.text for a in found}


@pytest.mark.parametrize(
    ("sentence", "kind", "expected"),
    [
        ("Give 0.5 mcg/kg/min.", "number", "Give 5 mcg/kg/min."),
        ("In 2018 give 2.50 mg.", "number", "In 2018 give 25 mg."),
        ("Stop below 100.", "number", "Stop below 1000."),
        ("Platelets of 100000 are normal.", "number", "Platelets of 1000000 are normal."),
        ("From 0 to 5 doses.", "number", "From 0 to 50 doses."),
        ("Of 24, two died.", "number", "Of 240, two died."),
        ("Give 5 mg daily.", "unit", "Give 5 g daily."),
        ("Give 5mcg, then 5 mg.", "unit", "Give 5mg, then 5 mg."),
        ("In 50 % or 5% of them.", "unit", "In 50 per 1000 or 5% of them."),
        ("After 5 days, or 7 days.", "unit", "After 5 weeks, or 7 days."),
        ("Wait at least 5 days.", "comparator", "Wait at most 5 days."),
        ("It is slower, and higher.", "comparator", "It is slower, and lower."),
        ("If platelets are <50.", "comparator", "If platelets are >50."),
        ("It is not needed.", "negation", "It is needed."),
        ("They were not studied.", "negation", "They were studied."),
        ("Argatroban cannot be used.", "negation", "Argatroban can be used."),
        ("Warfarin should wait.", "negation", "Warfarin should not wait."),
        ("It can be given.", "negation", "It cannot be given."),
        (
            "There is no antidote, so bleeding is feared.",
            "negation",
            "There is no antidote, so bleeding is not feared.",
        ),
        ("Give warfarin, not argatroban.", "drug", "Give bivalirudin, not argatroban."),
        ("In adults with acute HIT.", "population", "In children with acute HIT."),
        ("In severe renal impairment.", "population", "In mild renal impairment."),
        ("It may be used.", "strength", "It must be used."),
        (
            "ASH suggests it (conditional recommendation).",
            "strength",
            "ASH recommends it (conditional recommendation).",
        ),
        ("Heparin is associated with it.", "strength", "Heparin is caused by it."),
    ],
)
def test_what_is_altered(sentence: str, kind: str, expected: str) -> None:
    assert of(sentence)[kind] == expected


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("ASH 2018, in 1999 and (2012).", "number"),
        ("Of 1,330 over 3-6 months, 3–6 or 1/2, PF4 and 10⁹/L, none.", "number"),
        ("There were 0 deaths.", "number"),
        ("Some days later.", "unit"),
        ("A mild and slower course, <= 5 or -> 7.", "comparator"),
        ("There is no antidote.", "negation"),
        ("It helps.", "negation"),
        ("It helps patients.", "drug"),
        ("In adults and children.", "population"),
        ("In non-acute women with early-mild disease in May.", "strength"),
        ("", "number"),
    ],
)
def test_what_cannot_be_altered_is_left(sentence: str, kind: str) -> None:
    assert kind not in of(sentence)


def test_a_drug_becomes_another_that_the_sentence_does_not_name() -> None:
    names = ["heparin", "argatroban"]
    found = {a.kind: a.text for a in alterations("Give unfractionated heparin.", LEXICON, names)}
    assert found["drug"] == "Give argatroban.", "heparin is what was meant already"
    assert "drug" not in {a.kind for a in alterations("Give argatroban.", LEXICON, ["argatroban"])}
    assert "drug" not in {a.kind for a in alterations("Give argatroban.", LEXICON, [])}


@given(sentence=SENTENCES)
def test_each_kind_changes_one_place(sentence: str) -> None:
    found = of(sentence)
    assert set(found) <= KINDS
    for kind, text in found.items():
        assert text != sentence, kind
        assert text.count(" not not ") == sentence.count(" not not "), kind
        start, end = changed(sentence, text)
        assert len(sentence[start:end]) <= 24, (kind, "more than a word or a name")
    if "number" in found:
        values = [q.low for q in quantities(found["number"]) if q.low]
        assert values
    years = {"2018", "2012"}
    assert all(text.count(y) == sentence.count(y) for text in found.values() for y in years)


def changed(before: str, after: str) -> tuple[int, int]:
    """The span of ``before`` between the longest beginning and the longest end that both have."""
    least = min(len(before), len(after))
    start = next((i for i in range(least) if before[i] != after[i]), least)
    end = next((i for i in range(least - start) if before[-1 - i] != after[-1 - i]), least - start)
    return start, len(before) - end


# the set of altered sentences


@pytest.fixture(scope="module")
def suite() -> Dataset:
    return altered.load()


def test_the_suite_has_every_kind_and_true_sentences(suite: Dataset) -> None:
    counts = Counter(item.kind for item in suite.items)
    false = {f"altered_{kind}" for kind in (*KINDS, "citation", "by_hand")}
    assert counts.keys() == false | {f"true_{kind}" for kind in (*REWORDED, "by_hand")}
    assert all(count >= 50 for count in counts.values()), counts
    assert suite.digest == altered.load().digest


def test_no_item_is_its_own_evidence_and_variants_of_a_statement_are_a_cluster(suite: Dataset) -> None:
    assert not [item.item_id for item in suite.items if item.question in item.evidence and item.kind != "true_by_hand"]
    assert not [item.item_id for item in suite.items if " not not " in item.question or " not no " in item.question]
    by_evidence: dict[tuple[str, ...], set[str]] = {}
    for item in (item for item in suite.items if item.kind != "altered_citation"):
        by_evidence.setdefault(item.evidence, set()).add(item.cluster)
    assert all(len(clusters) == 1 and "" not in clusters for clusters in by_evidence.values())


@pytest.mark.parametrize(
    "written",
    ["", "altered: []\n", "altered:\n  - source: It is so.\naccepted: []\n", "altered:\n  - words\naccepted: []\n"],
)
def test_a_table_that_is_none_is_named(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "altered_sentences.yaml"
    path.write_text(written, "utf-8")
    monkeypatch.setattr(altered, "TABLE", path)
    with pytest.raises(InputError, match=r"altered_sentences\.yaml: .*see the head"):
        altered.load()


def test_without_the_table_the_programmed_ones_are_asked(
    suite: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(altered, "TABLE", tmp_path / "absent.yaml")
    found = altered.load()
    assert list(found.items) == [item for item in suite.items if not item.item_id.startswith("table-")]
