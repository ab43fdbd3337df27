"""Classes: scikit-learn's values wherever it has one, None where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from eval.measures import classes

LABEL = st.sampled_from(["no", "maybe", "yes"])
PAIRS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=30)
SCORED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 0.5, 0.5000001, 1.0])), max_size=30)


@given(pairs=PAIRS)
def test_values_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = (list(column) for column in zip(*pairs, strict=True))
    confusion = classes.confusion(gold, predicted)
    assert confusion.accuracy() == pytest.approx(metrics.accuracy_score(gold, predicted))
    names = list(confusion.classes)
    counts = metrics.confusion_matrix(gold, predicted, labels=[*names, "another"])[:-1]
    assert (confusion.counts == counts).all()
    each = metrics.precision_recall_fscore_support(gold, predicted, labels=names, zero_division=0)[:3]
    for i, name in enumerate(names):
        assert confusion.by_class()[name] == pytest.approx([column[i] for column in each])
    macro = metrics.f1_score(gold, predicted, labels=sorted(set(gold)), average="macro", zero_division=0)
    assert confusion.macro_f1() == pytest.approx(macro)


@given(pairs=PAIRS)
def test_kappa_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = (list(column) for column in zip(*pairs, strict=True))
    found = classes.kappa(gold, predicted)
    if len({*gold, *predicted}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(metrics.cohen_kappa_score(gold, predicted))


@given(scored=SCORED)
def test_auc_is_scikit_learns(scored: list[tuple[bool, float]]) -> None:
    positive, scores = [p for p, _ in scored], [s for _, s in scored]
    found = classes.auc(positive, scores)
    if len(set(positive)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(metrics.roc_auc_score(positive, scores))


@given(pairs=PAIRS, seed=st.integers(0, 99))
def test_a_resample_is_measured_like_a_set_of_its_own(pairs: list[tuple[str, str]], seed: int) -> None:
    gold, predicted = (list(column) for column in zip(*pairs, strict=True))
    rows = np.random.default_rng(seed).integers(0, len(gold), len(gold))
    found = classes.Pairs(gold, predicted).confusion(rows)
    alone = classes.confusion([gold[i] for i in rows], [predicted[i] for i in rows])
    assert found.macro_f1() == pytest.approx(alone.macro_f1())
    assert found.accuracy() == pytest.approx(alone.accuracy())


def test_no_choice_is_wrong_and_not_a_class() -> None:
    gold, predicted = ["yes", "yes", "no"], ["yes", None, "no"]
    confusion = classes.confusion(gold, predicted)
    assert confusion.classes == ("no", "yes")
    assert confusion.accuracy() == pytest.approx(2 / 3)
    assert confusion.macro_f1() == pytest.approx((1 + 2 / 3) / 2)
    assert confusion.by_class()["yes"] == pytest.approx((1, 0.5, 2 / 3))
    assert confusion.counts.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert classes.kappa(gold, predicted) == pytest.approx(
        metrics.cohen_kappa_score(gold, [p or "none" for p in predicted])
    )


def test_nothing_is_not_0() -> None:
    assert (classes.accuracy([], []), classes.macro_f1([], []), classes.kappa([], [])) == (None, None, None)
    assert classes.majority([]) is None
    assert classes.auc([], []) is None


@given(gold=st.lists(LABEL, min_size=1, max_size=20))
def test_the_majority_baseline_is_the_score_of_its_answer(gold: list[str]) -> None:
    found = classes.majority(gold)
    assert found is not None
    answers = [found.label] * len(gold)
    assert found.accuracy == classes.accuracy(gold, answers) == max(gold.count(c) for c in gold) / len(gold)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="1 gold classes and 2 predicted ones"):
        classes.accuracy(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="finite scores"):
        classes.auc([True, False], [1.0, float("nan")])
