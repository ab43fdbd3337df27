"""The command line with a language model: what is printed, what a terminal is told meanwhile, what is missing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from served_model import Asked, Reply, line, served_model, written

from rag.domain import Answer

ROOT = Path(__file__).parents[2]
QUESTION = "Should IVIG be given in HIT?"


def faithful(asked: Asked) -> Reply:
    return written(*(line(e["section"], [e["evidence"]], e["quotes"][0].rstrip(".")) for e in asked.evidence))


def model(url: str, **given: str) -> dict[str, str]:
    return os.environ | {"OSLER_LLM_URL": url, "OSLER_LLM_MODEL": "scripted"} | given


def test_an_answer_is_worded_and_a_terminal_told_meanwhile(starter_index: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "ask", QUESTION, "--index", str(starter_index), "--format", "json"]
    ours, theirs = pty.openpty()
    with served_model(faithful) as served:
        environment = model(served.url, TERM="xterm", COLUMNS="100")
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs) as process:
            os.close(theirs)
            printed, _ = process.communicate(timeout=60)
    told = _read(ours)
    answer = Answer.model_validate_json(printed)
    assert answer.receipt.wording
    assert answer.receipt.wording.written > 0
    assert "Writing with scripted" in told
    assert "statements verified" in told


def _read(terminal: int) -> str:
    """All that was written to a terminal whose writers have gone."""
    told = b""
    try:
        while piece := os.read(terminal, 65_536):
            told += piece
    except OSError:
        pass
    os.close(terminal)
    return told.decode()


def test_a_log_is_told_nothing_and_a_reader_why_it_is_not_worded(starter_index: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "ask", QUESTION, "--index", str(starter_index)]
    with served_model(lambda _: Reply([b"{}"], 403)) as served:
        done = subprocess.run(command, cwd=ROOT, env=model(served.url), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "could not be used: its key may not use it (HTTP 403). This is in" in " ".join(done.stdout.split())


@pytest.mark.parametrize("command", [["ask", QUESTION], ["serve", "--port", "0"], ["mcp"]], ids=["ask", "serve", "mcp"])
def test_without_the_client_it_says_what_to_install(starter_index: Path, tmp_path: Path, command: list[str]) -> None:
    code = "import sys; sys.modules['openai'] = None; from api.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = model("http://127.0.0.1:9/v1", OSLER_DATABASE=str(tmp_path / "osler.sqlite"))
    environment["OSLER_INDEX_DIR"] = str(starter_index)
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    expected = "llm_url: the package openai is not installed; install it with `pip install 'osler[llm]'`"
    assert done.stderr == f"osler: {expected}\n"


@pytest.mark.parametrize(("budget", "warned"), [("25", False), ("30", True)])
def test_a_budget_that_nobody_waits_for_is_warned_of(budget: str, warned: bool) -> None:
    code = (
        "from api.serving import check_model; from api.settings import ServiceSettings; from rag.settings import "
        "Settings; check_model(ServiceSettings.from_environment(), Settings.from_environment())"
    )
    environment = model("http://127.0.0.1:9/v1", OSLER_LLM_BUDGET_S=budget)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert ("OSLER_LLM_BUDGET_S below OSLER_TIMEOUT_S" in done.stderr) == warned
