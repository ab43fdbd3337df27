"""One article, three readers: nothing is lost or changed on the way but what is withheld on purpose, and listed."""

from __future__ import annotations

import statistics
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml
from small_corpus import document, empty_index, exported_encoder

from rag.answer.doses import has_dose
from rag.answer.plain import grade, plainly, says_the_same
from rag.answer.references import Numbering
from rag.domain import Answer, Audience, Filter, Outcome, Role, Statement
from rag.index.build import build
from rag.language.lexicon import Lexicon
from rag.language.quantities import quantities
from rag.pipeline import Pipeline
from rag.settings import Settings

ROOT = Path(__file__).parents[2]
STARTER = (ROOT / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines()
TABLE = [i["question"] for i in yaml.safe_load((ROOT / "tests" / "tables" / "answerable.yaml").read_text("utf-8"))]
QUESTIONS = [*STARTER, *(pytest.param(question, marks=pytest.mark.slow) for question in TABLE)]


@cache
def ask(pipeline: Pipeline, question: str, audience: Audience) -> Answer:
    return pipeline.ask(question, audience)


def versions(pipeline: Pipeline, question: str) -> tuple[Answer, Answer, Answer]:
    clinician, trainee, patient = (ask(pipeline, question, audience) for audience in Audience)
    return clinician, trainee, patient


def values(text: str) -> Counter[tuple[object, ...]]:
    return Counter((q.low, q.high, q.unit, q.comparator) for q in quantities(text))


def is_warning(statement: Statement) -> bool:
    said = f"{statement.strength or ''} {statement.text}".casefold()
    return statement.role is Role.PITFALL or "boxed" in said or "contraindicat" in said


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_trainee_is_shown_what_a_clinician_is(pipeline: Pipeline, question: str) -> None:
    clinician, trainee, _ = versions(pipeline, question)
    assert trainee.statements() == clinician.statements()
    assert (trainee.outcome, trainee.gaps, trainee.title) == (clinician.outcome, clinician.gaps, clinician.title)
    assert trainee.references[: len(clinician.references)] == clinician.references
    assert trainee.withheld == ()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_patient_is_shown_every_statement_or_told_that_it_is_withheld(pipeline: Pipeline, question: str) -> None:
    clinician, _, patient = versions(pipeline, question)
    theirs = {s.statement_id: s for s in clinician.statements()}
    shown = {s.statement_id: s for s in patient.statements()}
    withheld = [i for part in patient.withheld for i in part.statement_ids]
    assert theirs.keys() == shown.keys() | set(withheld)
    assert shown.keys().isdisjoint(withheld)
    for i, statement in shown.items():
        unnumbered = {"citations": (1,), "plain": None, "evidence": ()}  # numbers follow what is shown
        assert statement.model_copy(update=unnumbered) == theirs[i].model_copy(update=unnumbered)
        assert [e.quote for e in statement.evidence] == [e.quote for e in theirs[i].evidence]
    assert {i for i, s in theirs.items() if is_warning(s)} <= shown.keys() | set(withheld)
    assert all("ask your doctor" in part.why for part in patient.withheld)


@pytest.mark.parametrize("question", QUESTIONS)
def test_only_doses_and_what_leans_on_them_are_withheld(pipeline: Pipeline, question: str) -> None:
    clinician, _, patient = versions(pipeline, question)
    theirs = {s.statement_id: s for s in clinician.statements()}
    for part in patient.withheld:
        for statement in (theirs[i] for i in part.statement_ids):
            if part.kind == "dose":
                assert has_dose(statement.text, quantities(statement.text)), statement.text
            is_leaning = part.kind == "beside"
            assert not is_leaning or patient.outcome is Outcome.ABSTAINED or part.heading not in {
                section.heading for section in patient.sections
            }  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_plain_words_keep_every_number_name_negation_and_hedge(pipeline: Pipeline, question: str) -> None:
    lexicon = pipeline.snapshot.analyzer.lexicon
    for statement in ask(pipeline, question, Audience.PATIENT).statements():
        if statement.origin == "quoted":
            assert statement.text == statement.evidence[0].quote, "the words that are supported stay as they are"
        assert values(statement.shown) == values(statement.text)
        assert says_the_same(statement.text, statement.shown, lexicon)
        assert not has_dose(statement.shown, quantities(statement.shown))


def test_a_patient_reads_easier_words(pipeline: Pipeline) -> None:
    """The sources are written for clinicians, at a grade of 22."""
    answers = [ask(pipeline, q, Audience.PATIENT) for q in STARTER]
    said = [s for answer in answers for s in answer.statements()]
    verbatim, plain = grade(s.text for s in said), grade(s.shown for s in said)
    assert verbatim is not None
    assert plain is not None
    assert plain <= verbatim - 7
    assert sum(s.plain is not None for s in said) >= 0.8 * len(said)
    assert statistics.median(a.reading_grade for a in answers if a.reading_grade is not None) <= 14.5


def test_each_version_says_how_hard_it_is_to_read(pipeline: Pipeline) -> None:
    clinician, trainee, patient = versions(pipeline, STARTER[0])
    assert clinician.reading_grade is None, "nothing is spent on it for clinicians"
    assert trainee.reading_grade == grade(s.shown for s in trainee.statements())
    assert patient.reading_grade == grade(s.shown for s in patient.statements())


def test_a_question_on_a_dose_is_not_answered_for_a_patient_and_all_of_it_is_listed(pipeline: Pipeline) -> None:
    question = "What is the maximum dose of argatroban?"
    clinician, _, patient = versions(pipeline, question)
    assert patient.outcome is Outcome.ABSTAINED
    assert "ask them" in (patient.reason or "")
    listed = {i for part in patient.withheld for i in part.statement_ids}
    assert listed == {s.statement_id for s in clinician.statements()}


def test_patients_get_plain_words_in_headings_and_in_a_glossary(pipeline: Pipeline) -> None:
    patient = ask(pipeline, STARTER[4], Audience.PATIENT)
    meanings = {e.term: e for e in patient.glossary}
    assert meanings["anticoagulant"].meaning == "blood thinner"
    assert meanings["anticoagulant"].derived, "our words, not a source's"
    assert not meanings["DOAC"].derived
    assert not any(e.definition for e in patient.glossary)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "Argatroban is contraindicated in severe hepatic impairment.",
            "Argatroban is contraindicated in severely reduced liver function.",
        ),
        (
            "Avoid an anticoagulant if platelets are <50 x 10^9/L.",
            "Avoid a blood thinner if platelets are <50 x 10^9/L.",
        ),
        ("Anticoagulants do not cause thrombosis.", "Blood thinners do not cause blood clots."),
        ("Stop it.", None),
    ],
)
def test_plainly(text: str, plain: str | None) -> None:
    assert plainly(text, Lexicon.load()) == plain


