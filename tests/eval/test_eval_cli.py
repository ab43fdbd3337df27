"""The command line of the harness, driven in this process: what it runs, prints and writes, and how it fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from dataset_examples import PREPARED, write
from local_server import listening
from selectolax.lexbor import LexborHTMLParser
from small_corpus import empty_index, exported_encoder
from test_architecture import HEAVY, loaded_by

import api.cli
from eval.cli import main
from eval.datasets import starter
from eval.domain import Item, Response
from eval.log import EvalLog, read_log
from eval.systems.verifying import VerifierSystem
from eval.trec import read_qrels, read_run

ROOT = Path(__file__).parents[2]
#: A collection in BEIR's form, small enough to know what is right.
CORPUS = {
    "d1": ("Argatroban", "Argatroban is cleared by the liver and is given less in hepatic impairment."),
    "d2": ("Fondaparinux", "Fondaparinux is cleared by the kidneys and is avoided in severe renal impairment."),
    "d3": ("Hernia", "Watchful waiting is an option in men whose inguinal hernia hardly troubles them."),
    "d4": ("Buprenorphine", "Buprenorphine is a partial agonist at the opioid receptor."),
    "d5": ("Warfarin", "Warfarin is not started in acute thrombocytopenia before platelets recover."),
}
QUERIES = {
    "q1": "Which anticoagulant is cleared by the liver?",
    "q2": "Which anticoagulant is avoided in renal impairment?",
    "q3": "May an inguinal hernia be watched?",
    "q4": "What is known of penguins?",
}
QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1, "d5": 1}, "q3": {"d3": 1}, "q4": {"d4": 0}}
ARTICLE = """\
# How is argatroban started when the liver is impaired?

Argatroban is started at 0.5 mcg/kg/min in moderate hepatic impairment [1].

## Monitoring

- The aPTT is measured 2 hours after the start [1].

## References

1. A label made up for tests. 2020.
"""
REFERENCE = """\
question: "How is argatroban started when the liver is impaired?"
title: "Start low"
claims:
  - id: dose
    text: "Argatroban is started at 0.5 mcg/kg/min in moderate hepatic impairment."
    importance: must
    values: ["0.5 mcg/kg/min"]
  - id: bolus
    text: "A platelet transfusion is avoided unless the patient bleeds."
    importance: nice
