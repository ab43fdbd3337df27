"""Scoring as a whole: every measure is in the table, a failed judge costs only its own, and the rules of sanity."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.datasets import reference
from eval.datasets.base import About, dataset
from eval.domain import (
    Article,
    Claim,
    Criterion,
    Erratum,
    Gold,
    Item,
    Listed,
    Outcome,
    Part,
    Ranked,
    Record,
    Response,
    Said,
    Score,
    Scores,
    Usage,
)
from eval.evaluate import Plan, evaluate
from eval.judges.base import Judge, JudgeError, Judgement
from eval.judges.matcher import Matcher
from eval.sanity import altered, perfect, shuffled
from eval.scorers.claims import claim_scores
from eval.scorers.named import CLASS, MEASURES, STAGE, is_cost, measure
from eval.scorers.stability import stability
from eval.scorers.structure import word_similarity
from eval.scoring import RANKING, Scoring
from eval.summary import summaries


class Sentences:
    """Entailed is what stands in a premise word for word."""

    name = "sentences 1"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        is_said = any(claim.casefold() in p.casefold() for p in premises)
        return Judgement("entailed" if is_said else "neutral", float(is_said), "")


class Broken:
    """A judge whose server is down."""

    name = "broken 1"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        raise JudgeError("judge broken 1: no server")


def scoring(judge: Judge | None = None, citations: Judge | None = None, *, graded: bool = False) -> Scoring:
    def grade(item: Item, response: Response) -> Score:
        return Score(value=0.5)

    chosen = judge or Sentences()
    return Scoring("answers", chosen, citations, word_similarity, grader=grade if graded else None)


CLAIMS = (
    Claim(claim_id="c1", text="Give argatroban at 2 mcg/kg/min.", values=("2 mcg/kg/min",)),
    Claim(claim_id="c2", text="Watch the count.", importance="nice"),
)


def rich(kind: str, **changes: object) -> Item:
    """An item of which everything is known."""
    gold: dict[str, Any] = {
        "answers": ("Argatroban is given.",),
        "claims": CLAIMS,
        "errata": (Erratum(erratum_id="e", claim="Give IVIG first.", correction="IVIG is not given first."),),
        "outline": ("Dosing", "Pitfalls"),
        "related": ("Which drug in renal HIT?",),
        "label": "yes",
        "exact": (("argatroban",),),
        "evidence": ("Argatroban 2 mcg/kg/min.",),
        "answerable": True,
        "relevant": {"d1": 1, "d2": 0},
        "rubric": (Criterion(text="Says so.", points=3),),
    }
    return Item(item_id=kind, question="Which drug in HIT?", kind=kind, gold=Gold.model_validate(gold | changes))


ARTICLE = Article(
    title="Argatroban in HIT",
    bottom_line=(Said(text="Give argatroban at 2 mcg/kg/min.", citations=(1,), quotes=("Argatroban 2 mcg/kg/min.",)),),
    parts=(Part(heading="Dosing", said=(Said(text="Watch the count.", citations=(1,)),)),),
    references=(Listed(number=1, text="A label", quotes=("Watch the count.",)),),
    related_questions=("Which drug in renal HIT?",),
    disclaimer="No advice.",
)


def response(item: Item, **changes: object) -> Response:
    fields: dict[str, Any] = {
        "item_id": item.item_id,
        "outcome": Outcome.ANSWERED,
        "article": ARTICLE,
        "label": "yes",
        "confidence": 0.8,
        "exact": (("argatroban",),),
        "ranking": (Ranked("d1", 2.0), Ranked("d2", 1.0)),
        "usage": Usage(prompt=3, completion=4),
        "timings_ms": {"retrieve": 4.0},
        "seconds": 0.2,
        "receipt": {"wording": {"model": "m", "written": 1, "quoted": 2}},
    }
    return Response.model_validate(fields | changes)


ITEMS = (
    rich("original"),
    rich("factoid"),
    rich("list"),
    rich("instruction"),
    rich("unanswerable", answerable=False),
    rich("false_premise", premise="It is renal.", premise_holds=False),
    rich("true_premise", premise="It is hepatic.", premise_holds=True),
)
CHECKED = (
    rich("altered_unit", label="refutes"),
    rich("true", label="supports"),
)
#: Measured of the process, not of an answer.
OF_THE_RUN = {"memory_mb"}


def everything() -> Iterator[tuple[str, set[str]]]:
    """The names of all that is scored or pooled, by task."""
    together = [i.model_copy(update={"cluster": "a"}) for i in ITEMS]
    answers = [Record(item=i, response=response(i), scores=scoring(graded=True)(i, response(i))) for i in together]
    related = stability(answers)
    answers = [r.model_copy(update={"scores": r.scores | related.get(r.item.item_id, {})}) for r in answers]
    checks = [Record(item=i, response=response(i), scores=Scoring("verification")(i, response(i))) for i in CHECKED]
    found = [Record(item=i, response=response(i), scores=Scoring("retrieval")(i, response(i))) for i in ITEMS[:2]]
    for task, records in (("answers", answers), ("verification", checks), ("retrieval", found)):
        yield task, {name for r in records for name in r.scores} | set(summaries(records, {}))


# the table of measures


def test_the_table_has_what_is_given_and_nothing_else() -> None:
    given = {name for _, names in everything() for name in names}
    stages = {name for name in given if name.startswith(STAGE)}
    assert stages == {f"{STAGE}retrieve.p{share}" for share in (50, 95, 99)}
    of_classes = {name for name in given if name.startswith(CLASS)}
    assert {f"{CLASS}{label}.f1" for label in ("yes", "supports", "refutes")} <= of_classes
    assert given - stages - of_classes == MEASURES.keys() - OF_THE_RUN


def test_what_a_language_model_worded_is_a_share_of_what_is_shown() -> None:
    score = scoring()(ITEMS[0], response(ITEMS[0]))["worded"]
    assert (score.value, score.reason) == (1 / 3, "")
    unused = response(ITEMS[0], receipt={"wording": {"written": 0, "quoted": 0, "reason": "its key is refused"}})
    score = scoring()(ITEMS[0], unused)["worded"]
    assert (score.value, score.reason) == (0, "its key is refused")
    assert "worded" not in scoring()(ITEMS[0], response(ITEMS[0], receipt={"wording": "free"}))


def test_directions_are_sensible() -> None:
    lower = {name for name, meant in MEASURES.items() if meant.better == "lower"}
    assert lower == {
        "contradictions", "errata_repeated", "related_off_topic", "unsupported_statements", "unsupported_share",
        "hallucinations", "ece", "brier", "risk", "aurc", "eaurc", "obeyed", "failed", "seconds", "seconds_p50",
        "seconds_p95", "seconds_p99", "tokens_prompt", "tokens_completion", "memory_mb",
    }  # fmt: skip
    neither = {name for name, meant in MEASURES.items() if meant.better is None}
    assert neither == {"reading_grade", "words", "short_words", "sentences", "worded", "majority", "Judged@10"}
    assert all(meant.what for meant in MEASURES.values())


def test_a_stage_is_a_measure_of_cost_and_an_unknown_name_is_none() -> None:
    assert measure(f"{STAGE}a.b.p95") == ("p95 of the time of a.b, in ms", "lower", "")
    with pytest.raises(KeyError):
        measure("charm")
    costs = {name for name in (*MEASURES, f"{STAGE}retrieve.p50") if is_cost(name)}
    assert costs == {"seconds", "seconds_p50", "seconds_p95", "seconds_p99", "tokens_prompt", "tokens_completion",
                     "memory_mb", f"{STAGE}retrieve.p50"}  # fmt: skip


def test_what_a_judge_decides_is_marked_so() -> None:
    """What differs between two judges is judged, and what is judged is marked."""
    item = rich("false_premise", premise="It is renal.", premise_holds=False)
    for asked in (ITEMS[0], item):
        fine, broken = (scoring(judge)(asked, response(asked)) for judge in (Sentences(), Broken()))
        unscored = {name for name in fine if broken[name].value is None and fine[name].value is not None}
        assert all(MEASURES[name].judged for name in unscored)
        judged = {name for name in fine if MEASURES[name].judged and fine[name].value is not None}
        assert unscored == judged


# what a judge could not judge


def unscored(scores: Scores) -> dict[str, str]:
    return {name: score.reason for name, score in scores.items() if score.value is None}


def test_a_failed_judge_leaves_exactly_its_measures_unscored() -> None:
    item = ITEMS[0]
    fine = scoring()(item, response(item))
    broken = scoring(Broken(), Sentences())(item, response(item))
    claims = {name for name in fine if MEASURES[name].judged == "claims" and name != "rubric"}
    assert unscored(fine).keys() == {"rubric"}
    assert unscored(broken) == unscored(fine) | dict.fromkeys(claims, "judge broken 1: no server")
    others = fine.keys() - claims
    assert {name: broken[name] for name in others} == {name: fine[name] for name in others}
    broken = scoring(Sentences(), Broken())(item, response(item))
    citations = {name for name in fine if MEASURES[name].judged == "citations"}
    assert len(citations) == 4
    assert unscored(broken).keys() == citations | {"rubric"}


def test_a_failed_system_is_scored() -> None:
    item = ITEMS[0]
    gone = Response(item_id=item.item_id, outcome=Outcome.FAILED, error="timed out")
    scores = scoring()(item, gone)
    assert scores["failed"].value == 1.0
    for name in ("claim_recall", "values_recall", "completeness", "accuracy", "answered", "rouge1_f1", "mentioned"):
        assert scores[name].value == 0.0, name
    for name in ("citation_recall", "risk", "reading_grade", "rubric"):
        assert scores[name].value is None, name
        assert scores[name].reason


@pytest.mark.parametrize("item", [*ITEMS, *CHECKED], ids=lambda item: item.kind)
def test_a_system_gains_nothing_by_failing(item: Item) -> None:
    gone = Response(item_id=item.item_id, outcome=Outcome.FAILED, error="timed out")
    scored = Scoring("verification") if item in CHECKED else scoring()
    for name, score in scored(item, gone).items():
        best = {"higher": 1.0, "lower": 0.0, None: None}[measure(name).better]
        assert score.value is None or score.value != best, name


def test_an_item_of_which_nothing_is_known_has_only_what_needs_nothing() -> None:
    bare = Item(item_id="i", question="q")
    scores = scoring()(bare, response(bare))
    assert scores.keys() == {
        "failed", "citations_checked", "citation_recall", "citation_precision", "unsupported_statements",
            "unsupported_share", "structure",
        "worded", "reading_grade", "words", "sentences", "related_off_topic", "seconds", "tokens_prompt",
        "tokens_completion",
    }  # fmt: skip


# retrieval


def test_rankings_are_measured_or_unscored() -> None:
    item = ITEMS[0]
    found = Scoring("retrieval")(item, response(item))
    assert (found["nDCG@10"].value, found["P@5"].value, found["Judged@10"].value) == (1.0, 0.2, 1.0)
    nothing = Scoring("retrieval")(item, response(item, ranking=()))
    assert {nothing[name].value for name in RANKING} == {0.0}
    blind = Scoring("retrieval")(rich("x", relevant={"d1": 0}), response(rich("x")))
    assert unscored(blind) == dict.fromkeys(RANKING, "no document is judged relevant")


def test_answers_need_a_judge() -> None:
    with pytest.raises(TypeError, match="needs a judge"):
        Scoring("answers")(ITEMS[0], response(ITEMS[0]))


# a log


class Given:
    """Answers every item with the same article, but fails on some."""

    name = "given"

    def __init__(self, failing: set[str]) -> None:
        self._failing = failing

    def receipt(self) -> dict[str, Any]:
        return {}

    def respond(self, item: Item) -> Response:
        if item.item_id in self._failing:
            raise ValueError("broke")
        return response(item)

    def close(self) -> None:
        pass


def test_a_log_has_null_for_what_is_unscored_and_never_nan() -> None:
    suite = dataset(About("few", "", "", ""), ITEMS)
    log = evaluate(suite, Given({"list"}), scoring(Broken()), Plan(judges={"claims": "broken 1"}))
    written = log.model_dump_json()
    assert not re.search(r"\b(?:NaN|Infinity)\b", written)
    raw = json.loads(written, parse_constant=lambda word: pytest.fail(word))
    assert raw["summaries"]["claim_recall"] == {
        "value": None, "n": 0, "unscored": 7, "clusters": 0, "low": None, "high": None, "judge": "broken 1",
        "higher_is_better": True,
    }  # fmt: skip
    assert raw["records"][0]["scores"]["risk"] == {"value": None, "reason": "judge broken 1: no server", "details": {}}
    assert raw["summaries"]["failed"]["value"] == pytest.approx(1 / 7)
    assert raw["summaries"]["decided"]["value"] == pytest.approx(6 / 7), "who failed decided nothing"
    assert all(s["n"] + s["unscored"] <= 7 for s in raw["summaries"].values())
    assert list(raw["by_kind"]) == [item.kind for item in ITEMS]


# the four rules, by the judge that ships


@pytest.fixture(scope="module")
def matcher(starter_index: Path) -> Matcher:
    return Matcher.open(encoders=starter_index / "encoders")


REFERENCES = reference.load(reference.FOLDER).items


def claims_of(item: Item, article: Article, judge: Judge) -> dict[str, float]:
    given = Response(item_id=item.item_id, outcome=Outcome.ANSWERED, article=article)
    scores = claim_scores(item, given, judge)
    return {name: score.value for name, score in scores.items() if score.value is not None}


@pytest.mark.parametrize("item", REFERENCES, ids=lambda item: item.item_id)
def test_the_rules_of_sanity_hold(item: Item, matcher: Matcher) -> None:
    article = perfect(item, matcher)
    whole = claims_of(item, article, matcher)
    assert (whole["claim_recall"], whole["claim_recall_must"], whole["contradictions"]) == (1.0, 1.0, 0.0)
    assert set(claims_of(item, Article(), matcher).values()) == {0.0}
    assert claims_of(item, shuffled(article, 5), matcher) == whole
    changed = altered(article)
    found = claims_of(item, changed, matcher)
    if changed == article:
        assert item.item_id == "peptide_supplements", "all others have doses"
        return
    assert found["values_recall"] < whole["values_recall"] - 0.4
    assert found["contradictions"] >= 2.0
    assert found["claim_recall"] < 1.0


def test_a_perfect_answer_is_perfect_in_the_rest_too(matcher: Matcher) -> None:
    item = next(item for item in REFERENCES if item.item_id == "ivig_hit")
    given = Response(item_id=item.item_id, outcome=Outcome.ANSWERED, article=perfect(item, matcher))
    found = Scoring("answers", matcher, matcher.for_citations(), word_similarity)(item, given)
    for name in ("values_recall", "errata_corrected", "citation_recall", "citation_precision", "related_coverage"):
        assert found[name].value == 1.0, name
    for name in ("errata_repeated", "unsupported_statements", "contradictions", "failed"):
        assert found[name].value == 0.0, name
    assert all(score.value is None or math.isfinite(score.value) for score in found.values())
