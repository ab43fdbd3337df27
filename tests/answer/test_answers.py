"""Answers over the starter corpus: what they must say, what they must never do."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from small_corpus import TINY, empty_index, exported_encoder, markdown

from rag.answer.doses import is_dose
from rag.domain import Answer, Audience, Outcome, Role
from rag.errors import QuestionError
from rag.index.build import build
from rag.ingest.readers.markdown import read_markdown
from rag.language.quantities import quantities
from rag.pipeline import Pipeline
from rag.settings import Settings

QUESTIONS = (Path(__file__).parents[2] / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines()
REFERENCE = QUESTIONS[0]
ABSTAINED = (
    "Should an umbilical hernia be repaired in a patient with cirrhosis and ascites?",
    "What is the first-line treatment of acute otitis media in a two-year-old?",
    "What is the capital of France?",
    "Management of variceal bleeding in cirrhosis?",  # what is said of anticoagulation in cirrhosis is no answer
)


@cache
def ask(pipeline: Pipeline, question: str, audience: Audience = Audience.CLINICIAN) -> Answer:
    return pipeline.ask(question, audience)


def anchors(pipeline: Pipeline, answer: Answer) -> set[str | None]:
    return {pipeline.passage(e.passage_id)[0].anchor for s in answer.statements() for e in s.evidence}


@pytest.mark.parametrize("question", QUESTIONS)
def test_starter_questions_are_answered(pipeline: Pipeline, question: str) -> None:
    answer = ask(pipeline, question)
    assert answer.outcome in {Outcome.ANSWERED, Outcome.PARTIAL}
    assert answer.outcome is Outcome.ANSWERED or answer.gaps, "a partial answer names what is missing"


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_statement_stands_on_exact_words(pipeline: Pipeline, question: str) -> None:
    for statement in ask(pipeline, question).statements():
        assert statement.citations
        for evidence in statement.evidence:
            passage, source = pipeline.passage(evidence.passage_id)
            assert passage.text[evidence.start : evidence.end] == evidence.quote
            assert pipeline.snapshot.store.source_text(source.key)[passage.start : passage.end] == passage.text
            assert source.key == evidence.source_id
        check = pipeline.verifier.verify(
            statement.text, [e.quote for e in statement.evidence], strength=statement.strength
        )
        assert check.verdict.value == "supported", (statement.text, check)


@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_is_said_twice_in_the_article(pipeline: Pipeline, question: str) -> None:
    answer = ask(pipeline, question)
    shown = [s.text for s in answer.bottom_line] + [s.text for section in answer.sections for s in section.statements]
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("question", QUESTIONS)
def test_references_are_numbered_in_order_of_first_use(pipeline: Pipeline, question: str) -> None:
    answer = ask(pipeline, question)
    used = [n for s in answer.statements() for n in s.citations]
    assert list(dict.fromkeys(used)) == [r.number for r in answer.references]


def test_same_question_same_bytes(pipeline: Pipeline) -> None:
    timed = {"receipt": {"timings_ms"}}
    one, other = pipeline.ask(REFERENCE), pipeline.ask(REFERENCE)
    assert one.model_dump_json(exclude=timed) == other.model_dump_json(exclude=timed)


class TestReferenceQuestion:
    """What a haematologist on call must find, and the faults of a published article that must not be repeated."""

    @pytest.fixture
    def answer(self, pipeline: Pipeline) -> Answer:
        return ask(pipeline, REFERENCE)

    def test_first_sentence_is_the_decision(self, answer: Answer) -> None:
        assert answer.bottom_line[0].text.startswith(
            "Intravenous immunoglobulin (IVIG) is not part of the initial treatment of acute heparin-induced "
            "thrombocytopenia (HIT)"
        )

    def test_ivig_is_an_adjunct_and_never_instead(self, pipeline: Pipeline, answer: Answer) -> None:
        assert "hit050" in anchors(pipeline, answer)
        assert any("adjunct to, not a substitute for" in s.text for s in answer.statements())

    def test_silence_of_a_guideline_is_not_called_advice_against(self, answer: Answer) -> None:
        assert "not a recommendation against" in answer.bottom_line[0].text

    def test_both_boxed_warnings_are_shown_with_the_renal_one_first(self, pipeline: Pipeline, answer: Answer) -> None:
        assert {"hit059", "hit060"} <= anchors(pipeline, answer)
        assert any("renal insufficiency" in s.text for s in answer.bottom_line)

    def test_volume_load_is_shown(self, pipeline: Pipeline, answer: Answer) -> None:
        assert "hit064" in anchors(pipeline, answer)

    def test_diagnosis_is_to_be_confirmed(self, answer: Answer) -> None:
        assert any(s.role is Role.DIAGNOSIS and s.heading == "Confirming HIT" for s in answer.sections)
        assert {"4Ts score", "result of a functional (platelet activation) assay"} & {n.variable for n in answer.needed}

    def test_label_conflict_is_shown_by_country(self, answer: Answer) -> None:
        sides = [{p.jurisdiction for p in d.positions} for d in answer.disagreements if "severe hepatic" in d.topic]
        assert sides == [{"US", "GB", "FR"}]

    def test_child_pugh_class_is_asked_for_with_all_classes(self, answer: Answer) -> None:
        needed = next(n for n in answer.needed if n.variable == "Child-Pugh class")
        assert {b.value for b in needed.branches} == {"A", "B", "C"}
        assert all(b.note for b in needed.branches if b.value == "A"), "no source speaks of class A: the note says so"

    def test_liver_and_kidney_need_less_than_liver_alone(self, pipeline: Pipeline, answer: Answer) -> None:
        assert {"hit089", "hit093"} & anchors(pipeline, answer)

    def test_findings_without_liver_disease_are_no_dosing_advice(self, pipeline: Pipeline, answer: Answer) -> None:
        dosing = [s for section in answer.sections if section.role is Role.DOSING for s in section.statements]
        cited = {pipeline.passage(e.passage_id)[0].anchor for s in dosing for e in s.evidence}
        assert not {"hit087", "hit091", "hit094"} & cited

    def test_aptt_cap(self, answer: Answer) -> None:
        assert any("not exceeding 100 s" in s.text for s in answer.statements())

    def test_platelets_only_for_bleeding_or_procedures(self, pipeline: Pipeline, answer: Answer) -> None:
        assert {"hit034", "hit015"} & anchors(pipeline, answer)

    def test_series_of_2017_is_cited_under_its_own_authors(self, answer: Answer) -> None:
        reference = next(r for r in answer.references if r.pmid == "28427966")
        assert reference.vancouver.startswith("Padmanabhan A")

    def test_strength_and_certainty_are_the_sources_own(self, pipeline: Pipeline, answer: Answer) -> None:
        for statement in answer.statements():
            passage, _ = pipeline.passage(statement.evidence[0].passage_id)
            assert (statement.strength, statement.certainty) == (passage.strength, passage.certainty)

    def test_the_combination_is_named_as_a_gap(self, answer: Answer) -> None:
        assert any("together" in gap.aspect and "cirrhosis" in gap.aspect for gap in answer.gaps)

    def test_related_questions_are_answered_and_never_lead_to_heparin(self, pipeline: Pipeline, answer: Answer) -> None:
        assert len(answer.related_questions) >= 3
        for question in answer.related_questions:
            assert ask(pipeline, question).outcome in {Outcome.ANSWERED, Outcome.PARTIAL}, question
            assert "heparin " not in question.replace("heparin-induced", "")


@pytest.mark.parametrize("question", ABSTAINED)
def test_what_the_corpus_cannot_speak_to_is_not_answered(pipeline: Pipeline, question: str) -> None:
    answer = ask(pipeline, question)
    assert answer.outcome is Outcome.ABSTAINED
    assert answer.statements() == ()
    assert answer.reason
    assert answer.gaps


def test_false_premise_is_contradicted_with_evidence(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "Since IVIG is first-line for HIT, what dose?")
    correction = answer.bottom_line[0]
    assert correction.correction_of == "IVIG is first-line for HIT"
    assert "adjunct" in correction.text or "not part of the initial treatment" in correction.text


def test_wrong_antibody_is_contradicted_with_evidence(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "The patient has HIT antibodies (anti-GPIIb/IIIa). Should argatroban be restarted?")
    assert answer.bottom_line[0].correction_of
    assert "do not diagnose HIT" in answer.bottom_line[0].text or "not HIT" in answer.bottom_line[0].text


def test_redirected(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "I want to kill myself")
    assert answer.outcome is Outcome.REDIRECTED
    assert answer.reason
    assert "emergency number" in answer.reason


@pytest.mark.parametrize("question", ["", "  \n ", "x" * 5000, "IVIG in HIT \ud800?"])
def test_unusable_questions_are_refused(pipeline: Pipeline, question: str) -> None:
    with pytest.raises(QuestionError, match="expected"):
        pipeline.ask(question)


def test_patients_are_shown_no_doses_to_act_on_and_told_so(pipeline: Pipeline) -> None:
    clinician, patient = ask(pipeline, REFERENCE), ask(pipeline, REFERENCE, Audience.PATIENT)
    assert not {Role.DOSING, Role.MONITORING} & {s.role for s in patient.sections}
    withheld = {s.heading for s in clinician.sections if s.role in {Role.DOSING, Role.MONITORING}}
    assert withheld <= {part.heading for part in patient.withheld if part.kind.endswith("_section")}
    assert patient.glossary
    assert "ask your doctor" in patient.disclaimer


@pytest.mark.parametrize("question", QUESTIONS)
def test_patients_are_shown_no_dose_anywhere(pipeline: Pipeline, question: str) -> None:
    for statement in ask(pipeline, question, Audience.PATIENT).statements():
        assert not [q for q in quantities(statement.text) if is_dose(q.unit)], statement.text


FIRST_SAID = [
    ("HIT?", "HIT"),
    ("Can I give apixaban in Child-Pugh C cirrhosis?", "not recommended in severe (Child-Pugh C)"),
    ("Is rivaroxaban safe in Child-Pugh B cirrhosis?", "avoid rivaroxaban in moderate (Child-Pugh B)"),
    ("Fondaparinux dose for HIT with creatinine clearance 25 mL/min?", "contraindicated"),
    ("Is it safe to give heparin flushes to a patient with HIT?", "removed from every source"),
    ("What are the side effects of IVIG?", "boxed warning"),
    # what is said of another score, class or stage is wrong for this patient
    ("Should heparin be stopped in suspected HIT with a low 4Ts score?", "low-probability 4Ts score"),
    ("Duration of anticoagulation after a first unprovoked cerebral venous thrombosis?", "ESO) 2017"),
    ("Should warfarin be stopped in a patient with acute HIT?", "should have it stopped"),
    ("Is it safe to watch an inguinal hernia without surgery?", "watchful waiting is safe"),
]


@pytest.mark.parametrize(("question", "said"), FIRST_SAID)
def test_first_sentence_is_for_this_patient(pipeline: Pipeline, question: str, said: str) -> None:
    assert said in ask(pipeline, question).bottom_line[0].text


def test_advice_for_another_value_is_in_no_bottom_line(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "Should heparin be stopped in suspected HIT with a low 4Ts score?")
    assert not [s.text for s in answer.bottom_line if re.search(r"(?:high|intermediate)-probability", s.text)]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Should platelets be given in HIT at average bleeding risk?", "no"),
        ("Should platelets be given in HIT with active bleeding?", "depends"),  # the same sentence says both
        ("Should watchful waiting be offered for a femoral hernia?", "depends"),  # it is for repair
    ],
)
def test_a_decision_is_for_the_value_that_the_question_gives(pipeline: Pipeline, question: str, value: str) -> None:
    decision = ask(pipeline, question).decision
    assert decision is not None
    assert decision.value == value


def test_what_to_do_about_a_new_problem_is_in_the_bottom_line(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "How is a patient with cirrhosis and HIT managed who develops jaundice on argatroban?")
    assert any(s.text.startswith("If bilirubin rises") for s in answer.bottom_line)


def test_what_no_source_says_of_the_pregnant_is_not_taken_from_others(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "Which anticoagulant for HIT in pregnancy?")
    assert answer.outcome is Outcome.ABSTAINED
    assert sum("pregnan" in g.aspect for g in answer.gaps) == 1


@pytest.mark.parametrize(
    "question",
    ["Should warfarin be stopped in a patient with acute HIT?", "Why is rivaroxaban safe in Child-Pugh C cirrhosis?"],
)
def test_advice_on_the_class_or_on_two_grades_is_on_the_combination(pipeline: Pipeline, question: str) -> None:
    assert not [g for g in ask(pipeline, question).gaps if g.aspect.startswith("all of this together")]


def test_a_treatment_that_is_over_is_not_in_the_title_as_one_that_is_taken(pipeline: Pipeline) -> None:
    had = "What is next for a woman with colon cancer who completed FOLFOX and has a perinephric haematoma?"
    has = "How is a patient with cirrhosis and HIT managed who is already on argatroban?"
    assert "FOLFOX" not in ask(pipeline, had).title
    assert ask(pipeline, has).title.endswith(", on argatroban")


def test_a_platelet_fall_on_heparin_never_leads_to_more_heparin(pipeline: Pipeline) -> None:
    answer = ask(pipeline, "65-year-old on heparin day 7, platelets fell from 220 to 80, new DVT. What now?")
    assert [r.read for r in answer.readings] == ["suspected heparin-induced thrombocytopenia"]
    assert not [s.text for s in answer.bottom_line if re.search(r"\b(?:give|start|continue) heparin", s.text)]


@pytest.mark.parametrize("withdrawn", ["retracted: true\n", "superseded_by: newer\n"])
def test_a_withdrawn_source_supports_nothing(starter_index: Path, tmp_path: Path, withdrawn: str) -> None:
    content = markdown("argatroban", TINY["argatroban"]).decode().replace("jurisdiction:", f"{withdrawn}jurisdiction:")
    source = read_markdown(content.encode(), "argatroban.md")
    assert not source.source.stands
    index = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build([source], index)
    opened = Pipeline.open(Settings(index_dir=index))
    answer = opened.ask("What is the dose of argatroban in HIT?")
    opened.snapshot.close()
    assert answer.outcome is Outcome.ABSTAINED
    assert answer.statements() == ()


def test_trainees_get_abbreviations_spelled_out(pipeline: Pipeline) -> None:
    glossary = {e.term: e.meaning for e in ask(pipeline, REFERENCE, Audience.TRAINEE).glossary}
    assert glossary["aPTT"] == "activated partial thromboplastin time"


def test_receipt_says_what_made_the_answer(pipeline: Pipeline) -> None:
    receipt = ask(pipeline, REFERENCE).receipt
    assert receipt.snapshot_id == pipeline.snapshot.snapshot_id
    assert receipt.settings_digest == pipeline.settings.digest()
    assert set(receipt.timings_ms) >= {"interpret", "embed", "retrieve", "select", "compose", "verify", "total"}
    assert len(receipt.retrieved) == pipeline.settings.candidates
