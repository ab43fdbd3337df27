"""``python -m eval.faithfulness``: what is shown of a language model that makes false a share of what it writes.

A scripted model (``eval.lying``) behind a real server writes articles on the starter's questions: true statements in
other words, and some altered in one place. Told is how many of the altered ones are caught, before and after what is
sent back has come again, how many of the true ones are lost, and what checking adds to the time of the model's own
stream. Prints, asserts nothing.

The questions are in two halves, one to develop the checks with and one to report of; so are seeds, which the caller
keeps apart.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from statistics import fmean
from typing import Literal, NamedTuple, get_args

from rich.console import Console
from rich.table import Table

from eval.lying import KINDS, LyingModel, Written
from eval.measures.cost import percentile
from eval.scripted import served
from eval.suites.catalogue import SHIPPED
from rag.language.lexicon import Lexicon
from rag.pipeline import Pipeline
from rag.settings import Settings
from rag.writing.checking import Checker
from rag.writing.lines import Line
from rag.writing.prompting import Brief
from rag.writing.wording import Told

Half = Literal["development", "report"]
_KINDS = frozenset({"answerable", "paraphrase", "false_premise", "true_premise"})
#: An article of 30 statements at 100 tokens a second takes 20 seconds.
_BUDGET_S, _TIMEOUT_S, _MAX_TOKENS = 300, 60, 32_768
#: Statements of which a share is altered, and tokens that a model writes in a second.
AT_LEAST, SHARE, _PACE = 500, 0.3, 100
_FOR_DRUGS = 8
_ALL = "all"


class Statement(NamedTuple):
    """One that was written for an article, and seconds from its last byte until it was shown, None if it was not.

    ``why`` it was refused is there as far as it was sent back.
    """

    article: int
    written: Written
    after_s: float | None
    why: str

    @property
    def is_shown(self) -> bool:
        return self.after_s is not None

    @property
    def key(self) -> tuple[int, int]:
        """The same for both attempts."""
        return self.article, self.written.place


class Times(NamedTuple):
    """Seconds of the processor, and of the wall, that checking a statement alone took."""

    own_s: float
    wall_s: float


class Measured(NamedTuple):
    statements: list[Statement]
    checks: list[Times]

    @property
    def first(self) -> list[Statement]:
        return [s for s in self.statements if not s.written.repairs]

    @property
    def again(self) -> dict[tuple[int, int], Statement]:
        """Second attempts by what they stand for."""
        return {s.key: s for s in self.statements if s.written.repairs}


def questions(half: Half, seed: int) -> list[str]:
    """Those of one half, in an order that is drawn. Forms of a question are in the same."""
    items = [i for i in SHIPPED["starter"].load(None).items if i.kind in _KINDS and not i.history]
    mine = [i.question for i in items if _half(i.cluster or i.item_id) == half]
    Random(seed).shuffle(mine)  # noqa: S311  not for secrets
    return mine


def _half(name: str) -> Half:
    return "development" if hashlib.sha256(name.encode()).digest()[0] % 2 else "report"


def measure(
    settings: Settings, asked: Sequence[str], seed: int, *, share: float = SHARE, at_least: int = AT_LEAST,
    tokens_per_second: float = 0, told: Callable[[int], None] = lambda count: None,
) -> Measured:  # fmt: skip
    """Asks until so many statements were written at the first attempt, or there is nothing left to ask."""
    lexicon, found = Lexicon.load(), Measured([], [])
    with closing(Pipeline.open(settings.model_copy(update={"llm_url": None, "llm_model": None}))) as alone:
        model = LyingModel(lexicon, _drugs(alone, asked, lexicon), seed, share)
        with served(model, tokens_per_second) as url, closing(Pipeline.open(_settings(settings, url))) as pipeline:
            pipeline.warm()
            for number, question in enumerate(asked):
                if len(found.first) >= at_least:
                    break
                article = _article(pipeline, model, number, question)
                found.statements.extend(article)
                found.checks.extend(_alone(alone, question, [s.written for s in article]))
                told(len(found.first))
    return found


def _settings(settings: Settings, url: str) -> Settings:
    patient = {"llm_budget_s": _BUDGET_S, "llm_timeout_s": _TIMEOUT_S, "llm_max_tokens": _MAX_TOKENS}
    return settings.model_copy(update={"llm_url": url, "llm_model": "scripted", **patient})


def _drugs(pipeline: Pipeline, asked: Sequence[str], lexicon: Lexicon) -> list[str]:
    """Those that some articles speak of, the commonest first."""
    texts = (e.quote for q in asked[:_FOR_DRUGS] for s in pipeline.ask(q).statements() for e in s.evidence)
    counts = Counter(m.concept for text in texts for m in lexicon.mentions(text) if m.kind == "drug")
    return [name for name, _ in counts.most_common()]


def _article(pipeline: Pipeline, model: LyingModel, number: int, question: str) -> list[Statement]:
    """What was written for an article, and when it was shown."""
    shown: dict[tuple[str, bool], float] = {}

    def watch(step: str | Told) -> None:
        if isinstance(step, Told):
            at = time.perf_counter()
            shown.setdefault((step.statement.text, at > model.again_at), at)

    model.article()
    pipeline.ask(question, watch=watch)
    found: list[Statement] = []
    for written in model.written:
        # A lead-in that only names the source is not shown.
        texts = (written.text, _capital(written.text.partition(", ")[2]))
        at = next((at for text in texts if (at := shown.get((text, bool(written.repairs))))), None)
        after_s = None if at is None else at - model.sent_at[written.line]
        found.append(Statement(number, written, after_s, model.why.get(written.text, "")))
    return found


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _alone(pipeline: Pipeline, question: str, written: Sequence[Written]) -> list[Times]:
    """What checking each takes by a verifier that has read nothing yet."""
    brief = Brief.of(pipeline.ask(question))
    fresh = Pipeline(pipeline.settings, pipeline.snapshot, pipeline.retriever).verifier
    checker, times = Checker(fresh, brief.items, len(brief.sections)), []
    for one in written:
        own, wall = time.thread_time(), time.perf_counter()
        checker.checked(Line(one.section, one.evidence, one.text))
        times.append(Times(time.thread_time() - own, time.perf_counter() - wall))
    return times


def altered(measured: Measured) -> Table:
    """What became of the altered statements, by kind."""
    table = Table("altered in", "written", "caught", "sent back and false again", "caught", "shown", title="Altered")
    for kind in [*KINDS, _ALL]:
        first = [s for s in measured.first if s.written.altered and kind in (s.written.altered, _ALL)]
        again = [s for s in measured.again.values() if s.written.altered and kind in (s.written.altered, _ALL)]
        shown, later = (sum(s.is_shown for s in statements) for statements in (first, again))
        table.add_row(kind, str(len(first)), _share(len(first) - shown, len(first)), str(len(again)),
                      _share(len(again) - later, len(again)), str(shown + later))  # fmt: skip
    return table


def true(measured: Measured) -> Table:
    """What became of the true statements, by how they say their quotes."""
    table = Table("in other", "written", "lost at first", "lost after the second attempt", title="True")
    first, again = [s for s in measured.first if not s.written.altered], measured.again
    for style in [*sorted({s.written.style for s in first}), _ALL]:
        mine = [s for s in first if style in (s.written.style, _ALL)]
        at_first = [s for s in mine if not s.is_shown]
        for_good = [s for s in at_first if not (s.key in again and again[s.key].is_shown)]
        table.add_row(style, str(len(mine)), _share(len(at_first), len(mine)), _share(len(for_good), len(mine)))
    return table


def added(measured: Measured) -> Table:
    """What checking adds to the model's own stream."""
    shown = [s.after_s for s in measured.statements if s.after_s is not None]
    table = Table("milliseconds a statement", "mean", "median", "p95", "p99", title="Time")
    for what, seconds in (
        ("from its last byte until it is shown", shown),
        ("checking alone, by a verifier that has read nothing", [t.wall_s for t in measured.checks]),
        ("the same in time of the processor", [t.own_s for t in measured.checks]),
    ):
        figures = (fmean(seconds) if seconds else None, *(percentile(seconds, q) for q in (50, 95, 99)))
        table.add_row(what, *("–" if f is None else f"{1000 * f:.1f}" for f in figures))
    return table


