"""The command line, driven in this process and, where processes matter, in one of its own."""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from api import cli, commands
from api.cli import main
from rag import __version__
from rag.domain import Answer, Audience, Outcome, Passage, Source
from rag.errors import OslerError
from rag.pipeline import Pipeline
from rag.settings import Settings

ROOT = Path(__file__).parents[2]
QUESTION = "Should IVIG be given to a patient with HIT and cirrhosis who is on argatroban?"
OUTSIDE = "What is the best treatment of migraine in children?"

Osler = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def osler(starter_index: Path) -> Osler:
    """Runs the command in a process of its own, on the starter index."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        variables = os.environ | {"OSLER_INDEX_DIR": str(starter_index)} | environment
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, env=variables, capture_output=True, timeout=60
        )

    return run


@pytest.fixture(autouse=True)
def index_in_the_environment(starter_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_INDEX_DIR", str(starter_index))


@pytest.fixture
def damaged_index(starter_index: Path, tmp_path: Path) -> Path:
    """A copy of the starter index, for a test to damage."""
    return Path(shutil.copytree(starter_index, tmp_path / "index"))


def segment_folder(index_dir: Path) -> Path:
    (folder,) = (index_dir / "segments").iterdir()
    return folder


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"osler {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["ask"], ["search"], ["show"], ["verify"], ["index"], ["index", "build"], ["index", "info"],
     ["index", "verify"], ["corpus"], ["corpus", "check"]],
)  # fmt: skip
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--help"])
    assert stop.value.code == 0
    assert " ".join(["usage: osler", *arguments]) in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
try:
    from api.cli import main
    main(["--help"])
except SystemExit:
    heavy = {"torch", "faiss", "numpy", "onnxruntime", "pydantic", "rich", "sentence_transformers", "yaml", "sqlite3"}
    sys.exit(" ".join(heavy & set(sys.modules)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.slow
def test_help_takes_less_than_150_ms(osler: Osler) -> None:
    def seconds() -> float:
        start = time.perf_counter()
        assert osler("--help").returncode == 0
        return time.perf_counter() - start

    assert statistics.median(seconds() for _ in range(5)) < 0.150


def test_choices_are_those_of_the_library() -> None:
    assert tuple(a.value for a in Audience) == cli.AUDIENCES


def test_every_command_has_its_function() -> None:
    lines = (
        *("ask q", "search q", "show p", "index build", "index add x", "index remove k", "index info", "index verify"),
        *("index prune", "index use i", "corpus check", "corpus list", "corpus show k", "corpus remove k"),
        *("corpus pull pubmed --query q --out o", "corpus pull pmc PMC1 --out o", "corpus pull baseline f --out o"),
    )
    for line in lines:
        module, _, function = cli.parser().parse_args(line.split()).command.partition(".")
        assert callable(getattr(import_module(f"api.{module}"), function))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--index", "here", "show", "p"],
        ["show", "--index", "here", "p"],
        ["show", "p", "--index", "here"],
        ["index", "--index", "here", "info"],
        ["index", "info", "--index", "here"],
        ["--index", "elsewhere", "index", "info", "--index", "here"],
    ],
)
def test_index_may_stand_before_or_after_the_command(arguments: list[str]) -> None:
    assert cli.parser().parse_args(arguments).index_dir == "here"


def test_ask_prints_an_article(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", QUESTION]) == 0
    out = capsys.readouterr().out
    assert "Bottom line" in out
    assert "References" in out
    assert "\x1b" not in out


def test_ask_with_quotes_shows_more(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ask", QUESTION])
    plain = capsys.readouterr().out
    main(["ask", QUESTION, "--quotes"])
    assert len(capsys.readouterr().out) > len(plain)


def test_ask_json_is_the_answer(capsys: pytest.CaptureFixture[str], pipeline: Pipeline) -> None:
    assert main(["ask", QUESTION, "--format", "json", "--audience", "trainee"]) == 0
    answer = Answer.model_validate_json(capsys.readouterr().out)
    assert answer.audience is Audience.TRAINEE
    assert answer.bottom_line == pipeline.ask(QUESTION, Audience.TRAINEE).bottom_line


@pytest.mark.parametrize(("form", "start"), [("markdown", "# "), ("html", "<!doctype html>")])
def test_ask_in_other_formats(form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", QUESTION, "--format", form]) == 0
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


def test_ask_reads_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{QUESTION}\n"))
    assert main(["ask", "-", "--format", "json"]) == 0
    assert Answer.model_validate_json(capsys.readouterr().out).question == QUESTION


def test_abstaining_is_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", OUTSIDE, "--format", "json"]) == 0
    assert Answer.model_validate_json(capsys.readouterr().out).outcome is Outcome.ABSTAINED


def test_search_lists_hits_best_first(capsys: pytest.CaptureFixture[str], pipeline: Pipeline) -> None:
    assert main(["search", QUESTION, "--k", "3", "--json"]) == 0
    hits = json.loads(capsys.readouterr().out)
    assert [h["rank"] for h in hits] == [1, 2, 3]
    assert set(hits[0]) == {"rank", "score", "passage_id", "source_id", "heading", "text", "retracted", "superseded_by"}
    assert [(h["passage_id"], h["score"]) for h in hits] == [h[:2] for h, _, _ in pipeline.search(QUESTION, 3)]


def test_search_as_text_shows_the_same(capsys: pytest.CaptureFixture[str], pipeline: Pipeline) -> None:
    assert main(["search", QUESTION, "--k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for line, text, (hit, passage, source) in zip(lines[::2], lines[1::2], pipeline.search(QUESTION, 2), strict=True):
        assert hit.passage_id in line
        assert f"{hit.score:.3f}" in line
        assert str(source.year or "") in line
        assert text.strip() == passage.text


def test_show_as_text(capsys: pytest.CaptureFixture[str], pipeline: Pipeline) -> None:
    passage = next(p for _, p, _ in pipeline.search(QUESTION, 20) if p.derived)
    assert main(["show", passage.passage_id]) == 0
    shown = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    fields = {name.strip(): value.strip() for name, value in shown.items()}
    assert fields["text"] == passage.text
    assert fields["heading"] == passage.heading
    assert fields["checked"] == passage.checked
    assert fields["derived"].startswith("yes")
    assert fields["strength"] == (passage.strength or "not stated")


def test_show_as_json(capsys: pytest.CaptureFixture[str], pipeline: Pipeline) -> None:
    ((_, passage, source),) = pipeline.search(QUESTION, 1)
    assert main(["show", passage.passage_id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert Passage.model_validate_json(json.dumps(shown["passage"])) == passage
    assert Source.model_validate_json(json.dumps(shown["source"])) == source


def small_corpus(folder: Path) -> Path:
    folder.mkdir()
    for path in sorted((ROOT / "corpus").glob("label_*.md"))[:3]:
        shutil.copy(path, folder)
    (folder / "README.md").write_text("No source.\n", "utf-8")
    return folder


def test_index_build_and_again(starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, index = small_corpus(tmp_path / "corpus"), tmp_path / "index"
    shutil.copytree(starter_index / "encoders", index / "encoders")
    assert main(["index", "build", str(corpus), "--index", str(index)]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    assert first.out.startswith(f"snapshot {(index / 'CURRENT').read_text('ascii').strip()}: 3 sources, ")
    assert first.out.endswith("built\n")
    assert main(["index", "build", str(corpus), "--index", str(index)]) == 0
    again = capsys.readouterr().out
    assert again.endswith(" 0 texts embedded, already there\n")
    assert main(["index", "verify", "--index", str(index)]) == 0


@pytest.mark.slow
def test_first_build_exports_the_model_and_prints_one_line(tmp_path: Path, osler: Osler) -> None:
    corpus, index = small_corpus(tmp_path / "corpus"), tmp_path / "index"
    done = osler("index", "build", str(corpus), "--index", str(index))
    assert done.returncode == 0
    assert done.stdout.decode().count("\n") == 1
    info = json.loads(osler("index", "info", "--index", str(index), "--json").stdout)
    assert info["encoder"]["max_difference"] < 1e-4


def test_index_build_refuses_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = str(tmp_path / "index")
    assert main(["index", "build", str(tmp_path / "gone"), "--index", index]) == 2
    assert capsys.readouterr().err.startswith(f"osler: {tmp_path / 'gone'}: does not exist; expected ")
    assert not (tmp_path / "index").exists()


def test_index_info(starter_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "info", "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["snapshot_id"] == (starter_index / "CURRENT").read_text("ascii").strip()
    assert info["counts"]["sources"] == len(list((ROOT / "corpus").glob("*.md"))) - 1
    assert main(["index", "info"]) == 0
    shown = capsys.readouterr().out
    facts = [info["snapshot_id"], info["corpus_digest"], info["encoder_id"], f"{info['counts']['passages']}"]
    assert all(fact in shown for fact in (*facts, *info["kept"]))


def test_index_verify_finds_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "verify"]) == 0
    assert capsys.readouterr().out.endswith("match their checksums\n")


def test_index_verify_names_what_is_damaged(damaged_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = segment_folder(damaged_index)
    encoder = next((damaged_index / "encoders").iterdir())
    (folder / "sentences.npy").unlink()
    store = bytearray((folder / "store.sqlite").read_bytes())
    store[-1] ^= 1
    (folder / "store.sqlite").write_bytes(store)
    (encoder / "tokenizer.json").write_text("{}", "utf-8")
    assert main(["index", "verify", "--index", str(damaged_index)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].split(" ")[0] for line in lines] == ["store.sqlite", "sentences.npy", "tokenizer.json"]
    assert all("; " in line for line in lines)


def test_index_verify_without_the_encoder(damaged_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(damaged_index / "encoders")
    assert main(["index", "verify", "--index", str(damaged_index)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("encoder ")


def test_a_kept_index_is_added_to_listed_reduced_and_turned_back(
    starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, index = small_corpus(tmp_path / "corpus"), tmp_path / "index"
    shutil.copytree(starter_index / "encoders", index / "encoders")

    def run(*arguments: str) -> str:
        assert main([*arguments, "--index", str(index)]) == 0
        return capsys.readouterr().out

    first = run("index", "build", str(corpus)).split()[1].rstrip(":")
    (tmp_path / "note.txt").write_text("Argatroban in practice\n\nArgatroban is started at 2 mcg/kg/min.\n", "utf-8")
    added = run("index", "add", str(tmp_path / "note.txt"))
    assert added.endswith(", added\n")
    assert ": 4 sources, " in added
    assert "note  unclassified  Argatroban in practice: Argatroban in practice\n" in run("corpus", "list")
    assert "Argatroban is started at 2 mcg/kg/min." in run("corpus", "show", "note")
    assert json.loads(run("corpus", "show", "note", "--json"))["source"]["key"] == "note"
    assert run("index", "use", first) == f"snapshot {first}: now the current one\n"
    assert len(json.loads(run("corpus", "list", "--json"))) == 3
    run("index", "use", added.split()[1].rstrip(":"))
    assert run("index", "prune").startswith("deleted: snapshots 1, segments 0, encoders 0;")
    assert run("corpus", "remove", "note").endswith(", 1 removed\n")
    assert "Argatroban in practice" not in run("corpus", "list")
    assert main(["index", "remove", "note", "--index", str(index)]) == 2
    assert capsys.readouterr().err.startswith("osler: source 'note': not in this index; ")


def test_what_is_skipped_is_said_counted_and_reported(
    starter_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, index, report = small_corpus(tmp_path / "corpus"), tmp_path / "index", tmp_path / "report.txt"
    shutil.copytree(starter_index / "encoders", index / "encoders")
    for i in range(25):
        (corpus / f"bad{i:02}.pdf").write_bytes(b"no PDF at all")
    assert main(["index", "build", str(corpus), "--index", str(index), "--report", str(report)]) == 3
    printed = capsys.readouterr()
    assert printed.out.endswith(f", built\nskipped: 25 files or records; all in {report}\n")
    assert printed.err.count("skipped: bad") == 20
    lines = report.read_text("utf-8").splitlines()
    assert len(lines) == 25
    assert lines[0].startswith("bad00.pdf: no PDF; expected PDF by its name")


def test_a_bare_name_is_an_index_in_the_home_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(index_dir=Path("mine")).index_dir == ROOT / "indexes" / "mine"
    assert Settings(index_dir=Path("./mine/here")).index_dir == Path("mine/here")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "CURRENT").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert Settings(index_dir=Path("mine")).index_dir == Path("mine")
    assert Settings().index_dir.name == "starter"


def test_corpus_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = small_corpus(tmp_path / "corpus")
    assert main(["corpus", "check", str(corpus)]) == 0
    assert capsys.readouterr().out.startswith("3 sources, ")
    first = min(corpus.glob("label_*.md"))
    first.rename(corpus / "other.md")
    assert main(["corpus", "check", str(corpus)]) == 2
    assert capsys.readouterr().out.startswith("other.md: key ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "the following arguments are required: COMMAND; see `osler --help`"),
        (["ask"], 2, "the following arguments are required: QUESTION; see `osler ask --help`"),
        (["ask", QUESTION, "--format", "pdf"], 2, "argument --format: invalid choice: 'pdf'"),
        (["ask", QUESTION, "--colour"], 2, "unrecognized arguments: --colour; see `osler"),
        (["search", QUESTION, "--k", "many"], 2, "argument --k: invalid int value: 'many'"),
        (["search", QUESTION, "--k", "0"], 2, "k 0: expected at least 1"),
        (["index"], 2, "the following arguments are required: COMMAND; see `osler index --help`"),
        (["ask", "  "], 2, "question '': empty; expected"),
        (["ask", "a" * 5000], 2, "question of 5000 characters: expected at most"),
        (["ask", "caf\udce9"], 2, "question: not UTF-8; expected"),
        (["show", "nothing-0"], 2, "passage 'nothing-0': not in this snapshot; "),
        (["ask", QUESTION, "--index", "no/index"], 1, "index no/index: no snapshot there; run `osler index build`"),
        (["index", "verify", "--index", "no/index"], 1, "index no/index: no snapshot there; run"),
        (["corpus", "check", "no/corpus"], 2, "no/corpus: does not exist; expected"),
    ],
)
def test_errors_are_one_line(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"osler: {message}")
    assert printed.err.count("\n") == 1


def failing(error: BaseException) -> Callable[[object], int]:
    def command(arguments: object) -> int:
        raise error

    return command


def test_unexpected_errors_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(commands, "ask", failing(ZeroDivisionError("by\nnothing")))
    assert main(["ask", QUESTION]) == 1
    expected = "osler: unexpected error: ZeroDivisionError: by nothing; set OSLER_TRACEBACK=1 to see where\n"
    assert capsys.readouterr().err == expected


def test_unexpected_errors_with_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ask", failing(ZeroDivisionError()))
    monkeypatch.setenv("OSLER_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["ask", QUESTION])


def test_an_error_of_ours_ends_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OslerError("thing 'x': wrong; expected y")
    error.exit_code = 7
    monkeypatch.setattr(commands, "ask", failing(error))
    assert main(["ask", QUESTION]) == 7
    assert capsys.readouterr().err == "osler: thing 'x': wrong; expected y\n"


def test_interrupting_is_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(commands, "ask", failing(KeyboardInterrupt()))
    assert main(["ask", QUESTION]) == 130
    assert capsys.readouterr() == ("", "")


def test_bad_setting_in_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OSLER_CANDIDATES", "plenty")
    assert main(["ask", QUESTION]) == 2
    assert capsys.readouterr().err.startswith("osler: setting candidates: ")


@pytest.mark.parametrize("form", cli.FORMATS)
def test_output_survives_a_terminal_that_knows_only_ascii(osler: Osler, form: str) -> None:
    done = osler("ask", QUESTION, "--format", form, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout.isascii()
    if form == "json":
        utf8 = osler("ask", QUESTION, "--format", form, PYTHONIOENCODING="utf-8")
        assert json.loads(done.stdout)["bottom_line"] == json.loads(utf8.stdout)["bottom_line"]


@pytest.mark.parametrize("form", cli.FORMATS)
def test_a_reader_that_leaves_is_no_error(starter_index: Path, form: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    arguments = ["ask", QUESTION, "--format", form, "--index", str(starter_index)]
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1


def test_two_runs_give_the_same_text(osler: Osler) -> None:
    one, other = osler("ask", QUESTION), osler("ask", QUESTION, PYTHONHASHSEED="7")
    assert one.returncode == 0
    assert one.stdout == other.stdout