outline: ["Monitoring"]
"""

Command = Callable[..., int]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written into the checkout."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def indexed(starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))


@pytest.fixture
def failing(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must fail with ``code``, and returns the one line that it says."""

    def fail(*arguments: object, code: int = 2) -> str:
        assert main([str(a) for a in arguments]) == code
        out, err = capsys.readouterr()
        assert err.startswith("osler eval: ")
        assert err.count("\n") == 1
        assert "Traceback" not in out + err
        return err

    return fail


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the verifier is asked each item, in this test."""
    counts: Counter[str] = Counter()
    answer = VerifierSystem.respond

    def counted(self: VerifierSystem, item: Item) -> Response:
        counts[item.item_id] += 1
        return answer(self, item)

    monkeypatch.setattr(VerifierSystem, "respond", counted)
    return counts


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beir") / "penguins"
    (folder / "qrels").mkdir(parents=True)
    documents = ({"_id": i, "title": title, "text": text} for i, (title, text) in CORPUS.items())
    queries = ({"_id": i, "text": text} for i, text in QUERIES.items())
    (folder / "corpus.jsonl").write_text("".join(json.dumps(d) + "\n" for d in documents), "utf-8")
    (folder / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in queries), "utf-8")
    lines = [f"{q}\t{d}\t{grade}\n" for q, grades in QRELS.items() for d, grade in grades.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines), "utf-8")
    return folder


@pytest.fixture(scope="session")
def collection_index(collection: Path, starter_index: Path) -> Path:
    index = empty_index(collection.parent / "index", exported_encoder(starter_index))
    assert api.cli.main(["index", "build", str(collection / "corpus.jsonl"), "--name", str(index)]) == 0
    return index


def run(*arguments: object) -> EvalLog:
    """The log of a run that must succeed."""
    assert main(["run", *map(str, arguments), "--out", "log.json"]) == 0
    return read_log(Path("log.json"))


def values(log: EvalLog) -> dict[str, list[float | None]]:
    """Scores of all items by measure, but for times."""
    names = sorted({n for r in log.records for n in r.scores if n != "seconds"})
    return {n: [r.scores[n].value if n in r.scores else None for r in log.records] for n in names}


# answers


@pytest.mark.usefixtures("indexed")
def test_a_run_of_answers_is_logged_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "starter", "--limit", "6", "--report", "page"]) == 0
    out, err = capsys.readouterr()
    path = Path("eval-logs/starter-first6-osler.json")
    log = read_log(path)
    assert err == ""
    assert f"log: {path}" in out
    assert "claim_recall_must" in out
    assert "95 % interval" in out
    assert log.suite.items == len(log.records) == 6
    assert [r.item for r in log.records] == list(starter.load().items[:6])
    assert log.summaries["claim_recall"].judge.startswith("matcher")
    assert {j.judge for j in log.judges} == set(log.settings["judges"].values())
    assert all(f"{judge.judge}: accuracy {judge.accuracy:.3f}" in out for judge in log.judges)
    assert "6 items (the first 6)" in out
    assert "outcomes: " in out
    assert "whole answer" in out
    assert "…" not in out, "no figure is cut off"
    assert (log.settings["suite"], log.settings["task"], log.settings["limit"]) == ("starter", "answers", 6)
    assert log.system.receipt["snapshot_id"]
    assert log.versions["osler"]
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name], "no journal is left"
    assert "NaN" not in path.read_text("utf-8")
    page = LexborHTMLParser(Path("page/report.html").read_text("utf-8"))
    text = page.text()
    assert all(r.item.question in text for r in log.records)
    assert "matcher 1" in text
    assert "claim_recall_must" in Path("page/report.md").read_text("utf-8")


@pytest.mark.usefixtures("indexed")
def test_the_same_run_gives_the_same_scores_whatever_the_workers() -> None:
    first, again = run("starter", "--limit", 2), run("starter", "--limit", 2, "--workers", 4)
    assert values(first) == values(again)
    assert first.suite.digest == again.suite.digest
    intervals = [(s.value, s.low, s.high) for log in (first, again) for n, s in log.summaries.items() if "claim" in n]
    assert intervals[: len(intervals) // 2] == intervals[len(intervals) // 2 :]


@pytest.mark.usefixtures("indexed")
def test_an_article_in_a_file_is_scored_against_a_reference(capsys: pytest.CaptureFixture[str]) -> None:
    Path("reference.yaml").write_text(REFERENCE, "utf-8")
    Path("article.md").write_text(ARTICLE, "utf-8")
    log = run("reference", "--data", "reference.yaml", "--system", "file:article.md")
    assert log.system.name == "file article.md"
    assert log.summaries["claim_recall_must"].value == 1
    assert log.summaries["claim_recall_nice"].value == 0
    assert log.summaries["values_recall"].value == 1
    assert log.summaries["section_coverage"].value == 1
    assert log.summaries["citation_recall"].judge.startswith("citation matcher")
    assert "seconds" not in log.summaries, "reading a file takes no system's time"
    out = capsys.readouterr().out
    assert re.search(r"not scored, 1 item: citation_recall, .*: \w+", out), "with the reason"


@pytest.mark.usefixtures("indexed")
def test_a_limit_may_leave_the_one_item_that_an_article_answers() -> None:
    Path("article.md").write_text(ARTICLE, "utf-8")
    assert run("starter", "--limit", 1, "--system", "file:article.md", "--judge", "verifier").suite.items == 1


@pytest.mark.usefixtures("indexed")
def test_items_that_fail_are_counted_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    first = starter.load().items[0]
    Path("[b]answers.jsonl").write_text(json.dumps({"item_id": first.item_id, "answer": "Perhaps."}) + "\n", "utf-8")
    log = run("starter", "--limit", 3, "--system", "file:[b]answers.jsonl")
    assert log.summaries["failed"].value == pytest.approx(2 / 3)
    out = capsys.readouterr().out
    assert "2 of 3 items failed, the first with: no answer in [b]answers.jsonl" in out
    assert "file [b]answers.jsonl, " in out, "no name is read as markup"


@pytest.mark.usefixtures("indexed")
def test_robustness_asks_any_other_system_without_the_indexes_made_for_it() -> None:
    log = run("robustness", "--limit", 3)
    assert log.system.receipt["variants"] == {}
    assert {"same_outcome", "same_statements", "same_bottom_line"} <= log.summaries.keys()
    asked_of_file = json.dumps({"question": log.records[0].item.question, "answer": "Yes."})
    Path("answers.jsonl").write_text(asked_of_file + "\n", "utf-8")
    other = run("robustness", "--limit", 20, "--system", "file:answers.jsonl")
    assert not {"passage_order", "instruction_in_passage"} & {r.item.kind for r in other.records}


class Model(BaseHTTPRequestHandler):
    """Speaks chat completions and says the same to all."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)  # type: ignore[attr-defined]
        said = {"choices": [{"message": {"content": ARTICLE}, "finish_reason": "stop"}], "model": body["model"]}
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[ThreadingHTTPServer]:
    with listening(Model) as server:
        server.asked = []  # type: ignore[attr-defined]
        yield server