def _share(part: int, whole: int) -> str:
    return f"{part} = {100 * part / whole:.1f} %" if whole else "–"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.faithfulness", description=__doc__)
    parser.add_argument("--half", choices=get_args(Half), default="report", help="of the questions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=SHARE, help="of the statements that are altered")
    parser.add_argument("--statements", type=int, default=AT_LEAST, help="written at the first attempt, at least")
    parser.add_argument("--tokens-per-second", type=float, default=_PACE, help="of the model; 0 is all at once")
    parser.add_argument("--index", help="that is asked (default: OSLER_INDEX_DIR, else starter)")
    parser.add_argument("--show", action="store_true", help="also print what was shown and false, and true and lost")
    options = parser.parse_args(arguments)
    console, asked = Console(highlight=False, markup=False), questions(options.half, options.seed)
    with console.status("asking") as status:
        measured = measure(
            Settings.from_environment(index_dir=options.index), asked, options.seed, share=options.share,
            at_least=options.statements, tokens_per_second=options.tokens_per_second,
            told=lambda count: status.update(f"{count} statements"),
        )  # fmt: skip
    first = measured.first
    texts = len({s.written.text for s in first})
    console.print(
        f"{len(first)} statements, {texts} of them different, in {len({s.article for s in first})} articles "
        f"({options.half} half, seed {options.seed}); {len(measured.again)} second attempts"
    )
    for table in (altered(measured), true(measured), added(measured)):
        console.print(table)
    for statement in measured.statements if options.show else ():
        if statement.is_shown == bool(statement.written.altered):
            written = statement.written
            console.print(f"{written.altered or 'lost'} ({written.style}): {written.text}\n  {statement.why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
