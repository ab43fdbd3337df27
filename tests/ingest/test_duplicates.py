"""Near-duplicates: which are found, which are not, and that keys can be kept, extended and shrunk."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rag.ingest.duplicates import BANDS, LEAST, PERMUTATIONS, Link, band_keys, links, shingles, signatures

WORDS = [f"word{i}" for i in range(3000)]
BASE = (
    "We suggest starting argatroban at 2 mcg/kg/min in adults with normal hepatic function and adjusting it every two "
    "hours until the aPTT is 1.5 to 3 times baseline, because the drug is cleared by the liver and accumulates when "
    "bilirubin is raised; platelets should be counted daily until they have recovered."
)


def passage(rng: random.Random, length: int = 110) -> list[str]:
    return rng.choices(WORDS, k=length)


def changed(rng: random.Random, words: list[str], times: int) -> list[str]:
    copy = list(words)
    for at in rng.sample(range(len(copy)), times):
        copy[at] = f"other{rng.randrange(10**6)}"
    return copy


def linked(texts: list[str], new_from: int = 0) -> list[Link]:
    return list(links([band_keys(signatures(texts))], texts.__getitem__, new_from))


def jaccard(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def test_planted_copies_are_found_and_nothing_else() -> None:
    rng = random.Random(7)
    originals = [passage(rng) for _ in range(600)]
    copies = [changed(rng, words, 1 + i % 6) for i, words in enumerate(originals)]
    texts = [" ".join(words) for words in (*originals, *copies)]
    found = {(link.row, link.earlier): link.similarity for link in linked(texts)}
    true = {(600 + i, i): jaccard(texts[600 + i], texts[i]) for i in range(600)}
    near = [pair for pair, similarity in true.items() if similarity >= 0.9]
    assert len(near) > 90
    assert sum(pair in found for pair in near) >= 0.95 * len(near)
    assert all(true[pair] == similarity >= LEAST for pair, similarity in found.items())
    assert sum(s >= LEAST for s in true.values()) > len(near) > sum(s < LEAST for s in true.values()) / 10


@pytest.mark.parametrize(
    ("old", "new"), [("2 mcg", "0.5 mcg"), ("We suggest", "We do not suggest"), ("daily", "twice")]
)
def test_a_changed_dose_or_a_negation_is_linked_and_known_to_differ(old: str, new: str) -> None:
    texts = [BASE + " " + BASE.replace("argatroban", "bivalirudin"), ""]
    texts[1] = texts[0].replace(old, new, 1)
    (link,) = linked(texts)
    assert link[:2] == (1, 0)
    assert link.similarity < 1


def test_comparators_are_words() -> None:
    assert jaccard("platelets are <50 now", "platelets are >50 now") == 0


def test_texts_of_a_few_words() -> None:
    assert linked(["", "No change.", "no change.", "Other."]) == [Link(2, 1, 1.0)]


def test_many_copies_give_few_links() -> None:
    found = linked([BASE] * 300)
    assert {link.row for link in found} == set(range(1, 300))
    assert len(found) < 2 * 300


def test_keys_are_kept_extended_and_shrunk() -> None:
    rng = random.Random(8)
    texts = [" ".join(passage(rng)) for _ in range(20)]
    old = band_keys(signatures(texts))
    more = [texts[3] + " more", "new words in a new text altogether"]
    keys = band_keys(signatures(more))
    assert old.shape == (20, BANDS)
    assert old.dtype == np.uint64
    texts += more
    assert [link[:2] for link in links([old, keys], texts.__getitem__, new_from=20)] == [(20, 3)]
    assert list(links([old, keys], texts.__getitem__, new_from=21)) == []
    del texts[3]
    assert list(links([np.delete(old, 3, axis=0), keys], texts.__getitem__)) == []


def test_keys_do_not_depend_on_the_other_texts_nor_on_the_library_s_version() -> None:
    alone, beside = signatures([BASE]), signatures(["Something else.", BASE])
    assert (alone[0] == beside[1]).all()
    assert alone.shape == (1, PERMUTATIONS)
    assert hex(band_keys(alone)[0, 0]) == "0x965d503fe3f2d03"


def test_no_texts() -> None:
    assert band_keys(signatures([])).shape == (0, BANDS)
    assert list(links([], str)) == []
