"""A log and a comparison in the terminal, through rich. No string of a log is read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from string import ascii_lowercase

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from eval.compare import Change, Comparison, Contrast, Move
from eval.log import EvalLog
from eval.report import view
from eval.scorers.named import STAGE
from eval.wording import interval, number, p_value, plain, signed
from rag.render.words import one_line

_ARROWS = {True: "↑", False: "↓", None: ""}
_SHOWN_ITEMS, _SHOWN_NAMES, _SHOWN_REASONS, _WIDEST, _WIDEST_TABLE = 20, 5, 8, 60, 160


def render_log(log: EvalLog, console: Console) -> None:
    """Prints the figures of a log: measures and who judged, outcomes, what was not scored and why, times, failures."""
    console.print(
        _text(f"{log.suite.name} {log.suite.digest}, {view.asked(log)}, {log.system.name}, {log.seconds:.0f} s")
    )
    rows = view.rows(log)
    judges = dict(zip(_judges(rows), ascii_lowercase, strict=False))
    console.print("Measures; the arrow says which way is better" + ", the letter who judged" * bool(judges))
    _print_whole(_figures(rows, judges), console)
    for name, letter in judges.items():
        console.print(_text(f"{letter}: {view.agreement(log, name)}"), soft_wrap=True)
    for warning in view.partial_judges(log):
        console.print(_text(f"warning: {warning}"), soft_wrap=True)
    counts = view.outcomes(log)[""]
    console.print(f"outcomes: {', '.join(f'{n:,} {outcome}' for outcome, n in counts.most_common())}")
    for line in _unscored(log):
        console.print(_text(line), soft_wrap=True)
    if any(record.response.timings_ms for record in log.records):
        times = ((name, *map(number, (t.p50, t.p95, t.p99))) for name, t in view.stages(log).items())
        _print_whole(_table("Time by stage, ms", ("", "p50", "p95", "p99"), times, right=(1, 2, 3)), console)
    if broken := [r.response.error for r in log.records if r.response.error]:
        said = f"{len(broken)} of {len(log.records)} items failed, the first with: {broken[0]}"
        console.print(_text(said), soft_wrap=True)


def _judges(rows: Iterable[view.Row]) -> list[str]:
    return list(dict.fromkeys(row.summary.judge for row in rows if row.summary.judge))


def _figures(rows: Iterable[view.Row], judges: Mapping[str, str]) -> Table:
    columns = ("measure", "", "value", "95 % interval", "n", "unscored")
    table = _table("", columns, (), right=tuple(range(2, len(columns))))
    for name, _, found, *_ in rows:
        cells = (f"{name} {_ARROWS[found.higher_is_better]}", judges.get(found.judge, ""), number(found.value))
        table.add_row(*map(_text, (*cells, interval(found.low, found.high), str(found.n), str(found.unscored))))
    return table


def _unscored(log: EvalLog) -> Iterator[str]:
    """Why items were not scored, the measures of one reason together."""
    found: dict[tuple[str, int], list[str]] = {}
    for measure, reason, n in view.reasons(log):
        found.setdefault((reason, n), []).append(measure)
    for (reason, n), measures in list(found.items())[:_SHOWN_REASONS]:
        yield f"not scored, {n:,} {'item' if n == 1 else 'items'}: {', '.join(measures)}: {reason}"
    if len(found) > _SHOWN_REASONS:
        yield f"not scored for {len(found) - _SHOWN_REASONS} more reasons; the report has all of them"


def render(comparison: Comparison, console: Console) -> None:
    """Prints a comparison: what is compared, the measures, what differs in the making, the items that moved."""
    for line in _heading(comparison):
        console.print(_text(line))
    shown = [c for c in comparison.contrasts if not c.measure.startswith(STAGE)]
    _print_whole(_measures(shown), console)
    for note, measures in notes_of(shown).items():
        console.print(_text(f"{', '.join(measures)}: {note}"), style="dim")
    if len(shown) < len(comparison.contrasts):
        console.print("times of stages are in the report and the JSON", style="dim")
    if comparison.differing:
        rows = ((d.where, _short(plain(d.before)), _short(plain(d.after))) for d in comparison.differing)
        _print_whole(_table("What differs in the making", ("", "before", "after"), rows), console)
    if comparison.changes:
        _print_whole(_changed(comparison.changes), console)
        rest = len(comparison.changes) - _SHOWN_ITEMS
        if rest > 0:
            console.print(_text(f"and {rest} more; the report and the JSON have all of them"), style="dim")


def _heading(comparison: Comparison) -> Iterator[str]:
    before, after = comparison.before, comparison.after
    yield f"before  {before.system}, {before.started}, {before.suite} ({before.digest[:12]}), {before.items} items"
    yield f"after   {after.system}, {after.started}, {after.suite} ({after.digest[:12]}), {after.items} items"
    if not comparison.same_suite:
        yield "The suites differ: only items that are the same in both are compared."
    yield f"{comparison.items} items compared, {len(comparison.changes)} of them changed"
    left_out = {
        "only before": comparison.only_before,
        "only after": comparison.only_after,
        "altered between the suites": comparison.altered,
    }
    yield from (f"{len(names)} {where}: {names_of(names)}" for where, names in left_out.items() if names)


def names_of(names: tuple[str, ...]) -> str:
    """The first few of a list of names, and how many more there are."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _measures(contrasts: Iterable[Contrast]) -> Table:
    columns = ("measure", "n", "before", "after", "difference", "95 % interval", "p", "p (Holm)", "w/t/l")
    table = _table("Measures; the arrow says which way is better", columns, (), right=tuple(range(1, len(columns))))
    for c in contrasts:
        cells = [f"{c.measure} {_ARROWS[c.higher_is_better]}", str(c.n), number(c.before), number(c.after)]
        cells += ["–" if c.difference is None else signed(c.difference), interval(c.low, c.high, with_sign=True)]
        cells += [p_value(c.p), p_value(c.p_holm), score_line(c)]
        table.add_row(*map(_text, cells), style=_colour(c))
    return table


