"""``osler corpus``: each command reads its arguments, calls ``rag``, prints, and returns the exit code."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING

from api.commands import settings_of
from api.terminal import label, line, state, write, write_fields, write_json

if TYPE_CHECKING:
    from rag.index.snapshot import Snapshot


def check(arguments: Namespace) -> int:
    from rag.errors import CorpusError
    from rag.ingest.check import check_corpus

    report = check_corpus(arguments.folder or settings_of(arguments).corpus_dir)
    if report.problems:
        write("".join(f"{line(problem)}\n" for problem in report.problems))
        return CorpusError.exit_code
    write(f"{report.sources} sources, {report.statements} statements: no problems\n")
    return 0


def list_sources(arguments: Namespace) -> int:
    snapshot = _opened(arguments)
    if arguments.as_json:
        records = [source.model_dump(mode="json", exclude_defaults=True) for source in snapshot.store.sources()]
        write_json(json.dumps(records, indent=2, ensure_ascii=False))
        return 0
    for source in snapshot.store.sources():
        mark = f" ({state(source)})" if state(source) else ""
        write(f"{source.key}  {source.evidence_type.value}  {label(source)}: {line(source.title)}{mark}\n")
    return 0


def show(arguments: Namespace) -> int:
    from rag.answer.references import vancouver

    snapshot = _opened(arguments)
    source, passages = snapshot.store.source(arguments.key), snapshot.store.passages_of(arguments.key)
    if arguments.as_json:
        record = {"source": source.model_dump(mode="json"), "passages": [p.model_dump(mode="json") for p in passages]}
        write_json(json.dumps(record, indent=2, ensure_ascii=False))
        return 0
    fields = [("source", source.key), ("reference", vancouver(source)), ("kind", source.evidence_type.value)]
    fields += [("state", state(source) or "stands"), ("licence", source.licence or "not stated")]
    write_fields([*fields, ("passages", str(len(passages)))])
    for passage in passages:
        place = " > ".join([*passage.heading_path, *([f"page {passage.page}"] if passage.page else [])])
        write(f"\n{passage.passage_id}  {line(place)}\n{line(passage.text)}\n")
    return 0


def _opened(arguments: Namespace) -> Snapshot:
    from rag.index.snapshot import Snapshot

    return Snapshot(settings_of(arguments).index_dir)
