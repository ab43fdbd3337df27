"""A statement clause by clause: what it adds to its quotes, and what it puts together of several.

The verifier weighs a sentence as a whole, against all quotes at once. A true one with a clause of the model's own at
its end is mostly true, and a dose of one quote with the drug of another has nothing that is in neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from rag.answer.condensing import Reason
from rag.answer.question import TREATMENTS
from rag.answer.reading import Reading, covers, read, term_of
from rag.language.lexicon import Lexicon

_STARTS = "so|and|but|because|since|while|whereas|although|though|hence|therefore|thus|which|as|unless|except"
_CLAUSE = re.compile(rf"[;:.]\s+|[()—]\s*|,\s+(?=(?:{_STARTS})\b)")
#: Where a clause may end that another quote than the next one says.
_JOINT = re.compile(r";\s+|,\s+(?=(?:whereas|while|but|and|although|though)\b)")
#: Content words of a clause that no quote has, from which it is taken to be the model's own: how many, and what share.
_LEAST_OWN, _SHARE_OWN = 2, 0.65
#: What may stand beside all of a quote: it says no more.
_SAYS_NO_MORE = frozenset(
    map(
        term_of,
        "patient patients people person persons individuals who have having with been receive receives receiving "
        "treat treated treatment therapy use used using give given administered administration according state states "
        "stated say says note notes report reports reported source since because following prior ought don doesn isn "
        "aren wasn weren didn hasn haven compared versus".split(),
    )
)
#: Least share of a statement's content words that a quote must have to be most of it.
_SHARE_WHOLE = 0.5
#: Least share of a clause's other words in the quotes that have its drugs, conditions and values.
_SHARE_HELD = 0.5
_DECISIVE = frozenset({"negation", "exclusion", "exception"})


def addition(sentence: str, quotes: Sequence[str], lexicon: Lexicon, names: Iterable[str] = ()) -> Reason | None:
    """All of a quote and more, or a clause beside others that has hardly a word of the quotes; None if there is none.

    Other words for a quote's stand in their place, so that not all of it is there.

    Args:
        names: words by which the sources of the quotes may be called.
    """
    contents = [read(quote, lexicon).content for quote in quotes]
    known = reduce(or_, contents, frozenset[str]())
    whole, clauses = read(sentence, lexicon), _spans(sentence)
    more = whole.content - known - _SAYS_NO_MORE - {term_of(name) for name in names}
    if more and any(c <= whole.content and len(c) >= _SHARE_WHOLE * len(whole.content) for c in contents):
        return Reason("addition", f"{', '.join(sorted(more))}: not in the evidence")
    for start, end in clauses if len(clauses) > 1 else ():
        # Read as a part of the sentence: a name may go over the end of a clause, "thrombopoietin (TPO) receptor".
        content = {atom.term for atom in whole.atoms if start <= atom.start < end and atom.term}
        own = {term for term in content - known if not _is_kind(term, known, lexicon)}
        if len(own) >= _LEAST_OWN and len(own) >= _SHARE_OWN * len(content):
            return Reason("addition", f"{sentence[start:end].strip()!r} is not in the evidence")
    return None


def _is_kind(term: str, known: frozenset[str], lexicon: Lexicon) -> bool:
    """Whether a term is a thing of which another is a kind: bleeding, of which major bleeding is one."""
    return term[0] == "=" and any(lexicon.is_a(k[1:], term[1:]) for k in known if k[0] == "=")


def _spans(sentence: str) -> list[tuple[int, int]]:
    """Where its clauses start and end."""
    marks = [match.span() for match in _CLAUSE.finditer(sentence)]
    starts, ends = [0, *(end for _, end in marks)], [*(start for start, _ in marks), len(sentence)]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if sentence[a:b].strip(" .,")]


def mixture(sentence: str, cited: Sequence[Sequence[str]], lexicon: Lexicon) -> Reason | None:
    """A clause whose drugs, conditions, values and turns no one of the cited has together; None if there is none.

    Args:
        cited: the quotes of each piece of evidence.
    """
    readings = [[read(quote, lexicon) for quote in quotes] for quotes in cited]
    for clause in _joined(_JOINT.split(sentence), lexicon):
        mine = read(clause, lexicon)
        if not any(_holds(theirs, mine, lexicon) for theirs in readings):
            return Reason("mixture", f"no one of the quotes says {clause.strip()!r}")
    return None


def _joined(clauses: Sequence[str], lexicon: Lexicon) -> list[str]:
    """Clauses, each that names no drug with the one before it, of whose drug it speaks."""
    found: list[str] = []
    for clause in clauses:
        if found and not any(m.kind in TREATMENTS for m in lexicon.mentions(clause)):
            found[-1] = f"{found[-1]}, {clause}"
        else:
            found.append(clause)
    return found


def _holds(theirs: Sequence[Reading], mine: Reading, lexicon: Lexicon) -> bool:
    concepts = reduce(or_, (r.concepts for r in theirs))
    if not all(any(lexicon.is_a(c, t) or covers(t, c, lexicon) for t in concepts) for c in mine.concepts):
        return False
    values = [q for r in theirs for q in r.quantities]
    if not all(any(q.same_as(v) for v in values) for q in mine.quantities):
        return False
    if not _turns([mine]) <= _turns(theirs):
        return False
    words = {word for word in mine.content if not word.startswith("=")}
    return len(words & reduce(or_, (r.content for r in theirs))) >= _SHARE_HELD * len(words)


def _turns(readings: Sequence[Reading]) -> set[tuple[str, str]]:
    return {(s.kind, s.sense) for r in readings for s in r.steers if s.kind in _DECISIVE}
