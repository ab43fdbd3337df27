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

from rag.errors import BusyError, CorpusError, SnapshotError
from rag.index.build import Built, build, corpus_digest, embedding_text
from rag.index.encoder import OnnxEncoder
from rag.index.snapshot import CURRENT, FILES, MANIFEST, Snapshot, current_id, damaged, read_manifest
from rag.index.store import Store
from rag.ingest.readers.markdown import read_file
from rag.ingest.split import split

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


def opens(index: Path) -> str:
    """Id of the published snapshot, which opens and is whole, however large."""
    found = Snapshot(index)
    found.close()
    assert damaged(found.folder, found.manifest) == []
    return found.snapshot_id


# what is built


def test_the_published_snapshot_is_what_was_built(index: Path, snapshot: Snapshot) -> None:
    passages = [p for d in sorted(tiny_corpus(), key=lambda d: d.source.key) for p in split(d)]
    assert snapshot.store.counts()["source"] == 5
    assert [snapshot.store.passage(row) for row in range(len(passages))] == passages
    assert len(snapshot.dense) == len(passages)
    assert len(snapshot.sentence_vectors) == snapshot.store.counts()["sentence"] == len(passages) + 1
    assert snapshot.corpus_digest == corpus_digest(tiny_corpus())
    assert current_id(index) == snapshot.snapshot_id == snapshot.folder.name


def test_vectors_are_those_of_the_encoder(snapshot: Snapshot, encoder: Path) -> None:
    model, store = OnnxEncoder(encoder), snapshot.store
    for row in range(len(snapshot.dense)):
        passage = store.passage(row)
        vector = model.encode([embedding_text(passage, store.source(passage.source_key).title)])[0]
        rows, scores = snapshot.dense.search(vector, 1)
        assert rows[0] == row
        assert scores[0] == pytest.approx(1, abs=1e-4)
        for sentence in store.sentences([row]):
            own = model.encode([passage.text[sentence.start : sentence.end]])[0]
            assert np.abs(snapshot.sentence_vectors[sentence.row] - own).max() < 1e-5


def test_mined_abbreviations_are_part_of_the_analysis(snapshot: Snapshot) -> None:
    assert ("CrCl", "creatinine clearance") in snapshot.store.abbreviations()
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
    assert build(tiny_corpus(), other).snapshot_id == current_id(index)
    ours, theirs = (read_manifest(d / "snapshots" / current_id(d))["files"] for d in (index, other))
    assert ours == theirs


def test_adding_a_source_embeds_only_its_texts(index: Path) -> None:
    added = document("danaparoid", BODY.format("sodium", 1))
    built = build([*tiny_corpus(), added], index)
    assert not built.reused
    assert built.embedded == 2, "one passage under its title, and its one sentence"
    assert (built.sources, built.passages) == (6, len([p for d in (*tiny_corpus(), added) for p in split(d)]))
    assert opens(index) == built.snapshot_id


def test_changing_one_statement_embeds_only_it(index: Path) -> None:
    kept = [d for d in tiny_corpus() if d.source.key != "warfarin"]
    assert build([*kept, document("warfarin", "- Warfarin waits for platelets. {#t4}\n")], index).embedded == 2


def test_removing_a_source_leaves_no_trace(index: Path) -> None:
    kept = [d for d in tiny_corpus() if d.source.key != "hernia"]
    built = build(kept, index)
    assert built.embedded == 0
    assert b"hernia" not in b"".join(p.read_bytes() for p in built.folder.iterdir())
    found = Snapshot(index)
    assert "hernia" not in found.store.terms(["hernia", "=inguinal hernia", "watch"])
    assert len(found.dense) == len(found.lexical.scores({})) == found.store.counts()["passage"] == built.passages
    assert len(found.sentence_vectors) == found.store.counts()["sentence"]
    found.close()


def test_going_back_publishes_the_old_snapshot_again(index: Path) -> None:
    first = current_id(index)
    assert build(tiny_corpus()[:2], index).snapshot_id != first
    back = build(tiny_corpus(), index)
    assert back.reused
    assert opens(index) == back.snapshot_id == first


def test_a_published_snapshot_is_never_changed(index: Path, snapshot: Snapshot) -> None:
    before = {p.name: p.read_bytes() for p in snapshot.folder.iterdir()}
    build(tiny_corpus()[:2], index)
    assert {p.name: p.read_bytes() for p in snapshot.folder.iterdir()} == before
    assert snapshot.store.passage(0).source_key == "argatroban", "an open reader goes on reading what it opened"


def test_the_manifest_lists_exactly_the_files(base: Path) -> None:
    folder = base / "snapshots" / current_id(base)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert set(manifest["files"]) == set(FILES) == {p.name for p in folder.iterdir()} - {MANIFEST}
    for name, facts in manifest["files"].items():
        assert facts["bytes"] == (folder / name).stat().st_size


