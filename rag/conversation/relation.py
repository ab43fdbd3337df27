"""Whether a question can stand by itself, and whether it goes on with the conversation."""

from __future__ import annotations

from rag.answer.question import TREATMENTS, Intent
from rag.conversation.background import Background
from rag.conversation.turns import Turn
from rag.language.lexicon import Lexicon
from rag.language.terms import Analyzer, is_generic

#: What a patient has beside the disease: none of them says by itself what a question is about.
_BESIDE = (
    "hepatic impairment",
    "renal impairment",
    "chronic liver disease",
    "hyperbilirubinaemia",
    "varices",
    "obesity",
)
#: Kinds of question that a disease alone makes whole.
_OF_A_DISEASE = frozenset(
    {Intent.DIAGNOSIS, Intent.MANAGEMENT, Intent.CHOICE, Intent.DEFINITION, Intent.PROGNOSIS, Intent.MECHANISM,
     Intent.EVIDENCE}
)  # fmt: skip
#: Kinds of question that a drug alone makes whole.
_OF_A_DRUG = frozenset({Intent.DEFINITION, Intent.MECHANISM})
_SUBJECTS = TREATMENTS | {"condition", "test", "term"}
#: Without a concept, so many words that the conversation does not know make another topic.
_MANY_STRANGE = 3


def is_whole(own: Background, lexicon: Lexicon) -> bool:
    """Whether a question names all that a question of its kind needs."""
    treated = any(m.kind in TREATMENTS for m in own.mentions)
    tested = any(m.kind == "test" for m in own.mentions)
    diseased = any(m.kind == "condition" and not is_beside(m.concept, lexicon) for m in own.mentions)
    intent = own.query.intent
    if diseased:
        return treated or tested or intent in _OF_A_DISEASE
    return treated and intent in _OF_A_DRUG


def is_beside(concept: str, lexicon: Lexicon) -> bool:
    """Whether a condition is one that patients have beside the disease that is asked about: impaired organs."""
    return any(lexicon.is_a(concept, b) for b in _BESIDE)


def shares(own: Background, base: Background, lexicon: Lexicon) -> bool:
    """Whether two questions name a concept in common, or one that is a kind of the other's."""
    mine, theirs = _subjects(own), _subjects(base)
    return any(lexicon.is_a(a, b) or lexicon.is_a(b, a) for a in mine for b in theirs)


def goes_on(own: Background, base: Background, turn: Turn, analyzer: Analyzer) -> bool:
    """Whether a question that is not whole has to do with the one before or its answer.

    One that names nothing goes on, unless it is full of words of which nothing was said.
    """
    lexicon, mine = analyzer.lexicon, _subjects(own)
    mine = {c for c in mine if lexicon.kind(c) != "test" or lexicon.ancestors(c)}  # any patient may have his INR taken
    if mine and all(is_beside(c, lexicon) for c in mine):
        return True
    if own.query.intent is Intent.DECISION and not any(lexicon.kind(c) == "condition" for c in mine):
        return True  # "should I give X?" is of this patient
    if mine:
        above = {a for b in _subjects(base) for a in (b, *lexicon.ancestors(b))}
        near = any((lexicon.ancestors(c) | {c}) & above for c in mine)
        return near or bool(mine & {m.concept for m in lexicon.mentions(turn.said)})
    known = set(analyzer.content_terms(turn.said)) | set(analyzer.content_terms(base.text))
    words = {
        t for t in analyzer.content_terms(own.text) if not t.startswith("=") and not is_generic(t) and not t.isdigit()
    }
    return len(words - known) < _MANY_STRANGE or bool(words & known)


def _subjects(background: Background) -> set[str]:
    return {m.concept for m in background.mentions if m.kind in _SUBJECTS}
