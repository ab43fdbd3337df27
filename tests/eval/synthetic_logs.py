"""Logs made by rule from a seed, for tests of comparing, gating and reporting: no question in them means anything."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from eval.domain import (
    Article,
    Claim,
    Criterion,
    Erratum,
    Gold,
    Item,
    Listed,
    Outcome,
    Part,
    Ranked,
    Record,
    Response,
    Said,
    Score,
    Scores,
    Turn,
    Usage,
    unscored,
)
from eval.log import Agreement, Curve, EvalLog, GitState, Point, SuiteFacts, Summary, SystemFacts
from eval.statistics import summarise

JUDGE = "matcher 1"
KINDS = ("answerable", "unanswerable", "false_premise", "paraphrase", "follow_up")
STAGES = {"interpret": 0.6, "retrieve": 8.0, "rerank": 4.0, "compose": 22.0, "verify": 11.0}
_DRUGS = ("argatroban", "bivalirudin", "fondaparinux", "danaparoid", "warfarin", "apixaban")
_JUDGED = {"claim_recall", "contradictions", "citation_recall", "wrong", "aurc"}
_LOWER = {"contradictions", "wrong", "seconds", "aurc"}
_NEITHER = {"words"}


def small_log(scores: dict[str, dict[str, float | None]], *, digest: str = "a" * 64, **changes: object) -> EvalLog:
    """A log of items with nothing but scores: ``{item id: {measure: value}}``; every item answers with its own id."""
    records = [
        Record(
            item=Item(item_id=name, question=f"What of {name}?", kind="plain"),
            response=Response(item_id=name, outcome=Outcome.ANSWERED, text=f"This of {name}."),
            scores={m: unscored("no gold") if v is None else Score(value=v) for m, v in values.items()},
        )
        for name, values in scores.items()
    ]
    return log_of(records, digest=digest).model_copy(update=changes)


def log_of(records: Sequence[Record], *, digest: str = "a" * 64, system: str = "osler", seed: int = 0) -> EvalLog:
    """A log of ``records`` with summaries over all and by kind."""
    kinds = dict.fromkeys(r.item.kind for r in records)
    by_kind = {kind: summaries([r for r in records if r.item.kind == kind]) for kind in kinds}
    return EvalLog(
        suite=SuiteFacts(name="starter", digest=digest, items=len(records), description="Made by rule for tests."),
        system=SystemFacts(name=system, receipt={"snapshot_id": "s1", "models": {"encoder": "small"}}),
        settings={"k": 10, "limit": None},
        versions={"python": "3.11.2", "osler": "0.4.0"},
        git=GitState(commit="0" * 40, dirty=False),
        seed=seed,
        started=(datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(days=seed)).isoformat(),
        seconds=12.5,
        summaries=summaries(records),
        by_kind=by_kind,
        judges=(Agreement(judge=JUDGE, labels="labelled claims", n=500, accuracy=0.874, kappa=0.713),),
        records=tuple(records),
    )


def summaries(records: Sequence[Record]) -> dict[str, Summary]:
    """Means of the scores that are there."""
    found = {}
    for name in dict.fromkeys(name for record in records for name in record.scores):
        scored = [(r.scores[name].value, r.item.cluster or r.item.item_id) for r in records if name in r.scores]
        mean = summarise([value for value, _ in scored], [cluster for _, cluster in scored], resamples=200)
        missing = sum(value is None for value, _ in scored)
        found[name] = _summary(name, mean.value, mean.n, missing, mean.clusters, mean.low, mean.high)
    return found


def _summary(name: str, value: float | None, n: int, missing: int, clusters: int, low: float | None,
             high: float | None) -> Summary:  # fmt: skip
    better = None if name in _NEITHER else name not in _LOWER
    return Summary(value=value, n=n, unscored=missing, clusters=clusters, low=low, high=high,
                   judge=JUDGE if name in _JUDGED else "", higher_is_better=better)  # fmt: skip


def realistic_log(count: int = 150, *, seed: int = 0, skill: float = 0.75) -> EvalLog:
    """``count`` records of five kinds with answers, citations, claims, times and curves."""
    chance = random.Random(seed)
    records = [_record(i, chance, skill) for i in range(count)]
    log = log_of(records, system=f"osler {seed}", seed=seed)
    pooled = {
        "macro_f1": _summary("macro_f1", 0.61 + seed / 50, count, 0, count, 0.55, 0.68),
        "rubric": _summary("rubric", None, 0, count, 0, None, None),
    }
    return log.model_copy(
        update={"summaries": log.summaries | pooled, "curves": _curves(chance), "settings": {"k": 10 + seed}}
    )


def _record(i: int, chance: random.Random, skill: float) -> Record:
    kind, drug = KINDS[i % len(KINDS)], _DRUGS[i % len(_DRUGS)]
    claims = tuple(
        Claim(claim_id=f"c{k}", text=f"The {drug} infusion is started at {k + 1}.5 mg/h in group {k + 1}.",
              importance="must" if k < 2 else "nice", values=(f"{k + 1}.5 mg/h",))
        for k in range(4)
    )  # fmt: skip
    item = Item(
        item_id=f"q{i:03}",
        question=f"How is {drug} dosed in a patient of group {i % 4 + 1} with a Child-Pugh score of {5 + i % 9}, "
        "and what has to be watched for in the first 24 hours of the infusion?",
        history=(Turn(role="user", text=f"What is {drug}?"), Turn(role="assistant", text="An anticoagulant."))
        if kind == "follow_up"
        else (),
        kind=kind,
        cluster=f"pair-{i // 10}" if kind == "paraphrase" else "",
        gold=_gold(kind, claims, drug),
    )
    outcome = _outcome(kind, chance, skill)
    said = [c for c in claims if chance.random() < skill]
    denied = [c for c in claims if c not in said and chance.random() < 0.2]
    response = _response(item, outcome, said, denied, chance, drug)
    return Record(item=item, response=response, scores=_scores(item, response, said, denied, chance))


def _gold(kind: str, claims: tuple[Claim, ...], drug: str) -> Gold:
    wrong = Erratum(erratum_id="e1", claim=f"{drug} is safe for all.", correction=f"{drug} can bleed.", source="A note")
    return Gold(
        claims=claims if kind != "unanswerable" else (),
        errata=(wrong,) if kind == "answerable" else (),
        outline=("Dosing", "Monitoring"),
        answerable=kind != "unanswerable",
        premise=f"{drug} is a vitamin" if kind == "false_premise" else None,
        premise_holds=False if kind == "false_premise" else None,
        relevant={"d1": 2, "d7": 1, "d9": 0},
        rubric=(Criterion(text="Says when to stop.", points=5),),
    )


def _outcome(kind: str, chance: random.Random, skill: float) -> Outcome:
    if chance.random() < 0.02:
        return Outcome.FAILED
    if kind == "unanswerable":
        return Outcome.ABSTAINED if chance.random() < skill else Outcome.ANSWERED
    return chance.choices([Outcome.ANSWERED, Outcome.PARTIAL, Outcome.ABSTAINED], [skill, 0.15, 0.1])[0]


def _response(item: Item, outcome: Outcome, said: Sequence[Claim], denied: Sequence[Claim], chance: random.Random,
              drug: str) -> Response:  # fmt: skip
    timings = {stage: ms * chance.lognormvariate(0, 0.5) for stage, ms in STAGES.items()}
    failed = outcome is Outcome.FAILED
    answers = outcome in (Outcome.ANSWERED, Outcome.PARTIAL)
    lines = [Said(text=c.text, citations=(1 + n % 2,), quotes=(f"{c.text} This was seen in 40 patients.",))
             for n, c in enumerate(said)]  # fmt: skip
    lines += [Said(text=c.text.replace("is started", "is never started"), citations=(2,)) for c in denied]
    article = Article(
        title=f"Dosing of {drug}",
        bottom_line=(Said(text=f"Start {drug} low and go slow.", citations=(1, 2)),),
        parts=(Part(heading="Dosing", said=tuple(lines)),) if lines else (),
        references=tuple(
            Listed(number=n, text=f"Guideline on {drug}. J Made Up. 2024;{n}:1-9. https://doi.org/10.1000/made.{n}")
            for n in (1, 2)
        ),
        related_questions=(f"How is {drug} stopped?",),
        disclaimer="For clinicians; check before use.",
    )
    return Response(
        item_id=item.item_id,
        outcome=outcome,
        text="" if failed else article.text() if answers else "The sources do not speak to this.",
        article=article if answers else Article(),
        confidence=None if failed else round(chance.betavariate(4, 2), 3),
        ranking=tuple(Ranked(f"d{n}", 1 / (n + 1)) for n in range(12)),
        usage=None if failed else Usage(prompt=1800, completion=250),
        timings_ms={} if failed else timings,
        seconds=30.0 if failed else sum(timings.values()) / 1000 + 0.002,
        receipt={"snapshot_id": "s1"},
        error="the server did not answer within 30 s" if failed else None,
    )


def _scores(item: Item, response: Response, said: Sequence[Claim], denied: Sequence[Claim],
            chance: random.Random) -> Scores:  # fmt: skip
    scores: Scores = {"seconds": Score(value=response.seconds)}
    ids = [c.claim_id for c in said]
    denied_ids = [c.claim_id for c in denied]
    if not response.is_answer:
        ids, denied_ids = [], []
    if item.gold.claims:
        missed = [c.claim_id for c in item.gold.claims if c.claim_id not in {*ids, *denied_ids}]
        details = {"said": {i: {"claim": i, "reason": f"the answer says {i}"} for i in ids}, "missed": missed}
        scores["claim_recall"] = Score(value=len(ids) / len(item.gold.claims), details=details)
        scores["contradictions"] = Score(value=float(len(denied_ids)), details={"contradicted": denied_ids})
    if not item.gold.answerable:
        scores["abstained"] = Score(value=float(not response.is_answer))
    if response.is_answer:
        rows = [
            {"text": s.text, "citations": list(s.citations), "recalled": bool(s.quotes), "precise": [True, False]}
            for s in response.article.said()
        ]
        recall = sum(bool(row["recalled"]) for row in rows) / len(rows)
        scores["citation_recall"] = Score(value=recall, details={"statements": rows})
        scores["words"] = Score(value=float(len(response.text.split())))
        scores["wrong"] = Score(value=float(not ids))
    else:
        scores["citation_recall"] = unscored("nothing is said, so nothing is cited")
        scores["wrong"] = unscored("not answered, so not covered")
    scores["rubric"] = unscored("no judge that can read a rubric is configured")
    return scores


def _curves(chance: random.Random) -> dict[str, Curve]:
    centres = [0.05 + i / 10 for i in range(10)]
    reliability = [Point(x=c, y=min(1, max(0, c**1.3 + chance.uniform(-0.04, 0.04))), n=3 + i * 4)
                   for i, c in enumerate(centres)]  # fmt: skip
    coverage = [Point(x=(i + 1) / 100, y=0.02 + 0.3 * ((i + 1) / 100) ** 2 + 0.01 * math.sin(i), n=i + 1)
                for i in range(100)]  # fmt: skip
    return {
        "reliability": Curve(kind="reliability", title="Reliability of the confidence", x="confidence",
                             y="share right", points=tuple(reliability)),
        "risk_coverage": Curve(kind="risk_coverage", title="Risk against coverage", x="coverage",
                               y="risk among those answered", points=tuple(coverage)),
    }  # fmt: skip


def with_records(log: EvalLog, change: Callable[[Record], Record]) -> EvalLog:
    """The same log with each record changed."""
    return log.model_copy(update={"records": tuple(map(change, log.records))})
