"""The command line: ``osler ask``, ``search``, ``show``, ``verify``, ``consistency``, ``index``, ``corpus``, ``eval``.

Nothing heavy is imported before a command runs, so that ``osler --help`` answers at once. Exit codes: 0 done (also when
the answer is that there is none), 1 failed, 2 what was given cannot be used, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from runpy import run_module
from typing import NoReturn

from api.pulling import add_pull
from api.serving import add_mcp, add_serve
from api.storing import add_storing
from rag import __version__
from rag.errors import InputError, OslerError

# The values of rag.domain.Audience, whose import costs pydantic's; a test compares them.
AUDIENCES = ("clinician", "trainee", "patient")
#: Forms of an answer, and of its references alone.
FORMATS = ("text", "markdown", "json", "html", "ris", "bibtex", "csl", "vancouver")
TRACEBACK = "OSLER_TRACEBACK"
#: The command that is the harness's.
EVALUATION = "eval"

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Args:
        argv: arguments without the program's name; those of the process when absent.

    Raises:
        SystemExit: after ``--help`` and ``--version``, with code 0.
    """
    try:
        return _run(argv)
    except OslerError as error:
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return _hang_up()
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        where = f"set {TRACEBACK}=1 to see where"
        return _complain(f"unexpected error: {type(error).__name__}: {error}; {where}", OslerError.exit_code)


def _run(argv: Sequence[str] | None) -> int:
    given = sys.argv[1:] if argv is None else list(argv)
    if given[:1] == [EVALUATION]:
        return _evaluation(given[1:])
    arguments = parser().parse_args(given)
    module, _, function = arguments.command.partition(".")
    code: int = getattr(import_module(f"api.{module}"), function)(arguments)
    sys.stdout.flush()  # here, so that a reader who has gone is noticed above
    return code


