"""The nouns of Osler: what flows from a file to an answer.

Models are frozen and checked when made. Offsets are half-open, in Unicode code points: ``text[start:end]``.
"""

from rag.domain.answers import (
    SCHEMA_VERSION,
    Answer,
    Audience,
    Branch,
    Decision,
    Disagreement,
    Evidence,
    Gap,
    GlossaryEntry,
    Needed,
    Origin,
    Outcome,
    Position,
    ReadAs,
    Receipt,
    Reference,
    Review,
    Role,
    Section,
    Statement,
    Turn,
    Verdict,
    Withheld,
    WithheldKind,
)
from rag.domain.base import Frozen
from rag.domain.conversations import Carried, CarriedKind, FollowUpKind, Replaced, Standalone
from rag.domain.documents import Block, BlockKind, Checked, Document, Hit, Passage
from rag.domain.filters import Filter
from rag.domain.sources import EvidenceType, Source

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "Audience",
    "Block",
    "BlockKind",
    "Branch",
    "Carried",
    "CarriedKind",
    "Checked",
    "Decision",
    "Disagreement",
    "Document",
    "Evidence",
    "EvidenceType",
    "Filter",
    "FollowUpKind",
    "Frozen",
    "Gap",
    "GlossaryEntry",
    "Hit",
    "Needed",
    "Origin",
    "Outcome",
    "Passage",
    "Position",
    "ReadAs",
    "Receipt",
    "Reference",
    "Replaced",
    "Review",
    "Role",
    "Section",
    "Source",
    "Standalone",
    "Statement",
    "Turn",
    "Verdict",
    "Withheld",
    "WithheldKind",
]