@pytest.mark.usefixtures("indexed")
def test_a_model_is_asked_once_for_each_item_with_a_cache(model: Any) -> None:
    system = ("--system", f"openai:http://127.0.0.1:{model.server_port}/v1", "--model", "small", "--cache", "kept.db")
    first = run("starter", "--limit", 2, *system, "--passages", 3)
    assert len(model.asked) == 2
    assert all("passage 3" in body["messages"][-1]["content"] for body in model.asked)
    again = run("starter", "--limit", 2, *system, "--passages", 3)
    assert len(model.asked) == 2
    assert values(first) == values(again)
    run("starter", "--limit", 3, *system, "--passages", 3)
    assert len(model.asked) == 3


@pytest.mark.usefixtures("indexed")
def test_a_system_that_always_fails_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    Path("answers.jsonl").write_text(json.dumps({"item_id": starter.load().items[0].item_id, "outcome": "failed"}))
    assert main(["run", "starter", "--limit", "2", "--system", "file:answers.jsonl", "--out", "log.json"]) == 1
    assert "2 of 2 items failed" in capsys.readouterr().out
    assert read_log(Path("log.json")).summaries["failed"].value == 1


# verification


@pytest.mark.parametrize(
    ("suite", "system", "said"),
    [
        ("evidence_inference", "", "system verifier: chooses among neutral, refutes, supports, and evidence_inference"),
        ("evidence_inference", "judge", "asks for significantly increased; expected --system file:PATH"),
        ("rqe", "verifier", "rqe asks for no, yes; expected --system questions or --system similar or"),
        ("healthver", "similar", "expected --system verifier or --system judge or --system file:PATH"),
        ("altered", "similar", "expected --system verifier or --system judge or --system file:PATH"),
    ],
)
def test_a_checker_is_refused_where_its_classes_are_not_asked_for(
    suite: str, system: str, said: str, failing: Callable[..., str]
) -> None:
    data = ["--data", write(PREPARED[suite], Path("data"))] if suite in PREPARED else []
    assert said in failing("run", suite, *data, *(["--system", system] if system else []))


@pytest.mark.usefixtures("indexed")
def test_pairs_of_questions_are_put_to_the_products_matcher_by_default() -> None:
    assert run("rqe", "--data", write(PREPARED["rqe"], Path("data"))).system.name == "osler questions"


