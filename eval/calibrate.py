"""``python -m eval.calibrate matcher|citations --data DIR``: fits the judges and measures them against people.

``matcher`` fits the claim matcher to physicians' labels of language models' answers (K-QA). ``citations`` measures
the verifier and the matcher as judges of citations against experts' labels (ExpertQA). ``DIR`` holds what the data's
owners publish: see ``eval.datasets.kqa_nli`` and ``expertqa``. Every figure of something fitted is out of fold: folds
keep the items of a question together and are drawn anew in each repetition. The features and rules were chosen with
these figures in sight, so that they are a little better than on data that nobody has seen.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from eval.alterations import alterations
from eval.datasets import expertqa, kqa_nli
from eval.datasets.base import Dataset
from eval.judges.base import Label
from eval.judges.examiner import FEATURES, Examination, Examiner
from eval.judges.fitting import best_threshold, folds, logistic
from eval.judges.matcher import Matcher, judgement
from eval.judges.premises import Reader
from eval.judges.verifying import NAME as VERIFIER
from eval.judges.verifying import VerifyingJudge
from eval.judges.weights import (
    CITATIONS,
    MATCHER,
    Figures,
    Fitted,
    Logistic,
    Probe,
    Provenance,
    read_fitted,
    write_fitted,
)
from eval.log import Agreement
from eval.measures import classes
from rag.errors import InputError

_FOLDS, _REPEATS = 5, 20
_LABELS: dict[str, Label] = {"supports": "entailed", "neutral": "neutral", "refutes": "contradicted"}
#: What a drug of a claim is replaced with when claims are altered.
_DRUGS = ("warfarin", "metformin", "amoxicillin")
_PHYSICIANS = "majority of three physicians on answers of four language models (K-QA)"
_EXPERTS = "experts on claims of six systems with their passages, complete support against less (ExpertQA)"


class Item(NamedTuple):
    """A labelled pair with what the matcher's examiner sees in it and what the verifier says of it."""

    claim: str
    premises: tuple[str, ...]
    cluster: str
    label: Label
    seen: Examination
    verified: Label

    @property
    def is_said(self) -> bool:
        return self.label == "entailed"


Decide = Callable[[Item], Label]
Fit = Callable[[Sequence[Item]], Decide]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.calibrate", description=__doc__)
    parser.add_argument("judge", choices=("matcher", "citations"))
    parser.add_argument("--data", type=Path, required=True, help="folder with the data as its owners publish it")
    parser.add_argument("--encoders", type=Path, default=None, help="folder of exported models (default: the index's)")
    parser.add_argument("--out", type=Path, default=None, help="file to write (default: the one that the judge reads)")
    options = parser.parse_args(arguments)
    examiner = Examiner(Reader.open(options.encoders))
    if options.judge == "matcher":
        fitted, out = fit_matcher(kqa_nli.load(options.data), examiner), MATCHER
    else:
        fitted, out = fit_citations(expertqa.load(options.data), examiner), CITATIONS
    for table in tables(fitted):
        Console().print(table)
    write_fitted(fitted, options.out or out)
    return 0


def examined(data: Dataset, examiner: Examiner) -> list[Item]:
    """The labelled items of a set. Raises ``InputError`` when there are fewer questions than folds."""
    verifier, found = VerifyingJudge(examiner.reader.lexicon), []
    for item in data.items:
        label = _LABELS[item.gold.label or ""]
        seen = examiner.examine(item.question, item.evidence)
        said = verifier.judge(item.question, item.evidence).label
        found.append(Item(item.question, item.evidence, item.cluster, label, seen, said))
    if len({i.cluster for i in found}) < _FOLDS:
        raise InputError(f"{data.name}: fewer than {_FOLDS} questions; calibration needs as many as folds")
    return found


def fit_matcher(data: Dataset, examiner: Examiner) -> Fitted:
    """The claim matcher fitted to all items, with the figures of cross-validation and of altered claims."""
    items = examined(data, examiner)
    figures = (
        crossed("majority", items, _majority),
        crossed("cosine of the nearest sentence", items, lambda train: _by_threshold(train, 0)),
        crossed("share of words", items, lambda train: _by_threshold(train, 1)),
        crossed("verifier", items, lambda _: lambda item: item.verified),
        crossed("model without rules", items, _by_model_alone),
        crossed("matcher", items, lambda train: _judging(model_of(train))),
    )
    note = f"out of fold: {_FOLDS} folds grouped by question, mean of {_REPEATS} repetitions"
    fitted = Fitted(judge="matcher", version=1, model=model_of(items), figures=figures,
                    agreements=(_agreement("matcher 1", _PHYSICIANS, len(items), figures[-1], figures[0], note),),
                    provenance=_provenance(data, "matcher"))  # fmt: skip
    return fitted.model_copy(update={"probes": probed(Matcher(examiner, fitted), items, examiner)})


def fit_citations(data: Dataset, examiner: Examiner) -> Fitted:
    """Both judges of citations measured. Nothing is fitted: the matcher keeps the model of claims.

    A threshold chosen here out of fold stands beside it, to show whether one of its own would be better. The experts
    know no contradiction: what is contradicted counts as not supported.
    """
    items, claims = examined(data, examiner), read_fitted(MATCHER).model
    assert claims is not None, "the claim matcher has a model"
    figures = (
        crossed("majority", items, _majority),
        crossed("verifier", items, lambda _: lambda item: _supported(item.verified)),
        crossed("matcher, threshold chosen here", items, lambda train: _supporting(rethreshold(claims, train))),
        crossed("matcher", items, lambda _: _supporting(claims)),
    )
    note = "nothing is fitted to these items"
    agreements = (_agreement("citation matcher 1", _EXPERTS, len(items), figures[3], figures[0], note),
                  _agreement(VERIFIER, _EXPERTS, len(items), figures[1], figures[0], note))  # fmt: skip
    return Fitted(judge="citation matcher", version=1, model=claims, figures=figures,
                  agreements=agreements, provenance=_provenance(data, "citations"))  # fmt: skip


