"""Vectors like those of real texts, as many as are wanted: real ones with noise.

Passages and sentences of real indexes are the parents. A vector is a parent with Gaussian noise, so that its cosine to
the parent is about .86, as between two texts on the same matter. Some parents are held out: queries are like those.

Where real vectors are too few, relatives of them are parents as well: a thousand children of one parent would all be as
near to each other, which texts are not. Relatives form a tree. Eight of them are siblings, eight times as many cousins,
and so on, each as near to one another as the nearest so many of 168,817 public biomedical texts are (cosines of .67,
.53, .41 and .30 in the median, in the packaged model's vectors). Families of texts overlap more, so that a compressed
index of relatives finds more of the nearest: all of them, where it finds .987 of those of these texts (200,000
vectors, the ten nearest).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.errors import InputError
from rag.index.encoder import Vectors
from rag.index.snapshot import Snapshot
from rag.index.vectors import Halves

#: Cosine of a vector to its parent, about; and so many passages there are to a parent, if real vectors are too few.
_LIKENESS, _CHILDREN = 0.86, 10
#: What a relative has of its own, in common with its siblings, with their cousins, and with those of the third degree;
#: the rest is a real vector's. The cosine of two relatives is the sum of what they have in common.
_OWN_SHARES, _SIBLINGS = (0.33, 0.14, 0.12, 0.11), 8
#: Of all parents one in so many is held out.
_HELD_OUT_EVERY = 20
_NOISES = 4096


class Parents(NamedTuple):
    """Unit vectors, each (n, dimension): those that passages are like, and those that queries are like."""

    of_passages: Halves
    of_queries: Halves
    description: str


def parents_of(likes: Sequence[Path], passages: int, seed: int = 0) -> Parents:
    """Parents for so many passages from indexes, and from files of NumPy arrays of unit vectors.

    Raises:
        InputError: fewer than twenty vectors.
        SnapshotError: an index that cannot be opened.
    """
    stored = [_stored(path) for path in likes]
    if (count := sum(map(len, stored))) < _HELD_OUT_EVERY:
        raise InputError(f"--like {', '.join(map(str, likes))}: {count} vectors; expected {_HELD_OUT_EVERY} or more")
    real, drawn = np.concatenate(stored), np.random.default_rng(seed)
    relatives = _relatives(real, max(0, passages // _CHILDREN - count), drawn)
    found = drawn.permutation(np.concatenate([real, relatives]))
    of_queries, of_passages = np.split(found, [len(found) // _HELD_OUT_EVERY])
    described = f"{count:,} vectors of {', '.join(path.name for path in likes)}"
    if len(relatives):
        described += f" and {len(relatives):,} relatives of them, which a compressed index finds more easily than texts"
    return Parents(of_passages, of_queries, described)


def _stored(path: Path) -> Halves:
    if path.suffix == ".npy":
        return np.asarray(np.load(path), np.float16)
    with Snapshot(path) as snapshot:
        parts = [(s.dense.vectors(0, s.counts.passages), s.sentence_vectors) for s in snapshot.segments]
        return np.concatenate([np.asarray(vectors, np.float16) for part in parts for vectors in part])


def _relatives(real: Halves, count: int, drawn: np.random.Generator) -> Halves:
    dimension, numbers = real.shape[1], np.arange(count)
    found = np.float32(np.sqrt(1 - sum(_OWN_SHARES))) * real[numbers // _SIBLINGS ** len(_OWN_SHARES) % len(real)]
    for degree, share in enumerate(_OWN_SHARES):
        family = numbers // _SIBLINGS**degree
        noise = drawn.standard_normal((count // _SIBLINGS**degree + 1, dimension), np.float32)
        found += np.float32(np.sqrt(share / dimension)) * noise[family]
    return _unit(found).astype(np.float16)


def queries(parents: Halves, count: int, seed: int = 0) -> Vectors:
    """Unit vectors of queries like ``parents``, by chance, shape (count, dimension)."""
    drawn = np.random.default_rng(seed)
    rows = drawn.integers(len(parents), size=count)
    return _with_noise(parents[rows], drawn.standard_normal((count, parents.shape[1]), np.float32))


class LookalikeEncoder:
    """Stands in for the model where search is measured. A text's vector depends on its digest and the parents alone.

    ``busy_s`` is the processor's time that it took so far.
    """

    encoder_id = "lookalike"

    def __init__(self, parents: Halves) -> None:
        self._parents, self.dimension, self.busy_s = parents, parents.shape[1], 0.0
        # The sum of two of these is noise enough for 17 million texts, and quicker than drawing for each text.
        self._noise = np.random.default_rng(0).normal(0, np.sqrt(0.5), (_NOISES, self.dimension)).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        start = time.thread_time()
        digests = b"".join(hashlib.blake2b(text.encode(), digest_size=24).digest() for text in texts)
        drawn = np.frombuffer(digests, np.uint64).reshape(-1, 3)
        one, other = self._noise[drawn[:, 1] % _NOISES], self._noise[drawn[:, 2] % _NOISES]
        found = _with_noise(self._parents[drawn[:, 0] % len(self._parents)], one + other)
        self.busy_s += time.thread_time() - start
        return found


def _with_noise(parents: Halves, noise: NDArray[np.float32]) -> Vectors:
    """``noise`` is of a standard normal distribution, of the same shape as ``parents``."""
    size = np.tan(np.arccos(_LIKENESS)) / np.sqrt(noise.shape[1])
    return _unit(parents.astype(np.float32) + np.float32(size) * noise)


def _unit(vectors: NDArray[np.float32]) -> Vectors:
    found: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found
