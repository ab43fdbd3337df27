"""``osler index``: each command reads its arguments, calls ``rag``, prints, and returns the exit code."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from api.commands import settings_of
from api.terminal import Skipped, progress, write, write_fields, write_json

if TYPE_CHECKING:
    from rag.index.build import Built

_REMAKE = "run `osler index build` to make it again"


def build(arguments: Namespace) -> int:
    from rag.index import build as builder

    return _from_files(arguments, builder.build, "built")


def add(arguments: Namespace) -> int:
    from rag.index import build as builder

    return _from_files(arguments, builder.add, "added")


def _from_files(arguments: Namespace, change: Any, done: str) -> int:
    from rag.errors import CorpusError
    from rag.ingest.reading import documents, in_set

    settings = settings_of(arguments, model=getattr(arguments, "model", None))
    sources = arguments.sources or [settings.corpus_dir]
    # A mistyped name is not a bad file among good ones. Path's own test raises for a name that is too long.
    for gone in (path for path in sources if not os.path.exists(path)):  # noqa: PTH110
        raise CorpusError(f"{gone}: does not exist; expected a file or a folder of them")
    # Libraries print while a model is exported; standard output is for the one line below.
    with progress() as told, Skipped(arguments.report) as skipped, redirect_stdout(sys.stderr):
        read = in_set(documents(sources, told=told), arguments.document_set)
        built = change(read, settings.index_dir, model=settings.model, progress=told, skip=skipped)
    write(_summary(built, "already there" if built.reused else done) + skipped.summary())
    return skipped.exit_code


def remove(arguments: Namespace) -> int:
    from rag.index.build import remove

    with progress() as told:
        settings = settings_of(arguments, model=getattr(arguments, "model", None))
        built = remove(arguments.keys, settings.index_dir, model=settings.model, progress=told)
    write(_summary(built, f"{len(arguments.keys)} removed"))
    return 0


def _summary(built: Built, state: str) -> str:
    counts = f"{built.sources:,} sources, {built.passages:,} passages, {built.embedded:,} texts embedded"
    return f"snapshot {built.snapshot_id}: {counts}, {state}\n"


def info(arguments: Namespace) -> int:
    from rag.index.encoder import read_record
    from rag.index.manifest import ENCODERS, snapshot_ids
    from rag.index.snapshot import Snapshot

    index_dir = settings_of(arguments).index_dir
    snapshot = Snapshot(index_dir)
    counts, manifest = snapshot.store.counts()._asdict(), snapshot.manifest
    encoder = read_record(index_dir / ENCODERS / manifest["encoder_id"])
    size = sum(f["bytes"] for s in snapshot.segments for f in s.record["files"].values())
    kept = snapshot_ids(index_dir)
    if arguments.as_json:
        facts = {"folder": str(index_dir), "counts": counts, "bytes": size, "kept": kept, "encoder": encoder}
        write_json(json.dumps({**facts, **manifest}, indent=2, ensure_ascii=False))
        return 0
    exactness = f"its vectors are within {encoder['max_difference']:.1e} of the original's"
    fields = [("snapshot", snapshot.snapshot_id), ("folder", str(index_dir))]
    fields += [(noun, f"{count:,}") for noun, count in counts.items() if noun != "terms"]
    fields += [("segments", str(len(snapshot.segments))), ("size", f"{size:,} bytes")]
    fields += [("corpus digest", snapshot.corpus_digest), ("format", f"version {manifest['format_version']}")]
    fields += [("encoder", f"{encoder['model']}@{manifest['encoder_id']}; {exactness}")]
    fields += [("kept", ", ".join(kept))]
    write_fields(fields)
    return 0


def verify(arguments: Namespace) -> int:
    from rag.index.encoder import damaged_encoder
    from rag.index.manifest import ENCODERS, current_id, read_manifest, segment_folder
    from rag.index.snapshot import segment_problems

    index_dir = settings_of(arguments).index_dir
    snapshot_id = current_id(index_dir)
    manifest = read_manifest(index_dir, snapshot_id)
    folders = [(entry, segment_folder(index_dir, entry["segment_id"])) for entry in manifest["segments"]]
    problems = [f"segment {f.name}: {p}; {_REMAKE}" for entry, f in folders for p in segment_problems(f, entry)]
    encoder_id = manifest["encoder_id"]
    broken = damaged_encoder(index_dir / ENCODERS / encoder_id)
    problems += [f"encoder {encoder_id}: {damage}; {_REMAKE}" for damage in broken]
    if problems:
        write("".join(f"{problem}\n" for problem in problems))
        return 1
    write(f"snapshot {snapshot_id}: {len(folders)} segments and its encoder match their checksums\n")
    return 0


def prune(arguments: Namespace) -> int:
    from rag.index.keeping import locked, prune

    index_dir = settings_of(arguments).index_dir
    with locked(index_dir):
        gone = prune(index_dir, arguments.keep)
    what = f"snapshots {gone.snapshots}, segments {gone.segments}, encoders {gone.encoders}"
    write(f"deleted: {what}; {gone.freed:,} bytes\n")
    return 0


def use(arguments: Namespace) -> int:
    from rag.index.keeping import use

    use(settings_of(arguments).index_dir, arguments.snapshot_id)
    write(f"snapshot {arguments.snapshot_id}: now the current one\n")
    return 0
