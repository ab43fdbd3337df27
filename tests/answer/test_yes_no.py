"""Which way sentences lean: their signs, and the model that ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag.answer.yes_no import FEATURES, MODEL, Asked, asserted, leans, of_stance, probes, read_model, signs, weights
from rag.domain import Decision
from rag.errors import EncoderError
from rag.language.polarity import Stance
from rag.render import words

ASKED = Asked.read("Does aspirin reduce mortality?")


def of(sentence: str, asked: Asked = ASKED) -> dict[str, float]:
    return dict(zip(FEATURES, signs(asked, sentence, (0.0, 0.0, 0.0)), strict=True))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Does aspirin reduce mortality?", "aspirin reduce mortality"),
        ("Is there any link between A and B?", "link between A and B"),
        ("Aspirin after stroke: is it safe?", "it safe Aspirin after stroke"),
    ],
)
def test_what_is_asked_is_said_without_its_verb(question: str, said: str) -> None:
    assert asserted(question) == said
    assert probes(question)[1] == f"There is no evidence that {said}"


def test_signs_of_a_sentence() -> None:
    assert of("Aspirin did not reduce mortality.")["denials beside it"] == 1
    assert of("Aspirin did not reduce mortality.")["down, and no difference"] == 1
    assert of("Aspirin reduced mortality.")["same direction"] == 1
    assert of("Aspirin increased mortality.")["other direction"] == 1
    assert of("Aspirin may reduce mortality.")["hedged"] == 1
    beside = of("Aspirin reduced mortality, but warfarin did not.")
    assert beside["denials beside it"] == 0
    assert beside["denials"] == 1
    resistant = Asked.read("Are these cells resistant to RNase?")
    assert of("The cells are susceptible to RNase.", resistant)["opposite"] == 1
    assert of("The cells are resistant to RNase.", resistant)["opposite"] == 0


def test_weights_fall_with_the_score() -> None:
    found = weights([4.0, 3.0, 3.0])
    assert found.sum() == pytest.approx(1)
    assert found[0] > found[1] == found[2]


def test_leaning_is_towards_the_nearer_probe() -> None:
    said, denied, confirmed, not_so, negated = np.eye(5, dtype=np.float32)
    found = leans(np.stack([said, denied, confirmed, not_so, negated]), np.stack([denied, confirmed]))
    assert found.shape == (2, 3)
    assert found[0, 0] == 1
    assert found[1, 0] == -1


def test_the_model_that_ships_says_what_it_was_trained_on() -> None:
    record = json.loads(MODEL.read_text("utf-8"))
    assert {data["name"] for data in record["trained_on"]} == {"pubmedqa", "evidence_inference", "scifact"}
    assert all(data["licence"] and data["digest"] for data in record["trained_on"])
    model = read_model()
    signs_of_no = np.array(signs(ASKED, "Aspirin did not reduce mortality.", (0.1, 0.1, 0.1)))
    signs_of_yes = np.array(signs(ASKED, "Aspirin reduced mortality.", (-0.1, -0.1, -0.1)))
    no, yes = model.chance(np.stack([signs_of_no, signs_of_yes]))
    assert no < 0.5 < yes


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text('{"features": []}')
    with pytest.raises(EncoderError, match=r"other features.*eval\.training\.yes_no"):
        read_model(path)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision(value="yes"), "Sources speak for it"),
        (Decision(value="no_recommendation"), "No recommendation for or against it"),
        (Decision(value="no", probability=0.81), "Leans to no (probability 0.81)"),
        (
            Decision(value="yes", probability=0.55, is_mixed=True),
            "Leans slightly to yes (probability 0.55, evidence is mixed)",
        ),
    ],
)
def test_decisions_in_words(decision: Decision, said: str) -> None:
    assert words.decision(decision) == said


def test_no_recommendation_is_not_a_no() -> None:
    found = of_stance(Stance.ABSENT)
    assert found is not None
    assert found.value == "no_recommendation"
    assert of_stance(None) is None
    assert of_stance(Stance.NEUTRAL) is None