def test_there_are_no_pickles(base: Path) -> None:
    files = [p for p in base.rglob("*") if p.is_file()]
    assert not [p for p in files if p.suffix in {".pkl", ".pickle", ".joblib", ".pt", ".bin"}]
    for path in (p for p in files if p.suffix == ".npy"):
        np.load(path, allow_pickle=False)
    assert not [p for p in files if p.read_bytes()[:2] in {b"\x80\x03", b"\x80\x04", b"\x80\x05"}]


def test_progress_is_told_step_by_step(index: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build([*tiny_corpus(), document("more", BODY.format("x", 2))], index, progress=lambda *step: told.append(step))
    assert told == [("model", 0, 1), ("embed", 0, 2), ("embed", 2, 2)]


# what is refused


def test_two_documents_with_one_key_are_refused(index: Path) -> None:
    before = current_id(index)
    with pytest.raises(CorpusError, match="source key 'ivig': used by two documents"):
        build([document("ivig"), document("ivig", "Another text.\n")], index)
    assert opens(index) == before


@pytest.mark.parametrize("bodies", [[], ["", "## A heading without text\n"]])
def test_no_text_is_refused(tmp_path: Path, bodies: list[str]) -> None:
    with pytest.raises(CorpusError, match="none has text"):
        build([document(f"empty{i}", body) for i, body in enumerate(bodies)], tmp_path / "index")
    assert not (tmp_path / "index").exists()


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
        with pytest.raises(BusyError, match="another build is running; wait"):
            build(tiny_corpus()[:1], index)
        assert opens(index), "readers need no lock"
    assert not build(tiny_corpus()[:1], index).reused


def test_a_damaged_vector_cache_is_named(index: Path) -> None:
    (cache,) = (index / "cache").iterdir()
    cache.write_bytes(b"not a database" * 400)
    with pytest.raises(SnapshotError, match=rf"{cache.name}.*delete it"):
        build(tiny_corpus()[:1], index)
    cache.unlink()
    assert build(tiny_corpus()[:1], index).embedded > 0


# what a killed build leaves

_CHILD = """
import sys, time
from pathlib import Path
import rag.index.build as builder
from rag.ingest.readers.markdown import read_markdown

point, index, files = sys.argv[1], Path(sys.argv[2]), [Path(f) for f in sys.argv[3:]]

def reach(name):
    print(name, flush=True)
    if name == point:
        time.sleep(60)

def stop_before(name):
    original = getattr(builder, name)
    def stopping(*args, **named):
        reach(name)
        return original(*args, **named)
    setattr(builder, name, stopping)

for name in ("write_vectors", "write_store", "_write_manifest", "_sync", "_publish"):
    stop_before(name)
documents = [read_markdown(f.read_bytes(), f.name) for f in files]
reach("start")
builder.build(documents, index, progress=lambda step, done, total: reach(f"{step}{done}"))
reach("end")
"""


def start_child(index: Path, folder: Path, body: str, point: str) -> subprocess.Popen[str]:
    """A process that builds the tiny corpus and one more source, written to ``folder``, and halts at ``point``."""
    folder.mkdir(exist_ok=True)
    for key, text in {**TINY, "fresh": body}.items():
        (folder / f"{key}.md").write_bytes(markdown(key, text))
    command = [sys.executable, "-c", _CHILD, point, str(index), *map(str, sorted(folder.iterdir()))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_at(child: subprocess.Popen[str], point: str, delay_s: float = 0) -> None:
    assert child.stdout is not None
    while child.stdout.readline().strip() != point:
        assert child.poll() is None, f"the build ended before it reached {point}"
    time.sleep(delay_s)
    child.kill()


def fresh_body(tag: str, statements: int = 70) -> str:
    return "".join(f"- Statement {tag} {i} on argatroban. {{#{tag}{i}}}\n" for i in range(statements))


def check_after_a_kill(index: Path, folder: Path, before: str) -> Built:
    """The published snapshot is whole, and the next build of the same files ends, publishes and sweeps."""
    now = opens(index)
    built = build([read_file(f) for f in sorted(folder.iterdir())], index)
    assert now in {before, built.snapshot_id}
    assert opens(index) == built.snapshot_id != before
    assert [p.name for p in (index / "snapshots").iterdir() if p.name.startswith(".")] == []
    assert {p.name for p in index.iterdir()} <= {".lock", CURRENT, "cache", "encoders", "snapshots"}
    return built


@pytest.mark.parametrize(
    ("point", "left_to_embed"),
    [("start", 140), ("model0", 140), ("embed0", 140), ("embed64", 76), ("embed128", 12), ("write_vectors", 0),
     ("write_store", 0), ("_write_manifest", 0), ("_sync", 0), ("_publish", 0)],
)  # fmt: skip
def test_a_killed_build_leaves_the_published_snapshot_and_is_resumed(
    index: Path, tmp_path: Path, point: str, left_to_embed: int
) -> None:
    before = current_id(index)
    with start_child(index, tmp_path / "files", fresh_body(point.strip("_")), point) as child:
        kill_at(child, point)
    built = check_after_a_kill(index, tmp_path / "files", before)
    assert built.embedded == left_to_embed
    assert built.reused == (point == "_publish")


def test_builds_killed_at_random_times(index: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    for attempt in range(6):
        before = current_id(index)
        with start_child(index, tmp_path / "files", fresh_body(f"try{attempt}"), "none") as child:
            kill_at(child, "start", chance.uniform(0.05, 0.8))
        check_after_a_kill(index, tmp_path / "files", before)


def test_left_overs_are_swept_even_when_there_is_nothing_to_build(index: Path) -> None:
    (index / "snapshots" / ".building-0123").mkdir()
    (index / "snapshots" / ".building-0123" / "store.sqlite").write_bytes(b"half")
    (index / "encoders" / ".export-x").mkdir()
    assert build(tiny_corpus(), index).reused
    assert not list(index.rglob(".building-*"))
    assert not list(index.rglob(".export-*"))


# what a damaged snapshot says


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["first byte", "middle byte", "last byte", "truncated", "lengthened", "deleted"])
def test_a_damaged_file_is_named_with_the_remedy_and_built_again(index: Path, name: str, damage: str) -> None:
    snapshot_id = current_id(index)
    path = index / "snapshots" / snapshot_id / name
    content = path.read_bytes()
    if damage.endswith("byte"):
        flip(path, {"first": 0, "middle": len(content) // 2, "last": -1}[damage.split()[0]])
    elif damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "truncated" else content + b"\0")
    with pytest.raises(SnapshotError, match=rf"{name} is (damaged|missing).*run `osler index build`"):
        Snapshot(index)
    again = build(tiny_corpus(), index)
    assert not again.reused
    assert again.embedded == 0, "vectors come from the cache"
    assert opens(index) == snapshot_id
    assert path.read_bytes() == content


def test_every_damage_to_the_manifest_is_seen(index: Path) -> None:
    path = index / "snapshots" / current_id(index) / MANIFEST
    content = path.read_bytes()
    for at in (*range(0, len(content) - 1, 7), content.index(b"corpus_digest") + 20):
        flip(path, at)
        if content[at : at + 1].strip():
            with pytest.raises(SnapshotError, match="run `osler index build`"):
                Snapshot(index)
        path.write_bytes(content)
    assert opens(index)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "{}", '{"format_version": 1}', '{"format_version": 99}'),
        *('{"format_version": 1, "files": []}', '{"format_version": 1, "files": {}}'),
    ],
)
def test_a_manifest_that_is_none_is_refused_and_built_again(index: Path, content: str) -> None:
    snapshot_id = current_id(index)
    (index / "snapshots" / snapshot_id / MANIFEST).write_text(content)
    with pytest.raises(SnapshotError, match="run `osler index build`"):
        Snapshot(index)
    assert build(tiny_corpus(), index).snapshot_id == snapshot_id == opens(index)


