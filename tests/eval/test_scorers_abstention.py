"""What should be answered and what should not, premises that do not hold, and what a failed judge leaves unscored."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from eval.domain import Article, Claim, Gold, Item, Outcome, Part, Response, Said, Scores
from eval.judges.base import Judge, JudgeError, Judgement
from eval.scorers.abstention import abstention_scores


class Verbatim:
    """Entailed is what stands among the premises."""

    name = "verbatim 1"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        is_said = claim in premises
        return Judgement("entailed" if is_said else "neutral", float(is_said), "")


class Broken:
    """A judge whose server is down."""

    name = "broken 1"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        raise JudgeError("judge broken 1: no server")


MUST, NICE = "Give argatroban.", "Watch the count."
CLAIMS = (Claim(claim_id="m", text=MUST), Claim(claim_id="n", text=NICE, importance="nice"))


def item(*, answerable: bool | None = True, claims: tuple[Claim, ...] = CLAIMS, premise: str | None = None,
         holds: bool | None = None) -> Item:  # fmt: skip
    gold = Gold(answerable=answerable, claims=claims, premise=premise, premise_holds=holds)
    return Item(item_id="i", question="q", gold=gold)


def response(*lines: str, outcome: Outcome | None = None, corrections: tuple[str, ...] = ()) -> Response:
    """The first line is the bottom line."""
    said = [Said(text=line) for line in lines]
    outcome = outcome or (Outcome.ANSWERED if lines else Outcome.ABSTAINED)
    article = Article(bottom_line=tuple(said[:1]), parts=(Part(heading="More", said=tuple(said[1:])),))
    error = "timed out" if outcome is Outcome.FAILED else None
    return Response(item_id="i", outcome=outcome, article=article, corrections=corrections, error=error)


def scores(asked: Item, given: Response, judge: Judge | None = None) -> Scores:
    return abstention_scores(asked, given, judge or Verbatim())


def values(asked: Item, given: Response, judge: Judge | None = None) -> dict[str, float | None]:
    return {name: score.value for name, score in scores(asked, given, judge).items()}


FALSE, TRUE = item(premise="It is renal.", holds=False), item(premise="It is hepatic.", holds=True)
UNANSWERABLE = item(answerable=False, claims=())


def test_an_answerable_question() -> None:
    asked = item()
    assert values(asked, response(MUST)) == {"answered": 1.0, "pertinent_first": 1.0, "risk": 0.0}
    assert values(asked, response("So.", MUST)) == {"answered": 1.0, "pertinent_first": 0.0, "risk": 0.0}
    assert values(asked, response(NICE)) == {"answered": 1.0, "pertinent_first": 1.0, "risk": 1.0}
    assert values(asked, response("So.")) == {"answered": 1.0, "pertinent_first": 0.0, "risk": 1.0}
    assert values(asked, response()) == {"answered": 0.0, "pertinent_first": 0.0, "risk": None}
    assert values(asked, response(MUST, outcome=Outcome.PARTIAL))["answered"] == 1.0
    assert scores(asked, response(MUST))["risk"].details == {"said": ["m"]}
    assert "nothing was said" in scores(asked, response())["pertinent_first"].reason


def test_a_bottom_line_that_goes_on_does_not_come_to_the_point() -> None:
    asked, noise = item(), " ".join(["word"] * 119) + "."
    late, early = (Article(bottom_line=tuple(Said(text=t) for t in texts)) for texts in ((noise, MUST), (MUST, noise)))
    for article, expected in ((late, 0.0), (early, 1.0)):
        given = Response(item_id="i", outcome=Outcome.ANSWERED, article=article)
        assert values(asked, given) == {"answered": 1.0, "pertinent_first": expected, "risk": 0.0}


def test_what_is_not_answered_is_not_covered() -> None:
    for outcome in (Outcome.ABSTAINED, Outcome.REDIRECTED, Outcome.FAILED):
        for asked in (item(), UNANSWERABLE, FALSE, TRUE):
            wrong = scores(asked, response(MUST, outcome=outcome))["risk"]
            assert wrong.value is None
            assert wrong.reason


def test_an_unanswerable_question() -> None:
    assert values(UNANSWERABLE, response()) == {"abstained": 1.0, "risk": None}
    assert values(UNANSWERABLE, response(outcome=Outcome.REDIRECTED)) == {"abstained": 1.0, "risk": None}
    assert values(UNANSWERABLE, response(MUST)) == {"abstained": 0.0, "risk": 1.0}


def test_who_failed_has_not_abstained() -> None:
    failed = response(outcome=Outcome.FAILED)
    assert values(UNANSWERABLE, failed) == {"abstained": 0.0, "risk": None}
    assert scores(UNANSWERABLE, failed)["abstained"].reason == "timed out"
    assert values(TRUE, failed) == {"premise_left_alone": 0.0, "risk": None}
    assert values(item(), failed)["answered"] == 0.0


def test_a_false_premise() -> None:
    marked = response(MUST, corrections=("It is renal.",))
    assert values(FALSE, marked) == {"premise_called_false": 1.0, "premise_corrected": 1.0, "risk": 0.0}
    assert scores(FALSE, marked)["premise_called_false"].details == {"corrections": ["It is renal."]}
    assert values(FALSE, response("So.", MUST)) == {
        "premise_called_false": 0.0, "premise_corrected": 0.0, "risk": 0.0,
    }  # fmt: skip
    assert values(FALSE, response()) == {"premise_called_false": 0.0, "premise_corrected": 0.0, "risk": None}


def test_a_true_premise() -> None:
    assert values(TRUE, response(MUST)) == {"premise_left_alone": 1.0, "risk": 0.0}
    assert values(TRUE, response(MUST, corrections=("No.",))) == {"premise_left_alone": 0.0, "risk": 0.0}
    assert values(TRUE, response()) == {"premise_left_alone": 1.0, "risk": None}


def test_what_the_gold_does_not_say_is_left_out() -> None:
    assert scores(item(answerable=None), response(MUST)) == {}
    assert values(item(premise="It is renal.", holds=None), response(MUST)) == {"risk": 0.0}
    bare = scores(item(claims=()), response(MUST))
    assert {name: s.value for name, s in bare.items()} == {"answered": 1.0, "pertinent_first": None, "risk": None}
    only_nice = item(claims=CLAIMS[1:])
    assert values(only_nice, response(NICE))["risk"] == 0.0


def test_prose_is_taken_apart() -> None:
    given = Response(item_id="i", outcome=Outcome.ANSWERED, text=f"{MUST} [1]\n\n{NICE} [2]")
    assert values(item(), given) == {"answered": 1.0, "pertinent_first": 1.0, "risk": 0.0}


@pytest.mark.parametrize(
    ("asked", "judged", "others"),
    [
        (item(), {"pertinent_first", "risk"}, {"answered": 1.0}),
        (FALSE, {"premise_corrected", "risk"}, {"premise_called_false": 0.0}),
        (TRUE, {"risk"}, {"premise_left_alone": 1.0}),
        (UNANSWERABLE, set(), {"abstained": 0.0, "risk": 1.0}),
    ],
)
def test_a_judge_that_fails_leaves_only_its_own_unscored(
    asked: Item, judged: set[str], others: dict[str, float]
) -> None:
    found = scores(asked, response(MUST), Broken())
    assert {name for name, score in found.items() if score.value is None} == judged
    assert all(found[name].reason == "judge broken 1: no server" for name in judged)
    assert {name: found[name].value for name in found.keys() - judged} == others