def test_a_run_of_a_verifier_needs_no_index_and_no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", "/no/such/index")
    log = run("altered", "--limit", 20)
    assert log.summaries["altered_caught"].n == 20
    assert log.settings["judges"] == {}
    assert log.judges == ()
    assert log.system.name == "osler verifier"


@pytest.mark.usefixtures("indexed")
def test_a_judge_can_be_put_to_the_test_of_a_verifier() -> None:
    log = run("altered", "--limit", 3, "--system", "judge", "--judge", "matcher")
    assert log.system.name == "judge matcher 1"
    assert log.summaries["altered_caught"].n == 3


def test_what_was_asked_makes_the_digest() -> None:
    digests = {run("altered", *part).suite.digest for part in (["--limit", 5], ["--limit", 6], ["--limit", 5])}
    sampled = run("altered", "--limit", 5, "--sample", 1)
    assert len(digests) == 2
    assert sampled.suite.digest not in digests
    assert sampled.settings["sample"] == 1
    assert len(sampled.records) <= 5


def test_a_part_does_not_replace_the_log_of_another() -> None:
    for part in ([], ["--sample", "2"], ["--sample", "3"]):
        assert main(["run", "altered", "--limit", "4", *part]) == 0
    assert main(["run", "altered", "--limit", "5"]) == 0
    assert sorted(p.name for p in Path("eval-logs").iterdir()) == [
        "altered-first4-osler-verifier.json",
        "altered-first4-sample2-osler-verifier.json",
        "altered-first4-sample3-osler-verifier.json",
        "altered-first5-osler-verifier.json",
    ]


def test_a_cache_asks_nothing_twice(asked: Counter[str]) -> None:
    first = run("altered", "--limit", 8, "--cache", "a/kept.db")
    again = run("altered", "--limit", 8, "--cache", "a/kept.db", "--seed", 3)
    assert set(asked.values()) == {1}
    assert len(asked) == 8
    assert values(first) == values(again)


def test_a_run_that_is_interrupted_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, asked: Counter[str], failing: Callable[..., str]
) -> None:
    command = ("run", "altered", "--limit", "12", "--out", "log.json")
    respond, journal = VerifierSystem.respond, Path("log.json.journal")

    def interrupted(self: VerifierSystem, item: Item) -> Response:
        if len(asked) == 5:
            raise KeyboardInterrupt
        return respond(self, item)

    with monkeypatch.context() as patched:
        patched.setattr(VerifierSystem, "respond", interrupted)
        assert "interrupted; a run goes on when the same command is given again" in failing(*command, code=130)
    kept = len(journal.read_text("utf-8").splitlines())
    assert kept == 5
    assert not Path("log.json").exists()
    assert main(list(command)) == 0
    assert set(asked.values()) == {1}
    assert len(asked) == 12
    assert not journal.exists()
    assert read_log(Path("log.json")).summaries["altered_caught"].n == 12


# retrieval


@pytest.mark.parametrize("retriever", ["hybrid", "dense", "lexical"])
def test_a_collection_is_scored_as_trec_eval_scores_the_rankings(
    collection: Path, collection_index: Path, retriever: str
) -> None:
    import ir_measures
    from ir_measures import AP, RR, nDCG

    arguments = ["--collection", str(collection), "--index", str(collection_index), "--retriever", retriever]
    assert main(["retrieval", *arguments, "--k", "4", "--run-out", "new/x.run", "--out", "log.json"]) == 0
    log, written = read_log(Path("log.json")), read_run(Path("new/x.run"))
    assert log.suite.name == "beir/penguins"
    assert log.system.name == f"osler {retriever}"
    assert log.system.receipt["k"] == 4
    assert max(map(len, written.values())) <= 4
    qrels = read_qrels(collection / "qrels" / "test.tsv")
    judged = {q: grades for q, grades in qrels.items() if any(grades.values())}
    lines = Path("new/x.run").read_text("utf-8").splitlines()
    assert all(len(line.split()) == 6 for line in lines)
    official = {str(m): v for m, v in ir_measures.calc_aggregate(
        [nDCG @ 10, AP, RR], judged, ir_measures.read_trec_run("new/x.run")).items()}  # fmt: skip
    for name, value in official.items():
        assert log.summaries[name].value == pytest.approx(value), name
    assert log.summaries["RR"].value == 1
    for record in log.records:
        assert [r.document for r in record.response.ranking] == [d for d, _ in written.get(record.item.item_id, [])]


