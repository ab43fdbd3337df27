"""Advice in other words: never firmer than its evidence, and of one side with it or of the other."""

from __future__ import annotations

import pytest

from rag.answer.advising import agreement, firmest, raised
from rag.answer.pool import Pool
from rag.answer.reading import Reading, read
from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon

LEXICON = Lexicon.load()
AGAINST = "ASH 2018 suggests against routine platelet transfusion in acute HIT."


def pool(*evidence: str) -> Pool:
    readings: tuple[Reading, ...] = tuple(read(text, LEXICON) for text in evidence)
    return Pool(readings, readings[0], "", LEXICON)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Argatroban is cleared by the liver.", 1),
        ("IVIG may be considered in HIT.", 1),
        ("ASH suggests argatroban in HIT.", 2),
        ("Heparin is not advised in HIT.", 2),
        ("Heparin should be stopped in HIT.", 3),
        ("ASH recommends argatroban in HIT.", 4),
        ("In HIT, stop heparin.", 4),
        ("Heparin must be stopped in HIT.", 5),
        ("Heparin is contraindicated in HIT.", 5),
    ],
)
def test_how_firmly_a_text_advises(text: str, level: int) -> None:
    assert firmest(pool(text)) == level


@pytest.mark.parametrize(
    ("statement", "is_raised"),
    [
        ("Routine platelet transfusion is not advised in acute HIT.", False),
        ("Routine platelet transfusion is not suggested in acute HIT.", False),
        ("Routine platelet transfusion is not recommended in acute HIT.", True),
        ("Routine platelet transfusion should not be given in acute HIT.", True),
        ("Routine platelet transfusion must not be given in acute HIT.", True),
        ("Routine platelet transfusion is contraindicated in acute HIT.", True),
    ],
)
def test_a_suggestion_against_is_no_recommendation_against(statement: str, is_raised: bool) -> None:
    assert bool(list(raised(read(statement, LEXICON), pool(AGAINST)))) is is_raised
    assert (Verifier(LEXICON).verify(statement, [AGAINST]).verdict is Verdict.SUPPORTED) is not is_raised


def test_no_recommendation_is_none_against() -> None:
    found = Verifier(LEXICON).verify(
        "The guideline recommends against IVIG in HIT.", ["The guideline makes no recommendation on IVIG in HIT."]
    )
    assert found.verdict is not Verdict.SUPPORTED
    assert {r.kind for r in found.reasons} >= {"modality"}


@pytest.mark.parametrize(
    ("statement", "evidence", "side"),
    [
        ("Routine platelet transfusion is not advised in acute HIT.", AGAINST, "same"),
        ("Routine platelet transfusion is advised in acute HIT.", AGAINST, "opposite"),
        ("Warfarin must not be used in pregnancy.", "Warfarin is contraindicated in pregnancy.", "same"),
        ("Warfarin is recommended in pregnancy.", "Warfarin is contraindicated in pregnancy.", "opposite"),
        ("Platelet transfusion is not advised.", AGAINST, None),
        ("IVIG is not advised in acute HIT.", AGAINST, None),
        ("Platelet transfusion is a source of platelets in acute HIT.", AGAINST, None),
        ("Stop heparin in HIT.", "Stop heparin in HIT unless the count is normal.", None),
        ("", AGAINST, None),
    ],
)
def test_whether_two_texts_advise_the_same(statement: str, evidence: str, side: str | None) -> None:
    assert agreement(read(statement, LEXICON), pool(evidence)) == side
