"""What each command of ``osler`` does: reads its arguments, calls ``rag``, prints. Returns the exit code.

Imports stand in the functions, so that a command loads only what it uses.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from api.terminal import label, line, progress, write, write_answer, write_fields, write_json

if TYPE_CHECKING:
    from rag.domain import Hit, Passage, Source
    from rag.pipeline import Pipeline
    from rag.settings import Settings

_REMAKE_SNAPSHOT = "run `osler index build` to make it again"


def ask(arguments: Namespace) -> int:
    from rag.domain import Audience

    question = _question(arguments.question)
    answer = _pipeline(arguments).ask(question, Audience(arguments.audience))
    write_answer(answer, arguments.format, quotes=arguments.quotes)
    return 0


def search(arguments: Namespace) -> int:
    found = _pipeline(arguments).search(_question(arguments.question), arguments.k)
    if arguments.as_json:
        write_json(json.dumps([_hit_record(*row) for row in enumerate(found, 1)], indent=2, ensure_ascii=False))
        return 0
    for rank, (hit, passage, source) in enumerate(found, 1):
        write(f"{rank:>3}  {hit.score:.3f}  {hit.passage_id}  {label(source)}\n     {line(passage.text)}\n")
    return 0


def show(arguments: Namespace) -> int:
    passage, source = _pipeline(arguments).passage(arguments.passage_id)
    if arguments.as_json:
        record = {"passage": passage.model_dump(mode="json"), "source": source.model_dump(mode="json")}
        write_json(json.dumps(record, indent=2, ensure_ascii=False))
        return 0
    write_fields(_passage_fields(passage, source))
    return 0


def index_build(arguments: Namespace) -> int:
    from rag.index.build import build
    from rag.ingest.check import corpus_files
    from rag.ingest.readers.markdown import read_file

    settings = _settings(arguments, model=arguments.model)
    documents = [read_file(path) for path in corpus_files(arguments.sources or [settings.corpus_dir])]
    # Libraries print while a model is exported; standard output is for the one line below.
    with progress() as report, redirect_stdout(sys.stderr):
        built = build(documents, settings.index_dir, model=settings.model, progress=report)
    state = "already there" if built.reused else "built"
    counts = f"{built.sources} sources, {built.passages} passages, {built.embedded} texts embedded"
    write(f"snapshot {built.snapshot_id}: {counts}, {state}\n")
    return 0


def index_info(arguments: Namespace) -> int:
    from rag.index.encoder import read_record
    from rag.index.snapshot import Snapshot

    index_dir = _settings(arguments).index_dir
    snapshot = Snapshot(index_dir)
    counts, manifest = snapshot.store.counts(), snapshot.manifest
    encoder = read_record(index_dir / "encoders" / manifest["encoder_id"])
    if arguments.as_json:
        record = {"folder": str(snapshot.folder), "counts": counts, "encoder": encoder, **manifest}
        write_json(json.dumps(record, indent=2, ensure_ascii=False))
        return 0
    fields = [("snapshot", snapshot.snapshot_id), ("folder", str(snapshot.folder))]
    fields += [(f"{noun}s", f"{count:,}") for noun, count in counts.items()]
    exactness = f"its vectors are within {encoder['max_difference']:.1e} of the original's"
    fields += [("corpus digest", snapshot.corpus_digest), ("format", f"version {manifest['format_version']}")]
    fields += [("encoder", f"{encoder['model']}@{manifest['encoder_id']}; {exactness}")]
    write_fields(fields + [(name, f"{facts['bytes']:,} bytes") for name, facts in manifest["files"].items()])
    return 0


def index_verify(arguments: Namespace) -> int:
    from rag.index.encoder import damaged_encoder
    from rag.index.snapshot import current_id, damaged, read_manifest

    index_dir = _settings(arguments).index_dir
    snapshot_id = current_id(index_dir)
    folder = index_dir / "snapshots" / snapshot_id
    manifest = read_manifest(folder)
    problems = [f"snapshot {snapshot_id}: {damage}; {_REMAKE_SNAPSHOT}" for damage in damaged(folder, manifest)]
    encoder_id = manifest["encoder_id"]
    broken = damaged_encoder(index_dir / "encoders" / encoder_id)
    problems += [f"encoder {encoder_id}: {damage}; {_REMAKE_SNAPSHOT}" for damage in broken]
    if problems:
        write("".join(f"{problem}\n" for problem in problems))
        return 1
    write(f"snapshot {snapshot_id}: {len(manifest['files'])} files and its encoder match their checksums\n")
    return 0


def corpus_check(arguments: Namespace) -> int:
    from rag.errors import CorpusError
    from rag.ingest.check import check_corpus

    report = check_corpus(arguments.folder or _settings(arguments).corpus_dir)
    if report.problems:
        write("".join(f"{line(problem)}\n" for problem in report.problems))
        return CorpusError.exit_code
    write(f"{report.sources} sources, {report.statements} statements: no problems\n")
    return 0


def _settings(arguments: Namespace, **given: object) -> Settings:
    from rag.settings import Settings

    return Settings.from_environment(None, index_dir=getattr(arguments, "index_dir", None), **given)


def _pipeline(arguments: Namespace) -> Pipeline:
    settings = _settings(arguments)
    from rag.pipeline import Pipeline

    return Pipeline.open(settings)


def _question(given: str) -> str:
    """The question itself, or standard input for ``-``. Raises ``QuestionError`` when it is not text in UTF-8."""
    from rag.errors import QuestionError

    try:
        text = sys.stdin.read() if given == "-" else given
        text.encode()  # arguments that are not UTF-8 reach Python as lone surrogates
    except UnicodeError:
        raise QuestionError("question: not UTF-8; expected text, give it in UTF-8") from None
    return text


def _hit_record(rank: int, found: tuple[Hit, Passage, Source]) -> dict[str, Any]:
    hit, passage, source = found
    named = {"passage_id": hit.passage_id, "source_id": source.key, "heading": passage.heading, "text": passage.text}
    return {"rank": rank, "score": hit.score, **named}


def _passage_fields(passage: Passage, source: Source) -> list[tuple[str, str]]:
    from rag.answer.references import vancouver

    fields = {
        "passage": passage.passage_id,
        "text": passage.text,
        "source": vancouver(source),
        "source id": source.key,
        "heading": passage.heading,
        "page": str(passage.page) if passage.page is not None else None,
        "strength": passage.strength,
        "certainty": passage.certainty,
        "population": passage.population,
        "checked": passage.checked.value if passage.checked else None,
        "derived": "yes: our arithmetic, inference or synthesis" if passage.derived else "no",
    }
    return [(name, value or "not stated") for name, value in fields.items()]
