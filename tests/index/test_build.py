"""Building: what is published, what is computed again, and what a killed or damaged build leaves."""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_corpus import TINY, document, empty_index, exported_encoder, markdown, tiny_corpus

from rag.domain import Document
from rag.errors import BusyError, CorpusError, EncoderError, NotFoundError, SnapshotError
from rag.index import build as builder
from rag.index.build import Built, add, build, remove
from rag.index.encoder import OnnxEncoder, OpenVinoEncoder
from rag.index.keeping import prune, use
from rag.index.manifest import CURRENT, corpus_digest, current_id, manifest_path, read_manifest, snapshot_ids
from rag.index.segment import FILES, RECORD, digest_of
from rag.index.snapshot import Snapshot, segment_problems
from rag.index.store import Store
from rag.index.tiers import LARGEST, MOST_ALIKE
from rag.ingest.readers.markdown import read_file
from rag.ingest.split import context, split

BODY = '## Dosing\n\n- Danaparoid {} has little cross-reactivity. {{#d{} checked="primary"}}\n'


@pytest.fixture(scope="module")
def encoder(starter_index: Path) -> Path:
    return exported_encoder(starter_index)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    folder = empty_index(tmp_path_factory.mktemp("base") / "index", encoder)
    build(tiny_corpus(), folder)
    return folder


@pytest.fixture
def index(base: Path, tmp_path: Path) -> Path:
    """A copy of the index of the tiny corpus, to be spoiled."""
    return Path(shutil.copytree(base, tmp_path / "index", symlinks=True))


@pytest.fixture
def snapshot(index: Path) -> Iterator[Snapshot]:
    opened = Snapshot(index)
    yield opened
    opened.close()


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of three passages, so that a few documents make several."""
    monkeypatch.setattr(builder, "SEGMENT_PASSAGES", 3)


def opens(index: Path) -> str:
    """Id of the published snapshot, which opens and is whole, however large."""
    found = Snapshot(index)
    found.close()
    for entry, segment in zip(found.manifest["segments"], found.segments, strict=True):
        assert segment_problems(segment.folder, entry) == []
    return found.snapshot_id


def content(index: Path) -> bytes:
    """All bytes of the index but for the encoder's, whose vocabulary has every word."""
    return b"".join(p.read_bytes() for p in sorted(index.rglob("*")) if p.is_file() and "encoders" not in p.parts)


# what is built


def test_the_published_snapshot_is_what_was_built(index: Path, snapshot: Snapshot) -> None:
    passages = [p for d in tiny_corpus() for p in split(d)]
    counts = snapshot.store.counts()
    assert (counts.sources, counts.passages, counts.sentences) == (5, len(passages), len(passages) + 1)
    assert [snapshot.store.passage(row) for row in range(len(passages))] == passages
    assert len(snapshot.dense) == len(passages)
    assert len(snapshot.sentence_vectors) == counts.sentences
    assert snapshot.corpus_digest == corpus_digest(sorted(map(digest_of, tiny_corpus())))
    assert current_id(index) == snapshot.snapshot_id


def test_vectors_are_those_of_the_encoder(snapshot: Snapshot, encoder: Path) -> None:
    model, store = OnnxEncoder(encoder), snapshot.store
    for row in range(len(snapshot.dense)):
        passage = store.passage(row)
        vector = model.encode([context(passage, store.source(passage.source_key))])[0]
        rows, scores = snapshot.dense.search(vector, 1)
        assert rows[0] == row
        assert scores[0] == pytest.approx(1, abs=1e-3)
        for sentence in store.sentences([row]):
            own = model.encode([passage.text[sentence.start : sentence.end]])[0]
            assert snapshot.sentence_vectors[[sentence.row]][0] @ own > 0.999


def test_abbreviations_of_the_corpus_are_understood_in_questions(snapshot: Snapshot) -> None:
    assert ("CrCl", "creatinine clearance") in snapshot.abbreviations
    terms = snapshot.analyzer.index_terms
    assert set(terms("CrCl")) & set(terms("creatinine clearance"))


