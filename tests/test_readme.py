"""README says what is so: its demo is the real output, its commands run, its settings and rooms exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from api.cli import main
from eval.cli import parser
from eval.readme import HARNESS, README, demo, judges, measures, part, settings
from eval.suites.catalogue import SHIPPED
from rag.pipeline import Pipeline

ROOT = Path(__file__).parent.parent
PAGE = README.read_text("utf-8")
COMMANDS = re.findall(r"^\$ (osler .+)$", PAGE, re.MULTILINE)


def test_demo_is_the_real_output(pipeline: Pipeline) -> None:
    assert part(PAGE, "demo") == demo(pipeline), "run `python -m eval.readme`"


def test_settings_table_is_complete() -> None:
    assert part(PAGE, "settings") == settings(), "run `python -m eval.readme`"


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(
    command: str,
    starter_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    index = tmp_path / "index"
    shutil.copytree(starter_index, index, symlinks=True)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("OSLER_INDEX_DIR", str(index))
    try:
        code = main(shlex.split(command)[1:])
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def test_every_room_is_described() -> None:
    rooms = set(re.findall(r"^\| `([\w.]+/[\w/.]*)` \|", PAGE, re.MULTILINE))
    packages = {f"rag/{p.name}/" for p in (ROOT / "rag").iterdir() if (p / "__init__.py").is_file()}
    assert packages <= rooms
    assert all((ROOT / room).exists() for room in rooms)


def test_linked_pages_exist() -> None:
    links = re.findall(r"\]\(([\w/.]+)\)", PAGE)
    assert links
    assert all((ROOT / link).is_file() for link in links)


def test_page_of_the_harness_is_complete() -> None:
    page = HARNESS.read_text("utf-8")
    assert part(page, "measures") == measures(), "run `python -m eval.readme`"
    assert part(page, "judges") == judges(), "run `python -m eval.readme`"
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page)
    assert [link for link in links if not (HARNESS.parent / link).exists()] == []


def test_commands_on_the_page_of_the_harness_can_be_parsed() -> None:
    commands = re.findall(r"^\$? ?osler eval (.+)$", HARNESS.read_text("utf-8"), re.MULTILINE)
    assert len(commands) > 10
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True))


def test_page_of_the_harness_counts_what_ships() -> None:
    suites = HARNESS.read_text("utf-8").split("\n## Suites\n", 1)[1].split("\n## ", 1)[0]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (\d+) \|", suites, re.MULTILINE))
    assert rows.keys() == SHIPPED.keys()
    assert {name: str(len(suite.load(None).items)) for name, suite in SHIPPED.items()} == rows