@pytest.mark.parametrize(
    "changed",
    [
        "Do not give heparin if the count is below 40.",
        "Give heparin if the count is below 50.",
        "Do not give heparin.",
        "Do not give heparin, perhaps, if the count is below 50.",
        "Do not give argatroban if the count is below 50.",
        "Do not give heparin in HIT if the count is below 50.",
    ],
)
def test_a_change_of_substance_is_seen(changed: str) -> None:
    text, lexicon = "Do not give heparin if the count is below 50.", Lexicon.load()
    assert says_the_same(text, text, lexicon)
    assert not says_the_same(text, changed, lexicon)


DEFINED = {
    "drugs": "## Background\n\n- Argatroban is a synthetic direct thrombin inhibitor, cleared by the liver. {#d1}\n"
    "- Argatroban is a reasonable option in patients who are on dialysis. {#d2}\n",
    "advice": "## Monitoring\n\n- In heparin-induced thrombocytopenia (HIT) argatroban is steered by the aPTT. {#d3}\n",
}


def test_trainees_get_definitions_of_the_corpus_as_exact_quotes(starter_index: Path, tmp_path: Path) -> None:
    index = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build([document(key, body) for key, body in DEFINED.items()], index)
    defining = Pipeline.open(Settings(index_dir=index))
    monitored = [s for s in defining.ask("How is argatroban monitored in HIT?").statements() if "aPTT" in s.text]
    numbering = Numbering(["advice"])
    entries = {e.term: e for e in defining.glossary.for_trainee(monitored, None, numbering.number)}
    found = entries["argatroban"]
    assert found.meaning == "a synthetic direct thrombin inhibitor, cleared by the liver"
    assert found.evidence is not None
    passage, source = defining.passage(found.evidence.passage_id)
    assert passage.text[found.evidence.start : found.evidence.end] == found.definition
    assert (source.key, found.citations, numbering.keys()) == ("drugs", (2,), ("advice", "drugs"))
    assert entries["HIT"].meaning == "heparin-induced thrombocytopenia"
    only_advice = Filter.of(sources=["advice"])
    kept_out = {e.term: e for e in defining.glossary.for_trainee(monitored, only_advice, numbering.number)}
    assert (kept_out["argatroban"].evidence, kept_out["argatroban"].derived) == (None, True)
    defining.close()


def test_answers_for_trainees_number_the_sources_of_definitions(starter_index: Path, tmp_path: Path) -> None:
    index = empty_index(tmp_path / "index", exported_encoder(starter_index))
    build([document(key, body) for key, body in DEFINED.items()], index)
    defining = Pipeline.open(Settings(index_dir=index))
    answer = defining.ask("How is argatroban monitored in HIT?", Audience.TRAINEE)
    cited = {n for c in (*answer.statements(), *answer.glossary) for n in c.citations}
    assert cited == {r.number for r in answer.references}
    shown = {s.text for s in answer.statements()}
    assert all(e.definition not in shown for e in answer.glossary), "what the article says is not said again"
    defining.close()
