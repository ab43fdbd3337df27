"""``python -m eval.training.yes_no --data FOLDER --indexes FOLDER``: trains the model of ``rag.answer.yes_no``.

``FOLDER`` holds ``pubmedqa``, ``evidence_inference`` and ``scifact``: questions with the conclusion that decides them,
findings of trials made into questions, and claims with their rationale. Their licences allow a derived model to ship.
``bioasq`` beside them is not trained on. On it and on what is retrieved for ``pubmedqa``, from the indexes of their
corpora, two numbers are set: where the score is even and how steep it is, since what is retrieved denies less than a
conclusion does.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from eval.datasets import bioasq, evidence_inference, pubmedqa, scifact
from eval.datasets.base import Dataset
from eval.domain import Item
from eval.judges.fitting import folds
from eval.measures import classes
from eval.training.pairs import findings_asked
from rag.answer.literature import scores
from rag.answer.question import interpret
from rag.answer.select import Matcher, candidates
from rag.answer.yes_no import FEATURES, MODEL, heard, signs_of
from rag.index.encoder import Encoder
from rag.language.sentences import sentences
from rag.pipeline import Pipeline
from rag.settings import Settings

Floats = NDArray[np.float64]
_SEED, _FOLDS = 1, 5
#: The inverse of the strength of the ridge penalty; .01 to 1 gave an area under the ROC curve within .02 on BioASQ.
_C = 0.01
#: What is asked of an index of its corpus.
_ASKED: dict[str, Callable[[Path], Dataset]] = {"bioasq": bioasq.load, "pubmedqa": pubmedqa.load}
#: Each set counts as so many questions, and in each yes as much as no.
_OF_EACH = 500
_VERSION = 1


class Question(NamedTuple):
    """A question of yes or no with the sentences that decide it. Those of one ``group`` are never parted by a fold."""

    part: str
    group: str
    text: str
    evidence: tuple[str, ...]
    is_yes: bool


class Scored(NamedTuple):
    """Scores of what was retrieved for the questions of a set, and whether yes is right, both of shape (questions,)."""

    found: Floats
    right: NDArray[np.bool_]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.training.yes_no", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder for each set")
    parser.add_argument("--indexes", type=Path, required=True, help="folder with the indexes bioasq and pubmedqa")
    parser.add_argument("--out", type=Path, default=MODEL, help="file to write (default: the one that ships)")
    options = parser.parse_args(arguments)
    settings = {name: Settings.from_environment(None, index_dir=options.indexes / name) for name in _ASKED}
    pipelines = {name: Pipeline.open(given) for name, given in settings.items()}
    questions, sets = read(options.data)
    encoder = pipelines["bioasq"].snapshot.encoder
    values = np.array([features(q.text, q.evidence, encoder) for q in questions])
    mean, scale, coefficients = fitted(questions, values)
    asked = {name: load(options.data / name) for name, load in _ASKED.items()}
    scored = list[Scored]()
    for name, pipeline in pipelines.items():
        values_of, right = _retrieved(asked[name], pipeline)
        scored.append(Scored(((values_of - mean) / scale) @ coefficients, right))
    even, slope = _calibrated(scored)
    record = {
        "name": f"yes/no {_VERSION}",
        "features": list(FEATURES),
        "mean": np.round(mean, 6).tolist(),
        "scale": np.round(scale, 6).tolist(),
        "coefficients": np.round(coefficients, 6).tolist(),
        "even": round(even, 4),
        "slope": round(slope, 4),
        "trained_on": [_about(s) for s in sets],
        "calibrated_on": [_about(data) for data in asked.values()],
        "seed": _SEED,
        "trained": datetime.now(UTC).date().isoformat(),
        "command": "python -m eval.training.yes_no --data FOLDER --indexes FOLDER",
        "figures": {"out of fold": _crossed(questions, values)}
        | {f"retrieved for {name}": _halved(scored, at) for at, name in enumerate(asked)},
    }
    options.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    Console().print_json(data=record["figures"])
    return 0


def read(folder: Path) -> tuple[list[Question], list[Dataset]]:
    """Questions of all sets, and the sets."""
    rng = random.Random(_SEED)  # noqa: S311 - it draws which way a finding is asked for
    makers: tuple[tuple[Callable[[Path], Dataset], str, Callable[[Item], Iterator[Question]]], ...] = (
        (pubmedqa.load, "pubmedqa", _conclusion),
        (evidence_inference.load, "evidence_inference", lambda item: _finding(item, rng)),
        (scifact.load, "scifact", _claim),
    )
    found, sets = list[Question](), list[Dataset]()
    for load, name, make in makers:
        sets.append(load(folder / name))
        found += [q for item in sets[-1].items for q in make(item) if q.evidence]
    return found, sets


def _conclusion(item: Item) -> Iterator[Question]:
    if item.gold.label in ("yes", "no") and item.gold.answers:
        said = tuple(sentences(item.gold.answers[:1]))
        yield Question("pubmedqa", item.item_id, item.question, said, item.gold.label == "yes")


def _finding(item: Item, rng: random.Random) -> Iterator[Question]:
    asked = findings_asked(item)
    if asked is None:
        return
    verb, way = rng.choice((("increase", "up"), ("reduce", "down")))
    text = f"Does {asked.intervention} {verb} {asked.outcome} compared with {asked.comparator}?"
    yield Question("evidence_inference", item.cluster, text, asked.said[:1], asked.way == way)


def _claim(item: Item) -> Iterator[Question]:
    if item.gold.label in ("supports", "refutes"):
        yield Question("scifact", item.cluster, item.question, item.gold.evidence, item.gold.label == "supports")


def features(question: str, evidence: Sequence[str], encoder: Encoder) -> list[float]:
    """The mean of what the sentences tell, in the order of ``FEATURES``."""
    mean: list[float] = signs_of(question, evidence, encoder.encode(evidence), encoder).mean(axis=0).tolist()
    return mean


def fitted(questions: Sequence[Question], values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and scale of the features, and coefficients, of which a positive one speaks for yes."""
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale < 1e-9] = 1.0
    # Imported by name: only training leans on it.
    logistic = import_module("sklearn.linear_model").LogisticRegression(C=_C, max_iter=5000)
    model = logistic.fit((values - mean) / scale, [q.is_yes for q in questions], sample_weight=_counted(questions))
    return mean, scale, model.coef_[0]


