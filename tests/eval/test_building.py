"""The benchmark of building runs: on a few documents, with vectors by chance, nothing is timed in earnest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from eval import building, synthetic
from eval.embedding import Scifact, operations
from rag.index.encoder import Vectors


def printed(table: Table) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


class Quick(synthetic.RandomEncoder):
    """In the place of the model, whether it has a clock or not."""

    in_all = in_model = processor = 0.0


def test_the_parts_of_a_build_are_listed(tmp_path: Path, starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "few.jsonl"
    texts = (f"Drug {n} was given to {n + 2} patients and all of them slept well at night." for n in range(130))
    file.write_text("".join(json.dumps({"_id": f"d{n}", "title": f"T{n}", "text": t}) + "\n"
                            for n, t in enumerate(texts)), "utf-8")  # fmt: skip
    monkeypatch.setattr(building, "TimedEncoder", Quick)
    monkeypatch.setattr("rag.index.build.OpenVinoEncoder", Quick)
    monkeypatch.setattr(building, "_OPENINGS", 1)
    found = printed(building.corpus(file, starter_index / "encoders"))
    for row in ("build from zero, 130 documents", "everything else", "add 100 documents", "remove 100 documents"):
        assert row in found


def test_memory_is_that_of_a_process_of_its_own(starter_index: Path) -> None:
    found = printed(building.memory([40], starter_index / "encoders"))
    assert "40" in found
    assert "nan" not in found


def test_synthetic_texts_are_as_long_as_asked() -> None:
    lengths = [8, 30, 128]
    texts = synthetic.texts_of(lengths, lambda words: [1 + len(w) // 4 for w in words])
    assert [2 + sum(1 + len(w) // 4 for w in t.split()) for t in texts] == lengths


def test_synthetic_documents_are_the_same_every_time() -> None:
    first = list(synthetic.documents(1500))
    assert len({d.source.key for d in first}) == 1500
    assert list(synthetic.documents(3)) == first[:3]
    vectors = synthetic.RandomEncoder(Path()).encode(["one", "other", "one"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors[0], vectors[2])
    assert abs(float(vectors[0] @ vectors[1])) < 0.5


def test_ndcg_by_hand(tmp_path: Path) -> None:
    """Of two relevant documents the first is found in the second place, the other not among the first ten."""
    documents = [{"_id": f"d{n}", "title": "", "text": str(n)} for n in range(12)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)), "utf-8")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "q"}\n', "utf-8")
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\nq\td11\t1\nq\td2\t0\n", "utf-8")

    def embed(texts: list[str]) -> Vectors:
        return np.array([[1.0] if t == "q" else [-float(t)] for t in texts], np.float32)

    assert Scifact(tmp_path, embed).ndcg(embed) == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))  # type: ignore[arg-type]


def test_operations_of_a_text() -> None:
    assert operations(128) == pytest.approx(128 * 6 * 2 * (4 * 384**2 + 2 * 384 * 1536 + 2 * 128 * 384), rel=0.001)