# what is fitted


def model_of(items: Sequence[Item]) -> Logistic:
    """The model of the items that no rule decides."""
    free = [i for i in items if not i.seen.decided and not i.seen.barred]
    return logistic(FEATURES, np.array([i.seen.features for i in free]), [i.is_said for i in free])


def rethreshold(model: Logistic, items: Sequence[Item]) -> Logistic:
    """The same model with the threshold that is best for ``items``."""
    supports = [judgement(i.seen, model).support for i in items]
    threshold = best_threshold(supports, [i.is_said for i in items], near=model.threshold)
    return model.model_copy(update={"threshold": threshold})


def _judging(model: Logistic) -> Decide:
    return lambda item: judgement(item.seen, model).label


def _supporting(model: Logistic) -> Decide:
    return lambda item: _supported(judgement(item.seen, model).label)


def _supported(label: Label) -> Label:
    return "entailed" if label == "entailed" else "neutral"


def _majority(train: Sequence[Item]) -> Decide:
    label = statistics.mode(i.label for i in train)
    return lambda item: label


def _by_threshold(train: Sequence[Item], feature: int) -> Decide:
    threshold = best_threshold([i.seen.features[feature] for i in train], [i.is_said for i in train])
    return lambda item: "entailed" if item.seen.features[feature] >= threshold else "neutral"


def _by_model_alone(train: Sequence[Item]) -> Decide:
    model = logistic(FEATURES, np.array([i.seen.features for i in train]), [i.is_said for i in train])
    return lambda item: "entailed" if model.support(item.seen.features) >= model.threshold else "neutral"


# what is measured


def crossed(method: str, items: Sequence[Item], fit: Fit) -> Figures:
    """The means over repeated cross-validations, each of which judges every item once."""
    gold = [i.label for i in items]
    rows = []
    for seed in range(_REPEATS):
        found: list[Label] = ["neutral"] * len(items)
        of = folds([i.cluster for i in items], gold, _FOLDS, seed)
        for fold in range(_FOLDS):
            decide = fit([item for item, f in zip(items, of, strict=True) if f != fold])
            for i in np.flatnonzero(of == fold):
                found[int(i)] = decide(items[int(i)])
        rows.append((classes.accuracy(gold, found), classes.kappa(gold, found), classes.macro_f1(gold, found)))
    accuracy, kappa, macro_f1 = (statistics.mean(x or 0.0 for x in column) for column in zip(*rows, strict=True))
    spread = statistics.pstdev(row[1] or 0.0 for row in rows)
    return Figures(method=method, accuracy=round(accuracy, 4), kappa=round(kappa, 4), macro_f1=round(macro_f1, 4),
                   spread=round(spread, 4))  # fmt: skip


def probed(judge: Matcher, items: Sequence[Item], examiner: Examiner) -> tuple[Probe, ...]:
    """All claims on a question together as an answer: each is said, and none of its altered forms."""
    answers: dict[str, set[str]] = {}
    for item in items:
        answers.setdefault(item.cluster, set()).add(item.claim)
    found: dict[str, list[Label]] = {}
    for answer in answers.values():
        for claim in sorted(answer):
            found.setdefault("verbatim", []).append(judge.judge(claim, sorted(answer)).label)
            for kind, text in alterations(claim, examiner.reader.lexicon, _DRUGS):
                found.setdefault(kind, []).append(judge.judge(text, sorted(answer)).label)
    return tuple(Probe(kind=kind, n=len(labels), entailed=labels.count("entailed"),
                       contradicted=labels.count("contradicted")) for kind, labels in found.items())  # fmt: skip


def tables(fitted: Fitted) -> Iterator[Table]:
    """The figures, and how altered claims were judged."""
    origin = fitted.provenance
    table = Table("method", "accuracy", "κ", "± of κ", "macro-F1", title=f"{fitted.judge}: {origin.items} items of "
                  f"{origin.data}, {_FOLDS} folds, {_REPEATS} times")  # fmt: skip
    for row in fitted.figures:
        cells = (row.accuracy, row.kappa, row.spread, row.macro_f1)
        table.add_row(row.method, *(f"{cell:.3f}" for cell in cells))
    yield table
    if fitted.probes:
        table = Table("claims", "n", "entailed", "contradicted", title="claims in an answer made of them")
        for probe in fitted.probes:
            table.add_row(probe.kind, str(probe.n), str(probe.entailed), str(probe.contradicted))
        yield table


def _agreement(judge: str, labels: str, n: int, row: Figures, majority: Figures, note: str) -> Agreement:
    note = f"always the commonest label: accuracy {majority.accuracy:.3f}; {note}"
    return Agreement(judge=judge, labels=labels, n=n, accuracy=row.accuracy, kappa=row.kappa, note=note)


def _provenance(data: Dataset, command: str) -> Provenance:
    return Provenance(data=data.name, digest=data.digest, source=data.source, licence=data.licence,
                      items=len(data.items), fitted=datetime.now(UTC).date().isoformat(),
                      command=f"python -m eval.calibrate {command} --data DIR")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
