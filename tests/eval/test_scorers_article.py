"""Scores of an answer against a reference article, with a judge that knows only sentences and their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from eval.article import gold_of, parse
from eval.domain import Article, Claim, Erratum, Gold, Item, Listed, Outcome, Part, Response, Said, Scores
from eval.judges.base import Judge, Judgement
from eval.sanity import altered, perfect, shuffled
from eval.scorers.citations import checked_score, citation_scores
from eval.scorers.claims import claim_scores
from eval.scorers.errata import errata_scores
from eval.scorers.structure import Thresholds, related_scores, section_scores, structure_scores, word_similarity
from eval.scoring import Scoring

_NUMBER = re.compile(r"\d[\d.,]*")


class Sentences:
    """Entailed is what stands in a premise word for word; contradicted what stands there with other numbers."""

    name = "sentences 1"

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        wanted = folded(claim)
        for premise in premises:
            if wanted in folded(premise):
                return Judgement("entailed", 1.0, premise)
        for premise in premises:
            if _NUMBER.sub("#", wanted) in _NUMBER.sub("#", folded(premise)):
                return Judgement("contradicted", 0.0, premise)
        return Judgement("neutral", 0.0, "not said")


def folded(text: str) -> str:
    return " ".join(text.casefold().rstrip(".").split())


JUDGE = Sentences()
#: For similarity by words.
LIMITS = Thresholds(topic=0.3)
SCORING = Scoring("answers", JUDGE, similar=word_similarity, limits=LIMITS)
LOAD = "Load with fomepizole 15 mg/kg over 30 minutes."
WRONG, RIGHT = "Ethanol is given at 6 g/kg.", "Ethanol is given at 0.6 g/kg."
ITEM = Item(
    item_id="glycol",
    question="Should fomepizole be given to a patient with ethylene glycol poisoning?",
    gold=Gold(
        claims=(
            Claim(claim_id="c1", text="Give fomepizole at once."),
            Claim(claim_id="c2", text=LOAD, values=("15 mg/kg", "30 minutes")),
            Claim(claim_id="c3", text="Repeat 10 mg/kg every 12 hours.", importance="nice",
                  values=("10 mg/kg", "12 hours")),
            Claim(claim_id="c4", text=WRONG, importance="nice", values=("6 g/kg",)),
        ),
        errata=(Erratum(erratum_id="e1", claim=WRONG, correction=RIGHT),),
        outline=("Dosing fomepizole", "What you should do", "Pitfalls to avoid"),
        related=("What is the dose of fomepizole during dialysis?", "Does a hernia need repair?"),
    ),
)  # fmt: skip


def test_the_judge_is_one() -> None:
    assert isinstance(JUDGE, Judge)


def response(article: Article | None = None, outcome: Outcome = Outcome.ANSWERED, text: str = "") -> Response:
    error = "timed out" if outcome is Outcome.FAILED else None
    return Response(item_id="glycol", outcome=outcome, article=article or Article(), text=text, error=error)


def saying(*texts: str) -> Response:
    return response(Article(bottom_line=tuple(Said(text=t) for t in texts)))


def values(scores: Scores) -> dict[str, float | None]:
    return {name: score.value for name, score in scores.items()}


# the four rules


def test_a_perfect_answer_has_everything() -> None:
    scores = SCORING(ITEM, response(perfect(ITEM)))
    found = values(scores)
    for name in ("claim_recall", "claim_recall_must", "claim_recall_nice", "values_recall", "errata_corrected",
                 "citation_recall", "citation_precision", "section_coverage", "related_coverage"):  # fmt: skip
        assert found[name] == 1.0, name
    for name in ("contradictions", "errata_repeated", "unsupported_statements", "unsupported_share"):
        assert found[name] == 0.0, name
    assert scores["claim_recall"].details["errata_left_out"] == [WRONG]


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.ABSTAINED, Outcome.FAILED])
def test_an_empty_answer_has_nothing(outcome: Outcome) -> None:
    scores = SCORING(ITEM, response(outcome=outcome))
    found = values(scores)
    for name in ("claim_recall", "claim_recall_must", "values_recall", "errata_corrected", "section_coverage",
                 "structure", "words", "sentences"):  # fmt: skip
        assert found[name] == 0.0, name
    for name in ("errata_repeated", "contradictions"):
        assert found[name] == (None if outcome is Outcome.FAILED else 0.0), name
    assert found["claim_precision"] is None
    assert "nothing was said" in scores["claim_recall"].reason
    assert found["citation_recall"] is None
    assert found["reading_grade"] is None


def test_who_says_all_that_there_is_gains_recall_and_loses_precision() -> None:
    sound = [c.text for c in ITEM.gold.claims if c.text != WRONG]
    noise = [f"Fact {n} is about something else altogether." for n in range(100)]
    short, long = (claim_scores(ITEM, saying(*texts), JUDGE) for texts in (sound, [*sound, *noise]))
    assert short["claim_recall"].value == long["claim_recall"].value == 1.0
    assert short["claim_precision"].value == 1.0
    assert long["claim_precision"].value is not None
    assert long["claim_precision"].value < 0.05


def test_with_every_dose_altered_values_are_lost_and_contradictions_gained() -> None:
    article = perfect(ITEM)
    changed = altered(article)
    assert "45 mg/kg over 90 minutes" in changed.text()
    scores = SCORING(ITEM, response(changed))
    assert scores["values_recall"].value == 0.0
    assert scores["contradictions"].value == 2.0
    assert scores["citation_recall"].value is not None
    assert scores["citation_recall"].value < 1.0, "quotes stay as they were"


def test_a_shuffled_answer_keeps_its_claims() -> None:
    article = perfect(ITEM)
    mixed = shuffled(article, seed=3)
    assert mixed != article
    assert sorted(s.text for s in mixed.said()) == sorted(s.text for s in article.said())
    assert mixed == shuffled(article, seed=3)
    before, after = (claim_scores(ITEM, response(a), JUDGE) for a in (article, mixed))
    assert values(before) == values(after)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Give 0.5 mcg/kg/min twice daily for two weeks.", "Give 1.5 mcg/kg/min 6 times daily for 6 weeks."),
        ("Aim at 1.5-3 times baseline and 150 × 10⁹/L.", "Aim at 4.5-9 times baseline and 450 × 10⁹/L."),
        ("Wait for >150,000/μL in 10 mg/m2.", "Wait for >450,000/μL in 30 mg/m2."),
        ("In 2017 three patients had PF4 antibodies.", "In 2017 three patients had PF4 antibodies."),
    ],
)
def test_what_is_altered(text: str, expected: str) -> None:
    article = Article(bottom_line=(Said(text=text, citations=(1,), quotes=(text,)),))
    assert altered(article).bottom_line[0].text == expected
    assert altered(article).bottom_line[0].quotes == (text,)


def test_an_altered_dose_does_not_become_another_one_of_the_article() -> None:
    article = Article(bottom_line=(Said(text="Give 1 mg."), Said(text="Or give 3 mg.")))
    assert [s.text for s in altered(article).said()] == ["Give 7 mg.", "Or give 21 mg."]


# claims


def test_claim_scores_can_be_traced() -> None:
    scores = claim_scores(ITEM, saying("Give fomepizole at once.", "Repeat 20 mg/kg every 12 hours."), JUDGE)
    assert values(scores) == {
        "claim_recall": pytest.approx(1 / 3),
        "claim_recall_must": 0.5,
        "claim_recall_nice": 0.0,
        "claim_precision": pytest.approx(21 / 47),
        "contradictions": 1.0,
        "values_recall": 0.25,
    }
    assert set(scores["claim_recall"].details["missed"]) == {"c2", "c3"}
    assert scores["claim_recall"].details["said"]["c1"]["reason"] == "Give fomepizole at once."
    assert scores["contradictions"].details["contradicted"]["c3"]["reason"] == "Repeat 20 mg/kg every 12 hours."
    found = scores["values_recall"].details["found"]
    assert found == [{"claim_id": "c3", "value": "12 hours", "sentence": "Repeat 20 mg/kg every 12 hours."}]


def test_a_value_said_of_something_else_does_not_count() -> None:
    scores = claim_scores(ITEM, saying("Load with fomepizole.", "Warfarin 15 mg/kg is toxic."), JUDGE)
    assert scores["values_recall"].value == 0.0
    row = scores["values_recall"].details["missing"][0]
    assert row == {"claim_id": "c2", "value": "15 mg/kg", "said_of_something_else": "Warfarin 15 mg/kg is toxic."}


def test_what_the_reference_lacks_is_left_out() -> None:
    bare = Item(item_id="glycol", question="Why?")
    assert not SCORING(bare, saying("Because.")).keys() & {
        "claim_recall", "contradictions", "values_recall", "errata_repeated", "section_coverage", "related_coverage",
    }  # fmt: skip
    assert all(score.value is None for score in claim_scores(bare, saying("Because."), JUDGE).values())
    must = Item(item_id="glycol", question="Why?", gold=Gold(claims=(Claim(claim_id="c", text="So."),)))
    scores = claim_scores(must, saying("So."), JUDGE)
    assert scores["claim_recall_nice"].value is None
    assert scores["values_recall"].value is None


def test_prose_that_was_not_taken_apart_is() -> None:
    scores = claim_scores(ITEM, response(text=f"Give fomepizole at once [1].\n\n{LOAD} [2]"), JUDGE)
    assert scores["claim_recall_must"].value == 1.0


# errata


def fidelity(response: Response, judge: Judge = JUDGE) -> Scores:
    return errata_scores(ITEM, response, judge, word_similarity)


def test_nobody_is_rewarded_for_repeating_an_error() -> None:
    repeating, silent, right, both = (
        saying("Give fomepizole at once.", *more) for more in ([WRONG], [], [RIGHT], [WRONG, RIGHT])
    )
    recalls = [claim_scores(ITEM, r, JUDGE)["claim_recall"].value for r in (repeating, silent, right)]
    assert recalls == [pytest.approx(1 / 3)] * 3
    assert values(fidelity(repeating)) == {
        "errata_repeated": 1.0,
        "errata_corrected": 0.0,
    }
    assert values(fidelity(silent)) == {
        "errata_repeated": 0.0,
        "errata_corrected": 0.0,
    }
    assert values(fidelity(right)) == {
        "errata_repeated": 0.0,
        "errata_corrected": 1.0,
    }
    assert values(fidelity(both)) == {
        "errata_repeated": 1.0,
        "errata_corrected": 1.0,
    }


def test_a_sentence_that_names_an_error_to_correct_it_repeats_nothing() -> None:
    scores = fidelity(saying(f"It is not so that {WRONG[:-1]}, but {RIGHT[:-1]}."))
    assert values(scores) == {"errata_repeated": 0.0, "errata_corrected": 1.0}


def test_of_a_wrong_claim_and_its_correction_the_one_more_surely_said_counts() -> None:
    class Unsure(Sentences):
        """Says yes to everything, to what has a certain word most surely."""

        def __init__(self, word: str) -> None:
            self._word = word

        def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
            return Judgement("entailed", 0.9 if self._word in claim else 0.7, "alike")

    found = [values(fidelity(saying("Ethanol is given."), Unsure(word))) for word in (" 6 g", " 0.6 g")]
    assert found[0] == {"errata_repeated": 1.0, "errata_corrected": 0.0}
    assert found[1] == {"errata_repeated": 0.0, "errata_corrected": 1.0}


def test_a_plain_article_with_errata_is_a_reference() -> None:
    article = parse(f"Why?\n\nGive fomepizole at once.\n\nDosing\n\n- {WRONG} It is said. [1]\n- {LOAD} [2]\n")
    gold = gold_of(article).model_copy(update={"errata": (Erratum(erratum_id="e", claim=WRONG, correction=RIGHT),)})
    item = Item(item_id="glycol", question="Why?", gold=gold)
    assert perfect(item, JUDGE) == perfect(item)
    scores = claim_scores(item, response(perfect(item)), JUDGE)
    assert scores["claim_recall"].value == 1.0
    assert scores["claim_recall"].details["errata_left_out"] == [WRONG]


# citations


def test_citations_are_checked_against_the_quotes() -> None:
    article = Article(
        bottom_line=(Said(text="It works.", citations=(1, 2)), Said(text="It is safe.", citations=(2,))),
        parts=(Part(heading="More", said=(Said(text="It is cheap."), Said(text="It is old.", citations=(9,)))),),
        references=(
            Listed(number=1, text="One", quotes=("We found that it works.",)),
            Listed(number=2, text="Two", quotes=("Nothing of note.",)),
        ),
    )
    scores = citation_scores(ITEM, response(article), JUDGE)
    assert scores["citation_recall"].value == 0.25
    assert scores["citation_precision"].value == 0.25, "1 of 4: the second is not needed, two do not support"
    assert scores["unsupported_statements"].value == 3.0
    assert scores["unsupported_share"].value == 0.75
    assert "It is old." in scores["unsupported_statements"].details["unsupported"], "there is no source 9"


def test_without_text_of_the_sources_citations_are_unscored() -> None:
    article = Article(
        bottom_line=(Said(text="It works.", citations=(1,)), Said(text="So it is.")),
        references=(Listed(number=1, text="One"),),
    )
    for score in citation_scores(ITEM, response(article), JUDGE).values():
        assert score.value is None
        assert "text" in score.reason


def test_a_statement_whose_sources_have_no_text_is_left_out() -> None:
    article = Article(
        bottom_line=(Said(text="It works.", citations=(1,), quotes=("It works.",)), Said(text="So.", citations=(2,))),
        references=(Listed(number=1, text="One"), Listed(number=2, text="Two")),
    )
    scores = citation_scores(ITEM, response(article), JUDGE)
    assert scores["citation_recall"].value == 1.0
    assert scores["citation_recall"].details["not_checked"] == ["So."]
    assert checked_score(response(article))["citations_checked"].value == 0.5, "what is left out is told"


def test_no_citations_at_all_are_recall_0() -> None:
    scores = citation_scores(ITEM, saying("It works."), JUDGE)
    assert scores["citation_recall"].value == 0.0
    assert scores["citation_precision"].value is None
    assert scores["unsupported_share"].value == 1.0


# structure


def test_a_quote_of_no_reference_is_no_citation() -> None:
    article = Article(bottom_line=(Said(text="It works.", quotes=("It works.",)),))
    assert citation_scores(ITEM, response(article), JUDGE)["citation_recall"].value == 0.0


def test_structure_names_what_is_lacking() -> None:
    article = Article(
        bottom_line=(Said(text="Give it."),),
        parts=(Part(heading="Pitfalls to avoid", said=(Said(text="Do not wait."),)), Part(heading="Empty", said=())),
        disclaimer="No advice.",
    )
    score = structure_scores(ITEM, response(article))["structure"]
    assert score.value == pytest.approx(3 / 5)
    assert score.reason == "lacks references, no_empty_parts"
    found = values(structure_scores(ITEM, response(article)))
    assert (found["words"], found["sentences"]) == (5.0, 2.0)
    unanswerable = ITEM.model_copy(update={"gold": Gold(answerable=False)})
    assert structure_scores(unanswerable, response(article))["structure"].value is None, "who abstains loses nothing"


def test_sections_are_covered_by_headings_roles_or_content() -> None:
    said = (Said(text="The dosing of fomepizole is by weight."),)
    article = Article(parts=(Part(heading="Use", said=said), Part(heading="Management", said=said)))
    score = section_scores(ITEM, response(article), word_similarity)["section_coverage"]
    assert score.value == pytest.approx(2 / 3)
    assert score.details["covered"]["What you should do"] == "Management"
    assert score.details["covered"]["Dosing fomepizole"].endswith("Use")
    assert score.details["missed"] == ["Pitfalls to avoid"]


def test_one_heading_covers_one_section() -> None:
    item = Item(item_id="i", question="q", gold=Gold(outline=("Fomepizole when", "Fomepizole why")))
    article = Article(parts=(Part(heading="Fomepizole", said=(Said(text="It works."),)),))

    def alike(a: str, b: str) -> float:
        return 0.9

    score = section_scores(item, response(article), alike)["section_coverage"]
    assert score.value == 1.0, "the other is covered by what is said: it has all its content words"
    assert sorted(score.details["covered"].values()) == ["Fomepizole", "what is said under Fomepizole"]


def test_related_questions_and_those_off_topic() -> None:
    article = Article(
        related_questions=("Which dose of fomepizole during dialysis?", "Does a hernia need repair?"),
        bottom_line=(Said(text="Give it."),),
    )
    scores = related_scores(ITEM, response(article), word_similarity, LIMITS)
    assert scores["related_coverage"].value == 1.0
    assert scores["related_coverage"].details["off_topic_in_reference"] == ["Does a hernia need repair?"]
    assert scores["related_off_topic"].value == 0.5, "the reference's own stray question excuses nobody"


def test_who_offers_the_question_that_was_asked_offers_none() -> None:
    item = ITEM.model_copy(update={"gold": Gold(related=(ITEM.question,))})
    scores = related_scores(item, response(Article(related_questions=(ITEM.question.upper(),))), word_similarity)
    assert values(scores) == {"related_coverage": 0.0, "related_off_topic": None}
    assert related_scores(ITEM, saying("x"), word_similarity, LIMITS)["related_off_topic"].value is None
    assert related_scores(ITEM, saying("x"), word_similarity, LIMITS)["related_coverage"].value == 0.0