def _evaluation(given: list[str]) -> int:
    """Hands over to the harness, a program of its own: nothing here imports it, and it reads its own arguments."""
    before, sys.argv = sys.argv, [f"osler {EVALUATION}", *given]
    try:
        run_module("eval", run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0


def _complain(message: str, code: int) -> int:
    line = f"osler: {' '.join(message.split())}"
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
    return code


def _hang_up() -> int:
    """The reader of the output has gone, as ``head`` does: ends without the complaint of a flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


class _Parser(argparse.ArgumentParser):
    """Reports what is wrong as every other error of ours: in one line, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``command`` in its result names the module in ``api`` and its function."""
    shared = _shared()
    root = _Parser(
        prog="osler", parents=[shared], description="Medical answers in which every sentence cites its source."
    )
    root.add_argument("--version", action="version", version=f"osler {__version__}")
    commands = _commands(root)
    _add_ask(commands, shared)
    _add_search(commands, shared)
    _add_show(commands, shared)
    _add_verify(commands, shared)
    _add_consistency(commands, shared)
    _add_index(commands, shared)
    _add_corpus(commands, shared)
    add_serve(commands, shared)
    add_mcp(commands, shared)
    add_storing(commands)
    _add_eval(commands)
    return root


_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def _add_eval(commands: _Commands[argparse.ArgumentParser]) -> None:
    """For ``osler --help``, and for who gives options before the word: all others are handed over before this."""
    added = commands.add_parser(EVALUATION, add_help=False, help="run benchmark suites and score any answerer")
    added.add_argument("rest", nargs="*")
    added.set_defaults(command="cli.misplaced")


def misplaced(arguments: argparse.Namespace) -> int:
    raise InputError(
        f"{EVALUATION}: stands after other options; expected it first, and options after the harness's command, as in "
        f"`osler {EVALUATION} run starter --index NAME`"
    )


def _commands(parent: argparse.ArgumentParser) -> _Commands[argparse.ArgumentParser]:
    return parent.add_subparsers(required=True, metavar="COMMAND", title="commands")


def _shared() -> argparse.ArgumentParser:
    """Options that may stand before or after a command's name; without a default, so that neither hides the other."""
    shared = _Parser(add_help=False)
    help_text = "name of the index in indexes, or the folder of one (default: OSLER_INDEX_DIR, else starter)"
    shared.add_argument(
        "--index", "--name", dest="index_dir", metavar="NAME", default=argparse.SUPPRESS, help=help_text
    )
    return shared


def _command(
    commands: _Commands[argparse.ArgumentParser],
    name: str,
    function: str,
    summary: str,
    *parents: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    added = commands.add_parser(name, parents=parents, help=summary, description=f"{summary}.")
    added.set_defaults(command=function)
    return added


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


def _add_ask(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    ask = _command(commands, "ask", "commands.ask", "answer a question with a short, cited article", shared)
    ask.add_argument("question", metavar="QUESTION", help="the question; - reads it from standard input")
    ask.add_argument("--format", choices=FORMATS, default="text", help="form of the answer (default: %(default)s)")
    ask.add_argument("--audience", choices=AUDIENCES, default=AUDIENCES[0], help="reader (default: %(default)s)")
    ask.add_argument("--quotes", action="store_true", help="in text, show the quotes under each statement")
    _add_filter(ask)


def _add_search(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    search = _command(commands, "search", "commands.search", "list the passages nearest to a question", shared)
    search.add_argument("question", metavar="QUESTION", help="the question; - reads it from standard input")
    search.add_argument("--k", type=int, default=10, metavar="N", help="how many passages (default: %(default)s)")
    _add_json(search)
    _add_filter(search)


def _add_filter(command: argparse.ArgumentParser) -> None:
    """Each option restricts; of several values, separated by commas or given one by one, any will do."""
    options = command.add_argument_group("only sources")
    for name, which in (("from", "or later"), ("to", "or earlier")):
        options.add_argument(f"--year-{name}", type=int, metavar="YEAR", help=f"of this year {which}")
    for name, metavar, which in (
        ("evidence", "KIND[,KIND]", "of these kinds, such as guideline,systematic_review"),
        ("jurisdiction", "CODE[,CODE]", "of these jurisdictions, such as US,GB,INT"),
        ("source", "KEY[,KEY]", "with these keys, as printed by osler corpus list"),
        ("set", "NAME[,NAME]", "of these document sets, as named by osler index build --set"),
    ):
        options.add_argument(f"--{name}", action="append", type=_values, default=[], metavar=metavar, help=which)


def _values(given: str) -> list[str]:
    return [value.strip() for value in given.split(",")]  # an empty one is refused: it would restrict nothing


def _add_show(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    show = _command(commands, "show", "commands.show", "show a passage with its source and how it was checked", shared)
    show.add_argument("passage_id", metavar="PASSAGE_ID", help="as printed by osler search")
    _add_json(show)


def _add_verify(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    summary = "judge whether evidence says what a statement says"
    verify = _command(commands, "verify", "verifying.verify", summary, shared)
    verify.add_argument("statement", metavar="STATEMENT", help="the statement; - reads it from standard input")
    for name, metavar, what in (
        ("quote", "TEXT", "words of evidence"),
        ("evidence", "FILE", "a text file of evidence; - is standard input"),
        ("passage", "PASSAGE_ID", "a passage of the index, as printed by osler search"),
    ):
        verify.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=f"{what}; may be repeated")
    verify.add_argument("--format", choices=("text", "json"), default="text", help="form (default: %(default)s)")


def _add_consistency(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    summary = "report statements of neighbouring answers that contradict each other"
    compare = _command(commands, "consistency", "comparing.consistency", summary, shared)
    compare.add_argument(
        "sources", metavar="FILE", nargs="*", type=Path,
        help="questions, one a line; answers in JSON; folders of them (default: the questions that ship)",
    )  # fmt: skip
    compare.add_argument("--format", choices=("text", "json"), default="text", help="form (default: %(default)s)")
    help_text = "cosine from which questions are neighbours, as are those that name the same (default: 0.45)"
    compare.add_argument("--near", type=float, metavar="X", help=help_text)


def _add_index(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    index = commands.add_parser(
        "index", parents=[shared], help="build, change, describe and verify an index", description="Work on an index."
    )
    actions = _commands(index)
    build = _command(actions, "build", "indexing.build", "make an index of exactly these sources", shared)
    _add_sources(build, "*", "files or folders of them (default: the starter corpus)")
    add = _command(actions, "add", "indexing.add", "add sources, or replace those whose files changed", shared)
    _add_sources(add, "+", "files or folders of them")
    remove = _add_remove(actions, shared)
    for changes in (build, add, remove):
        changes.add_argument("--model", help="embedding model: the packaged one by its name, or the path of another")
    info = _command(actions, "info", "indexing.info", "describe the current snapshot", shared)
    _add_json(info)
    _command(actions, "verify", "indexing.verify", "check every file of the current snapshot and its encoder", shared)
    prune = _command(actions, "prune", "indexing.prune", "delete older snapshots and what only they use", shared)
    prune.add_argument("--keep", type=int, default=1, metavar="N", help="snapshots to keep (default: the current one)")
    use = _command(actions, "use", "indexing.use", "make an older snapshot the current one", shared)
    use.add_argument("snapshot_id", metavar="SNAPSHOT_ID", help="as listed by osler index info")


def _add_sources(command: argparse.ArgumentParser, number: str, help_text: str) -> None:
    command.add_argument("sources", metavar="SOURCE", nargs=number, type=Path, help=help_text)
    command.add_argument(
        "--report", metavar="FILE", type=Path, help="write a line for each file or record that was skipped"
    )
    command.add_argument(
        "--set", dest="document_set", metavar="NAME", help="name these sources as a set, but those that say their own"
    )


def _add_remove(
    actions: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> argparse.ArgumentParser:
    summary = "remove sources, with every trace and every older snapshot"
    remove = _command(actions, "remove", "indexing.remove", summary, shared)
    remove.add_argument("keys", metavar="KEY", nargs="+", help="keys of sources, as printed by osler corpus list")
    return remove


def _add_corpus(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    corpus = commands.add_parser("corpus", help="fetch, check and list sources", description="Work on a corpus.")
    actions = _commands(corpus)
    check = _command(actions, "check", "corpora.check", "check that a folder keeps the corpus format")
    check.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="folder (default: the starter corpus)")
    add_pull(actions)
    _add_json(_command(actions, "list", "corpora.list_sources", "list the sources of an index", shared))
    show = _command(actions, "show", "corpora.show", "show a source with its passages", shared)
    show.add_argument("key", metavar="KEY", help="key of a source, as printed by osler corpus list")
    _add_json(show)
    _add_remove(actions, shared)


if __name__ == "__main__":
    sys.exit(main())