def test_a_topic_without_a_relevant_document_is_unscored(collection: Path, collection_index: Path) -> None:
    log = run("beir", "--data", collection, "--index", collection_index)
    assert log.summaries["nDCG@10"].n == 3
    assert log.summaries["nDCG@10"].unscored == 1
    assert log.records[-1].scores["AP"].reason == "no document is judged relevant"


def test_a_run_file_of_another_retriever_gets_the_same_scores(collection: Path, collection_index: Path) -> None:
    ours = run("beir", "--data", collection, "--index", collection_index, "--run-out", "ours.run")
    read = run("beir", "--data", collection, "--system", "run:ours.run")
    assert read.system.name == "run ours.run"
    measured = {n: v for n, v in values(ours).items() if n != "failed"}
    assert measured == {n: v for n, v in values(read).items() if n != "failed"}


def test_an_index_of_something_else_is_refused(collection: Path, starter_index: Path,
                                               failing: Callable[..., str]) -> None:  # fmt: skip
    said = failing("retrieval", "--collection", collection, "--index", starter_index)
    assert "holds no document that beir/penguins judges" in said
    assert f"osler index build {collection / 'corpus.jsonl'} --name NAME" in said


# comparing, reporting, gating


def worse(path: Path) -> Path:
    """The log with every second item got wrong."""
    raw = json.loads(path.read_text("utf-8"))
    for record in raw["records"][::2]:
        record["scores"]["altered_caught"]["value"] = 0.0
    raw["summaries"]["altered_caught"]["value"] = 0.5
    changed = path.with_name("worse.json")
    changed.write_text(json.dumps(raw), "utf-8")
    return changed


def test_a_log_holds_its_own_baseline_and_a_worse_one_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    run("altered", "--limit", 20)
    assert main(["gate", "log.json", "--baseline", "base.json", "--write", "--slack", "0"]) == 0
    assert main(["gate", "log.json", "--baseline", "base.json"]) == 0
    out, err = capsys.readouterr()
    assert "gate of altered: all" in out
    assert err == ""
    assert main(["gate", str(worse(Path("log.json"))), "--baseline", "base.json"]) == 1
    out, err = capsys.readouterr()
    assert "gate of altered: 1 finding\n" in out
    assert err.startswith("altered_caught: 0.5000 on 20 items, expected at least")


