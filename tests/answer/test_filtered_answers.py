"""Answers that are kept to some of the sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_corpus import document, empty_index, exported_encoder, tiny_corpus

from rag.domain import Answer, Document, EvidenceType, Filter, Outcome
from rag.index.build import build
from rag.pipeline import Pipeline
from rag.render.words import receipt_line
from rag.settings import Settings

ROOT = Path(__file__).parent.parent.parent
QUESTIONS = (ROOT / "eval" / "questions" / "starter.txt").read_text("utf-8").splitlines()
PREMISE = "Since argatroban is cleared by the kidneys, what dose does a patient with HIT on dialysis get?"
DOSE = "What is the dose of argatroban in hepatic impairment?"
FILTERS = (
    Filter(jurisdictions=("US",)),
    Filter(evidence_types=(EvidenceType.DRUG_LABEL, EvidenceType.GUIDELINE)),
    Filter(year_from=2018, jurisdictions=("INT", "GB", "US")),
    Filter(year_to=2012),
    Filter(sources=("cuker2018", "label_argatroban_us")),
)


def sources_of(answer: Answer) -> set[str]:
    """Every source that an answer names, shows or retrieved for."""
    cited = {e.source_id for s in answer.statements() for e in s.evidence}
    return cited | {r.source_id for r in answer.references} | {e.source_id for e in answer.nearest}


@pytest.mark.parametrize("within", FILTERS, ids=str)
@pytest.mark.parametrize("question", [QUESTIONS[0], QUESTIONS[5], PREMISE, DOSE])
def test_nothing_outside_the_filter_is_cited(pipeline: Pipeline, question: str, within: Filter) -> None:
    answer = pipeline.ask(question, within=within)
    store = pipeline.snapshot.store
    assert all(within.passes(store.source(key)) for key in sources_of(answer))
    assert all(within.passes(pipeline.passage(p)[1]) for p in answer.receipt.retrieved)
    assert answer.receipt.retrieved
    assert answer.receipt.filter == within
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


def test_a_filter_changes_the_answer_and_its_id_and_none_changes_nothing(pipeline: Pipeline) -> None:
    plain, empty = pipeline.ask(DOSE), pipeline.ask(DOSE, within=Filter())
    without_timings = {"receipt": {"timings_ms"}}
    assert plain.model_dump(exclude=without_timings) == empty.model_dump(exclude=without_timings)
    assert plain.receipt.filter is None
    kept = [pipeline.ask(DOSE, within=within) for within in FILTERS]
    assert len({plain.answer_id, *(answer.answer_id for answer in kept)}) == 1 + len(FILTERS)
    assert pipeline.ask(DOSE, within=FILTERS[0]).answer_id == kept[0].answer_id


def test_abstaining_says_that_the_filter_may_be_why(pipeline: Pipeline) -> None:
    assert pipeline.ask(DOSE).outcome is Outcome.ANSWERED
    answer = pipeline.ask(DOSE, within=Filter(jurisdictions=("GB",), year_to=2000))
    assert answer.outcome is Outcome.ABSTAINED
    assert answer.reason == (
        "The sources that pass the filter do not speak to this question, so nothing is answered. "
        "The filter may be why: it leaves only 2000 or earlier; GB."
    )
    assert answer.gaps
    assert {gap.reason for gap in answer.gaps} == {"no passage that passes the filter speaks of it"}
    assert "filter" not in str(pipeline.ask("How is migraine treated in children?").reason)


def test_what_is_read_says_by_what_it_was_filtered(pipeline: Pipeline) -> None:
    assert receipt_line(pipeline.ask(DOSE, within=FILTERS[0])).endswith(" · only from: US")
    assert "only from" not in receipt_line(pipeline.ask(DOSE))


def test_an_emergency_is_redirected_whatever_the_filter(pipeline: Pipeline) -> None:
    answer = pipeline.ask("I have taken an overdose and want to die", within=Filter(sources=("not-there",)))
    assert answer.outcome is Outcome.REDIRECTED


# the same words in several sources

WORDS = "## Dosing\n\n- Danaparoid in HIT is started with a bolus of 2250 units. {#d1}\n"


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, starter_index: Path) -> Iterator[Pipeline]:
    """The tiny corpus with three sources of other countries that say the same."""

    def of(key: str, jurisdiction: str) -> Document:
        made = document(key, WORDS)
        source = made.source.model_copy(update={"jurisdiction": jurisdiction})
        return made.model_copy(update={"source": source})

    index = empty_index(tmp_path_factory.mktemp("twins") / "index", exported_encoder(starter_index))
    build([*tiny_corpus(), of("one", "US"), of("two", "GB"), of("three", "INT")], index)
    opened = Pipeline.open(Settings(index_dir=index))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("jurisdictions", "keys"),
    [((), {"one", "two", "three"}), (("US",), {"one"}), (("GB",), {"two"}), (("GB", "INT"), {"two", "three"})],
)
def test_the_same_words_are_cited_as_of_the_sources_that_pass(
    twins: Pipeline, jurisdictions: tuple[str, ...], keys: set[str]
) -> None:
    question, within = "What is the dose of danaparoid in HIT?", Filter(jurisdictions=jurisdictions)
    answer = twins.ask(question, within=within)
    assert answer.outcome is not Outcome.ABSTAINED
    assert "2250 units" in answer.bottom_line[0].text
    assert {e.source_id for e in answer.bottom_line[0].evidence} == keys
    assert sources_of(answer) & {"one", "two", "three"} == keys
    for evidence in answer.bottom_line[0].evidence:
        passage, source = twins.passage(evidence.passage_id)
        assert source.key == evidence.source_id == passage.source_key
        assert passage.text[evidence.start : evidence.end] == evidence.quote
    ((_, passage, source),) = twins.search(question, 1, within)
    assert source.key == passage.source_key == min(keys)


def test_any_of_the_passages_names_the_others(twins: Pipeline) -> None:
    ids = {key: twins.snapshot.store.passages_of(key)[0] for key in ("one", "two", "three")}
    for key, passage in ids.items():
        assert {p.source_key for p in twins.alike(passage)[0]} == ids.keys() - {key}
