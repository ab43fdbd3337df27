"""The benchmark of sizes: that what it draws has the statistics it says, and that it measures what it says."""

from __future__ import annotations

import gc
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from eval import measuring, sizes
from eval.abstracts import abstracts, questions, word_of
from eval.lookalikes import LookalikeEncoder, parents_of, queries
from eval.measured import Built, Cold, Latency, Opened, Point, Recall, Run, read_run, write_run
from eval.projection import projection, write_projection
from eval.resident import Memory, forget, kept_of, memory_of, watched
from eval.size_tables import tables
from rag.errors import InputError
from rag.index.build import SEGMENT_PASSAGES
from rag.index.snapshot import Snapshot
from rag.index.tiers import LARGEST
from rag.ingest.split import split
from rag.language.terms import STOP_WORDS

SEVERAL = 3000
DIMENSION = 384


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [passage.text for document in abstracts(SEVERAL) for passage in split(document)]


# texts


def test_there_are_exactly_as_many_passages_as_asked_for(texts: list[str]) -> None:
    assert len(texts) == SEVERAL
    assert len(set(texts)) == SEVERAL
    assert [sum(len(split(d)) for d in abstracts(n)) for n in (0, 1, 2, 77)] == [0, 1, 2, 77]


def test_documents_are_the_same_every_time_and_others_with_another_seed() -> None:
    first = list(abstracts(50))
    assert list(abstracts(70))[: len(first) - 1] == first[:-1], "the last one may be cut short"
    assert next(abstracts(50, seed=1)) != first[0]
    assert len({d.source.key for d in first}) == len(first)


def test_passages_are_as_long_as_those_of_abstracts(texts: list[str]) -> None:
    words = [len(text.split()) for text in texts]
    assert min(words) >= 40
    assert max(words) <= 100
    sentences = [text.count(".") for text in texts]
    assert np.mean(words) / np.mean(sentences) == pytest.approx(25, abs=2)


def test_words_stand_in_as_many_passages_as_in_real_text(texts: list[str]) -> None:
    """Bounds are wide: what is guarded against is that every word stands in most passages, or none in many."""
    passages = [set(text.lower().replace(".", "").split()) for text in texts]
    stops = [word in STOP_WORDS for text in texts for word in text.lower().replace(".", "").split()]
    assert np.mean(stops) == pytest.approx(0.32, abs=0.02)
    counts = Counter(chain.from_iterable(words - STOP_WORDS for words in passages))
    shares = [count / len(texts) for _, count in counts.most_common()]
    for rank, share in ((20, 0.12), (200, 0.032), (1000, 0.0072), (5000, 0.00075)):
        assert share / 2 < shares[rank] < share * 2


