"""Articles from running text, on abstracts that were made up for it: none of its substances exists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_corpus import document, empty_index, exported_encoder

from rag.answer.literature import Scored, scores
from rag.answer.question import interpret
from rag.answer.select import Candidate, Matcher, candidates, is_running_text
from rag.answer.sufficiency import coverage, speaks_to
from rag.answer.yes_no import heard
from rag.domain import Answer, Outcome
from rag.index.build import build
from rag.pipeline import Pipeline
from rag.settings import Settings

ABSTRACTS = {
    "trial1": (
        "## Background\n\nThe aim of this study was to determine whether velotrane prevents migraine attacks.\n\n"
        "## Results\n\nVelotrane did not reduce the number of migraine attacks compared with placebo in 240 adults. "
        "This finding was the same in men and women. Nausea was seen in 12% of those given velotrane.\n\n"
        "## Conclusion\n\nVelotrane is not effective for the prevention of migraine.\n"
    ),
    "trial2": (
        "## Results\n\nThere was no difference in monthly migraine days between velotrane and placebo. "
        "These patients were followed for 12 weeks.\n"
    ),
    "review": (
        "## Overview\n\nVelotrane is an antagonist of the orexin receptor that was developed for insomnia. "
        "It is absorbed within an hour. Sleep onset was shortened by velotrane in two trials of insomnia.\n"
    ),
    "guideline": (
        "## Recommendations\n\nPreviously, zolbarine was recommended for all adults with vertigo. "
        "We recommend against the use of zolbarine in adults with vertigo.\n"
    ),
    "abstract": (
        "We sought to determine whether prunolide lowers blood pressure in adults. "
        "Adults with high blood pressure were randomly enrolled at nine sites. "
        "Blood pressure was measured by nurses before and after prunolide. "
        "Prunolide reduced blood pressure in adults by 9% more than placebo (p < 0.01).\n"
    ),
    "other": "## Results\n\nBarley yields depend on rain in spring. Soil with more clay holds water longer.\n",
}
ASKED = "Does velotrane prevent migraine?"


@pytest.fixture(scope="module")
def literature(tmp_path_factory: pytest.TempPathFactory, starter_index: Path) -> Iterator[Pipeline]:
    folder = empty_index(tmp_path_factory.mktemp("literature"), exported_encoder(starter_index))
    build([document(key, body) for key, body in ABSTRACTS.items()], folder)
    pipeline = Pipeline.open(Settings(index_dir=folder))
    yield pipeline
    pipeline.close()


def quotes(answer: Answer) -> list[str]:
    return [e.quote for s in answer.statements() for e in s.evidence]


def test_the_bottom_line_is_the_sentence_that_answers(literature: Pipeline) -> None:
    answer = literature.ask(ASKED)
    assert answer.outcome is Outcome.ANSWERED
    assert [s.text for s in answer.bottom_line] == ["Velotrane is not effective for the prevention of migraine."]
    assert len(answer.sections[0].statements) == 1
    assert len(answer.sections) <= 3


def test_every_sentence_is_an_exact_quote_and_said_once(literature: Pipeline) -> None:
    answer = literature.ask(ASKED)
    for statement in answer.statements():
        for evidence in statement.evidence:
            passage, _ = literature.passage(evidence.passage_id)
            assert passage.text[evidence.start : evidence.end] == evidence.quote == statement.text
    assert len(quotes(answer)) == len(set(quotes(answer)))


def test_what_leans_on_the_sentence_before_is_shown_with_it_or_not_at_all(literature: Pipeline) -> None:
    for question in (ASKED, "What is velotrane?", "How long were patients given velotrane followed?"):
        for quote in quotes(literature.ask(question)):
            assert not quote.startswith(("This ", "These ", "It "))


def test_decisions_follow_the_polarity_of_the_evidence(literature: Pipeline) -> None:
    no = literature.ask(ASKED).decision
    assert no is not None
    assert no.value == "no"
    assert no.probability is not None
    assert no.probability > 0.5
    yes = literature.ask("Is velotrane an antagonist of the orexin receptor?").decision
    assert yes is not None
    assert yes.value == "yes"
    assert literature.ask("What is velotrane?").decision is None


def test_silence_on_whether_there_is_something_is_no_denial(literature: Pipeline) -> None:
    assert literature.ask("Is there a registry for velotrane in migraine?").decision is None


def test_a_finding_is_the_bottom_line_where_the_nearest_sentence_is_an_aim(literature: Pipeline) -> None:
    answer = literature.ask("Does prunolide lower blood pressure in adults?")
    assert answer.bottom_line[0].text.startswith("Prunolide reduced blood pressure")
    assert answer.decision is not None
    assert answer.decision.value == "yes"
    assert not any("sought" in s.text for s in answer.statements())


def test_an_abstract_is_heard_towards_its_end_and_other_text_by_nearness(literature: Pipeline) -> None:
    pool, scored = scored_for(literature, "Does prunolide lower blood pressure in adults?")
    found, shares = heard(scored, pool)
    assert [c.text.split()[0] for c in found] == ["We", "Adults", "Blood", "Prunolide"]
    assert shares.sum() == pytest.approx(1)
    assert sorted(shares) == list(shares)
    nearest, shares = heard(scored[:1], [scored[0].candidate])
    assert nearest == [scored[0].candidate]
    assert list(shares) == [1]


def test_a_drug_that_no_passage_names_is_not_answered_with_another(literature: Pipeline) -> None:
    answer = literature.ask("Is velotrizumab effective for the prevention of migraine?")
    assert answer.outcome is Outcome.ABSTAINED
    assert answer.gaps[0].aspect == "velotrizumab"


def test_advice_of_a_guideline_decides_and_what_was_so_once_does_not_lead(literature: Pipeline) -> None:
    answer = literature.ask("Should zolbarine be given to adults with vertigo?")
    assert answer.bottom_line[0].text == "We recommend against the use of zolbarine in adults with vertigo."
    assert answer.decision is not None
    # No lexicon knows the drug, so that its polarity decides; it must not be a yes.
    assert answer.decision.value == "no"


def test_what_the_literature_does_not_speak_of_is_not_answered(literature: Pipeline) -> None:
    for question in ("Does velotrane cure asthma?", "What is the dose of amoxicillin in pneumonia?"):
        assert literature.ask(question).outcome is Outcome.ABSTAINED


def scored_for(pipeline: Pipeline, question: str) -> tuple[list[Candidate], list[Scored]]:
    snapshot = pipeline.snapshot
    query = interpret(question, snapshot.analyzer)
    vector = snapshot.encoder.encode([query.text])[0]
    hits = pipeline.retriever.search(query.text, vector, 10)
    matcher = Matcher(snapshot, query)
    pool = candidates(snapshot, pipeline.sentences, matcher, vector, hits)
    assert is_running_text(pool)
    assert speaks_to(coverage(query, pool, matcher), 0.6)
    return pool, scores(query, pool, snapshot.analyzer.lexicon)


def test_scores_are_sorted_and_prefer_results_to_aims(literature: Pipeline) -> None:
    _, scored = scored_for(literature, ASKED)
    assert [s.score for s in scored] == sorted((s.score for s in scored), reverse=True)
    order = [s.candidate.text for s in scored]
    aim = next(text for text in order if text.startswith("The aim"))
    assert order.index("Velotrane is not effective for the prevention of migraine.") < order.index(aim)


def test_curated_statements_are_composed_as_before(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Should IVIG be given in HIT?")
    assert answer.decision is not None
    assert answer.decision.value == "depends"
    assert answer.decision.probability is None
    assert pipeline.ask("How is argatroban monitored?").decision is None
    # The dose that is proposed may be wrong though the drug is advised.
    assert pipeline.ask("Should argatroban be started at 2 mcg/kg/min in HIT with Child-Pugh C?").decision is None
