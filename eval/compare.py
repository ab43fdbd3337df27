"""``compare``: what differs between two logs of one suite, and whether by more than chance.

Only items that both logs asked, and for each measure only those scored in both, are compared: pair by pair. Of a
difference this says the mean with its interval, how probable one as large would be if the two systems were
exchangeable, who won how often, and which items moved. Figures pooled over items (macro-F1, AUC) have no pairs: before
and after stand side by side and nothing is claimed about them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from eval import statistics
from eval.domain import Item, Outcome, Record
from eval.log import EvalLog, Summary
from eval.scorers.named import is_cost
from eval.summary import Pooled, pooled
from rag.domain import Frozen
from rag.errors import InputError

_SAME = 1e-9


class Side(Frozen):
    """A log in short. ``items`` are those that it has a record of."""

    suite: str
    digest: str
    system: str
    started: str
    items: int


class Differing(Frozen):
    """A setting, version or entry of a receipt that is not the same; null where a log has none."""

    where: str
    before: Any = None
    after: Any = None


class Contrast(Frozen):
    """One measure in both logs.

    ``before`` and ``after`` are means over the ``n`` pairs, which are in ``clusters``, or the logs' own figures when
    ``pooled``; the difference is after − before. ``low`` and ``high`` bound its bootstrap 95 % interval, resampled by
    cluster; ``p`` is of a two-sided randomisation test, ``p_holm`` the same adjusted for the number of measures tested
    (Holm 1979), both null for a pooled figure; all null below two clusters. A win is a pair in which ``after`` is
    better; null where neither direction is. ``unscored_before`` and ``unscored_after`` are the items scored in the
    other log only.
    """

    measure: str
    before: float | None
    after: float | None
    n: int = 0
    clusters: int = 0
    pooled: bool = False
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None
    higher_is_better: bool | None = True
    judge: str = ""
    unscored_before: tuple[str, ...] = ()
    unscored_after: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Move(Frozen):
    """A score that changed, null for unscored. ``better`` is null where that cannot be said."""

    measure: str
    before: float | None
    after: float | None
    better: bool | None


class Change(Frozen):
    """An item of which the outcome, the text or a score changed, costs left aside."""

    item_id: str
    kind: str
    outcome_before: Outcome
    outcome_after: Outcome
    text_changed: bool
    moves: tuple[Move, ...]


class Comparison(Frozen):
    """Two logs beside one another.

    ``items`` is the number compared. ``only_before`` and ``only_after`` are items that the other log has no record of;
    ``altered`` have the same id in both but another question or gold, and are not compared.
    """

    before: Side
    after: Side
    same_suite: bool
    items: int
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    changes: tuple[Change, ...] = ()
    differing: tuple[Differing, ...] = ()


class Pair(NamedTuple):
    """The same item in both logs."""

    before: Record
    after: Record

    @property
    def item(self) -> Item:
        return self.after.item


class Figures(NamedTuple):
    """The same pooled figure of both sides of all pairs."""

    before: Pooled
    after: Pooled


def compare(before: EvalLog, after: EvalLog, *, allow_different: bool = False, seed: int = 0) -> Comparison:
    """Compares ``after`` with ``before``; deterministic for a ``seed``.

    Args:
        allow_different: Compare the items that two different suites share instead of refusing.

    Raises:
        InputError: The suites differ and that is not allowed, or no item is in both.
    """
    same = before.suite.digest == after.suite.digest
    if not same and not allow_different:
        raise InputError(
            f"comparison: the logs are of different suites, {_suite(before)} and {_suite(after)}; expected the same "
            "digest; run one of them again, or compare the items that they share with --shared-items"
        )
    mine, theirs = _by_id(after), _by_id(before)
    shared = [Pair(theirs[key], record) for key, record in mine.items() if key in theirs]
    pairs = [pair for pair in shared if pair.before.item == pair.after.item]
    if not pairs:
        raise InputError(
            f"comparison: {_suite(before)} and {_suite(after)} share no item; expected logs of the same items"
        )
    figures = _figures(pairs)
    contrasts = [_contrast(measure, before, after, pairs, figures, seed) for measure in _measures(before, after)]
    return Comparison(
        before=_side(before),
        after=_side(after),
        same_suite=same,
        items=len(pairs),
        only_before=tuple(key for key in theirs if key not in mine),
        only_after=tuple(key for key in mine if key not in theirs),
        altered=tuple(pair.item.item_id for pair in shared if pair.before.item != pair.after.item),
        contrasts=_adjusted(contrasts),
        changes=tuple(_changes(pairs, contrasts)),
        differing=tuple(_differing(before, after)),
    )


def _suite(log: EvalLog) -> str:
    return f"{log.suite.name} ({log.suite.digest[:12]})"


def _side(log: EvalLog) -> Side:
    facts = {"suite": log.suite.name, "digest": log.suite.digest, "system": log.system.name, "started": log.started}
    return Side(**facts, items=len(log.records))


def _by_id(log: EvalLog) -> dict[str, Record]:
    return {record.item.item_id: record for record in log.records}


def _measures(before: EvalLog, after: EvalLog) -> list[str]:
    """Names of all measures, in the order of the later log."""
    names = [*after.summaries, *before.summaries]
    names += [name for log in (after, before) for record in log.records for name in record.scores]
    return list(dict.fromkeys(names))


def is_pooled(measure: str, log: EvalLog) -> bool:
    """Whether a summary is something else than the mean of its items' scores, and so has no pairs."""
    summary = log.summaries.get(measure)
    if summary is None or summary.value is None:
        return False
    values = [v for record in log.records if (v := _value(record, measure)) is not None]
    # Means of the same values may differ in their last digits with the order of adding.
    return not values or not math.isclose(math.fsum(values) / len(values), summary.value, rel_tol=1e-6, abs_tol=1e-6)


