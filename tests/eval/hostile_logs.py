"""A log in which every text that somebody else can write is hostile, for tests of what shows one."""

from __future__ import annotations

from synthetic_logs import log_of

from eval.domain import (
    Article,
    Claim,
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
    Turn,
    unscored,
)
from eval.log import Curve, EvalLog, Point

EVIL = (
    "<script>alert(1)</script></script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)> {{ 7*7 }} "
    "</details><!-- [click](javascript:alert(1)) ![x](http://evil.test/x.png) <javascript:alert(1)> `| a | b |` "
    "javascript:alert(1) \u202e\x1b[31m"
)


def evil_record(i: int = 0) -> Record:
    """A record in which every text is hostile."""
    name = f"{EVIL}{i}"
    said = Said(text=EVIL, citations=(1, 9), quotes=(EVIL,))
    gold = Gold(
        answers=(EVIL,),
        claims=(Claim(claim_id=EVIL, text=EVIL, values=(EVIL,)),),
        errata=(Erratum(erratum_id=EVIL, claim=EVIL, correction=EVIL, source="javascript:alert(1) " + EVIL),),
        outline=(EVIL,),
        related=(EVIL,),
        label=EVIL,
        exact=((EVIL, EVIL),),
        options={EVIL: EVIL},
        premise=EVIL,
        relevant={EVIL: 1},
        evidence=(EVIL,),
    )
    article = Article(
        title=EVIL,
        bottom_line=(said,),
        parts=(Part(heading=EVIL, said=(said,)),),
        references=(
            Listed(number=1, text=f"javascript:alert(1) data:text/html,x {EVIL}", quotes=(EVIL,)),
            Listed(number=2, text='See https://example.org/a?b=1&c="><script>alert(1)</script>.'),
        ),
        related_questions=(EVIL,),
        disclaimer=EVIL,
    )
    response = Response(
        item_id=name,
        outcome=Outcome.ANSWERED,
        text=EVIL,
        article=article,
        label=EVIL,
        exact=((EVIL,),),
        ranking=(Ranked(EVIL, 1.0),),
        corrections=(EVIL,),
        timings_ms={EVIL: 3.0},
        seconds=0.1,
        receipt={EVIL: {EVIL: EVIL}},
    )
    details = {"said": {EVIL: {"reason": EVIL}}, EVIL: [EVIL, {EVIL: EVIL}], "errata": [{"erratum_id": EVIL}]}
    details["statements"] = [{"text": EVIL, "citations": [1], "recalled": False, "precise": [False]}]
    item = Item(item_id=name, question=EVIL, history=(Turn(role="user", text=EVIL),), kind=EVIL, cluster=EVIL,
                evidence=(EVIL,), gold=gold)  # fmt: skip
    scores = {EVIL: Score(value=0.5, reason=EVIL, details=details), "rubric": unscored(EVIL)}
    return Record(item=item, response=response, scores=scores)


def evil_log() -> EvalLog:
    log = log_of([evil_record(i) for i in range(3)], system=EVIL)
    summaries = {name: s.model_copy(update={"judge": EVIL}) for name, s in log.summaries.items()}
    curve = Curve(kind="reliability", title=EVIL, x=EVIL, y=EVIL, points=(Point(x=0.5, y=0.5, n=1),))
    return log.model_copy(
        update={
            "suite": log.suite.model_copy(update=dict.fromkeys(("name", "description", "source", "licence"), EVIL)),
            "summaries": summaries,
            "by_kind": {EVIL: summaries, "other": summaries},
            "judges": (log.judges[0].model_copy(update={"judge": EVIL, "labels": EVIL, "note": EVIL}),),
            "settings": {EVIL: EVIL},
            "versions": {EVIL: EVIL},
            "curves": {EVIL: curve},
        }
    )
