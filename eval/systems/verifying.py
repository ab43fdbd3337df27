"""Systems that say whether evidence supports a claim: the verifier of the product, and any judge of the harness.

The item's question is the claim and its evidence the text to judge by, taken sentence by sentence: both are made for
sentences as an article quotes them, and an abstract as one quote would pool words that stand far apart.
"""

from __future__ import annotations

import time
from typing import Any, Literal

from eval.domain import Item, Outcome, Response
from eval.judges.base import Judge
from eval.judges.base import Label as Judged
from eval.provenance import code_digest
from rag import __version__
from rag.answer.opinion import Entailment
from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon
from rag.language.sentences import sentences

Label = Literal["supports", "refutes", "neutral"]

#: A partial verdict is half a claim covered, which is not the claim.
_VERDICTS: dict[Verdict, Label] = {
    Verdict.SUPPORTED: "supports",
    Verdict.PARTIAL: "neutral",
    Verdict.UNSUPPORTED: "neutral",
    Verdict.CONTRADICTED: "refutes",
}
_JUDGED: dict[Judged, Label] = {"entailed": "supports", "neutral": "neutral", "contradicted": "refutes"}


class VerifierSystem:
    """The verifier that every statement of an answer passes. ``confidence`` is its probability that the evidence
    supports the claim, whatever the label.

    Args:
        entailment: what judges claims in other words than their evidence; without it only words are counted.
    """

    name = "osler verifier"

    def __init__(self, entailment: Entailment | None = None) -> None:
        self._verifier = Verifier(Lexicon.load(), entailment)
        self._entailment = entailment

    def receipt(self) -> dict[str, Any]:
        judged = self._entailment.name if self._entailment else "rules alone"
        return {"software": f"osler {__version__}", "code": code_digest(), "entailment": judged}

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        found = self._verifier.verify(item.question, sentences(item.evidence))
        reasons = "\n".join(f"{reason.kind}: {reason.detail}" for reason in found.reasons)
        return _response(item, _VERDICTS[found.verdict], found.probability, reasons, started)

    def close(self) -> None:
        pass


class JudgeSystem:
    """A judge put to the same test, so that its agreement with people is known where its opinion is used."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.name = f"judge {judge.name}"

    def receipt(self) -> dict[str, Any]:
        return {
            "judge": self._judge.name,
            "software": f"osler {__version__}",
            "code": code_digest("rag/**/*", "eval/**/*"),
        }

    def respond(self, item: Item) -> Response:
        started = time.perf_counter()
        found = self._judge.judge(item.question, sentences(item.evidence))
        return _response(item, _JUDGED[found.label], found.support, found.reason, started)

    def close(self) -> None:
        pass


def _response(item: Item, label: Label, support: float, text: str, started: float) -> Response:
    return Response(
        item_id=item.item_id,
        outcome=Outcome.ANSWERED,
        text=text,
        label=label,
        confidence=min(max(support, 0.0), 1.0),
        seconds=time.perf_counter() - started,
    )
