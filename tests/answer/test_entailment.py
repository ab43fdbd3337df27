"""Statements in other words: what the model sees, what it decides, and what it cannot outweigh."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.answer.alignment import FEATURES
from rag.answer.denial import denied
from rag.answer.entailment import CLASSES, MODEL, LearnedEntailment, Model, read_model
from rag.answer.opinion import Opinion
from rag.answer.reading import Reading, read
from rag.answer.verify import Verifier
from rag.answer.ways import ways
from rag.domain import Verdict
from rag.errors import EncoderError, InputError
from rag.index.encoder import Worded
from rag.language.lexicon import Lexicon
from rag.pipeline import Pipeline
from rag.settings import Settings

LEXICON = Lexicon.load()
QUOTE = "Argatroban is eliminated mainly by the liver, at a mean clearance of 5 mL/min/kg."
IN_OTHER_WORDS = "Hepatic metabolism removes argatroban from the body over time."


class Fixed:
    """Always of one opinion; counts how often it is asked."""

    name = "fixed"

    def __init__(self, supported: float, contradicted: float) -> None:
        neutral = 1 - supported - contradicted
        chances = dict(zip(CLASSES, (supported, contradicted, neutral), strict=True))
        verdict = max(CLASSES, key=lambda c: chances[c])
        self._opinion = Opinion(supported, contradicted, neutral, verdict, QUOTE)
        self.asked = 0

    def opinion(self, statement: Reading, quotes: Sequence[Reading]) -> Opinion:
        self.asked += 1
        return self._opinion


SURE, AGAINST, HALF, NO = Fixed(0.9, 0.05), Fixed(0.1, 0.8), Fixed(0.4, 0.1), Fixed(0.1, 0.1)


@pytest.mark.parametrize(
    ("judge", "verdict"),
    [(SURE, Verdict.SUPPORTED), (AGAINST, Verdict.CONTRADICTED), (HALF, Verdict.PARTIAL), (NO, Verdict.UNSUPPORTED)],
)
def test_a_model_decides_on_other_words(judge: Fixed, verdict: Verdict) -> None:
    found = Verifier(LEXICON, judge).verify(IN_OTHER_WORDS, [QUOTE])
    assert (found.verdict, found.by) == (verdict, "fixed")
    assert found.probability == judge.opinion(read("", LEXICON), ()).supported
    assert bool(found.reasons) == (verdict is not Verdict.SUPPORTED)


@pytest.mark.parametrize(
    "statement", [QUOTE, "Argatroban is eliminated mainly by the liver, at a clearance of 5 mL/min/kg."]
)
def test_own_words_and_near_ones_ask_no_model(statement: str) -> None:
    judge = Fixed(0.0, 1.0)
    assert Verifier(LEXICON, judge).verify(statement, [QUOTE]).by == "rules"
    assert judge.asked == 0


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("Hepatic metabolism removes 50 mL/min/kg of argatroban from the body over time.", "number"),
        ("Hepatic metabolism removes bivalirudin from the body over time.", "drug"),
        ("Hepatic metabolism removes argatroban from the body (strong recommendation).", "strength"),
        ("Hepatic metabolism removes argatroban from the body in children.", "population"),
        ("Hepatic metabolism should remove argatroban from the body over time.", "modality"),
        ("Hepatic metabolism removes argatroban from the body completely.", "modality"),
    ],
)
def test_no_model_outweighs_a_veto(statement: str, kind: str) -> None:
    found = Verifier(LEXICON, Fixed(0.99, 0.0)).verify(statement, [QUOTE])
    assert found.verdict is Verdict.UNSUPPORTED
    assert kind in {r.kind for r in found.reasons}
    assert found.probability < 0.05


def test_numbers_of_references_are_no_numbers() -> None:
    found = Verifier(LEXICON).verify("Argatroban is eliminated mainly by the liver [3].", [QUOTE.split(",")[0] + "."])
    assert found.verdict is Verdict.SUPPORTED


# the denial and the ways


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("It does not help.", "It does help."),
        ("It cannot help.", "It can help."),
        ("It increases risk.", "It decreases risk."),
        ("It is used.", "It is not used."),
        ("Mitochondria matter.", "It is not true that mitochondria matter."),
        ("", "It is not true that "),
    ],
)
def test_a_denial_says_the_opposite(statement: str, expected: str) -> None:
    assert denied(statement) == expected


@pytest.mark.parametrize(
    ("text", "senses"),
    [
        ("It raises pressure.", ["up"]),
        ("It did not raise pressure.", ["same"]),
        ("It lowers pain but has no effect on mood.", ["down", "same"]),
        ("It is not effective.", ["bad"]),
        ("It was more than enough.", []),
        ("", []),
    ],
)
def test_the_way_that_things_go(text: str, senses: list[str]) -> None:
    assert [w.sense for w in ways(read(text, LEXICON))] == senses


# the model that ships


def test_the_record_says_where_the_model_is_from() -> None:
    record = json.loads(MODEL.read_text("utf-8"))
    trained = {d["name"] for d in record["data"] if d["trained_on"]}
    assert trained == {"scifact", "expertqa", "kqa_nli", "evidence_inference"}
    assert all(d["licence"] and len(d["digest"]) == 16 for d in record["data"])
    assert record["seed"] is not None
    assert {"accuracy", "macro_f1", "ece"} <= record["figures"]["scifact"].keys()
    assert MODEL.stat().st_size < 100_000


def test_it_loads_in_milliseconds() -> None:
    read_model.cache_clear()
    started = time.perf_counter()
    model = read_model()
    assert time.perf_counter() - started < 0.1
    chances = model.chances(np.zeros((3, len(FEATURES))))
    assert chances.shape == (3, len(CLASSES))
    assert chances.sum(axis=1) == pytest.approx(1.0)
    assert model.chances(np.full(len(FEATURES), 1e9)) == pytest.approx(model.chances(np.full(len(FEATURES), 1e6)))


@pytest.mark.parametrize("content", ["", "{}", '{"features": ["cosine"], "version": 1}', "[]"])
def test_a_model_of_another_form_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(EncoderError, match=r"model\.json: cannot be used"):
        read_model(tmp_path / "model.json")
    with pytest.raises(EncoderError, match="absent"):
        read_model(tmp_path / "absent.json")


def spelled(text: str) -> Worded:
    """A vector of the letters of each word, and of all of them: an honest encoder that understands nothing."""
    words = tuple(text.lower().rstrip(".").split())
    rows = np.array([[w.count(c) + 1e-3 for c in "abcdefghijklmnopqrstuvwxyz"] for w in (*words, text.lower())])
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Worded(unit[-1], words, unit[:-1])


def test_a_model_is_not_believed_on_a_statement_of_something_else() -> None:
    size, classes = len(FEATURES), len(CLASSES)
    sure = Model(np.zeros(size), np.ones(size), np.zeros((classes, size)), np.array([9.0, 0, 0]), np.ones(3), "sure")
    learned = LearnedEntailment(spelled, LEXICON, sure)
    quotes = [read(QUOTE, LEXICON)]
    assert learned.opinion(read("Argatroban is eliminated by the liver.", LEXICON), quotes).verdict == "supported"
    elsewhere = learned.opinion(read("Fluffy xylophones hum.", LEXICON), quotes)
    assert (elsewhere.verdict, elsewhere.supported > 0.9) == ("neutral", True)


def test_the_features_are_numbers_and_the_nearest_sentence_is_named() -> None:
    learned = LearnedEntailment(spelled, LEXICON)
    quotes = [read(text, LEXICON) for text in ("Aspirin helps in stroke.", QUOTE, "Nothing is known.")]
    values, nearest = learned.aligned(read("Argatroban is eliminated by the liver.", LEXICON), quotes)
    assert nearest == QUOTE
    assert values.shape == (len(FEATURES),)
    assert np.isfinite(values).all()
    named = dict(zip(FEATURES, values, strict=True))
    assert (named["covered"], named["named"], named["drug_absent"]) == (1, 1, 0)
    again = LearnedEntailment(spelled, LEXICON).aligned(read("Argatroban is eliminated by the liver.", LEXICON), quotes)
    assert (again[0] == values).all()
    short, _ = learned.aligned(read("?", LEXICON), quotes[2:])
    assert np.isfinite(short).all()


def test_the_pipeline_verifies_other_words_by_the_model_and_its_own_by_rules(pipeline: Pipeline) -> None:
    found = pipeline.verifier.verify(IN_OTHER_WORDS, [QUOTE])
    assert found.by.startswith("entailment ")
    assert 0 < found.probability < 1
    assert pipeline.verifier.verify(QUOTE, [QUOTE]).by == "rules"
    assert pipeline.verifier.verify(IN_OTHER_WORDS, [QUOTE]) == found


@pytest.mark.parametrize("name", ["cross-encoder/nli-MiniLM2-L6-H768", "/no/such"])
def test_a_cross_encoder_is_a_folder_here_not_a_name(name: str, pipeline: Pipeline) -> None:
    settings = Settings.from_environment({"OSLER_NLI": name})
    with pytest.raises(InputError, match=r"NLI model .*never downloaded"):
        _ = Pipeline(settings, pipeline.snapshot).verifier
    assert Settings.from_environment({"OSLER_NLI": ""}).nli is None