def test_new_words_keep_coming(texts: list[str]) -> None:
    half = set(" ".join(texts[: SEVERAL // 2]).split())
    assert len(set(" ".join(texts).split())) > 1.4 * len(half)


def test_every_rank_has_a_word_of_its_own() -> None:
    ranks = [*range(20_000), 10**6, 10**9]
    assert len({word_of(rank) for rank in ranks}) == len(ranks)
    assert STOP_WORDS & {word_of(rank) for rank in ranks} <= {"before"}, "spelt of three syllables by chance"


def test_filters_leave_the_shares_they_are_named_after() -> None:
    sources = [document.source for document in abstracts(20_000)]
    for kept, wanted in measuring.FILTERS.items():
        share = 1.0 if kept == "all" else float(kept.removesuffix(" %")) / 100
        assert sum(map(wanted.passes, sources)) / len(sources) == pytest.approx(share, rel=0.1, abs=0.001)


def test_questions_have_5_to_30_words_of_their_passage(texts: list[str]) -> None:
    asked = questions(texts)
    assert asked == questions(texts)
    lengths = [len(question.split()) for question in asked]
    assert (min(lengths), max(lengths)) == (5, 30)
    assert 7 <= np.median(lengths) <= 10
    for question, text in zip(asked[:50], texts, strict=False):
        assert set(question.rstrip("?").split()) <= set(text.lower().replace(".", "").split())


# vectors


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    vectors = np.random.default_rng(0).standard_normal((200, DIMENSION)).astype(np.float32)
    path = tmp_path / "stored.npy"
    np.save(path, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16))
    return path


def test_vectors_are_near_to_a_parent_and_depend_on_the_text_alone(stored: Path) -> None:
    parents = parents_of([stored], 1000).of_passages
    encoder = LookalikeEncoder(parents)
    texts = [f"text {i}" for i in range(300)]
    vectors = encoder.encode(texts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    nearest = (vectors @ parents.astype(np.float32).T).max(axis=1)
    assert np.median(nearest) == pytest.approx(0.86, abs=0.03)
    assert np.array_equal(encoder.encode(texts[7:9]), vectors[7:9])
    assert len(np.unique(vectors, axis=0)) == len(texts)
    assert encoder.busy_s > 0


def test_parents_of_queries_are_held_out(stored: Path) -> None:
    parents = parents_of([stored], 100)
    assert (len(parents.of_passages), len(parents.of_queries)) == (190, 10)
    assert parents.description == "200 vectors of stored.npy"
    together = np.concatenate([parents.of_passages, parents.of_queries])
    assert len(np.unique(together, axis=0)) == 200
    found = queries(parents.of_queries, 50)
    assert found.shape == (50, DIMENSION)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


def test_where_parents_are_few_relatives_are_added(stored: Path) -> None:
    """The nearest in rank 4, 40 and 300 are siblings, cousins, and those of the third degree."""
    parents = parents_of([stored], 80_000)
    assert (len(parents.of_passages), len(parents.of_queries)) == (7600, 400)
    assert parents.description.startswith("200 vectors of stored.npy and 7,800 relatives of them")
    vectors = parents.of_passages[:500].astype(np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=0.01)
    nearest = -np.sort(-(vectors @ parents.of_passages.astype(np.float32).T), axis=1)
    for rank, cosine in ((4, 0.67), (40, 0.53), (300, 0.41)):
        assert np.median(nearest[:, rank]) == pytest.approx(cosine, abs=0.07)


def test_an_index_gives_the_vectors_of_its_passages_and_sentences(starter_index: Path) -> None:
    with Snapshot(starter_index) as snapshot:
        counts = snapshot.store.counts()
    parents = parents_of([starter_index], 10)
    assert len(parents.of_passages) + len(parents.of_queries) == counts.passages + counts.sentences


def test_too_few_vectors_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "few.npy", np.eye(4))
    with pytest.raises(InputError, match=r"few\.npy: 4 vectors; expected 20 or more"):
        parents_of([tmp_path / "few.npy"], 100)


# measuring


def test_memory_of_this_process() -> None:
    gc.collect()  # what earlier tests left may be given back at any time
    before = memory_of()
    with watched() as looks:
        held = np.ones(200 * 2**20, np.uint8)
        during = memory_of()
    assert during.anonymous - before.anonymous == pytest.approx(200, abs=40)
    assert during.resident == during.anonymous + during.file
    assert 0 < during.share <= during.resident + 1
    assert len(looks) >= 1
    del held


def test_files_are_put_out_of_memory_and_found_there_again(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "file"
    file.write_bytes(bytes(10_000_000))
    assert kept_of(tmp_path) == {"file": 10_000_000}
    forget(tmp_path)
    assert kept_of(tmp_path)["file"] < 10_000_000
    file.read_bytes()
    assert kept_of(tmp_path) == {"file": 10_000_000}


def test_the_nearest_are_found_under_every_filter(starter_index: Path) -> None:
    """Against the same, computed at once; the index is small enough to be searched exhaustively, so recall is 1."""
    with Snapshot(starter_index) as snapshot:
        total = len(snapshot.dense)
        vectors = queries(np.concatenate([s.dense.vectors(0, len(s.dense)) for s in snapshot.segments]), 5)
        odd = np.arange(total) % 2 == 1
        few = np.arange(total) < 4
        stored = np.concatenate([s.dense.vectors(0, len(s.dense)) for s in snapshot.segments]).astype(np.float32)
        for mask in (np.ones(total, np.bool_), odd, few):
            scores = np.where(mask, vectors @ stored.T, -np.inf)
            expected = np.argsort(-scores, axis=1)[:, : min(10, mask.sum())]
            found = measuring.nearest(snapshot, vectors, mask)
            assert np.array_equal(np.sort(found, axis=1)[:, -expected.shape[1] :], np.sort(expected, axis=1))
            assert (found >= 0).sum(axis=1).tolist() == [expected.shape[1]] * 5
        asked = [measuring.Query("a question", vector) for vector in vectors]
        masks = {"all": None, "odd": odd, "few": few, "none": np.zeros(total, np.bool_)}
        recalls = list(measuring.recalls(snapshot, asked, masks))
    assert [(r.kept, r.passages) for r in recalls] == [("all", total), ("odd", total // 2), ("few", 4), ("none", 0)]
    assert [r.recall for r in recalls[:3]] == [1, 1, 1]
    assert np.isnan(recalls[3].recall)


@pytest.mark.slow
def test_it_builds_searches_and_prints(
    tmp_path: Path, starter_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))
    monkeypatch.setattr(sizes, "_OPENINGS", 1)
    log = tmp_path / "log.json"
    command = ["--passages", "200", "--queries", "5", "--folder", str(tmp_path / "kept")]
    assert sizes.main([*command, "--threads", "1", "2", "--out", str(log)]) == 0
    printed = capsys.readouterr().out
    assert "200 passages: building" in printed
    for row in ("size on disk", "store.sqlite", "hybrid 160, all", "recall@10"):
        assert row in printed
    (point,) = read_run(log).points
    assert (point.passages, point.segments) == (200, 1)
    assert point.bytes > 200 * 2 * 384
    assert len(point.latencies) == (3 * len(measuring.FILTERS) + 1) * 2
    assert all(found.fewest == 10 for found in point.latencies if (found.search, found.kept) == ("dense", "50 %"))
    assert [r.recall for r in point.recalls[:3]] == [1, 1, 1]
    assert point.searched.anonymous > point.started.anonymous
    assert sizes.main([*command, "--threads", "1"]) == 0
    assert "building" not in capsys.readouterr().out, "the index that is kept is used again"
    assert sizes.main([*command, "--queries", "6"]) == 2
    assert "--queries 6" in capsys.readouterr().err


# logs, tables, projection


def point(passages: int, segments: int) -> Point:
    """Figures that grow in straight lines with the passages, but for searches: 4 ms at a million and 2 at a quarter."""
    ms = 4 * (passages / 1e6) ** 0.5
    memory = Memory(anonymous=100 + passages / 1e4, file=50 + passages / 1e3, share=90)
    kinds = [(name, wanted) for name in ("dense", "lexical", "hybrid") for wanted in (10, 160)]
    return Point(
        sources=passages // 2,
        passages=passages,
        sentences=3 * passages,
        segments=segments,
        files={"store.sqlite": 2000 * passages, "passages.faiss": 768 * passages},
        kept={"store.sqlite": 20 * passages, "passages.faiss": 100 * passages},
        built=Built(
            seconds=passages, busy_s=passages / 1e3 + 60, encoder_s=60, peak_mb=200, texts=4 * passages, like="others"
        ),
        opening=Opened(new_ms=90, again_ms=30, first_ms=100),
        selecting_ms={"all": 0, "1 %": 2.5},
        started=Memory(anonymous=30, file=20, share=40),
        opened=Memory(anonymous=40, file=30, share=50),
        searched=memory,
        two=(memory, memory),
        cold=Cold(searches=5, p50_ms=40, p99_ms=90, read_mb=passages / 1e5),
        latencies=tuple(
            Latency(search=name, kept="all", threads=1, p50_ms=ms, p99_ms=2 * ms, busy_ms=ms, wanted=wanted, fewest=10)
            for name, wanted in kinds
        ),
        recalls=(Recall(kept="all", passages=passages, recall=0.9876),),
    )


@pytest.fixture
def run() -> Run:
    return Run(machine="x86_64, 2", queries=5, points=(point(10_000, 1), point(100_000, 4), point(1_000_000, 1)))


def test_a_log_is_read_as_it_was_written(tmp_path: Path, run: Run) -> None:
    write_run(run, tmp_path / "log.json")
    assert read_run(tmp_path / "log.json") == run
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"other\.json"):
        read_run(tmp_path / "other.json")
    with pytest.raises(InputError, match=r"missing\.json"):
        read_run(tmp_path / "missing.json")


def test_tables_have_a_column_for_each_size(run: Run) -> None:
    console = Console(width=160)
    with console.capture() as capture:
        for table in tables(run):
            console.print(table)
    printed = capture.get()
    assert printed.count("1,000,000") >= 4
    for cell in ("2,640 MB", "4.0, 8.0 (4.0)", "4.0, 8.0 (4.0) short", ".9876 (1,000,000)", "vectors like others"):
        assert cell in printed


def test_projection_by_hand(run: Run) -> None:
    """60 million passages in 29 segments, each figure by hand."""
    assert LARGEST * SEGMENT_PASSAGES == 2_097_152
    rows = {row.split(" | ")[0].strip("| "): row.split(" | ")[-1].strip(" |") for row in projection(run).splitlines()}
    assert rows["segments"] == "29"
    assert rows["disk, all files"] == f"{2768 * 60e6 / 1e9:,.1f} GB"
    assert rows["in memory, all files"] == f"{120 * 60e6 / 1e9:,.1f} GB"
    assert rows["memory of its own"] == f"{6100 * 2**20 / 1e9:,.2f} GB"
    dense, lexical = 4 * 29 * 2.097152**0.5, 4 * 60**0.5
    assert rows["dense search, p50"] == f"{dense:,.0f} ms"
    assert rows["lexical search, p99"] == f"{2 * lexical:,.0f} ms"
    assert rows["hybrid search, p50"] == f"{dense + lexical:,.0f} ms"
    assert rows["build without the model"] == f"{60e6 / 1e3 / 3600:,.0f} h"
    assert rows["embedding the passages"] == f"{60e6 / 120 / 3600:,.0f} h"


def test_projection_goes_between_the_marks_of_the_page(tmp_path: Path, run: Run) -> None:
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- projection -->\nold\n<!-- /projection -->\nafter\n")
    write_projection(run, page)
    assert page.read_text() == f"before\n<!-- projection -->\n{projection(run)}\n<!-- /projection -->\nafter\n"
