"""What a machine writes beside its evidence: an organ of its own, one denial more or less, and negations cut short."""

from __future__ import annotations

import pytest

from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon

CIRRHOSIS = "In 106 patients with cirrhosis tested for HIT antibodies, 18 were antibody positive."
PLASMA = (
    "Do not give fresh frozen plasma in patients who are not bleeding, unless they face a procedure with a risk of "
    "clinically significant bleeding."
)
SWITCH = "Switching a patient with cirrhosis to apixaban for HIT is not supported by evidence (our inference)."


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier(Lexicon.load())


@pytest.mark.parametrize(
    ("evidence", "statement"),
    [
        (CIRRHOSIS, CIRRHOSIS.replace("cirrhosis", "liver cirrhosis")),
        (PLASMA, PLASMA.replace("Do not", "Don't")),
        (SWITCH, SWITCH.replace("a patient", "a person")),
    ],
)
def test_what_says_the_same_passes(verifier: Verifier, evidence: str, statement: str) -> None:
    assert verifier.verify(statement, [evidence], is_strict=True).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("evidence", "statement", "kind"),
    [
        (CIRRHOSIS, CIRRHOSIS.replace("patients with cirrhosis", "people with kidney cirrhosis"), "population"),
        (PLASMA, PLASMA.replace("Do not give", "Do not administer").replace("are not bleeding", "are bleeding"),
         "negation"),
        (SWITCH, SWITCH.replace("not supported", "backed"), "negation"),
        (SWITCH, SWITCH.replace("a patient", "a person").replace("Switching", "Not switching"), "negation"),
    ],
)  # fmt: skip
def test_what_says_another_thing_does_not(verifier: Verifier, evidence: str, statement: str, kind: str) -> None:
    found = verifier.verify(statement, [evidence], is_strict=True)
    assert found.verdict is not Verdict.SUPPORTED
    assert kind in {reason.kind for reason in found.reasons}
