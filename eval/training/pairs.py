"""Statements with evidence and what it says of them, from sets whose licence allows a derived model to ship.

Of SciFact a claim is put to its abstract, to the rationale sentences alone, and to one or two other sentences of the
abstract, which say neither. Evidence Inference asks what a trial found: of its findings statements are made, one that
is true, one that is false, and one on the words about another outcome. K-QA and ExpertQA are taken as they are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

from eval.datasets import evidence_inference, expertqa, healthver, kqa_nli, scifact
from eval.datasets.base import Dataset
from eval.domain import Item
from rag.errors import InputError
from rag.language.sentences import sentences

#: As the model's classes are numbered.
LABELS = {"supports": 0, "refutes": 1, "neutral": 2}
_WAYS = {"significantly increased": "up", "significantly decreased": "down", "no significant difference": "same"}
_TEMPLATES = {
    "up": ("{i} increases {o} compared with {c}.", "{o} is higher with {i} than with {c}.", "{i} raises {o}."),
    "down": ("{i} decreases {o} compared with {c}.", "{o} is lower with {i} than with {c}.", "{i} reduces {o}."),
    "same": ("{i} does not change {o} compared with {c}.", "{i} has no effect on {o}.",
             "There is no difference in {o} between {i} and {c}."),
}  # fmt: skip
_ASKED = re.compile(r"What is the effect of (?P<i>.+?) versus (?P<c>.+) on (?P<o>.+)\?")
#: A statement with its evidence is in one of these parts; the first of a set is what the set itself asks.
PARTS = ("scifact", "scifact rationales", "scifact others", "expertqa", "kqa_nli", "findings", "other findings",
         "healthver")  # fmt: skip


class Pair(NamedTuple):
    """``group`` is the claim's citation, question or article: pairs of one are never parted by a fold."""

    part: str
    group: str
    statement: str
    evidence: tuple[str, ...]
    label: int


def read(folder: Path, seed: int) -> tuple[list[Pair], list[Dataset]]:
    """The pairs of all sets, in folders named after them, and the sets; HealthVer only where it is there.

    Raises:
        InputError: a set that is trained on is not there.
    """
    rng = random.Random(seed)  # noqa: S311 - it draws sentences and templates
    makers: dict[str, tuple[Callable[[Path], Dataset], Callable[[Item, random.Random], Iterator[Pair]]]] = {
        "scifact": (scifact.load, _scifact),
        "expertqa_med": (expertqa.load, _as_it_is("expertqa")),
        "kqa_nli": (kqa_nli.load, _as_it_is("kqa_nli")),
        "healthver": (healthver.load, _as_it_is("healthver")),
    }
    pairs, sets = list[Pair](), list[Dataset]()
    for name, (load, make) in makers.items():
        if name == "healthver" and not (folder / name).is_dir():
            continue
        sets.append(load(_there(folder, name)))
        pairs += [pair for item in sets[-1].items for pair in make(item, rng)]
    sets.append(evidence_inference.load(_there(folder, "evidence_inference")))
    return [p for p in [*pairs, *_findings(sets[-1], rng)] if p.evidence], sets


def _there(folder: Path, name: str) -> Path:
    if not (folder / name).is_dir():
        raise InputError(f"training data {folder / name}: no such folder; eval/datasets/README.md says where to get it")
    return folder / name


def _as_it_is(part: str) -> Callable[[Item, random.Random], Iterator[Pair]]:
    def make(item: Item, rng: random.Random) -> Iterator[Pair]:
        yield _pair(part, item, item.evidence, str(item.gold.label))

    return make


def _scifact(item: Item, rng: random.Random) -> Iterator[Pair]:
    label = str(item.gold.label)
    yield _pair("scifact", item, item.evidence, label)
    if item.gold.evidence:
        yield _pair("scifact rationales", item, item.gold.evidence, label)
    others = [s for s in sentences(item.evidence) if s not in " ".join(item.gold.evidence)]
    if len(others) >= 3:
        yield _pair("scifact others", item, tuple(rng.sample(others, rng.randint(1, 2))), "neutral")


def _pair(part: str, item: Item, evidence: tuple[str, ...], label: str) -> Pair:
    said = tuple(dict.fromkeys(sentences(evidence)))
    return Pair(part, f"{part.split()[0]} {item.cluster}", item.question, said, LABELS[label])


class Finding(NamedTuple):
    """What a trial found: ``way`` is up, down or same; ``said`` are the sentences that say so."""

    intervention: str
    comparator: str
    outcome: str
    way: str
    said: tuple[str, ...]


def findings_asked(item: Item) -> Finding | None:
    """A prompt of Evidence Inference taken apart; None for one that is not of its form."""
    asked = _ASKED.fullmatch(" ".join(unescape(item.question).split()))
    return Finding(asked["i"], asked["c"], asked["o"], _WAYS[str(item.gold.label)], _said(item)) if asked else None


def _findings(data: Dataset, rng: random.Random) -> Iterator[Pair]:
    by_article: dict[str, list[Item]] = {}
    for item in data.items:
        by_article.setdefault(item.cluster, []).append(item)
    for item in data.items:
        asked = _ASKED.fullmatch(" ".join(unescape(item.question).split()))
        if asked is None:
            continue
        true, evidence = _WAYS[str(item.gold.label)], _said(item)
        false = rng.choice([way for way in _TEMPLATES if way != true])
        group = f"findings {item.cluster}"
        yield Pair("findings", group, _finding(asked, true, rng), evidence, LABELS["supports"])
        yield Pair("findings", group, _finding(asked, false, rng), evidence, LABELS["refutes"])
        elsewhere = {s for other in by_article[item.cluster] for s in _said(other)} - set(evidence)
        other = sorted(s for s in elsewhere if asked["o"].lower() not in s.lower())
        if other:
            way = rng.choice(sorted(_TEMPLATES))
            yield Pair("other findings", group, _finding(asked, way, rng), (rng.choice(other),), LABELS["neutral"])


def _said(item: Item) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentences(" ".join(unescape(text).split()) for text in item.evidence)))


def _finding(asked: re.Match[str], way: str, rng: random.Random) -> str:
    text = rng.choice(_TEMPLATES[way]).format(**asked.groupdict())
    return text[:1].upper() + text[1:]