def _value(record: Record, measure: str) -> float | None:
    score = record.scores.get(measure)
    return score.value if score else None


def _contrast(
    measure: str, before: EvalLog, after: EvalLog, pairs: Sequence[Pair], figures: Mapping[str, Figures], seed: int
) -> Contrast:
    old, new = before.summaries.get(measure), after.summaries.get(measure)
    facts = _facts(measure, old, new)
    if is_pooled(measure, before) or is_pooled(measure, after):
        return _pooled(facts, old, new, figures.get(measure), seed)
    scored = [(_value(p.before, measure), _value(p.after, measure), p) for p in pairs]
    both = [(b, a, p) for b, a, p in scored if b is not None and a is not None]
    facts["unscored_before"] = tuple(p.item.item_id for b, a, p in scored if b is None and a is not None)
    facts["unscored_after"] = tuple(p.item.item_id for b, a, p in scored if a is None and b is not None)
    if not both:
        facts["notes"] += ("scored in both logs for no item",)
        return Contrast(**facts, before=None, after=None)
    clusters = [p.item.cluster or p.item.item_id for *_, p in both]
    return _tested(facts, [b for b, *_ in both], [a for _, a, _ in both], clusters, seed)


def _facts(measure: str, before: Summary | None, after: Summary | None) -> dict[str, Any]:
    """What is known of a measure before any value is looked at."""
    known = after or before
    notes: tuple[str, ...] = ()
    if before and after and before.judge != after.judge:
        notes = (f"judged by {before.judge or 'nobody'} before and by {after.judge or 'nobody'} after",)
    better = known.higher_is_better if known else None
    return {"measure": measure, "higher_is_better": better, "judge": known.judge if known else "", "notes": notes}


def _figures(pairs: Sequence[Pair]) -> dict[str, Figures]:
    """The pooled figures that both sides of the pairs have, by name."""
    old, new = ({f.name: f for f in pooled(records)} for records in zip(*pairs, strict=True))
    return {name: Figures(old[name], figure) for name, figure in new.items() if name in old}


