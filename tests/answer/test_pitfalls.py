"""Boxed warnings and contraindications of what an answer weighs, matched to the patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_corpus import document, empty_index, exported_encoder

from rag.answer.cautions import Degree, barring
from rag.domain import Answer, Document, EvidenceType, Filter, Role
from rag.index.build import build
from rag.pipeline import Pipeline
from rag.settings import Settings

LABEL = (
    (
        "## Boxed warning\n\n- Argatroban can cause fatal haemorrhage (boxed warning). {{#w1}}\n\n"
        "## Contraindications\n\n- Argatroban is contraindicated in severe hepatic impairment. {{#w2}}\n"
        "- Argatroban is not contraindicated in renal impairment. {{#w3}}\n"
    )
    .replace("{{", "{")
    .replace("}}", "}")
)
GUIDE = "## Recommendations\n\n- Argatroban is recommended in heparin-induced thrombocytopenia (HIT). {#g1}\n"


def label(key: str = "label", body: str = LABEL, kind: str = "drug_label") -> Document:
    made = document(key, body)
    return made.model_copy(update={"source": made.source.model_copy(update={"evidence_type": EvidenceType(kind)})})


@pytest.fixture
def small(starter_index: Path, tmp_path: Path) -> Pipeline:
    index = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build([label(), document("guide", GUIDE)], index)
    return Pipeline.open(Settings(index_dir=index))


def pitfalls(pipeline: Pipeline, answer: Answer) -> list[str | None]:
    shown = [s for section in answer.sections if section.role is Role.PITFALL for s in section.statements]
    return [pipeline.passage(s.evidence[0].passage_id)[0].anchor for s in shown]


def test_what_names_this_patients_condition_comes_first(small: Pipeline) -> None:
    answer = small.ask("Should argatroban be given in HIT with cirrhosis?")
    said = [small.passage(e.passage_id)[0].anchor for s in answer.statements() for e in s.evidence]
    assert {"w1", "w2"} <= set(said)
    assert said.count("w1") == said.count("w2") == 1, "nothing is said twice"
    assert "w3" not in pitfalls(small, answer), "what is not contraindicated is no warning"


def test_a_grade_that_the_patient_does_not_have_is_no_warning_for_them(small: Pipeline) -> None:
    answer = small.ask("Should argatroban be given in HIT with mild hepatic impairment?")
    assert "w2" not in pitfalls(small, answer)


def test_cautions_are_those_of_the_drug_by_degree(small: Pipeline) -> None:
    found = {small.passage(c.sentence.passage.passage_id)[0].anchor: c for c in small.cautions.of("argatroban")}
    assert (found["w1"].degree, found["w2"].degree) == (Degree.BOXED, Degree.CONTRAINDICATED)
    assert found["w2"].barred == {"severe hepatic impairment"}
    assert small.cautions.of("heparin") == ()
    assert small.cautions.of("argatroban", Filter(evidence_types=(EvidenceType.GUIDELINE,))) == ()


def test_a_contraindication_of_a_drug_that_is_only_advised_is_shown(pipeline: Pipeline) -> None:
    answer = pipeline.ask(
        "Should IVIG be given to a patient with severe thrombocytopenia, cirrhosis, impaired renal function, and HIT "
        "who is on argatroban?"
    )
    found = pitfalls(pipeline, answer)
    assert found.index("hit076") == 0, "the patient's own drug, barred in severe liver disease"
    assert "hit111" in found, "fondaparinux, which the shown guidelines list, and impaired renal function"


def test_a_boxed_warning_is_shown_though_it_names_no_condition_of_the_patient(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Should IVIG be given for ITP in a patient with platelets of 12?")
    said = {pipeline.passage(e.passage_id)[0].anchor for s in answer.statements() for e in s.evidence}
    assert {"hit059", "hit060"} & said


@pytest.mark.parametrize(
    ("text", "after"),
    [("Avoid it in cirrhosis.", " it in cirrhosis."), ("It is not recommended in C.", " in C."), ("Give it.", None)],
)
def test_where_barring_words_end(text: str, after: str | None) -> None:
    end = barring(text)
    assert (text[end:] if end is not None else None) == after


def test_labels_and_regulators_say_which_state_of_them_was_read(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Can argatroban be used in HIT with Child-Pugh C cirrhosis?")
    for statement in answer.statements():
        source = pipeline.passage(statement.evidence[0].passage_id)[1]
        is_regulatory = source.evidence_type in {EvidenceType.DRUG_LABEL, EvidenceType.REGULATOR}
        assert statement.as_of == (source.state_read if is_regulatory else None)
    assert "2024-11-14" in {s.as_of for s in answer.statements()}


REVIEW = "## Pitfalls\n\n- Argatroban in HIT with cirrhosis caused bleeding in a review of cases. {#r1}\n"


def test_warnings_of_labels_and_of_reviews_lead_from_one_place(starter_index: Path, tmp_path: Path) -> None:
    """The boxed warning comes before what a review warns of, and neither is lost."""
    index = empty_index(tmp_path / "index", exported_encoder(starter_index))
    boxed = LABEL.replace(
        "Argatroban can cause fatal haemorrhage", "Argatroban can cause fatal haemorrhage in cirrhosis"
    )
    build([label(body=boxed), document("guide", GUIDE), label("review", REVIEW, "narrative_review")], index)
    pipeline = Pipeline.open(Settings(index_dir=index))
    answer = pipeline.ask("Should argatroban be given in HIT with cirrhosis?")
    said = [pipeline.passage(e.passage_id)[0].anchor for s in answer.statements() for e in s.evidence]
    assert {"w1", "r1"} <= set(said)
    assert said.count("w1") == said.count("r1") == 1
    leading = [pipeline.passage(s.evidence[0].passage_id)[0].anchor for s in answer.bottom_line]
    assert "w1" in leading
