"""What is accepted of what a model writes: only what the evidence that it cites supports, whatever is written."""

from __future__ import annotations

from functools import cache

import pytest
from builders import make_answer, make_statement
from hypothesis import given
from hypothesis import strategies as st

from rag.answer.verify import Verifier
from rag.domain import Audience, Role, Section, Verdict
from rag.language.lexicon import Lexicon
from rag.language.sentences import sentence_spans
from rag.pipeline import Pipeline
from rag.writing.carrying import carries
from rag.writing.checking import Accepted, Checker, Refused
from rag.writing.clauses import addition, mixture
from rag.writing.lines import Line
from rag.writing.prompting import Brief

QUOTES = (
    "Argatroban is started at 0.5 mcg/kg/min in adults with moderate or severe hepatic impairment.",
    "Bivalirudin is started at 0.15 mg/kg/h in acute HIT, unless creatinine clearance is below 30 mL/min.",
    "ASH 2018 suggests against routine platelet transfusion in acute HIT (conditional recommendation).",
    "HLA-B*57:01 carriers must not take abacavir; see https://example.org/hla (r² 0.35) for TNFα.",
    "Argatroban has no specific antidote: on overdose stop the infusion.",
)


@cache
def lexicon() -> Lexicon:
    return Lexicon.load()


@cache
def verifier() -> Verifier:
    return Verifier(lexicon())


@cache
def brief() -> Brief:
    statements = [make_statement(quote, 1 + n % 3) for n, quote in enumerate(QUOTES)]
    section = Section(heading="All", role=Role.RATIONALE, statements=tuple(statements[1:]))
    return Brief.of(make_answer(bottom_line=(statements[0],), sections=(section,)))


def checked(text: str, *numbers: int, audience: Audience = Audience.CLINICIAN) -> Accepted | Refused:
    return Checker(verifier(), brief().items, len(brief().sections), audience).checked(Line(1, numbers, text))


@pytest.mark.parametrize("number", range(1, len(QUOTES) + 1))
def test_a_quote_is_accepted_with_what_it_needs(number: int) -> None:
    others = [n for n in range(1, len(QUOTES) + 1) if n != number][:2]
    found = checked(QUOTES[number - 1], *others, number)
    assert isinstance(found, Accepted)
    assert [item.number for item in found.items] == [number]
    assert found.verification.verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    "text",
    [
        "HLA-B*57:01 carriers must not take abacavir.",
        "Argatroban is started at 0.5 µg/kg/min in adults with moderate or severe hepatic impairment.",
        "Argatroban is started at < 0.5, > 0.5, <= 0.5, >=0.5 or >50 mcg/kg/min (>1) in moderate hepatic impairment.",
        "ASH 2018 suggests against “routine” platelet transfusion in acute HIT – conditional recommendation.",
    ],
)
def test_signs_of_prose_and_those_of_the_evidence_are_no_markup(text: str) -> None:
    found = checked(text, 1, 3, 4)
    assert isinstance(found, Accepted) or found.reason.kind != "markup"


@pytest.mark.parametrize(
    "text", ["*HLA* carriers must not take abacavir.", "Abacavir (r²) is for α.", "See https://x.org."]
)
def test_signs_of_the_evidence_are_markup_elsewhere(text: str) -> None:
    found = checked(text, 4)
    assert isinstance(found, Refused)
    assert found.reason.kind == "markup"


def test_patients_are_given_no_dose() -> None:
    assert isinstance(checked(QUOTES[0], 1), Accepted)
    found = checked(QUOTES[0], 1, audience=Audience.PATIENT)
    assert isinstance(found, Refused)
    assert found.reason.kind == "dose"
    assert isinstance(checked(QUOTES[4], 5, audience=Audience.PATIENT), Accepted)


def test_patients_are_not_told_how_to_check_a_treatment() -> None:
    quote = "The guideline recommends argatroban in acute HIT; the aPTT is checked two hours after the start."
    items = Brief.of(make_answer(bottom_line=(make_statement(quote),), sections=())).items
    for audience in Audience:
        checker = Checker(verifier(), items, 1, audience)
        found = checker.checked(Line(0, (1,), "The aPTT is checked two hours after the start."))
        is_withheld = isinstance(found, Refused) and found.reason.kind == "monitoring_section"
        assert is_withheld == (audience is Audience.PATIENT)
        assert isinstance(checker.checked(Line(0, (1,), quote)), Accepted)


@pytest.mark.parametrize(
    "clause",
    [
        ", so double it at night",
        " (call your uncle first)",
        "; trust this completely",
        ": everybody knows it",
        " and cheap",
        " as you know",
    ],
)
def test_a_clause_that_is_in_no_quote_is_an_addition(clause: str) -> None:
    found = checked(QUOTES[4].removesuffix(".") + clause + ".", 5)
    assert isinstance(found, Refused)
    assert addition(QUOTES[4].removesuffix(".") + clause, QUOTES, lexicon())


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quote_adds_nothing_and_mixes_nothing(quote: str) -> None:
    assert addition(quote, [quote], lexicon()) is None
    assert mixture(quote, [["Argatroban."], [quote]], lexicon()) is None


