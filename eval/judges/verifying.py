"""The citation judge that is Osler's own verifier, as it checks Osler's statements before anyone sees them.

It is made for quotes and near quotes: what it calls supported is, but a free paraphrase is neutral to it. So it is the
stricter judge for answers of other systems; ``citations.json`` says how it and the matcher agree with experts.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.judges.base import Judgement, Label, nothing_said
from eval.judges.premises import without_marks
from eval.judges.weights import CITATIONS, read_fitted
from eval.log import Agreement
from rag.answer.verify import Verifier
from rag.domain import Verdict
from rag.language.lexicon import Lexicon

NAME = "verifier 1"
_LABELS: dict[Verdict, Label] = {Verdict.SUPPORTED: "entailed", Verdict.CONTRADICTED: "contradicted"}


class VerifyingJudge:
    """``rag.answer.verify`` behind the protocol of a judge. Safe to share between threads."""

    name = NAME

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._verifier = Verifier(lexicon or Lexicon.load())

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        """Supported is entailed, contradicted is contradicted, partial and unsupported are neutral."""
        empty = nothing_said(claim, premises)
        if empty:
            return empty
        # In one order whichever they come in: among equally near quotes the verifier takes the first.
        found = self._verifier.verify(without_marks(claim), sorted(set(map(without_marks, premises))))
        reason = "; ".join(f"{r.kind}: {r.detail}" for r in found.reasons) or "its words are in the evidence"
        return Judgement(_LABELS.get(found.verdict, "neutral"), found.support, reason)

    def agreement(self) -> Agreement:
        """With the experts of ExpertQA; nothing is fitted."""
        return read_fitted(CITATIONS).agreement(self.name)
