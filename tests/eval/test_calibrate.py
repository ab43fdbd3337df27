"""Calibration: the fit is the optimum, folds keep questions together, and the files can be made from published data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval import calibrate
from eval.judges.examiner import FEATURES, Examination
from eval.judges.fitting import best_threshold, folds, logistic
from eval.judges.weights import CITATIONS, MATCHER, Logistic, read_fitted
from rag.errors import InputError

QUESTIONS = ("gout", "asthma", "migraine", "anaemia", "scabies", "eczema")


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, list[bool]]:
    values = np.random.default_rng(seed).normal(size=(n, 2)) * [1.0, 5.0] + [3.0, -2.0]
    noise = np.random.default_rng(seed + 1).normal(size=n)
    return values, [bool(x) for x in values[:, 0] - 3 + noise > 0.5]


def test_a_fit_is_where_the_penalised_likelihood_is_greatest() -> None:
    values, positive = sample(200)
    model = logistic(("a", "b"), values, positive)
    truth = np.array(positive)
    weight = np.where(truth, 100 / truth.sum(), 100 / (~truth).sum())
    standard = (values - values.mean(axis=0)) / values.std(axis=0)

    def loss(intercept: float, coefficients: Sequence[float]) -> float:
        signed = np.where(truth, 1, -1) * (intercept + standard @ np.array(coefficients))
        return float((weight * np.log1p(np.exp(-signed))).sum() + 0.5 * np.square(coefficients).sum())

    least = loss(model.intercept, model.coefficients)
    for step in (-0.01, 0.01):
        assert loss(model.intercept + step, model.coefficients) > least
        for i in range(2):
            moved = list(model.coefficients)
            moved[i] += step
            assert loss(model.intercept, moved) > least
    assert model.coefficients[0] > 1 > abs(model.coefficients[1])


def test_a_feature_that_never_varies_does_no_harm() -> None:
    values, positive = sample(60)
    values[:, 1] = 4.0
    model = logistic(("a", "b"), values, positive)
    assert model.coefficients[1] == pytest.approx(0)
    assert 0 < model.support((3.0, 4.0)) < 1
    with pytest.raises(ValueError, match="both classes"):
        logistic(("a", "b"), values, [True] * 60)


def test_a_model_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Logistic(features=("a",), mean=(0, 0), scale=(1,), coefficients=(1,), intercept=0, threshold=0.5)


def test_the_best_threshold_parts_the_classes() -> None:
    assert best_threshold([0.1, 0.2, 0.8, 0.9], [False, False, True, True]) == pytest.approx(0.5)
    assert best_threshold([0.1, 0.2], [True, True], near=0.3) == 0.3
    assert best_threshold([], []) == 0.5
    # Either gap is as good: the one nearer to where it was.
    assert best_threshold([0.1, 0.4, 0.6, 0.9], [False, True, False, True], near=0.7) == pytest.approx(0.75)


def test_folds_keep_a_question_together_and_spread_the_classes() -> None:
    groups = [f"q{i // 4}" for i in range(80)]
    classes = ["said" if i % 4 else "not" for i in range(80)]
    found = folds(groups, classes, 5, seed=3)
    assert len(found) == 80
    for group in set(groups):
        assert len({f for f, g in zip(found, groups, strict=True) if g == group}) == 1
    assert [int((found == f).sum()) for f in range(5)] == [16] * 5
    assert (folds(groups, classes, 5, seed=3) == found).all()
    assert (folds(groups, classes, 5, seed=4) != found).any()


def test_what_is_fitted_never_sees_the_question_that_it_judges() -> None:
    nothing = Examination((0.5, 0.5, 0.5), None, "", "")
    items = [calibrate.Item(f"c{i}", (), f"q{i // 3}", "entailed" if i % 3 else "neutral", nothing, "neutral")
             for i in range(30)]  # fmt: skip

    def leaky(train: Sequence[calibrate.Item]) -> calibrate.Decide:
        known = {i.cluster for i in train}
        return lambda item: "contradicted" if item.cluster in known else item.label

    assert calibrate.crossed("leaky", items, leaky).accuracy == 1.0


def test_the_majority_agrees_no_better_than_chance() -> None:
    nothing = Examination((0.5, 0.5, 0.5), None, "", "")
    items = [calibrate.Item("c", (), f"q{i}", "entailed" if i % 3 else "neutral", nothing, "neutral")
             for i in range(30)]  # fmt: skip
    found = calibrate.crossed("majority", items, calibrate._majority)
    assert found.kappa == 0.0
    assert found.accuracy == pytest.approx(2 / 3, abs=1e-4)


# from data as it is published


def write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def answer_on(topic: str) -> str:
    return f"People with {topic} should see their doctor once a year. A mild form of {topic} needs no tablets."


def claims_on(topic: str) -> list[tuple[str, str]]:
    return [(f"Whoever has {topic} should see a doctor every year.", "Entailment"),
            (f"Mild {topic} needs no tablets.", "Entailment"),
            (f"People with {topic} should not see their doctor once a year.", "Contradiction"),
            (f"The cause of {topic} lies in the genes.", "Neutral"),
            ("Exercise in the open air helps children to sleep.", "Neutral")]  # fmt: skip


@pytest.fixture
def kqa(tmp_path: Path) -> Path:
    rows = [(f"n{q}-{c}", topic, claim, label) for q, topic in enumerate(QUESTIONS)
            for c, (claim, label) in enumerate(claims_on(topic))]  # fmt: skip
    write_lines(tmp_path / "queries.jsonl", [
        {"_id": i, "text": topic, "metadata": {"kqa_id": topic, "answer": answer_on(topic), "statement": claim}}
        for i, topic, claim, _ in rows])  # fmt: skip
    write_lines(tmp_path / "answers.jsonl", [{"_id": i, "label": label} for i, _, _, label in rows])
    return tmp_path


def test_the_matcher_is_fitted_and_measured(
    kqa: Path, starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "_REPEATS", 2)
    out, before = tmp_path / "fitted.json", MATCHER.read_bytes()
    arguments = ["matcher", "--data", str(kqa), "--encoders", str(starter_index / "encoders"), "--out", str(out)]
    assert calibrate.main(arguments) == 0
    fitted = read_fitted(out)
    assert fitted.model is not None
    assert fitted.model.features == FEATURES
    assert fitted.provenance.items == 30
    assert fitted.agreement("matcher 1").n == 30
    assert fitted.agreement("matcher 1").kappa > 0.6
    probes = {p.kind: p for p in fitted.probes}
    assert probes["verbatim"].entailed == probes["verbatim"].n > 0
    assert "verifier" in capsys.readouterr().out
    assert MATCHER.read_bytes() == before
    with pytest.raises(InputError, match="matcher 1"):
        fitted.agreement("somebody")


def test_citations_are_measured_and_nothing_is_fitted(kqa: Path, starter_index: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "queries.jsonl", [{"_id": t, "text": t, "metadata": {}} for t in QUESTIONS])
    support = {"Entailment": "Complete", "Contradiction": "Incomplete", "Neutral": "Partial"}
    write_lines(tmp_path / "answers.jsonl", [
        {"_id": topic, "systems": {"one": {"claims": [
            {"claim": claim, "support": support[label], "evidence": [f"[1] http://example.org\n\n{answer_on(topic)}"]}
            for claim, label in claims_on(topic)]}}} for topic in QUESTIONS])  # fmt: skip
    out = tmp_path / "citations.json"
    arguments = ["citations", "--data", str(tmp_path), "--encoders", str(starter_index / "encoders")]
    assert calibrate.main([*arguments, "--out", str(out)]) == 0
    fitted = read_fitted(out)
    assert fitted.model == read_fitted(MATCHER).model
    assert {a.judge for a in fitted.agreements} == {a.judge for a in read_fitted(CITATIONS).agreements}
    assert fitted.agreement("citation matcher 1").kappa > fitted.agreement("verifier 1").kappa


def test_too_little_data_is_refused(kqa: Path, starter_index: Path, tmp_path: Path) -> None:
    lines = (kqa / "queries.jsonl").read_text("utf-8").splitlines()[:5]
    (kqa / "queries.jsonl").write_text("\n".join(lines), "utf-8")
    with pytest.raises(InputError, match="questions"):
        calibrate.main(["matcher", "--data", str(kqa), "--encoders", str(starter_index / "encoders")])