@pytest.mark.parametrize(
    "text",
    [
        "According to the source, argatroban is contraindicated in patients who have severe hepatic impairment.",
        "The use of argatroban is contraindicated in people with severe hepatic impairment.",
    ],
)
def test_words_that_say_no_more_add_nothing(text: str) -> None:
    assert addition(text, ["Argatroban is contraindicated in severe hepatic impairment."], lexicon()) is None


AGAINST = "French labelling: argatroban is contraindicated in severe hepatic impairment."
PLATELETS = (
    "ASH 2018 suggests against routine platelet transfusion in acute HIT; it may be an option with active bleeding."
)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        *((f"Argatroban {verb} in severe hepatic impairment.", AGAINST)
          for verb in ("is fine", "can be used", "is recommended", "is given", "may be used", "is tolerated")),
        ("Platelet transfusion is an option in acute HIT.", PLATELETS),
        ("Platelets may be transfused routinely in acute HIT, and heparin is stopped.", PLATELETS),
        ("Heparin may be given in acute HIT.", "In acute HIT the guideline recommends stopping heparin."),
        ("Heparin need not be stopped in acute HIT.", "In acute HIT the guideline recommends stopping heparin."),
    ],
)  # fmt: skip
def test_what_the_quote_denies_is_not_affirmed(text: str, quote: str, pipeline: Pipeline) -> None:
    assert pipeline.verifier.verify(text, [quote], is_strict=True).verdict is not Verdict.SUPPORTED


def test_clauses_of_two_quotes_may_stand_in_one_sentence() -> None:
    text = "Argatroban has no specific antidote, whereas HLA-B*57:01 carriers must not take abacavir."
    assert mixture(text, [[QUOTES[3]], [QUOTES[4]]], lexicon()) is None


@pytest.mark.parametrize(
    "text",
    [
        "Bivalirudin is started at 0.5 mcg/kg/min in moderate or severe hepatic impairment.",
        "Argatroban is started at 0.15 mg/kg/h in acute HIT.",
        "Argatroban is not started in acute HIT.",
        "Argatroban is started in adults with moderate hepatic impairment, and is given at 0.15 mg/kg/h.",
        "Argatroban: 0.15 mg/kg/h in acute HIT.",
    ],
)
def test_what_no_one_of_two_quotes_has_together_is_a_mixture(text: str) -> None:
    assert mixture(text, [[QUOTES[0]], [QUOTES[1]]], lexicon())
    assert isinstance(checked(text, 1, 2), Refused)


def test_carrying_takes_values_concepts_turns_and_words() -> None:
    quote = QUOTES[1]
    assert carries([quote], [quote], lexicon())
    assert carries(["Bivalirudin is started at 0.15 mg/kg/h in acute HIT.", "The exception is: unless creatinine "
                    "clearance is below 30 mL/min."], [quote], lexicon())  # fmt: skip
    for lost in ("unless creatinine clearance is below 30 mL/min", "in acute HIT,", "0.15 mg/kg/h", "Bivalirudin"):
        assert lost in quote
        assert not carries([quote.replace(lost, "")], [quote], lexicon())
    assert not carries([], [quote], lexicon())


_WORDS = sorted(
    {word for quote in QUOTES for word in quote.split()} | {"not", "5", "mg", "0.5²", "<b>", "children.", "Do"}
)


@st.composite
def _statements(draw: st.DrawFn) -> str:
    """A quote with words taken out, put in, exchanged; or two of them; or words at random."""
    words = [w for n in draw(st.lists(st.integers(0, 4), min_size=1, max_size=2)) for w in QUOTES[n].split()]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 3))] = draw(st.lists(st.sampled_from(_WORDS), max_size=2))
    return " ".join(words) or "x"


@given(_statements(), st.lists(st.integers(0, 6), max_size=3, unique=True), st.sampled_from(Audience))
def test_nothing_is_accepted_that_is_not_supported(text: str, numbers: list[int], audience: Audience) -> None:
    found = checked(text, *numbers, audience=audience)
    if isinstance(found, Refused):
        assert found.reason.kind
        assert text not in found.why
        return
    quotes = [quote for item in found.items for quote in item.quotes]
    assert {item.number for item in found.items} <= set(numbers)
    for part in (found.line.text, *(found.line.text[a:b] for a, b in sentence_spans(found.line.text))):
        assert verifier().verify(part, quotes).verdict is Verdict.SUPPORTED
    assert found.verification.verdict is Verdict.SUPPORTED


@given(st.text(max_size=60), st.lists(st.integers(0, 6), max_size=3, unique=True))
def test_any_text_is_judged(text: str, numbers: list[int]) -> None:
    found = checked(text or "x", *numbers)
    assert isinstance(found, Refused) or verifier().verify(found.line.text, QUOTES).verdict is Verdict.SUPPORTED