def _counted(questions: Sequence[Question]) -> Floats:
    """What each question counts: every part as much, and in each yes as much as no."""
    kinds = [(q.part, q.is_yes) for q in questions]
    return np.array([_OF_EACH / 2 / kinds.count(kind) for kind in kinds])


def _retrieved(asked: Dataset, pipeline: Pipeline) -> tuple[Floats, NDArray[np.bool_]]:
    """Features of what the pipeline hears for each question of yes or no, and whether yes is right."""
    snapshot, values, right = pipeline.snapshot, [], []
    for item in asked.items:
        if item.gold.label not in ("yes", "no"):
            continue
        query = interpret(item.question, snapshot.analyzer)
        vector = snapshot.encoder.encode([query.text])[0]
        hits = pipeline.retriever.search(query.text, vector, pipeline.settings.candidates)
        pool = candidates(snapshot, pipeline.sentences, Matcher(snapshot, query), vector, hits)
        scored = scores(query, pool, snapshot.analyzer.lexicon)
        if not scored:
            continue
        found, share = heard(scored, pool)
        vectors = np.stack([c.vector for c in found])
        values.append(share @ signs_of(query.text, [c.text for c in found], vectors, snapshot.encoder))
        right.append(item.gold.label == "yes")
    return np.array(values), np.array(right)


def _calibrated(sets: Sequence[Scored]) -> tuple[float, float]:
    """Where yes and no are even, and the slope that fits best."""
    even, slopes = _even(sets), np.geomspace(0.25, 16, 25)
    found, right = np.concatenate([s.found for s in sets]), np.concatenate([s.right for s in sets])
    chances = [1 / (1 + np.exp(-s * (found - even))) for s in slopes]
    fits = [float(np.mean(np.log(np.where(right, p, 1 - p)))) for p in chances]
    return even, float(slopes[int(np.argmax(fits))])


def _even(sets: Sequence[Scored]) -> float:
    """The score with the best sum of accuracy and macro-F1 over the sets, each of which counts as much."""
    tried = np.quantile(np.concatenate([s.found for s in sets]), np.linspace(0.02, 0.6, 59))
    return float(max(tried, key=lambda at: sum(sum(_quality(s.found > at, s.right)) for s in sets)))


def _quality(given: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Accuracy and macro-F1."""
    names = ("no", "yes")
    f1 = classes.macro_f1([names[int(r)] for r in right], [names[int(g)] for g in given])
    return float(np.mean(given == right)), f1 or 0.0


def _halved(sets: Sequence[Scored], at: int) -> dict[str, float | int]:
    """What is reached on one set, with what is even taken from the other half of its questions each time."""
    found, right = sets[at]
    given, others = np.zeros(len(right), bool), [s for n, s in enumerate(sets) if n != at]
    order = np.random.default_rng(_SEED).permutation(len(right))
    for one, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        given[other] = found[other] > _even([*others, Scored(found[one], right[one])])
    accuracy, macro_f1 = _quality(given, right)
    return {"items": len(right), "accuracy": round(accuracy, 4), "macro_f1": round(macro_f1, 4),
            "auc": round(classes.auc(list(right), list(found)) or 0.0, 4)}  # fmt: skip


def _crossed(questions: Sequence[Question], values: Floats) -> dict[str, dict[str, float | int]]:
    """Figures of each part, out of fold, at even chances."""
    of = folds([q.group for q in questions], [(q.part, q.is_yes) for q in questions], _FOLDS, _SEED)
    found = np.zeros(len(questions))
    for fold in range(_FOLDS):
        train = np.flatnonzero(of != fold)
        mean, scale, coefficients = fitted([questions[int(i)] for i in train], values[train])
        found[of == fold] = ((values[of == fold] - mean) / scale) @ coefficients
    right, parts = np.array([q.is_yes for q in questions]), np.array([q.part for q in questions])
    figures: dict[str, dict[str, float | int]] = {}
    for part in dict.fromkeys(q.part for q in questions):
        at = parts == part
        accuracy, macro_f1 = _quality(found[at] > 0, right[at])
        auc = classes.auc(list(right[at]), list(found[at])) or 0.0
        figures[part] = {"items": int(at.sum()), "accuracy": round(accuracy, 4), "macro_f1": round(macro_f1, 4),
                         "auc": round(auc, 4)}  # fmt: skip
    return figures


def _about(data: Dataset) -> dict[str, Any]:
    return {"name": data.name, "items": len(data.items), "digest": data.digest, "source": data.source,
            "licence": data.licence}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
