"""Where sources differ, and where they only seem to."""

from __future__ import annotations

import pytest

from rag.pipeline import Pipeline

IVIG = "Should IVIG be given in HIT?"
SHOWN = [
    ("Can argatroban be given for HIT in Child-Pugh C cirrhosis?", {"hit036", "hit075", "hit076"}),
    (IVIG, {"hit027", "hit041"}),  # one body is silent, another covers it
    ("Should platelets be transfused in HIT or ITP?", {"hit015", "itp004"}),  # for and against, by diagnosis
    ("Can warfarin be used in decompensated cirrhosis?", {"liv002", "liv006"}),
    ("Is there a maximum dose of buprenorphine for opioid use disorder?", {"bup001", "bup002"}),
    ("Does renal impairment change the argatroban dose?", {"hit091", "hit094"}),
    ("What are the outcomes of fondaparinux in HIT?", {"hit112", "new003"}),  # rates of one outcome
    ("Does oral collagen improve skin ageing?", {"new034", "pep011"}),
    ("Should thrombophilia be tested for after cerebral venous thrombosis?", {"cvt012", "new032"}),
]
NONE = [
    "How does oxaliplatin cause thrombocytopenia?",
    "Which tests distinguish a factor VIII inhibitor from a lupus anticoagulant?",
    "When is a strangulated hernia operated on?",
]


def positions(pipeline: Pipeline, question: str) -> list[set[str | None]]:
    found = pipeline.ask(question).disagreements
    return [{pipeline.passage(p.statement.evidence[0].passage_id)[0].anchor for p in d.positions} for d in found]


@pytest.mark.parametrize(("question", "sides"), SHOWN)
def test_sources_that_differ_stand_side_by_side(pipeline: Pipeline, question: str, sides: set[str]) -> None:
    assert any(sides <= shown for shown in positions(pipeline, question))


@pytest.mark.parametrize("question", NONE)
def test_sources_that_agree_or_speak_of_other_things_do_not(pipeline: Pipeline, question: str) -> None:
    assert positions(pipeline, question) == []


def test_what_bears_on_one_treatment_stands_together(pipeline: Pipeline) -> None:
    shown = positions(pipeline, "What are the guidelines for managing argatroban therapy?")
    assert [sides for sides in shown if "hit091" in sides] == [{"hit087", "hit091", "hit094"}]


def test_a_topic_has_the_capitals_of_the_corpus(pipeline: Pipeline) -> None:
    found = pipeline.ask("What is the anticoagulant of choice in patients with hepatic impairment?").disagreements
    assert "use of vitamin K antagonist in cirrhosis" in [d.topic for d in found]


def test_an_exception_is_no_disagreement(pipeline: Pipeline) -> None:
    """That a drug is barred in one group contradicts no advice for all: it is shown as a warning."""
    shown = positions(pipeline, "Which anticoagulants are suggested in acute HIT?")
    assert not any({"hit002", "hit111"} <= sides for sides in shown)
    assert not any({"hit002", "hit036"} <= sides for sides in shown)


def test_not_yet_is_not_against(pipeline: Pipeline) -> None:
    """A drug that is not started before platelets recover, and how it is started then, differ in the start alone."""
    found = pipeline.ask("Should warfarin be started in acute HIT?").disagreements
    assert [d.topic for d in found if "warfarin" in d.topic and d.topic.startswith("use of")] == []
    found = pipeline.ask("How is argatroban changed to warfarin in HIT?").disagreements
    assert [d.topic for d in found if "warfarin" in d.topic] == ["start of warfarin in HIT"]