def test_two_logs_are_compared_in_words_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    run("altered", "--limit", 20)
    changed = worse(Path("log.json"))
    capsys.readouterr()
    assert main(["compare", "log.json", str(changed)]) == 0
    assert "altered_caught" in capsys.readouterr().out
    assert main(["compare", "log.json", str(changed), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["items"] == 20
    assert len(found["changes"]) == 10


def test_a_report_is_written_beside_the_log_or_where_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    log = run("altered", "--limit", 4)
    assert main(["report", "log.json", "--against", str(worse(Path("log.json")))]) == 0
    assert "report: log.html, log.md" in capsys.readouterr().out
    assert main(["report", "log.json", "--out", "pages"]) == 0
    assert {p.name for p in Path("pages").iterdir()} == {"report.html", "report.md"}
    text = LexborHTMLParser(Path("log.html").read_text("utf-8")).text()
    assert all(r.item.question in text for r in log.records)


def test_a_report_that_cannot_be_written_costs_no_log(failing: Callable[..., str]) -> None:
    Path("taken").write_text("a file", "utf-8")
    said = failing("run", "altered", "--limit", 2, "--out", "log.json", "--report", "taken/x.html")
    assert "report taken/x.html: cannot be written" in said
    assert read_log(Path("log.json")).suite.items == 2
    assert not Path("log.json.journal").exists()


# what goes wrong


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "required: COMMAND"),
        ("dance", "invalid choice"),
        ("run nosuch", "suite 'nosuch': unknown"),
        ("run bioasq", "get it from http"),
        ("run bioasq --data /no/such", "/no/such is no folder"),
        (
            "run starter --system nosuch",
            "system 'nosuch': none that answers questions; expected osler, osler:ADDRESS, ",
        ),
        ("run starter --system verifier", "system 'verifier': none that answers questions"),
        ("run starter --system run:x.run", "system 'run:x.run': none that answers questions"),
        ("run starter --system openai:http://localhost:1", "--model"),
        ("run starter --system http:", "none that answers questions"),
        ("run starter --system ftp://localhost", "none that answers questions"),
        ("run starter --system http:localhost", "address 'localhost'"),
        ("run starter --system file:none.jsonl", "answers none.jsonl: cannot be read"),
        ("run altered --system osler", "system 'osler': none that checks claims; expected verifier, judge"),
        ("run altered --system judge --judge nosuch", "judge 'nosuch': unknown"),
        ("run altered --system judge --judge nli:/no/such", "/no/such"),
        ("run altered --system judge --judge llm", "OSLER_JUDGE"),
        ("run starter --task retrieval --system http://localhost:1", "none that retrieves; expected osler, run:PATH"),
        ("run starter --task retrieval --system run:none.run", "run none.run: cannot be read"),
        ("run altered --limit 0", "--limit: 0: expected a whole number, 1 or more"),
        ("run altered --limit many", "--limit: many: expected a whole number"),
        ("run altered --workers 0", "--workers: 0: expected"),
        ("run altered --seed -1", "--seed: -1: expected a whole number, 0 or more"),
        ("run altered --sample 3", "sample 3: of how many items is not said"),
        ("run altered --limit 1 --out /dev/null/log.json", "cannot be used"),
        ("run altered --limit 1 --cache /dev/null/kept.db", "cache /dev/null/kept.db: cannot be used"),
        ("retrieval", "required: --collection"),
        ("retrieval --collection /no/such", "/no/such"),
        ("report none.json", "log none.json: cannot be read"),
        ("compare none.json none.json", "log none.json: cannot be read"),
        ("gate none.json --baseline base.json", "log none.json: cannot be read"),
        ("gate none.json", "required: --baseline"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(arguments: str, said: str, failing: Callable[..., str]) -> None:
    assert said in failing(*arguments.split())


@pytest.mark.usefixtures("indexed")
def test_an_unknown_judge_is_said_after_the_system_is_closed(
    failing: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from eval.systems.osler import OslerSystem

    closed: list[str] = []
    close = OslerSystem.close
    monkeypatch.setattr(OslerSystem, "close", lambda self: (closed.append(self.name), close(self)))
    assert "judge 'nosuch': unknown" in failing("run", "starter", "--judge", "nosuch")
    assert closed == ["osler"]


@pytest.mark.parametrize("content", ["", "[]", '{"log_version": 99}', '{"log_version": 1}', "no JSON"])
def test_a_file_that_is_no_log_is_refused(content: str, failing: Callable[..., str]) -> None:
    Path("odd.json").write_text(content, "utf-8")
    assert "log odd.json: " in failing("report", "odd.json")


def test_rankings_that_cannot_be_written_cost_no_log(failing: Callable[..., str]) -> None:
    Path("taken").write_text("a file", "utf-8")
    command = ("run", "altered", "--limit", 2, "--out", "log.json")
    assert "run taken/x.run: cannot be written" in failing(*command, "--run-out", "taken/x.run")
    assert read_log(Path("log.json")).suite.items == 2


def test_an_index_that_is_not_built_says_how_to_build_it(collection: Path, failing: Callable[..., str]) -> None:
    index = Path("absent").resolve()
    said = failing("run", "starter", "--index", index, code=1)
    assert f"index {index}: no snapshot there; build it with `osler index build --name {index}`" in said
    said = failing("retrieval", "--collection", collection, "--index", index, code=1)
    assert f"`osler index build {collection / 'corpus.jsonl'} --name {index}`" in said
    assert not index.exists()


def test_the_judge_finds_its_model_where_no_index_is(starter_index: Path) -> None:
    """It takes what another index beside it has, as a build does; there being none, it would be made."""
    home = Path("indexes").resolve()
    empty_index(home / "other", exported_encoder(starter_index))
    Path("answers.jsonl").write_text(
        json.dumps({"item_id": starter.load().items[0].item_id, "answer": "Perhaps."}) + "\n", "utf-8"
    )
    log = run("starter", "--limit", 1, "--system", "file:answers.jsonl", "--index", home / "absent")
    assert log.summaries["claim_recall"].n == 1
    assert [p.name for p in (home / "absent").iterdir()] == ["encoders"]


def test_an_error_of_our_own_is_one_line_with_code_1(
    failing: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("eval.commands.write_log", broken)
    said = failing("run", "altered", "--limit", 1, code=1)
    assert "unexpected error: ZeroDivisionError: by nothing; set OSLER_TRACEBACK=1 to see where" in said
    monkeypatch.setenv("OSLER_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["run", "altered", "--limit", "1"])


# the suites


def test_the_suites_are_listed_with_addresses_that_can_be_copied(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from eval.suites.catalogue import names, suite

    monkeypatch.setenv("COLUMNS", "100")
    assert main(["suites"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in names())
    assert all(suite(n).about().licence.split()[0] in out for n in names())
    assert suite("bioasq").about().source in out
    assert "verification: statements made false" in out
    assert "…" not in out


def test_what_is_asked_can_be_answered_into_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["items", "altered", "--limit", "3"]) == 0
    asked = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(row) for row in asked] == [{"item_id", "question", "evidence"}] * 3
    answers = [{"item_id": row["item_id"], "label": "neutral"} for row in asked]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers), "utf-8")
    assert run("altered", "--limit", 3, "--system", "file:answers.jsonl").summaries["failed"].value == 0


def test_nothing_that_is_known_of_an_item_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["items", "starter"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["item_id"] for row in rows] == [item.item_id for item in starter.load().items]
    assert {name for row in rows for name in row} == {"item_id", "question", "history"}


def test_of_robustness_only_what_any_system_can_be_asked_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["items", "robustness"]) == 0
    assert "instruction_in_passage" not in capsys.readouterr().out


# as a part of osler


def osler(*arguments: str, module: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["run", "nosuch"], [], ["report", "none.json"]])
def test_osler_hands_over_to_the_harness(arguments: list[str]) -> None:
    alone = osler(*arguments, module="eval")
    assert osler("eval", *arguments, module="api.cli") == alone
    assert alone[0] == (0 if "--help" in arguments else 2)


def test_handing_over_gives_back_the_arguments_and_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["osler", "as", "it", "was"]
    monkeypatch.setattr(sys, "argv", given)
    assert api.cli.main(["eval", "run", "altered", "--limit", "2", "--out", "log.json"]) == 0
    assert api.cli.main(["eval", "run", "nosuch"]) == 2
    assert api.cli.main(["eval", "--help"]) == 0
    assert sys.argv is given


@pytest.mark.parametrize("arguments", [["eval"], ["eval", "run", "starter"]])
def test_options_before_the_word_are_refused_with_where_they_go(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert api.cli.main(["--index", "x", *arguments]) == 2
    assert "`osler eval run starter --index NAME`" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["api.cli", "eval", "--help"], ["eval.cli", "--help"], ["eval", "--help"]])
def test_the_help_of_the_harness_loads_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by(*arguments) & (HEAVY | {"numpy", "pydantic", "rich"})


def test_a_reader_who_has_gone_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m eval suites | head -0; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
        capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")