def score_line(contrast: Contrast) -> str:
    """Wins, ties and losses; a dash where no direction is better or nothing was paired."""
    if contrast.wins is None or contrast.losses is None:
        return "–"
    return f"{contrast.wins}/{contrast.ties}/{contrast.losses}"


def _colour(contrast: Contrast) -> str:
    """Green or red only for what is beyond chance after the adjustment."""
    if contrast.p_holm is None or contrast.p_holm >= 0.05 or contrast.higher_is_better is None:
        return ""
    return "green" if ((contrast.difference or 0) > 0) == contrast.higher_is_better else "red"


def notes_of(contrasts: Iterable[Contrast]) -> dict[str, list[str]]:
    """What is to be said of comparisons, each with the measures of which it is to be said."""
    found: dict[str, list[str]] = {}
    for c in contrasts:
        notes = [*c.notes]
        for when, names in (("before", c.unscored_before), ("after", c.unscored_after)):
            if names:
                notes.append(f"{len(names)} not scored {when}: {names_of(names)}")
        for note in notes:
            found.setdefault(note, []).append(c.measure)
    return found


def _print_whole(table: Table, console: Console) -> None:
    """Prints a table that is wider than the console beyond its edge, as folded names and figures cannot be read."""
    options = console.options.update(max_width=max(console.width, _WIDEST_TABLE))
    console.print(Segments(console.render(table, options)), soft_wrap=True)


def _changed(changes: tuple[Change, ...]) -> Table:
    rows = ((c.item_id, c.kind, _outcome(c), "yes" if c.text_changed else "no", _moves(c)) for c in changes)
    shown = [row for row, _ in zip(rows, range(_SHOWN_ITEMS), strict=False)]
    return _table("Items that changed, worst first", ("item", "kind", "outcome", "text changed", "scores"), shown)


def _outcome(change: Change) -> str:
    before, after = change.outcome_before, change.outcome_after
    return str(after) if before is after else f"{before} → {after}"


def _moves(change: Change) -> str:
    return "\n".join(f"{_mark(m)} {m.measure} {number(m.before)} → {number(m.after)}" for m in change.moves)


def _mark(move: Move) -> str:
    return {True: "▲", False: "▼", None: "·"}[move.better]


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]], right: tuple[int, ...] = ()) -> Table:
    table = Table(
        title=title or None,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def _text(text: str) -> Text:
    """Without terminal escapes; lines stay."""
    return Text("\n".join(map(one_line, text.split("\n"))))


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
