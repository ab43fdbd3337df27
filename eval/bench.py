"""``make bench``: what the starter index does, in figures. Prints, asserts nothing.

Every figure is taken in this run on this machine; times are medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from rag.answer.plain import grade
from rag.domain import Answer, Audience, Outcome
from rag.index.build import build
from rag.ingest.reading import documents
from rag.pipeline import Pipeline
from rag.settings import Settings

QUESTIONS = Path(__file__).parent / "questions" / "starter.txt"
TABLES = Path(__file__).parent.parent / "tests" / "tables"
_ROUNDS, _STARTS = 8, 7
Row = tuple[str, str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=None, help="folder of the index (default: settings)")
    parser.add_argument("--tables", type=Path, default=TABLES, help="folder of question tables")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment(index_dir=options.index)
    pipeline = Pipeline.open(settings)
    questions = QUESTIONS.read_text("utf-8").splitlines()
    answers = [pipeline.ask(q) for q in questions]
    table = Table("what", "figure", "goal", title=f"osler bench, snapshot {pipeline.snapshot.snapshot_id}")
    sections = (
        grounding(pipeline, answers),
        readers(pipeline, questions, answers),
        speed(pipeline, questions),
        cold(settings),
        tables(pipeline, options.tables),
        building(settings),
    )
    for section in sections:
        for row in section:
            table.add_row(*row)
        table.add_section()
    Console().print(table)
    return 0


def grounding(pipeline: Pipeline, answers: Sequence[Answer]) -> Iterator[Row]:
    """Whether every statement of the twelve answers stands on the words it cites."""
    statements = [s for a in answers for s in a.statements()]
    evidence = [e for s in statements for e in s.evidence]
    exact = sum(pipeline.passage(e.passage_id)[0].text[e.start : e.end] == e.quote for e in evidence)
    checks = [pipeline.verifier.verify(s.text, [e.quote for e in s.evidence], strength=s.strength) for s in statements]
    foreign = sum(any(r.kind in {"number", "unit", "drug"} for r in c.reasons) for c in checks)
    outcomes = [a.outcome for a in answers]
    yield "starter questions answered / partial", _outcomes(outcomes), "12 of 12"
    yield "statements in them", str(len(statements)), ""
    yield "with a citation", _share(sum(bool(s.citations) for s in statements), len(statements)), "100 %"
    yield "quotes that are an exact slice of the passage", _share(exact, len(evidence)), "100 %"
    yield "statements with a number or drug not in the passage", str(foreign), "0"
    yield "same question, same bytes (but for timings)", _share(_repeats(pipeline, answers), len(answers)), "100 %"


def readers(pipeline: Pipeline, questions: Sequence[str], answers: Sequence[Answer]) -> Iterator[Row]:
    """What trainees and patients are shown of the twelve answers, and how hard it is to read."""
    trainees = [pipeline.ask(q, Audience.TRAINEE) for q in questions]
    patients = [pipeline.ask(q, Audience.PATIENT) for q in questions]
    said = [s for a in patients for s in a.statements()]
    withheld = sum(len(w.statement_ids) for a in patients for w in a.withheld)
    same = sum(t.statements() == a.statements() for t, a in zip(trainees, answers, strict=True))
    verbatim, plain = grade(s.text for s in said), grade(s.shown for s in said)
    yield "trainees' answers with all statements", _share(same, len(answers)), "100 %"
    yield "statements shown to patients / withheld and listed", f"{len(said)} / {withheld}", ""
    yield "reading grade of what patients see: verbatim, in plain words", f"{verbatim}, {plain}", ""
    found = pipeline.consistency(answers)
    yield "contradictions between the answers", str(len(found.contradictions)), "0"


def _outcomes(outcomes: Sequence[Outcome]) -> str:
    return f"{outcomes.count(Outcome.ANSWERED)} / {outcomes.count(Outcome.PARTIAL)}"


def _repeats(pipeline: Pipeline, answers: Sequence[Answer]) -> int:
    timed = {"receipt": {"timings_ms"}}
    return sum(
        pipeline.ask(a.question).model_dump_json(exclude=timed) == a.model_dump_json(exclude=timed) for a in answers
    )


def speed(pipeline: Pipeline, questions: Sequence[str]) -> Iterator[Row]:
    """Warm questions, text in to Answer out, with the time of each step."""
    totals, steps = [], dict[str, list[float]]()
    for _ in range(_ROUNDS):
        for question in questions:
            start = time.perf_counter()
            answer = pipeline.ask(question)
            totals.append((time.perf_counter() - start) * 1000)
            for name, value in answer.receipt.timings_ms.items():
                steps.setdefault(name, []).append(value)
    totals.sort()
    yield (
        "warm question, median / p95",
        f"{statistics.median(totals):.1f} / {totals[len(totals) * 95 // 100]:.1f} ms",
        "< 30 ms",
    )
    parts = ", ".join(f"{name} {statistics.median(v):.1f}" for name, v in steps.items() if name != "total")
    yield "its steps, medians", f"{parts} ms", ""
    yield "resident memory of the warm process", f"{_resident_mb():.0f} MB", "< 400 MB"


def _resident_mb() -> float:
    status = Path("/proc/self/status")
    if not status.is_file():
        return float("nan")
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def cold(settings: Settings) -> Iterator[Row]:
    """Whole processes, started and ended."""
    question = QUESTIONS.read_text("utf-8").splitlines()[0]
    index = str(settings.index_dir)
    yield "osler ask, whole process", f"{_process_ms(['ask', question, '--index', index]):.0f} ms", "< 1000 ms"
    yield "osler --help", f"{_process_ms(['--help']):.0f} ms", "< 150 ms"


def _process_ms(arguments: list[str]) -> float:
    command = [sys.executable, "-m", "api.cli", *arguments]
    return _median_ms(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ))  # noqa: S603


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(_STARTS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def tables(pipeline: Pipeline, folder: Path) -> Iterator[Row]:
    """The question tables: what is shown for what can be answered, abstention, premises, paraphrases."""
    answerable = _load(folder / "answerable.yaml")
    answers = [pipeline.ask(item["question"]) for item in answerable]
    answered = [a.outcome in {Outcome.ANSWERED, Outcome.PARTIAL} for a in answers]
    must = [set(i["must"]) <= _anchors(pipeline, a) for i, a in zip(answerable, answers, strict=True)]
    first = [bool(set(i["facts"]) & _anchors(pipeline, a, True)) for i, a in zip(answerable, answers, strict=True)]
    yield "answerable questions: answered", _share(sum(answered), len(answers)), ""
    yield "  all that a right answer must show is shown", _share(sum(must), len(must)), ""
    yield "  bottom line has a pertinent fact", _share(sum(first), len(first)), ""
    unanswerable = [pipeline.ask(item["question"]) for item in _load(folder / "unanswerable.yaml")]
    abstained = sum(a.outcome is Outcome.ABSTAINED for a in unanswerable)
    yield "unanswerable questions: abstained", _share(abstained, len(unanswerable)), ""
    items = _load(folder / "premises.yaml")
    false = [i for i in items if not i.get("true")]
    hits = sum(bool(set(i["facts"]) & _corrections(pipeline, i["question"])) for i in false)
    kept = sum(not _corrections(pipeline, i["question"]) for i in items if i.get("true"))
    yield "false premises: corrected with the right evidence", _share(hits, len(false)), ""
    yield "true premises: left alone", _share(kept, len(items) - len(false)), ""
    paraphrases = [q for item in _load(folder / "paraphrases.yaml") for q in item["paraphrases"]]
    spoken = sum(pipeline.ask(q).outcome in {Outcome.ANSWERED, Outcome.PARTIAL} for q in paraphrases)
    yield "paraphrases of the starter questions: answered", _share(spoken, len(paraphrases)), ""


def _load(path: Path) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
    return items


def _anchors(pipeline: Pipeline, answer: Answer, first_only: bool = False) -> set[str | None]:
    statements = answer.bottom_line if first_only else answer.statements()
    return {pipeline.passage(e.passage_id)[0].anchor for s in statements for e in s.evidence}


def _corrections(pipeline: Pipeline, question: str) -> set[str | None]:
    answer = pipeline.ask(question)
    return {pipeline.passage(e.passage_id)[0].anchor for s in answer.bottom_line if s.correction_of for e in s.evidence}


def building(settings: Settings) -> Iterator[Row]:
    """Building the starter index with the model exported: from nothing, and again with everything there."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(settings.index_dir / "encoders", Path(folder) / "encoders")
        for name in ("index build, model exported, nothing embedded", "index build, nothing new"):
            start = time.perf_counter()
            built = build(documents([settings.corpus_dir]), Path(folder), model=settings.model)
            yield name, f"{time.perf_counter() - start:.1f} s, {built.embedded} texts embedded", ""


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none"


if __name__ == "__main__":
    sys.exit(main())