def test_building_again_does_nothing(index: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in index.rglob("*") if p.is_file() and p.name != ".lock"}
    again = build(tiny_corpus(), index)
    assert again.reused
    assert again.embedded == 0
    assert again.snapshot_id == current_id(index)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_the_order_of_documents_does_not_matter(index: Path) -> None:
    assert build(tiny_corpus()[::-1], index).reused


def test_the_same_documents_give_the_same_files(index: Path, tmp_path: Path, encoder: Path) -> None:
    other = empty_index(tmp_path / "other", encoder)
    snapshot_id = build(tiny_corpus(), other).snapshot_id
    assert snapshot_id == current_id(index)
    assert read_manifest(other, snapshot_id) == read_manifest(index, snapshot_id)


def test_a_changed_statement_embeds_only_itself(index: Path) -> None:
    kept = [d for d in tiny_corpus() if d.source.key != "warfarin"]
    assert build([*kept, document("warfarin", "- Warfarin waits for platelets. {#t4}\n")], index).embedded == 2
    grown = document("warfarin", "- Warfarin waits for platelets. {#t4}\n- And for the physician. {#t9}\n")
    assert build([*kept, grown], index).embedded == 2


def test_leaving_a_source_out_leaves_no_trace_of_it_in_the_snapshot(index: Path) -> None:
    built = build([d for d in tiny_corpus() if d.source.key != "hernia"], index)
    assert built.embedded == 0
    found = Snapshot(index)
    assert found.store.frequencies(["hernia", "=inguinal hernia", "watch"]) == {}
    assert len(found.dense) == len(found.lexical.scores({})) == found.store.counts().passages == built.passages
    assert len(found.sentence_vectors) == found.store.counts().sentences
    found.close()


def test_going_back_takes_the_old_segments_again(index: Path) -> None:
    first = current_id(index)
    assert build(tiny_corpus()[:2], index).snapshot_id != first
    back = build(tiny_corpus(), index)
    assert back.reused
    assert back.embedded == 0
    assert opens(index) == back.snapshot_id == first


def test_a_published_snapshot_is_never_changed(index: Path, snapshot: Snapshot) -> None:
    (segment,) = snapshot.segments
    before = {p.name: p.read_bytes() for p in segment.folder.iterdir()}
    build(tiny_corpus()[:2], index)
    assert {p.name: p.read_bytes() for p in segment.folder.iterdir()} == before
    assert snapshot.store.passage(0).source_key == "argatroban", "an open reader goes on reading what it opened"


def test_a_segments_record_lists_exactly_its_files(snapshot: Snapshot) -> None:
    for segment in snapshot.segments:
        assert set(segment.record["files"]) == set(FILES) == {p.name for p in segment.folder.iterdir()} - {RECORD}


def test_there_are_no_pickles(base: Path) -> None:
    files = [p for p in base.rglob("*") if p.is_file()]
    assert not [p for p in files if p.suffix in {".pkl", ".pickle", ".joblib", ".pt", ".bin"}]
    for path in (p for p in files if p.suffix == ".npy"):
        np.load(path, allow_pickle=False)
    assert not [p for p in files if p.read_bytes()[:2] in {b"\x80\x03", b"\x80\x04", b"\x80\x05"}]


