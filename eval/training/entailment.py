"""``python -m eval.training.entailment --data FOLDER``: trains the model of ``rag.answer.entailment`` and measures it.

``FOLDER`` holds ``scifact``, ``expertqa_med``, ``kqa_nli`` and ``evidence_inference`` as their owners publish them, or
prepared; where ``healthver`` is there too, it is measured on, and never trained on. A multinomial logistic regression
with a ridge penalty; figures are out of fold, in folds that keep a citation, a question and an article together, and
are those of the model alone: what rules refuse before it is asked, it judges here too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from eval.datasets.base import Dataset
from eval.judges.fitting import folds
from eval.measures import calibration, classes
from eval.training.pairs import LABELS, PARTS, Pair, read
from rag.answer.alignment import FEATURES
from rag.answer.entailment import CLASSES, MODEL, LearnedEntailment, Model
from rag.answer.reading import read as read_text
from rag.answer.verify import bare
from rag.index.encoder import WordEncoder
from rag.index.export import PACKAGED_MODEL, export_encoder
from rag.index.manifest import ENCODERS
from rag.language.lexicon import Lexicon
from rag.settings import Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

VERSION = 1
_SEED, _FOLDS = 1, 5
#: Strength of the penalty, the inverse of scikit-learn's C. With 2 and 100 the AUC out of fold differs by .003 at most.
_PENALTY = 20.0
#: What a pair of each part counts: the sets are of very different size, and made statements less like real ones. Of
#: 0, .1 and .35 for findings, .1 had the best mean macro-F1 out of fold on the three sets that people judged.
_WEIGHTS = {"scifact": 1.5, "scifact rationales": 1.5, "scifact others": 0.5, "expertqa": 1.5, "kqa_nli": 2.0,
            "findings": 0.1, "other findings": 0.2}  # fmt: skip
#: Sets on which the classes' favour is chosen: those where people judged whole statements.
_FAVOURED = ("scifact", "kqa_nli", "expertqa")
_GRID = np.arange(0.4, 3.0, 0.2)
_UNSEEN = "healthver"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.training.entailment", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder for each set")
    parser.add_argument("--encoders", type=Path, default=None, help="folder of exported models (default: the index's)")
    parser.add_argument("--features", type=Path, default=None, help="npz of features: read if it is there, else made")
    parser.add_argument("--out", type=Path, default=MODEL, help="file to write (default: the one that ships)")
    options = parser.parse_args(arguments)
    pairs, sets = read(options.data, _SEED)
    values = _kept(options.features, pairs, options.encoders)
    model, figures = trained(pairs, values)
    record = _record(model, figures, sets)
    options.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    Console().print(_table(figures))
    return 0


def _kept(path: Path | None, pairs: Sequence[Pair], encoders: Path | None) -> Floats:
    """The features, from a file of an earlier run where it has as many."""
    if path and path.is_file():
        kept: Floats = np.load(path)["values"]
        if kept.shape == (len(pairs), len(FEATURES)):
            return kept
    made = features(pairs, encoders or Settings.from_environment().index_dir / ENCODERS)
    if path:
        np.savez_compressed(path, values=made)
    return made


def features(pairs: Sequence[Pair], encoders: Path) -> Floats:
    """Of each pair, shape (pairs, features); takes minutes, most of them in the encoder."""
    lexicon = Lexicon.load()
    blank = np.ones(len(FEATURES))
    nothing = Model(blank, blank, np.zeros((len(CLASSES), len(FEATURES))), np.zeros(3), np.ones(3), "none")
    learned = LearnedEntailment(WordEncoder(export_encoder(PACKAGED_MODEL, encoders)).read, lexicon, nothing)

    def aligned(pair: Pair) -> Floats:
        quotes = [read_text(bare(text), lexicon) for text in pair.evidence]
        return learned.aligned(read_text(bare(pair.statement), lexicon), quotes)[0]

    return np.array([aligned(pair) for pair in track(pairs, "aligning", console=Console(stderr=True))])


def trained(pairs: Sequence[Pair], values: Floats) -> tuple[Model, dict[str, dict[str, float | int]]]:
    """The model of all that may be trained on, and its figures by part: out of fold, or of what it has not seen."""
    labels = np.array([p.label for p in pairs])
    may = np.flatnonzero([p.part != _UNSEEN for p in pairs])
    of = folds([pairs[int(i)].group for i in may], [pairs[int(i)].part for i in may], _FOLDS, _SEED)
    weights = np.array([_WEIGHTS.get(p.part, 0.0) for p in pairs])
    chances = np.zeros((len(pairs), len(CLASSES)))
    for fold in range(_FOLDS):
        train, test = may[of != fold], may[of == fold]
        chances[test] = _fitted(values[train], labels[train], weights[train]).chances(values[test])
    model = _fitted(values[may], labels[may], weights[may])
    parts = np.array([p.part for p in pairs])
    chances[parts == _UNSEEN] = model.chances(values[parts == _UNSEEN])
    model = model._replace(favour=_favour(chances, labels, parts))
    return model, {part: _figures(chances[at], labels[at], model.favour) for part in PARTS
                   if len(at := np.flatnonzero(parts == part))}  # fmt: skip


def _fitted(values: Floats, labels: Ints, weights: Floats) -> Model:
    """Classes keep the shares that the weights give them, so that the chances are calibrated on such a mixture."""
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale[scale < 1e-9] = 1.0
    # Imported by name: only training leans on it.
    logistic = import_module("sklearn.linear_model").LogisticRegression(C=1 / _PENALTY, max_iter=2000, tol=1e-8)
    fitted = logistic.fit(np.clip((values - mean) / scale, -4, 4), labels, sample_weight=weights)
    return Model(mean, scale, fitted.coef_, fitted.intercept_, np.ones(len(CLASSES)), "")


def _favour(chances: Floats, labels: Ints, parts: NDArray[np.str_]) -> Floats:
    """By what to multiply the chances, for the highest mean macro-F1 out of fold on the sets that people judged."""

    def quality(favour: Floats) -> float:
        found = [_macro_f1(labels[parts == s], (chances[parts == s] * favour).argmax(axis=1)) for s in _FAVOURED]
        return float(np.mean(found))

    tried = [np.array([one, other, 1.0]) for one in _GRID for other in _GRID]
    return max(tried, key=quality)


def _figures(chances: Floats, labels: Ints, favour: Floats) -> dict[str, float | int]:
    chosen, supported = (chances * favour).argmax(axis=1), labels == 0
    found = {
        "items": len(labels),
        "accuracy": float(np.mean(chosen == labels)),
        "macro_f1": _macro_f1(labels, chosen),
        "two_way_accuracy": float(np.mean((chosen == 0) == supported)),
        "auc": classes.auc(supported, chances[:, 0]),
        "ece": calibration.ece(list(chances[:, 0]), list(supported)),
    }
    return {name: round(x, 4) if isinstance(x, float) else x for name, x in found.items() if x is not None}


def _macro_f1(labels: Ints, chosen: Ints) -> float:
    names = {number: name for name, number in LABELS.items()}
    return classes.macro_f1([names[int(i)] for i in labels], [names[int(i)] for i in chosen]) or 0.0


def _record(model: Model, figures: dict[str, Any], sets: Sequence[Dataset]) -> dict[str, Any]:
    """The file: the model, what it was trained on, and how well it does."""
    parts = {name: np.round(getattr(model, name), 6).tolist() for name in Model._fields[:-1]}
    data = [{"name": s.name, "items": len(s.items), "digest": s.digest, "source": s.source, "licence": s.licence,
             "trained_on": s.name != _UNSEEN} for s in sets]  # fmt: skip
    return {
        "version": VERSION,
        "features": list(FEATURES),
        "classes": list(CLASSES),
        **parts,
        "data": data,
        "seed": _SEED,
        "folds": _FOLDS,
        "penalty": _PENALTY,
        "encoder": PACKAGED_MODEL,
        "trained": datetime.now(UTC).date().isoformat(),
        "command": "python -m eval.training.entailment --data FOLDER",
        "figures": figures,
    }


def _table(figures: dict[str, dict[str, float | int]]) -> Table:
    names = list(next(iter(figures.values())))
    table = Table("part", *names, title=f"out of fold, {_FOLDS} folds; {_UNSEEN} never trained on")
    for part, row in figures.items():
        table.add_row(part, *(f"{row[n]:.3f}" if isinstance(row.get(n), float) else str(row.get(n, "")) for n in names))
    return table


if __name__ == "__main__":
    sys.exit(main())
