"""What a machine has written is held to more: signs of negation, contrasts, and every guard in whatever words."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval.alterations import Altered, alterations
from rag.answer.pool import Pool
from rag.answer.reading import read
from rag.answer.signs import signs
from rag.answer.strictness import qualified, turned
from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.pipeline import Pipeline

LEXICON = Lexicon.load()
TABLE = Path(__file__).parent.parent / "tables" / "worded.yaml"
DRUGS = ("rivaroxaban", "bivalirudin", "warfarin", "fondaparinux", "argatroban", "aspirin")
APIXABAN = (
    "Apixaban needs no dose adjustment in mild hepatic impairment, no dosing recommendation can be made in moderate "
    "(Child-Pugh B), and it is not recommended in severe (Child-Pugh C) hepatic impairment."
)


@cache
def table() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text("utf-8"))
    return rows


def pool(*quotes: str) -> Pool:
    readings = tuple(read(q, LEXICON) for q in quotes)
    return Pool(readings, readings[0], "", LEXICON)


def found(guard: Any, statement: str, *quotes: str) -> list[str]:
    return [reason.kind for reason in guard(read(statement, LEXICON), pool(*quotes))]


@pytest.mark.parametrize(
    ("statement", "quote"),
    [
        ("The guideline does not include IVIG in the treatment of HIT.", "IVIG is not part of the treatment of HIT."),
        ("Fondaparinux should not be used when it is contraindicated.", "Fondaparinux should not be used when it is "
         "contraindicated, as in renal failure."),
        ("Aspirin is not contraindicated in cirrhosis.", "In cirrhosis aspirin is not contraindicated."),
        ("Neither 16 nor 24 mg is a maximum.", "A maximum is neither 16 nor 24 mg."),
        ("The vaccine protects against infection.", "Against infection the vaccine protects."),
        ("The evidence is inadequate.", "There is not enough evidence: it is inadequate."),
    ],
)  # fmt: skip
def test_the_same_denied_in_other_words_has_the_same_signs(statement: str, quote: str) -> None:
    assert found(signs, statement, quote) == []


@pytest.mark.parametrize(
    ("statement", "quote"),
    [
        ("Fondaparinux is not contraindicated below 30 mL/min.", "Fondaparinux is contraindicated below 30 mL/min."),
        ("IVIG is part of the treatment of HIT.", "IVIG is not part of the treatment of HIT."),
        ("Apixaban is recommended in severe hepatic impairment (Child-Pugh C).", APIXABAN),
        ("The evidence is not inadequate.", "The evidence is inadequate."),
        ("Bleeding was not similar.", "Bleeding was similar."),
        ("Neither 16 nor 24 mg should not be read as a maximum.", "Neither 16 nor 24 mg should be read as a maximum."),
        ("No dose is not established.", "No dose is established."),
        ("Transfusion was not associated with arterial thrombosis.", "Transfusion was associated with arterial "
         "thrombosis but not venous thrombosis."),
        ("This is not because of the lack of methods.", "This is because of the lack of methods."),
    ],
)  # fmt: skip
def test_an_added_or_lost_negation_turns_signs(statement: str, quote: str) -> None:
    assert "negation" in found(signs, statement, quote)


def test_a_word_of_a_contrast_belongs_to_what_it_stands_before() -> None:
    quote = "In mild bleeding and severe renal failure the drug is stopped."
    assert found(qualified, "In severe renal failure the drug is stopped.", quote) == []
    assert found(qualified, "In mild renal failure the drug is stopped.", quote) == ["population"]
    assert found(qualified, "There is no dosing recommendation in moderate hepatic impairment.", APIXABAN) == []


def test_a_condition_may_be_added_and_not_left_out() -> None:
    quote = "The drug is given only if platelets are low."
    assert found(turned, "When HIT is confirmed, the drug is given.", "In confirmed HIT the drug is given.") == []
    assert "exception" in found(turned, "The drug is given if platelets are low.", quote)


def altered() -> list[tuple[Altered, list[str]]]:
    return [(one, row["evidence"]) for row in table() for one in alterations(row["statement"], LEXICON, DRUGS)]


def supported(verifier: Verifier, statement: str, quotes: list[str]) -> bool:
    return verifier.verify(statement, quotes, is_strict=True).verdict is Verdict.SUPPORTED


def test_what_is_altered_in_statements_in_other_words_is_caught(pipeline: Pipeline) -> None:
    cases = altered()
    assert len(cases) > 180
    missed = [one for one, quotes in cases if supported(pipeline.verifier, one.text, quotes)]
    assert len(missed) <= 0.01 * len(cases), missed


def test_most_true_statements_in_other_words_pass(pipeline: Pipeline) -> None:
    """A floor: what is refused stays in the words of its source."""
    assert len(table()) > 60
    passed = [row for row in table() if supported(pipeline.verifier, row["statement"], row["evidence"])]
    assert len(passed) >= 0.6 * len(table())


def test_the_words_of_the_evidence_are_supported_as_ever(pipeline: Pipeline) -> None:
    for row in table():
        for quote in row["evidence"]:
            found = pipeline.verifier.verify(quote, row["evidence"], is_strict=True)
            assert (found.verdict, found.support) == (Verdict.SUPPORTED, 1.0)


def test_without_a_model_words_are_counted() -> None:
    verifier = Verifier(LEXICON)
    quote = "Argatroban is started at 0.5 mcg/kg/min in moderate hepatic impairment."
    said = "In moderate hepatic impairment argatroban is started at 0.5 mcg/kg/min."
    assert verifier.verify(said, [quote], is_strict=True).verdict is Verdict.SUPPORTED
    assert verifier.verify(said.replace("moderate", "mild"), [quote], is_strict=True).verdict is Verdict.UNSUPPORTED