def test_progress_is_told_step_by_step(index: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build([*tiny_corpus(), document("more", BODY.format("x", 2))], index, progress=lambda *step: told.append(step))
    assert told == [("model", 0, 1), ("embed", 2, 0)]


# adding and removing


def test_adding_a_source_embeds_only_its_texts_and_leaves_the_rest_where_it_is(index: Path) -> None:
    before = [e["segment_id"] for e in read_manifest(index, current_id(index))["segments"]]
    added = document("danaparoid", BODY.format("sodium", 1))
    built = add([added], index)
    assert built.embedded == 2, "one passage under its title, and its one sentence"
    assert (built.sources, built.passages) == (6, len([p for d in (*tiny_corpus(), added) for p in split(d)]))
    assert opens(index) == built.snapshot_id
    assert [e["segment_id"] for e in read_manifest(index, built.snapshot_id)["segments"]][:-1] == before


def test_adding_what_is_there_does_nothing(index: Path) -> None:
    assert add(tiny_corpus()[1:3], index).reused
    assert add([], index).reused


def test_a_changed_source_takes_the_place_of_its_old_version_which_can_still_be_opened(index: Path) -> None:
    (old,) = split(document("warfarin"))
    new = document("warfarin", "- Warfarin waits for platelets. {#t4}\n")
    built = add([new], index)
    assert (built.sources, built.embedded) == (5, 2)
    found = Snapshot(index)
    assert found.store.source_text("warfarin") == new.text
    assert found.store.frequencies(["recov", "start"]).get("recov") is None, "a word of the old version only"
    with pytest.raises(NotFoundError, match="not in this snapshot"):
        found.store.find(old.passage_id)
    passage, source = found.passage(old.passage_id)
    assert (passage, source.key) == (old, "warfarin")
    found.close()


def test_a_removed_source_leaves_nothing_anywhere(index: Path) -> None:
    (old,) = split(document("hernia"))
    add([document("hernia", "- Watchful waiting suits painless hernias only. {#t5}\n")], index)
    assert b"hardly" in content(index), "the old version is in the archive and in the older snapshot"
    built = remove(["hernia"], index)
    assert (built.sources, built.embedded) == (4, 0)
    assert b"hernia" not in content(index)
    assert snapshot_ids(index) == [built.snapshot_id] == [opens(index)]
    with pytest.raises(NotFoundError), Snapshot(index) as found:
        found.passage(old.passage_id)


def test_what_cannot_be_removed_is_named(index: Path) -> None:
    before = current_id(index)
    with pytest.raises(NotFoundError, match="source 'nobody': not in this index; `osler corpus list`"):
        remove(["hernia", "nobody"], index)
    with pytest.raises(CorpusError, match="none has text"):
        remove(list(TINY), index)
    assert opens(index) == before


@pytest.mark.parametrize("change", [lambda i: add([], i), lambda i: remove(["a"], i)])
def test_there_must_be_an_index_to_change(tmp_path: Path, change: object) -> None:
    with pytest.raises(SnapshotError, match="run `osler index build` first"):
        change(tmp_path / "index")  # type: ignore[operator]


def test_many_small_segments_are_made_one(index: Path) -> None:
    for i in range(MOST_ALIKE + 1):
        built = add([document(f"one{i}", BODY.format(f"salt{i}", i))], index)
        assert built.embedded == 2
    assert len(read_manifest(index, built.snapshot_id)["segments"]) <= MOST_ALIKE
    assert opens(index) == built.snapshot_id
    assert (built.sources, built.passages) == (5 + 9, 7 + 9)


@pytest.mark.usefixtures("small_segments")
def test_a_large_corpus_lies_in_several_segments(index: Path) -> None:
    more = [document(f"more{i}", BODY.format(f"salt{i}", i)) for i in range(8)]
    built = add(more, index)
    assert len(read_manifest(index, built.snapshot_id)["segments"]) == 1 + 3
    assert opens(index) == built.snapshot_id
    assert remove(["more4"], index).embedded == 0
    assert b"salt4" not in content(index)
    assert b"salt3" in content(index)


# keeping


def test_an_older_snapshot_can_be_used_again_and_pruned(index: Path) -> None:
    first = current_id(index)
    second = add([document("more", BODY.format("x", 2))], index).snapshot_id
    use(index, first)
    assert opens(index) == first
    use(index, second)
    assert prune(index, keep=2).snapshots == 0
    gone = prune(index)
    assert (gone.snapshots, gone.segments) == (1, 0), "its segment is part of the newer one"
    assert opens(index) == second
    with pytest.raises(NotFoundError, match=f"snapshot '{first}': not kept in .*; there is {second}"):
        use(index, first)


def test_pruning_frees_what_only_older_snapshots_use(index: Path) -> None:
    build(tiny_corpus()[:2], index)
    gone = prune(index)
    assert (gone.snapshots, gone.segments) == (1, 1)
    assert gone.freed > 10_000
    assert b"hernia" not in content(index)
    assert opens(index)


# the same words in several sources


def test_the_same_words_are_stored_once_with_all_their_sources(index: Path) -> None:
    words = "- Danaparoid has little cross-reactivity. {#d1}\n"
    built = add([document("one", words), document("two", words), document("three", words)], index)
    assert (built.sources, built.passages, built.embedded) == (8, 8, 2)
    found = Snapshot(index)
    (one,), (two,), (three,) = (split(document(key, words)) for key in ("one", "two", "three"))
    assert found.store.twins(one.passage_id) == sorted([two, three], key=lambda p: p.passage_id)
    assert found.store.find(two.passage_id) == two
    assert found.passage(three.passage_id)[1].key == "three"
    assert found.store.passages_of("two") == [two]
    found.close()


@pytest.mark.parametrize("gone", ["one", "two", "three"])
def test_the_same_words_stay_while_one_of_their_sources_does(index: Path, gone: str) -> None:
    words = "- Danaparoid has little cross-reactivity. {#d1}\n"
    for key in ("one", "two", "three"):
        add([document(key, words)], index)
    built = remove([gone], index)
    assert (built.sources, built.passages) == (7, 8)
    found = Snapshot(index)
    rest = [split(document(key, words))[0] for key in ("one", "two", "three") if key != gone]
    assert [found.store.find(p.passage_id) for p in rest] == rest
    stored = [p for p in rest if found.store.twins(p.passage_id)]
    assert len(stored) == 1
    found.close()
    assert f'"{gone}"'.encode() not in content(index)


def test_a_retracted_source_does_not_stand_for_others(index: Path) -> None:
    words = "- Danaparoid has little cross-reactivity. {#d1}\n"
    bad = document("bad", words)
    bad = bad.model_copy(update={"source": bad.source.model_copy(update={"retracted": True})})
    assert add([bad, document("good", words)], index).passages == 7 + 2


# what is refused


def test_of_two_documents_with_one_key_the_first_is_taken(index: Path) -> None:
    told: list[str] = []
    twice = [document("ivig"), document("ivig"), document("ivig", "Another text.\n")]
    build(twice, index, skip=lambda problem: told.append(str(problem)))
    assert told == ["source key 'ivig': given twice with different content; the first one is taken"]


def test_what_is_no_document_is_told_and_the_rest_goes_on(index: Path) -> None:
    told: list[str] = []
    mixed: list[Document | CorpusError] = [CorpusError("x.pdf: broken"), document("more", BODY.format("x", 2))]
    assert add(mixed, index, skip=lambda problem: told.append(str(problem))).sources == 6
    assert told == ["x.pdf: broken"]


@pytest.mark.parametrize("bodies", [[], ["", "## A heading without text\n"]])
def test_no_text_is_refused(tmp_path: Path, bodies: list[str]) -> None:
    with pytest.raises(CorpusError, match="none has text"):
        build([document(f"empty{i}", body) for i, body in enumerate(bodies)], tmp_path / "index")
    assert not (tmp_path / "index" / CURRENT).exists()


def test_a_document_without_text_is_kept_beside_others(index: Path) -> None:
    built = build([*tiny_corpus(), document("empty", "")], index)
    assert built.sources == 6
    assert opens(index) == built.snapshot_id


def test_texts_without_terms_can_be_indexed(tmp_path: Path, encoder: Path) -> None:
    index = empty_index(tmp_path / "index", encoder)
    assert build([document("words", "The and of.\n")], index).passages == 1
    assert opens(index)


def test_a_second_builder_is_refused_while_the_first_works(index: Path) -> None:
    with (index / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for change in (lambda: build(tiny_corpus()[:1], index), lambda: remove(["ivig"], index)):
            with pytest.raises(BusyError, match="another build is running; wait"):
                change()
        assert opens(index), "readers need no lock"
    assert not build(tiny_corpus()[:1], index).reused


def test_a_damaged_journal_is_named(index: Path) -> None:
    journal = index / "building.sqlite"
    journal.write_bytes(b"not a database" * 400)
    with pytest.raises(SnapshotError, match=r"building\.sqlite.*delete it"):
        build(tiny_corpus()[:1], index)
    journal.unlink()
    assert build(tiny_corpus()[:1], index).sources == 1


# what a killed build leaves

_CHILD = """
import os, sys, time
from pathlib import Path
import rag.index.build as builder
from rag.ingest.readers.markdown import read_markdown

point, index, files = sys.argv[1], Path(sys.argv[2]), [Path(f) for f in sys.argv[3:]]
builder.SEGMENT_PASSAGES = int(os.environ.get("SEGMENT_PASSAGES", 40))
import rag.index.merge as merging
import rag.index.resume as resume
import rag.index.segment as segment
resume._BATCH = 16
segment._PENDING = 32

def reach(name):
    print(name, flush=True)
    if name == point:
        time.sleep(60)

def stop_before(module, name):
    original = getattr(module, name)
    def stopping(*args, **named):
        reach(name)
        return original(*args, **named)
    setattr(module, name, stopping)

for name in ("sync", "write_manifest", "publish", "delete_segments"):
    stop_before(builder, name)
stop_before(builder, "merge")
stop_before(merging, "write_record")
documents = [read_markdown(f.read_bytes(), f.name) for f in files]
reach("start")
builder.build(documents, index, progress=lambda step, done, total: reach(f"{step}{done}"))
reach("end")
"""


def start_child(index: Path, folder: Path, tag: str, point: str) -> subprocess.Popen[str]:
    """A process that builds the tiny corpus and 60 more sources, written to ``folder``, and halts at ``point``."""
    folder.mkdir(exist_ok=True)
    fresh = {f"{tag}{i}": f"- Statement {tag} {i} on argatroban. {{#{tag}{i}}}\n" for i in range(60)}
    for key, text in {**TINY, **fresh}.items():
        (folder / f"{key}.md").write_bytes(markdown(key, text))
    command = [sys.executable, "-c", _CHILD, point, str(index), *map(str, sorted(folder.iterdir()))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_at(child: subprocess.Popen[str], point: str, delay_s: float = 0) -> None:
    assert child.stdout is not None
    while child.stdout.readline().strip() != point:
        assert child.poll() is None, f"the build ended before it reached {point}"
    time.sleep(delay_s)
    child.kill()


def check_after_a_kill(index: Path, folder: Path, before: str) -> Built:
    """The published snapshot is whole, and the next build of the same files ends, publishes and sweeps."""
    now = opens(index)
    built = build([read_file(f) for f in sorted(folder.iterdir())], index)
    assert now in {before, built.snapshot_id}
    assert opens(index) == built.snapshot_id != before
    assert [p.name for p in (index / "segments").iterdir() if p.name.startswith(".")] == []
    assert {p.name for p in index.iterdir()} <= {".lock", CURRENT, "encoders", "segments", "snapshots"}
    return built


@pytest.mark.parametrize(
    ("point", "left_to_embed"),
    [("start", 120), ("model0", 120), ("embed16", 104), ("embed48", 72), ("sync", 40), ("write_manifest", 0),
     ("publish", 0), ("delete_segments", 0)],
)  # fmt: skip
def test_a_killed_build_leaves_the_published_snapshot_and_is_resumed(
    index: Path, tmp_path: Path, point: str, left_to_embed: int
) -> None:
    before = current_id(index)
    with start_child(index, tmp_path / "files", "t", point) as child:
        kill_at(child, point)
    built = check_after_a_kill(index, tmp_path / "files", before)
    assert built.embedded == left_to_embed


@pytest.mark.parametrize(
    ("point", "is_made_one"),
    [("merge", False), ("write_record", False), ("delete_segments", True), ("write_manifest", True)],
)
def test_a_build_killed_while_segments_are_made_one_goes_on_from_there(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch, point: str, is_made_one: bool
) -> None:
    monkeypatch.setenv("SEGMENT_PASSAGES", "4")
    monkeypatch.setattr(builder, "SEGMENT_PASSAGES", 4)
    index, files = empty_index(tmp_path / "index", encoder), tmp_path / "files"
    with start_child(index, files, "t", point) as child:
        kill_at(child, point)
    assert not (index / CURRENT).exists()
    documents = [read_file(file) for file in sorted(files.iterdir())]
    built = build(documents, index)
    assert (built.sources, built.passages, built.embedded, built.reused) == (65, 67, 0, is_made_one)
    assert opens(index) == built.snapshot_id
    assert len(list((index / "segments").iterdir())) == 1
    assert build(documents, index).reused


def test_an_addition_killed_after_segments_were_made_one_finds_them_again(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(MOST_ALIKE - 1):
        add([document(f"one{i}", BODY.format(f"salt{i}", i))], index)
    last = document("last", BODY.format("salt", 99))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, "write_manifest", killed)
    with pytest.raises(KeyboardInterrupt):
        add([last], index)
    monkeypatch.undo()
    monkeypatch.setattr(builder, "merge", killed)
    built = add([last], index)
    assert (built.sources, built.embedded) == (5 + MOST_ALIKE, 0)
    assert opens(index) == built.snapshot_id
    assert len(read_manifest(index, built.snapshot_id)["segments"]) == 1


def test_a_large_build_makes_segments_one_as_it_goes(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it never has many open, nor more on disk than it needs."""
    monkeypatch.setattr(builder, "SEGMENT_PASSAGES", 1)
    index, most = empty_index(tmp_path / "index", encoder), 0

    def given() -> Iterator[Document]:
        nonlocal most
        for i in range(2 * LARGEST + 20):
            yield document(f"d{i}", f"- Statement {i}. {{#s{i}}}\n")
            most = max(most, len(list((index / "segments").iterdir())))

    built = build(given(), index)
    assert most <= LARGEST + 3
    assert opens(index) == built.snapshot_id
    entries = read_manifest(index, built.snapshot_id)["segments"]
    assert [e["passages"] for e in entries] == [LARGEST, LARGEST, 20]
    with Snapshot(index) as found:
        keys = [found.store.passage(row).source_key for row in range(built.passages)]
    assert keys == [f"d{i}" for i in range(2 * LARGEST + 20)]


@pytest.mark.slow
def test_builds_killed_at_twenty_random_points(index: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    for attempt in range(20):
        before = current_id(index)
        shutil.rmtree(tmp_path / "files", ignore_errors=True)
        with start_child(index, tmp_path / "files", f"try{attempt}x", "none") as child:
            kill_at(child, "start", chance.uniform(0.02, 1.6))
        check_after_a_kill(index, tmp_path / "files", before)


def test_left_overs_are_swept_even_when_there_is_nothing_to_build(index: Path) -> None:
    (index / "segments" / ".building-segment").mkdir()
    (index / "segments" / ".building-segment" / "store.sqlite").write_bytes(b"half")
    (index / "encoders" / ".export-x").mkdir()
    assert build(tiny_corpus(), index).reused
    assert not list(index.rglob(".building-*"))
    assert not list(index.rglob(".export-*"))


_FULL = """
import resource, signal, sys
from pathlib import Path
from rag.index.build import add
from rag.ingest.readers.markdown import read_markdown

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
head = "---\\nkey: {}\\ntitle: T\\nevidence_type: cohort\\n---\\n- Long {} " + "statement " * 40 + ".\\n"
documents = [read_markdown(head.format(f"k{i}", i).encode(), "x") for i in range(40)]
try:
    add(documents, Path(sys.argv[2]))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("room", [1_000, 10_000, 40_000, 70_000])
def test_when_nothing_more_can_be_written_it_is_said_and_nothing_is_lost(index: Path, room: int) -> None:
    before = current_id(index)
    command = [sys.executable, "-c", _FULL, str(room), str(index)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"SnapshotError index {index}: cannot be written ("), said
    assert "make room and run the same command again" in said
    assert opens(index) == before
    assert add([document("more", BODY.format("x", 2))], index).sources == 6


# what a damaged snapshot says


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def the_segment(index: Path) -> Path:
    (folder,) = (index / "segments").iterdir()
    return folder


@pytest.mark.parametrize("name", [*FILES, RECORD])
@pytest.mark.parametrize("damage", ["first byte", "middle byte", "last byte", "truncated", "lengthened", "deleted"])
def test_a_damaged_file_is_named_with_the_remedy_and_built_again(index: Path, name: str, damage: str) -> None:
    snapshot_id = current_id(index)
    path = the_segment(index) / name
    was = path.read_bytes()
    if damage.endswith("byte"):
        flip(path, {"first": 0, "middle": len(was) // 2, "last": -1}[damage.split()[0]])
    elif damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(was[:-1] if damage == "truncated" else was + b"\0")
    with pytest.raises(SnapshotError, match=rf"{name} is (damaged|missing).*run `osler index build`"):
        Snapshot(index)
    with pytest.raises(SnapshotError, match=rf"{name} is (damaged|missing)"):
        add([document("more", BODY.format("x", 2))], index)
    assert not build(tiny_corpus(), index).reused
    assert opens(index) == snapshot_id
    assert path.read_bytes() == was


def test_every_damage_to_the_manifest_is_seen(index: Path) -> None:
    path = manifest_path(index, current_id(index))
    was = path.read_bytes()
    for at in (*range(0, len(was) - 1, 7), was.index(b"corpus_digest") + 20):
        flip(path, at)
        if was[at : at + 1].strip():
            with pytest.raises(SnapshotError, match="run `osler index build`"):
                Snapshot(index)
        path.write_bytes(was)
    assert opens(index)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"format_version": 2}', '{"format_version": 99}', '{"segments": []}'],
)
def test_a_manifest_that_is_none_is_refused_and_built_again(index: Path, content: str) -> None:
    snapshot_id = current_id(index)
    manifest_path(index, snapshot_id).write_text(content)
    with pytest.raises(SnapshotError, match="run `osler index build`"):
        Snapshot(index)
    again = build(tiny_corpus(), index)
    assert again.embedded == 0, "the segments are still there"
    assert again.snapshot_id == snapshot_id == opens(index)


def test_another_format_is_named(index: Path) -> None:
    path = manifest_path(index, current_id(index))
    path.write_text(path.read_text().replace('"format_version": 3', '"format_version": 2'))
    with pytest.raises(SnapshotError, match="format 2, expected 3; run `osler index build` with this version"):
        Snapshot(index)


@pytest.mark.parametrize("fact", ["lexicon_sha256", "analysis_version"])
def test_terms_of_another_analysis_are_refused(index: Path, monkeypatch: pytest.MonkeyPatch, fact: str) -> None:
    if fact == "lexicon_sha256":
        monkeypatch.setattr("rag.index.snapshot.TABLE", index / CURRENT)
    else:
        monkeypatch.setattr("rag.index.snapshot.ANALYSIS_VERSION", "another")
    with pytest.raises(SnapshotError, match=r"another lexicon or analysis.*run `osler index build`"):
        Snapshot(index)


def test_an_index_of_other_rules_is_made_anew_with_its_vectors(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "ANALYSIS_VERSION", "another")
    assert build(tiny_corpus(), index).embedded == 0
    monkeypatch.setattr(builder, "ANALYSIS_VERSION", "yet another")
    built = add([document("more", BODY.format("x", 2))], index)
    assert (built.sources, built.embedded) == (6, 2)


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%20b", "a b"])
def test_any_name_of_a_folder_will_do(index: Path, name: str) -> None:
    moved = index.rename(index.parent / name)
    assert opens(moved)


@pytest.mark.parametrize("damage", ["no segment", "no manifest", "no published snapshot", "no index"])
def test_a_missing_snapshot_is_named_with_the_remedy(index: Path, damage: str) -> None:
    if damage == "no index":
        shutil.rmtree(index)
    elif damage == "no segment":
        shutil.rmtree(the_segment(index))
    else:
        (manifest_path(index, current_id(index)) if damage == "no manifest" else index / CURRENT).unlink()
    with pytest.raises(SnapshotError, match="run `osler index build`"):
        Snapshot(index)


def test_content_is_compared_up_to_a_size_when_opened_and_always_when_verified(index: Path) -> None:
    (entry,) = read_manifest(index, current_id(index))["segments"]
    folder = the_segment(index)
    sizes = {n: f["bytes"] for n, f in json.loads((folder / RECORD).read_text())["files"].items()}
    largest = max(sizes, key=lambda name: sizes[name])
    flip(folder / largest, sizes[largest] // 2)
    assert segment_problems(folder, entry, sizes[largest] - 1) == []
    assert segment_problems(folder, entry, sizes[largest]) == segment_problems(folder, entry)
    (problem,) = segment_problems(folder, entry)
    assert problem.startswith(f"{largest} is damaged")


def test_a_store_without_its_tables_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "store.sqlite").close()
    with pytest.raises(SnapshotError, match="not a readable store"):
        Store(tmp_path / "store.sqlite")


def test_both_runtimes_give_the_same_vectors(encoder: Path) -> None:
    texts = ["HIT", *(d.text for d in tiny_corpus()), "argatroban " * 400]
    one, other = OnnxEncoder(encoder).encode(texts), OpenVinoEncoder(encoder).encode(texts)
    assert (one * other).sum(axis=1).min() > 0.9999


def test_an_index_is_changed_with_the_model_that_made_it(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "encoder_id", lambda model: "another")
    for change in (lambda: add([document("more", "Text.\n")], index), lambda: remove(["ivig"], index)):
        with pytest.raises(EncoderError, match=r"made with encoder \w+, not with .*build it again"):
            change()


def test_a_removal_that_was_interrupted_can_be_repeated(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add([document("hernia", "- Watchful waiting suits painless hernias only. {#t5}\n")], index)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, "prune", interrupted)
    with pytest.raises(KeyboardInterrupt):
        remove(["hernia"], index)
    monkeypatch.undo()
    assert b"hernia" in content(index)
    assert remove(["hernia"], index).sources == 4
    assert b"hernia" not in content(index)


def test_a_statement_that_cannot_be_costs_its_document_only(index: Path) -> None:
    told: list[str] = []
    bad = document("ivig", '- A statement. {#x checked="sometimes"}\n')
    built = add([bad, document("more", BODY.format("x", 2))], index, skip=lambda problem: told.append(str(problem)))
    assert built.sources == 6
    assert told == ["source 'ivig', statement x: checked 'sometimes' is unknown; expected one of primary, abstract, "
                    "secondary"]  # fmt: skip
    with Snapshot(index) as found:
        assert "refractory HIT" in found.store.source_text("ivig"), "the earlier version stays"


def test_half_written_manifests_are_no_snapshots(index: Path) -> None:
    (index / "snapshots" / ".abc.json").write_text("")
    assert snapshot_ids(index) == [current_id(index)]
    assert prune(index, keep=3).snapshots == 0
    assert build(tiny_corpus(), index).reused
    assert not (index / "snapshots" / ".abc.json").exists()
