"""The wire format, against an implementation of it that is not ours: ``transformers serve`` with a model of random
weights."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from tiny_model import tiny_model

from rag.answer.replay import difference
from rag.domain import Verdict
from rag.errors import ModelError
from rag.pipeline import Pipeline
from rag.settings import Settings
from rag.writing.model import Budget, LanguageModel, Message, Usage

pytestmark = pytest.mark.slow
MESSAGES = [Message("system", "Rules: ≥ 2 µg/kg/min."), Message("user", "Data 😀.")]
QUESTION = "Should IVIG be given in HIT?"
_STARTS_S = 60.0


class Server(NamedTuple):
    """``endless`` and ``brief`` are the names by which it knows its models: one never ends, one soon does."""

    url: str
    endless: str
    brief: str

    def settings(self, model: str, **given: object) -> Settings:
        return Settings.from_environment({}, llm_url=self.url, llm_model=model, **given)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert find_spec("accelerate"), "it loads a model by the package accelerate: pip install 'osler[dev]'"
    folder = tmp_path_factory.mktemp("models")
    models = [str(tiny_model(folder / name, ends=ends)) for name, ends in (("endless", 0), ("brief", 16))]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("transformers"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub"), "OMP_NUM_THREADS": "1"}
    log = folder / "log"
    with log.open("w") as out, subprocess.Popen(
        [*command, "--device", "cpu", "--default-seed", "0"], env=environment, stdout=out, stderr=out
    ) as process:  # fmt: skip
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield Server(f"http://127.0.0.1:{port}/v1", *models)
        finally:
            process.kill()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _STARTS_S
    while process.poll() is None and time.monotonic() < end:
        try:
            if httpx2.get(address).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    pytest.fail(f"the server did not start: {log.read_text('utf-8')[-2000:]}")


def _reply(settings: Settings, tokens: int, usage: Usage) -> Iterator[tuple[float, str]]:
    """Each piece, and when it came."""
    with closing(LanguageModel(settings)) as model:
        for piece in model.reply(MESSAGES, Budget(40, tokens), usage):
            yield time.monotonic(), piece


def test_a_reply_that_ends_comes_in_pieces_and_is_counted(server: Server) -> None:
    usage = Usage()
    came = list(_reply(server.settings(server.brief, llm_temperature=1), 2000, usage))
    written = "".join(piece for _, piece in came)
    assert 0 < len(written) <= usage.completion_tokens < 2000
    assert usage.calls == 1
    assert usage.prompt_tokens > sum(len(m.content.encode()) for m in MESSAGES), "a token is a byte"


def test_a_reply_is_cut_off_at_its_tokens_and_what_came_before_was_given(server: Server) -> None:
    usage, came = Usage(), list[tuple[float, str]]()
    with pytest.raises(ModelError, match="cut off at its longest"):
        came.extend(_reply(server.settings(server.endless), 12, usage))
    assert usage.completion_tokens == 12
    assert came


def test_pieces_come_while_the_model_writes(server: Server) -> None:
    came = list[tuple[float, str]]()
    with pytest.raises(ModelError, match="cut off at its longest"):
        came.extend(_reply(server.settings(server.endless), 400, Usage()))
    assert len(came) > 10
    assert came[-1][0] - came[0][0] > 0.05, "the last long after the first"


def test_a_model_that_the_server_does_not_know(server: Server) -> None:
    usage = Usage()
    with pytest.raises(ModelError, match="language model: ") as refused:
        list(_reply(server.settings("no-such-model"), 100, usage))
    assert "no-such-model" not in str(refused.value), "nothing of what the server wrote"


def test_who_leaves_early_is_not_waited_for(server: Server) -> None:
    with closing(LanguageModel(server.settings(server.endless))) as model:
        pieces = model.reply(MESSAGES, Budget(40, 4000), Usage())
        next(pieces)
        start = time.monotonic()
        pieces.close()
        assert time.monotonic() - start < 1
        assert next(model.reply(MESSAGES, Budget(40, 20), Usage())), "and the server goes on"


@pytest.mark.parametrize(("which", "reason"), [("brief", "the form"), ("endless", "cut off at its longest")])
def test_random_words_are_never_shown(
    server: Server, pipeline: Pipeline, starter_index: Path, which: str, reason: str
) -> None:
    plain = pipeline.ask(QUESTION)
    settings = server.settings(
        getattr(server, which), index_dir=starter_index, llm_temperature=1, llm_max_tokens=200, llm_timeout_s=30
    )
    with closing(Pipeline.open(settings)) as worded:
        answer = worded.ask(QUESTION)
    wording = answer.receipt.wording
    assert wording
    assert (wording.written, wording.calls) == (0, 1)
    assert wording.reason
    assert reason in wording.reason
    assert wording.completion_tokens
    assert difference(plain, answer).is_none
    assert all(s.verdict is Verdict.SUPPORTED and s.origin == "quoted" for s in answer.statements())
