"""Whether a question in a model's words asks what another asks: the same things, values, turns and words.

Stricter than the verifier, by which a statement may say less than its evidence: nothing may be added and nothing lost.
What is refused for another word that means the same costs a smoother question, and no more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

from rag.answer.contrasts import contrasts
from rag.answer.excluded import excluded
from rag.answer.guards import numbered, strength
from rag.answer.places import bindings, comparisons, order
from rag.answer.pool import Guard, Pool
from rag.answer.question import Intent, Query, interpret
from rag.answer.reading import Reading, is_approximate, read
from rag.answer.triage import redirection
from rag.language.terms import Analyzer
from rag.writing.checking import foreign

#: Questions that another may be split into, at most.
MOST_PARTS: Final = 4
_SHAPE = "it was not a question in plain words"
_NAMED, _LOST = "it named what was not asked about", "it left out what was asked about"
_VALUES = "a number, unit or limit in it was another"
_TURNED = "a negation, exception or limit in it was another"
_WORDS, _FEWER_WORDS = "it had words of its own", "it left out words of the question"
_PLACES = "what it said of one thing was said of another"
_OTHERWISE = "it asked something else of the same things"
#: What begins a question, or another one in its sentence: ", and when", "; how".
_BEGINS = re.compile(
    r"(?:^|[.?!,;:]\s+|\b(?:and|or|but|also|then)\s+)(?:(?:and|but|or|if so|if not|also|then),?\s+)*"
    r"(?:what|which|how|when|who|why|where|should|can|could|is|are|do|does|must|may|will)\b",
    re.IGNORECASE,
)
#: Words of any question: what is asked is no other with or without them.
_ASKING = frozenset(
    "patient case use give given receiv take taken get put say tell know even realli actual pleas".split()
)
#: Different stems of one word.
_SAME = {"treatment": "treat", "dosag": "dose"}
#: Function words that change what is asked, by what they say.
_TURNS = {word: word for word in "before after during above below under over against until once only never not no or "
          "between beyond without except unless both all any more less same other since".split()}  # fmt: skip
_TURNS |= dict.fromkeys(("was", "were", "had"), "past")
_MODALS = {"can": "can", "could": "can", "may": "can", "might": "can", "should": "should", "must": "must"}
_NOT = frozenset({"no", "not", "never"})
#: Kinds of cues of which both must have the same; not "if", which many words stand for.
_CUES = frozenset({"negation", "exclusion", "exception", "limit", "direction"})
_GUARDS: tuple[Guard, ...] = (numbered, contrasts, strength, order, bindings, comparisons, excluded)


def begun(question: str) -> int:
    """How many questions seem to begin in a text: "What is HIT, and how is it treated?" has two."""
    return len(_BEGINS.findall(question))


def otherwise(question: str, given: str, said: Sequence[str], analyzer: Analyzer) -> str | None:
    """In what ``question`` asks otherwise than ``given``; None where it asks the same.

    Args:
        said: what its asker said before, of which unusual letters and signs may be.
    """
    if not _is_plain(question, given, [given, *said]):
        return _SHAPE
    mine, theirs = read(question, analyzer.lexicon), read(given, analyzer.lexicon)
    faults = {
        _NAMED: bool(mine.concepts - theirs.concepts),
        _LOST: bool(theirs.concepts - mine.concepts),
        _VALUES: _values(mine) != _values(theirs) or mine.signs != theirs.signs,
        _TURNED: _turns(mine) != _turns(theirs),
        _WORDS: bool(_words(mine) - _words(theirs) - _ASKING),
        _FEWER_WORDS: bool(_words(theirs) - _words(mine) - _ASKING),
        _PLACES: _is_moved(mine, theirs, analyzer),
        _OTHERWISE: _asks(interpret(question, analyzer), mine) != _asks(interpret(given, analyzer), theirs),
    }
    return next((why for why, is_so in faults.items() if is_so), None)


def apart(parts: Sequence[str], question: str, analyzer: Analyzer) -> str | None:
    """Why ``parts`` are not questions that ``question`` consists of; None where they are, or there are none.

    Each names things and values of the question only, and together they name all of them.
    """
    if not parts:
        return None
    distinct = {" ".join(part.casefold().split()) for part in parts}
    if len(distinct) < len(parts) or not 1 < len(parts) <= MOST_PARTS:
        return f"it did not give two to {MOST_PARTS} questions"
    if not all(_is_plain(part, question, [question]) for part in parts):
        return _SHAPE
    theirs, each = read(question, analyzer.lexicon), [read(part, analyzer.lexicon) for part in parts]
    faults = {
        _NAMED: any(mine.concepts - theirs.concepts for mine in each),
        _LOST: bool(theirs.concepts - reduce(or_, (mine.concepts for mine in each))),
        _VALUES: any(_values(mine) - _values(theirs) for mine in each)
        or bool(_values(theirs) - reduce(or_, map(_values, each))),
        _TURNED: any(_denials(mine) - _denials(theirs) for mine in each)
        or bool(_denials(theirs) - reduce(or_, map(_denials, each))),
        _WORDS: any(_words(mine) - _words(theirs) - _ASKING for mine in each),
    }
    return next((why for why, is_so in faults.items() if is_so), None)


def _is_plain(question: str, given: str, said: Sequence[str]) -> bool:
    """One question, hardly longer than the ``given`` one, without markup or letters that nobody wrote."""
    is_one = question.endswith("?") and all(n(question) <= max(1, n(given)) for n in (begun, lambda q: q.count("?")))
    is_short = len(question) <= 2 * len(given) + 40
    return is_one and is_short and not foreign(question, " ".join(said)) and not redirection(question)


def _values(reading: Reading) -> Counter[tuple[object, ...]]:
    return Counter((q.low, q.high, q.unit, q.comparator.strip("~"), is_approximate(reading.text, q))
                   for q in reading.quantities)  # fmt: skip


def _turns(reading: Reading) -> set[tuple[str, str]]:
    words = {("word", _TURNS[key]) for key in reading.keys if key in _TURNS and key not in _NOT}
    return words | _cues(reading, _CUES)


def _denials(reading: Reading) -> Counter[str]:
    return Counter(s.sense for s in reading.steers if s.kind == "negation")


def _cues(reading: Reading, kinds: frozenset[str]) -> set[tuple[str, str]]:
    return {(s.kind, s.sense) for s in reading.steers if s.kind in kinds and (s.kind, s.sense) != ("exception", "if")}


def _words(reading: Reading) -> set[str]:
    """What it is about beside its concepts, and single letters: classes, as of Child-Pugh."""
    inside = {(m.start, m.end) for m in reading.mentions}
    letters = {a.key for a in reading.atoms if len(a.key) == 1 and a.key.isalpha() and a.key not in "aist"
               and not any(start <= a.start < end for start, end in inside)}  # fmt: skip
    return letters | {_SAME.get(term, term) for term in reading.content if not term.startswith("=")}


def _is_moved(mine: Reading, theirs: Reading, analyzer: Analyzer) -> bool:
    """Whether numbers, drugs, conditions or the sides of a comparison changed places."""
    both = ((mine, theirs), (theirs, mine))
    pools = [(one, Pool((other,), other, "", analyzer.lexicon)) for one, other in both]
    return any(reason for one, pool in pools for guard in _GUARDS for reason in guard(one, pool))


def _asks(query: Query, reading: Reading) -> tuple[object, ...]:
    """What is asked of which of the things that a question names."""
    modals = {_MODALS[key] for key in reading.keys if key in _MODALS} if query.intent is Intent.DECISION else set()
    of = (query.focus, query.current, query.patient, query.absent, query.tests)
    return query.intent, query.asks_yes_no, bool(query.premises), frozenset(modals), *map(frozenset, of)