def _pooled(
    facts: dict[str, Any], before: Summary | None, after: Summary | None, figures: Figures | None, seed: int
) -> Contrast:
    """Each log's own figure; the difference is of the pairs, where both figures are of the same of them."""
    old, new = (summary.value if summary else None for summary in (before, after))
    found = figures.after.difference(figures.before, seed) if figures else None
    if found is None:
        facts["notes"] += ("pooled over items that are not the same in both: no interval",)
        difference = None if old is None or new is None else new - old
        return Contrast(**facts, before=old, after=new, pooled=True, difference=difference, n=after.n if after else 0)
    facts["notes"] += ("pooled over items: an interval, no test",)
    return Contrast(
        **facts,
        before=old,
        after=new,
        pooled=True,
        n=found.n,
        clusters=found.clusters,
        difference=found.value,
        low=found.low,
        high=found.high,
    )


def _tested(
    facts: dict[str, Any], before: Sequence[float], after: Sequence[float], clusters: Sequence[str], seed: int
) -> Contrast:
    paired = statistics.compare(after, before, clusters, seed, epsilon=_SAME)
    won, lost = paired.wins, paired.losses
    better = facts["higher_is_better"]
    return Contrast(
        **facts,
        before=math.fsum(before) / len(before),
        after=math.fsum(after) / len(after),
        n=paired.difference.n,
        clusters=paired.difference.clusters,
        difference=paired.difference.value,
        low=paired.difference.low,
        high=paired.difference.high,
        p=paired.p,
        wins=None if better is None else won if better else lost,
        ties=paired.ties,
        losses=None if better is None else lost if better else won,
    )


def _adjusted(contrasts: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """With p values adjusted for the number of measures tested."""
    adjusted = statistics.holm({c.measure: c.p for c in contrasts})
    return tuple(c.model_copy(update={"p_holm": adjusted[c.measure]}) for c in contrasts)


def _changes(pairs: Sequence[Pair], contrasts: Sequence[Contrast]) -> Iterator[Change]:
    """Items that changed, those with most scores for the worse first, then in the order of the log."""
    found = [change for pair in pairs if (change := _change(pair, contrasts))]
    yield from sorted(found, key=lambda change: -sum(move.better is False for move in change.moves))


def _change(pair: Pair, contrasts: Sequence[Contrast]) -> Change | None:
    before, after = pair.before.response, pair.after.response
    moves = tuple(_moves(pair, contrasts))
    text_changed = (before.text, before.article) != (after.text, after.article)
    if not moves and not text_changed and before.outcome is after.outcome:
        return None
    return Change(
        item_id=pair.item.item_id,
        kind=pair.item.kind,
        outcome_before=before.outcome,
        outcome_after=after.outcome,
        text_changed=text_changed,
        moves=moves,
    )


def _moves(pair: Pair, contrasts: Sequence[Contrast]) -> Iterator[Move]:
    for contrast in contrasts:
        old, new = _value(pair.before, contrast.measure), _value(pair.after, contrast.measure)
        if is_cost(contrast.measure) or (old is None and new is None):
            continue
        if old is None or new is None:
            yield Move(measure=contrast.measure, before=old, after=new, better=None)
        elif abs(new - old) > _SAME:
            up = contrast.higher_is_better
            better = None if up is None else (new > old) == up
            yield Move(measure=contrast.measure, before=old, after=new, better=better)


def _differing(before: EvalLog, after: EvalLog) -> Iterator[Differing]:
    """What was not the same in the making of the two logs, by its dotted path."""
    old, new = dict(_made_with(before)), dict(_made_with(after))
    for where in dict.fromkeys([*old, *new]):
        if old.get(where) != new.get(where):
            yield Differing(where=where, before=old.get(where), after=new.get(where))


def _made_with(log: EvalLog) -> Iterator[tuple[str, Any]]:
    parts = {
        "suite": {"name": log.suite.name, "digest": log.suite.digest, "items": log.suite.items},
        "system": {"name": log.system.name},
        "receipt": log.system.receipt,
        "settings": log.settings,
        "versions": log.versions,
        "git": log.git.model_dump(),
        "seed": log.seed,
        "judges": {agreement.judge: agreement.model_dump(exclude={"judge"}) for agreement in log.judges},
    }
    yield from leaves(parts)


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """What is in a tree of settings, each under its dotted path."""
    for key, value in tree.items():
        where = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, where)
        else:
            yield where, value
