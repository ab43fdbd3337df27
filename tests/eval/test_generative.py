"""Osler with a language model against Osler without: runs, comparisons, receipts, and a judge that is a model too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import local_server
import pytest

from eval.cli import main
from eval.compare import compare
from eval.log import EvalLog, read_log
from eval.lying import LyingModel
from eval.report.page import to_html, to_markdown
from eval.scripted import served
from rag.language.lexicon import Lexicon
from rag.writing.prompting import named

KEY = "sk-not-to-be-logged"
Run = Callable[..., EvalLog]


class Judging:
    """A judge's server: what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.url = ""


@pytest.fixture(scope="module")
def composer() -> Iterator[str]:
    """A scripted model that alters nothing."""
    with served(LyingModel(Lexicon.load(), [], 1, 0.0)) as url:
        yield url


@pytest.fixture
def judging() -> Iterator[Judging]:
    found = Judging()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            said = json.dumps({"label": "entailed", "support": 0.9, "reason": "it says so"})
            reply = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests have nothing to log."""

    with local_server.listening(Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        yield found


@pytest.fixture
def run(tmp_path: Path, starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))

    def asked(*arguments: str) -> EvalLog:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        assert main(["run", "starter", "--limit", "2", "--out", str(out), *arguments]) == 0
        assert KEY not in out.read_text("utf-8")
        return read_log(out)

    return asked


def test_both_composers_are_compared(
    run: Run, composer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSLER_LLM_KEY", KEY)
    before, after = run(), run("--system", f"osler:{composer}", "--model", "scripted")
    assert (before.system.name, after.system.name) == ("osler", "osler with scripted")
    assert "wording" not in before.system.receipt
    assert after.system.receipt["wording"]["model"] == "scripted"
    assert after.system.receipt["wording"]["prompt"] == named()
    assert composer not in after.model_dump_json()
    usage = after.records[0].response.usage
    assert usage
    assert min(usage.prompt, usage.completion) > 0
    assert before.records[0].response.usage is None
    assert after.records[0].scores["worded"].value
    found = compare(before, after)
    assert any(change.text_changed for change in found.changes)
    assert {"wording.model", "wording.prompt"} <= {d.where.removeprefix("receipt.") for d in found.differing}
    capsys.readouterr()


def test_the_environment_gives_osler_its_model(run: Run, composer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_LLM_URL", composer)
    monkeypatch.setenv("OSLER_LLM_MODEL", "scripted")
    assert run().system.name == "osler with scripted"


def test_a_model_that_cannot_be_had_is_told(run: Run) -> None:
    log = run("--system", "osler:http://127.0.0.1:9/v1", "--model", "scripted")
    score = log.records[0].scores["worded"]
    assert (score.value, score.reason) == (0, "its server cannot be reached")
    assert log.records[0].response.usage is None


def test_a_model_needs_its_name(
    starter_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))
    assert main(["run", "starter", "--limit", "1", "--system", "osler:http://127.0.0.1:9/v1"]) == 2
    assert "name the one behind the address with --model" in capsys.readouterr().err


@pytest.mark.parametrize(("model", "is_warned"), [("scripted", True), ("another", False)])
def test_a_judge_is_another_call_and_one_of_the_composers_model_is_warned_of(
    run: Run, composer: str, judging: Judging, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    model: str, is_warned: bool,
) -> None:  # fmt: skip
    monkeypatch.setenv("OSLER_JUDGE_BASE_URL", judging.url)
    monkeypatch.setenv("OSLER_JUDGE_MODEL", model)
    log = run("--system", f"osler:{composer}", "--model", "scripted", "--judge", "llm")
    assert judging.bodies
    assert {body["model"] for body in judging.bodies} == {model}
    assert not any("<evidence>" in message["content"] for body in judging.bodies for message in body["messages"])
    warning = "is the model whose answers it judges"
    printed = capsys.readouterr().out
    assert [warning in text for text in (printed, to_html(log), to_markdown(log))] == [is_warned] * 3
