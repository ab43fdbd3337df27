"""The command line of the harness: ``osler eval suites``, ``items``, ``run``, ``retrieval``, ``compare``, ``report``,
``gate``.

Nothing heavy is imported before a command runs. Exit codes: 0 done, 1 failed or below a baseline, 2 what was given
cannot be used, 130 interrupted; a run that was interrupted goes on when it is started again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from rag.errors import InputError, OslerError

TRACEBACK = "OSLER_TRACEBACK"
_INTERRUPTED = 130
_SYSTEMS = """\
systems: osler (in this process; OSLER_LLM_URL and OSLER_LLM_MODEL give it a language model), osler:ADDRESS (with the
one there: --model names it, OSLER_LLM_KEY is its key), nearest:WORDS (the nearest passages up to so many words, for
comparison),
lead:N, top:N, mmr:N, textrank:N (so many sentences of the nearest passages, for comparison),
http://HOST:PORT (a running service), openai:ADDRESS (chat completions, with --model; OSLER_EVAL_KEY is the key),
file:PATH (one article, or JSON lines like {"item_id": "...", "answer": "..."} to what osler eval items prints),
run:PATH (rankings in TREC's form), verifier, judge (the verifier or the judge of --judge, on claims with evidence),
questions, similar (Osler's matcher, or the embeddings alone, on pairs of questions). judges: matcher (default),
verifier, nli:PATH (a cross-encoder in a folder), llm (OSLER_JUDGE_BASE_URL, OSLER_JUDGE_MODEL, OSLER_JUDGE_KEY)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Raises:
        SystemExit: after ``--help``, with code 0.
    """
    try:
        arguments = parser().parse_args(argv)
        code: int = getattr(import_module("eval.commands"), arguments.command)(arguments)
        sys.stdout.flush()  # here, so that a reader who has gone is noticed below
        return code
    except OslerError as error:
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted; a run goes on when the same command is given again", _INTERRUPTED)
    except BrokenPipeError:  # ends without the complaint of a flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        return _complain(f"package {error.name}: not installed; install it with `pip install 'osler[eval]'`", 1)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        where = f"set {TRACEBACK}=1 to see where"
        return _complain(f"unexpected error: {type(error).__name__}: {error}; {where}", 1)


def _complain(message: str, code: int) -> int:
    print(f"osler eval: {' '.join(message.split())}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``command`` in its result names a function of ``eval.commands``."""
    root = _Parser(prog="osler eval", description="Runs benchmark suites and scores any answerer.")
    commands = root.add_subparsers(required=True, metavar="COMMAND", title="commands")
    suites = commands.add_parser("suites", help="list the suites, with where their data is from and its licence")
    suites.set_defaults(command="suites")
    _add_items(commands)
    _add_run(commands)
    _add_retrieval(commands)
    _add_compare(commands)
    _add_report(commands)
    _add_gate(commands)
    return root


_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def _add_items(commands: _Commands[_Parser]) -> None:
    items = commands.add_parser(
        "items", help="print what a suite asks as JSON lines, for a system that answers into a file"
    )
    items.set_defaults(command="items", task=None, system="file")
    _add_asked(items)


def _add_asked(command: _Parser) -> None:
    """Which items."""
    command.add_argument("suite", metavar="SUITE", help="as listed by osler eval suites")
    command.add_argument(
        "--data", type=Path, metavar="PATH", help="folder or file of the suite's data, for one that does not ship"
    )
    _add_part(command)


def _add_part(command: _Parser) -> None:
    command.add_argument("--limit", type=_at_least(1), metavar="N", help="the first N items only")
    command.add_argument("--sample", type=int, metavar="SEED", help="with --limit: draw the N by this seed instead")


def _add_run(commands: _Commands[_Parser]) -> None:
    run = commands.add_parser("run", help="ask a system the items of a suite and score it", epilog=_SYSTEMS)
    run.set_defaults(command="run")
    _add_asked(run)
    run.add_argument("--task", choices=("answers", "retrieval", "verification"), help="default: what the suite is for")
    run.add_argument("--system", metavar="SYSTEM", help="who is asked (default: Osler in this process); see below")
    run.add_argument("--model", help="name of the model behind osler:ADDRESS or openai:ADDRESS")
    run.add_argument("--passages", type=_at_least(0), default=0, metavar="N",
                     help="give the model N passages of the index to answer from")  # fmt: skip
    run.add_argument("--audience", default="clinician", choices=("clinician", "trainee", "patient"))
    run.add_argument("--judge", default="matcher", metavar="JUDGE", help="whether an answer says a claim; see below")
    run.add_argument("--citation-judge", metavar="JUDGE",
                     help="whether quotes support a statement (default: the matcher fitted for that)")  # fmt: skip
    _add_running(run)


def _add_running(run: argparse.ArgumentParser) -> None:
    """What a run of answers and one of retrieval have in common."""
    run.add_argument("--index", metavar="NAME", help="index that is asked (default: OSLER_INDEX_DIR, else starter)")
    run.add_argument("--retriever", choices=("hybrid", "dense", "lexical"), default="hybrid", help="for retrieval")
    run.add_argument("--k", type=_at_least(1), default=100, metavar="N",
                     help="documents retrieved (default: %(default)s)")  # fmt: skip
    run.add_argument("--run-out", type=Path, metavar="FILE", help="write the rankings in TREC's form")
    run.add_argument("--seed", type=_at_least(0), default=0, help="of intervals (default: %(default)s)")
    run.add_argument("--workers", type=_at_least(1), default=1, metavar="N", help="items asked at a time (default: 1)")
    run.add_argument("--cache", type=Path, metavar="FILE", help="keep answers there, and take those that it has")
    run.add_argument("--out", type=Path, metavar="FILE",
                     help="the log, which replaces what is there (default: eval-logs/SUITE-SYSTEM.json)")  # fmt: skip
    run.add_argument("--report", type=Path, metavar="PATH", help="also write a report, as osler eval report does")


def _at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if found < least:
            raise argparse.ArgumentTypeError(f"{text}: expected a whole number, {least} or more")
        return found

    return whole


def _add_retrieval(commands: _Commands[_Parser]) -> None:
    run = commands.add_parser("retrieval", help="score an index on a test collection in BEIR's form")
    run.set_defaults(command="run", suite="beir", task="retrieval", system="osler")
    run.add_argument("--collection", dest="data", type=Path, required=True, metavar="DIR",
                     help="folder with queries.jsonl and judgements")  # fmt: skip
    _add_part(run)
    _add_running(run)


def _add_compare(commands: _Commands[_Parser]) -> None:
    compare = commands.add_parser("compare", help="what differs between two logs, with paired tests")
    compare.set_defaults(command="compare")
    compare.add_argument("before", type=Path, metavar="BEFORE")
    compare.add_argument("after", type=Path, metavar="AFTER")
    compare.add_argument("--shared-items", action="store_true", help="of different suites, compare what both have")
    compare.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


def _add_report(commands: _Commands[_Parser]) -> None:
    report = commands.add_parser("report", help="write a log as one HTML page and a Markdown summary")
    report.set_defaults(command="report")
    report.add_argument("log", type=Path, metavar="LOG")
    report.add_argument(
        "--against", type=Path, nargs="+", default=[], metavar="LOG", help="earlier logs to compare with"
    )
    report.add_argument(
        "--out", type=Path, metavar="PATH", help="folder, or a file that ends in .html (default: beside LOG)"
    )


def _add_gate(commands: _Commands[_Parser]) -> None:
    gate = commands.add_parser("gate", help="fail when a log falls below a baseline")
    gate.set_defaults(command="gate")
    gate.add_argument("log", type=Path, metavar="LOG")
    gate.add_argument("--baseline", type=Path, required=True, metavar="FILE")
    gate.add_argument("--write", action="store_true", help="make the baseline from the log instead")
    gate.add_argument("--slack", type=float, default=1.0, metavar="ITEMS",
                      help="with --write: how many items may get worse (default: %(default)s)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