def test_another_format_is_named(index: Path) -> None:
    path = index / "snapshots" / current_id(index) / MANIFEST
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(SnapshotError, match="format 2, expected 1; run `osler index build` with this version"):
        Snapshot(index)


@pytest.mark.parametrize("fact", ["lexicon_sha256", "analysis_version"])
def test_terms_of_another_analysis_are_refused(index: Path, monkeypatch: pytest.MonkeyPatch, fact: str) -> None:
    if fact == "lexicon_sha256":
        monkeypatch.setattr("rag.index.snapshot.TABLE", index / CURRENT)
    else:
        monkeypatch.setattr("rag.index.snapshot.ANALYSIS_VERSION", "another")
    with pytest.raises(SnapshotError, match=r"another lexicon or analysis.*run `osler index build`"):
        Snapshot(index)


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%20b", "a b"])
def test_any_name_of_a_folder_will_do(index: Path, name: str) -> None:
    moved = index.rename(index.parent / name)
    assert opens(moved)


@pytest.mark.parametrize("damage", ["no snapshot folder", "no manifest", "no published snapshot", "no index"])
def test_a_missing_snapshot_is_named_with_the_remedy(index: Path, damage: str) -> None:
    folder = index / "snapshots" / current_id(index)
    if damage == "no index":
        shutil.rmtree(index)
    elif damage == "no snapshot folder":
        shutil.rmtree(folder)
    else:
        (folder / MANIFEST if damage == "no manifest" else index / CURRENT).unlink()
    with pytest.raises(SnapshotError, match="run `osler index build`"):
        Snapshot(index)


def test_content_is_compared_up_to_a_size_when_opened_and_always_when_verified(index: Path) -> None:
    folder = index / "snapshots" / current_id(index)
    manifest = read_manifest(folder)
    sizes = {name: facts["bytes"] for name, facts in manifest["files"].items()}
    largest = max(sizes, key=lambda name: sizes[name])
    flip(folder / largest, sizes[largest] // 2)
    assert damaged(folder, manifest, largest=sizes[largest] - 1) == []
    assert damaged(folder, manifest, largest=sizes[largest]) == damaged(folder, manifest)
    (problem,) = damaged(folder, manifest)
    assert problem.startswith(f"{largest} is damaged")


def test_a_store_without_its_tables_is_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "store.sqlite").close()
    with pytest.raises(SnapshotError, match="not a readable store"):
        Store(tmp_path / "store.sqlite")
