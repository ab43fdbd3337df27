"""Guards on reworded statements. Each says what a statement asserts that its evidence does not.

A guard takes the reading of the statement and the pool of its evidence and gives reasons; none means that it passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

from rag.answer.advising import LEVELS, advised, level, raised
from rag.answer.condensing import Reason
from rag.answer.contrasts import contrasts
from rag.answer.excluded import excluded
from rag.answer.places import bindings, comparisons, order
from rag.answer.pool import Guard, Pool
from rag.answer.reading import Reading, Steer, covers, is_approximate
from rag.answer.sufficiency import SPECIAL_POPULATIONS
from rag.language.conversions import is_converted
from rag.language.quantities import Quantity

#: Ratios of the units that are mixed up: g, mg and mcg; days, hours, minutes, seconds; L and mL.
_UNIT_SLIPS = {Fraction(10**n) for n in (3, 6)} | {Fraction(n) for n in (7, 24, 60, 168, 1440, 3600)}
#: Stems of international nonproprietary names: a new word that ends so is a drug the lexicon may not know.
_DRUG_STEM = re.compile(
    r"\w{2,}(?:mab|nib|xaban|gatran|gatroban|parin|parinux|paroid|irudin|statin|sartan|olol|prazole|conazole|cillin|"
    r"mycin|floxacin|cycline|tidine|dipine|gliptin|gliflozin|glutide|platin|orphine|codone|fentanil|azepam|azolam|"
    r"caine|teplase|plostim|bopag|poetin|vaptan|fibrate|triptan|setron|grelor|thiazide|semide|pril|vudine|tegravir|"
    r"coxib|profen|asone|olone|onide)s?"
)
_STRENGTH = re.compile(
    r"\bgrade\s?\d[A-D]?\b|\bclass\s?I{1,3}[ab]?\b|\blevel\s?[A-C]\b|\b(?:very\s+low|low|moderate|high)"
    r"(?:\s+to\s+(?:very\s+)?(?:low|moderate|high))?[\s-]+(?:certainty|quality)\b|\b(?:strong|conditional|weak)"
    r"(?=\s+recommendation|\s*[,;)]|\s+for\b|\s+against\b|$)|\boff-label\b|\bboxed warning\b",
    re.IGNORECASE,
)
_ONE_PATIENT = re.compile(
    r"\b(?:(?:one|a single)\s+(?:[\w-]+\s+){0,3}?(?:patient|man|woman|child|boy|girl|infant|neonate)|case report)\b",
    re.IGNORECASE,
)
_PATIENTS = re.compile(
    r"\b(?:patients|people|persons|individuals|adults|men|women|children|infants|neonates|those|all|everyone|anyone)\b",
    re.IGNORECASE,
)
_DRUG_KINDS = frozenset({"drug", "drug_class"})
_POPULATION_KINDS = frozenset({"condition", "population", "setting"})
_NEGATING, _EXCEPTING = frozenset({"negation", "exclusion"}), frozenset({"exception"})
_ABSOLUTES = frozenset(
    "always all every any lifelong indefinitely permanently immediately completely certainly definitely proven".split()
)
_FOR_EVER = frozenset("certainly completely definitely every indefinitely lifelong permanently proven".split())
_LIMITING = frozenset({"limit"})
_HEDGING, _ADVISING, _CAUSAL = frozenset({"hedge"}), frozenset({"modality"}), frozenset({"cause"})
_SAME_PLACE = 0.34  # share of the surroundings that makes two cues the same one
_STILL_THERE = 0.7  # share of a cue's surroundings in the statement that makes its absence a change


def empty(statement: Reading, pool: Pool) -> Iterator[Reason]:
    if not statement.content:
        yield Reason("empty", "the statement has no content words")


def numbers(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Value, unit and comparator of every quantity."""
    for mine in statement.quantities:
        yield from _quantity(mine, statement, pool)


def values(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """The same for those with a unit or in digits: "one" of "one of them" is no value."""
    named = [(m.start, m.end) for m in statement.mentions]
    for mine in statement.quantities:
        if any(start <= mine.start and mine.end <= end for start, end in named):
            continue  # coronavirus disease 2019
        if mine.unit or any(c.isdigit() for c in statement.text[mine.start : mine.end]):
            yield from (r for r in _quantity(mine, statement, pool) if r.kind != "modality")


def _quantity(mine: Quantity, statement: Reading, pool: Pool) -> Iterator[Reason]:
    if any(start <= mine.start and mine.end <= end for start, end in _names(statement, pool)):
        return  # thymosin beta 4
    theirs, written = pool.quantities(), statement.text[mine.start : mine.end]
    agreeing = [is_approximate(r.text, q) for r in pool.readings for q in r.quantities if mine.same_as(q)]
    if not agreeing and not _is_converted(mine, statement, pool):
        yield _mismatch(mine, theirs, written)
    elif agreeing and all(agreeing) and not is_approximate(statement.text, mine):
        yield Reason("modality", f"{written} is approximate in the evidence")
    elif agreeing and _repeated(mine, statement, theirs):
        yield Reason("number", f"{written} is said more often than in the evidence")


def numbered(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Every name that has a digit in it."""
    known = pool.keys()
    for i, atom in enumerate(statement.atoms):
        if i not in statement.quantity_at and any(c.isdigit() for c in atom.key) and atom.key not in known:
            yield Reason("number", f"{statement.written(i, i)} is not in the evidence")


def _names(statement: Reading, pool: Pool) -> list[tuple[int, int]]:
    """Where the statement names what a quote names too."""
    known = frozenset[str]().union(*(r.concepts for r in pool.readings))
    return [(m.start, m.end) for m in statement.mentions if m.concept in known]


def _is_converted(mine: Quantity, statement: Reading, pool: Pool) -> bool:
    """Whether a quote has the quantity of the same substance as mass instead of amount, or the other way."""
    return any(is_converted(mine, statement.text, q, r.text) for r in pool.readings for q in r.quantities)


def _repeated(mine: Quantity, statement: Reading, theirs: Sequence[Quantity]) -> bool:
    """Whether a quantity took the place of another: it is there more often than the evidence has it."""
    return sum(map(mine.same_as, statement.quantities)) > sum(map(mine.same_as, theirs))


def _mismatch(mine: Quantity, theirs: Sequence[Quantity], written: str) -> Reason:
    if any(mine.same_value(q) for q in theirs):
        return Reason("comparator", f"{written} has another comparator in the evidence")
    for q in theirs:
        if q.unit == mine.unit and mine.low and q.low and q.low != mine.low:
            ratio = max(q.low / mine.low, mine.low / q.low)
            if ratio in _UNIT_SLIPS and q.high * mine.low == mine.high * q.low:
                return Reason("unit", f"{written} has another unit in the evidence")
        if q.unit != mine.unit and (q.low, q.high) == (mine.low, mine.high):
            return Reason("unit", f"{written} has another unit in the evidence")
    return Reason("number", f"{written} is not in the evidence")


def concepts(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Every drug, test, procedure, condition and population, and words that look like drugs."""
    known = frozenset[str]().union(*(r.concepts for r in pool.readings))
    words = frozenset[str]().union(*(r.content for r in pool.readings))
    keys = pool.keys()
    for mention in statement.mentions:
        if mention.concept not in known and not any(covers(c, mention.concept, pool.lexicon) for c in known):
            kind = "population" if mention.kind in _POPULATION_KINDS else "drug"
            yield Reason(kind, f"{statement.text[mention.start : mention.end]} is not in the evidence")
    for i, atom in enumerate(statement.atoms):
        new = i not in statement.mention_at and atom.term and atom.term not in words and atom.key not in keys
        if new and _DRUG_STEM.fullmatch(atom.key):
            yield Reason("drug", f"{statement.written(i, i)} is not in the evidence")


def drugs(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Every drug of which the evidence names no kind, nor has its words in another name ("vitamin D deficiency")."""
    known, words = frozenset[str]().union(*(r.concepts for r in pool.readings)), pool.keys()
    for mention in statement.mentions:
        if mention.kind not in _DRUG_KINDS or any(pool.lexicon.is_a(c, mention.concept) for c in known):
            continue
        own = {statement.keys[i] for i, other in statement.mention_at.items() if other == mention}
        if not own <= words:
            yield Reason("drug", f"{statement.text[mention.start : mention.end]} is not in the evidence")


def populations(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Children, the pregnant and the like, of whom the evidence names none: what holds for others is not theirs."""
    known = frozenset[str]().union(*(r.concepts for r in pool.readings))
    for mention in statement.mentions:
        concept = mention.concept
        is_special = any(pool.lexicon.is_a(concept, p) for p in SPECIAL_POPULATIONS)
        if is_special and not any(pool.lexicon.is_a(c, concept) for c in known):
            yield Reason("population", f"{statement.text[mention.start : mention.end]} is not in the evidence")


def one_patient(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """What happened to one patient said of patients."""
    if not all(_ONE_PATIENT.search(r.text) for r in pool.readings) or _ONE_PATIENT.search(statement.text):
        return
    many = _PATIENTS.search(statement.text)
    if many and not any(_PATIENTS.search(r.text) for r in pool.readings):
        yield Reason("population", f"{many[0]}: the evidence is of one patient")


def negations(statement: Reading, pool: Pool) -> Iterator[Reason]:
    yield from _cue_changes(statement, pool, _NEGATING, "negation")


def exceptions(statement: Reading, pool: Pool) -> Iterator[Reason]:
    yield from _cue_changes(statement, pool, _EXCEPTING, "exception")


def hedges(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """A hedge may be added, never dropped."""
    yield from _cue_changes(statement, pool, _HEDGING, "modality", added=False)


def limits(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Words and signs of limit that stand apart from a number: "at least every other day", T > G."""
    yield from _cue_changes(statement, pool, _LIMITING, "comparator")
    theirs = sum((r.signs for r in pool.readings), Counter[str]())
    for sign in statement.signs - theirs:
        yield Reason("comparator", f"{sign} is not in the evidence")


def advice(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Advice no stronger than in the evidence: suggest is not recommend, may is not should. Nor may it be dropped."""
    mine = [(statement, s) for s in statement.steers if s.kind in _ADVISING]
    theirs = pool.steers(_ADVISING)
    pairs = _pairs(mine, theirs)
    for i, (_, steer) in enumerate(mine):
        if i in pairs and level(statement, steer) > level(*theirs[pairs[i]]):
            yield Reason("modality", f"{statement.written(steer.first, steer.last)} is stronger than the evidence")
    yield from raised(statement, pool)
    softened = {pairs[i] for i in pairs}
    for j, (reading, steer) in enumerate(theirs):
        if j not in softened and LEVELS[steer.sense] < 3 and _asserted(statement, pool, reading, steer):
            yield Reason("modality", f"{reading.written(steer.first, steer.last)} is missing")


def absolutes(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Always, all, lifelong: more than the evidence says unless it says so too."""
    yield from _unsaid(statement, pool, _ABSOLUTES)


def for_ever(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """The strongest of them, which no other word stands for."""
    yield from _unsaid(statement, pool, _FOR_EVER)


def _unsaid(statement: Reading, pool: Pool, words: frozenset[str]) -> Iterator[Reason]:
    known = pool.keys()
    for i, key in enumerate(statement.keys):
        if key in words and key not in known:
            yield Reason("modality", f"{statement.written(i, i)} is not in the evidence")


def opposed(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Higher where all of the evidence has lower only."""
    yield from (r for r in contrasts(statement, pool) if r.kind == "negation")


def caused(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """A cause of what is an association in the sentence that is nearest."""
    yield from causes(statement, pool._replace(readings=(pool.nearest,)))


def causes(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """An association is not a cause: neither where the evidence knows no cause, nor in the place of one."""
    theirs = pool.steers(_CAUSAL)
    for steer in (s for s in statement.steers if s.kind in _CAUSAL and s.sense == "causes"):
        near = {sense: max((_nearness((statement, steer), o) for o in theirs if o[1].sense == sense), default=0.0)
                for sense in ("causes", "associated")}  # fmt: skip
        alone = {s.sense for _, s in theirs} == {"associated"}
        if alone or near["associated"] > max(near["causes"], _SAME_PLACE):
            yield Reason("modality", "the evidence says associated, not caused")
            return


def strength(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Grades, certainty and strength words are those of the evidence or of its stated strength."""
    known = {_plain(m[0]) for r in pool.readings for m in _STRENGTH.finditer(r.text)}
    stated = _plain(pool.strength)
    for match in _STRENGTH.finditer(statement.text):
        if _plain(match[0]) not in known and not re.search(rf"\b{re.escape(_plain(match[0]))}\b", stated):
            yield Reason("strength", f"{match[0]} is not in the evidence")


Placed = tuple[Reading, Steer]


def _cue_changes(statement: Reading, pool: Pool, kinds: frozenset[str], reason: str, *,
                 added: bool = True) -> Iterator[Reason]:  # fmt: skip
    """Cues of the statement without a partner in the evidence, and of the evidence without one in the statement."""
    mine = [(statement, s) for s in statement.steers if s.kind in kinds]
    theirs = pool.steers(kinds)
    pairs = _pairs(mine, theirs)
    for i, (_, steer) in enumerate(mine):
        if added and i not in pairs:
            yield Reason(reason, f"{statement.written(steer.first, steer.last)} is not in the evidence")
    matched = set(pairs.values())
    for j, (reading, steer) in enumerate(theirs):
        if j not in matched and _asserted(statement, pool, reading, steer):
            yield Reason(reason, f"{reading.written(steer.first, steer.last)} is missing")


def _pairs(mine: Sequence[Placed], theirs: Sequence[Placed]) -> dict[int, int]:
    """One-to-one partners, the most alike surroundings first; ties keep the order of the text."""
    scored = sorted(
        (-_nearness(a, b), i + j if len(mine) != len(theirs) else abs(i - j), i, j)
        for i, a in enumerate(mine)
        for j, b in enumerate(theirs)
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, i, j in scored:
        if -score >= _SAME_PLACE and i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _nearness(one: Placed, other: Placed) -> float:
    """Shared surroundings of two cues, 0 to 1, with what follows weighing twice."""
    if one[1].sense != other[1].sense and (
        one[1].kind in {"limit", "exception"} or "rather than" in {one[1].sense, other[1].sense}
    ):
        return 0.0
    before, after = one[0].around(one[1].first, one[1].last)
    their_before, their_after = other[0].around(other[1].first, other[1].last)
    total, weight = 0.0, 0
    for mine, theirs, w in ((before, their_before, 1), (after, their_after, 2)):
        if mine and theirs:
            total += w * len(mine & theirs) / min(len(mine), len(theirs))
            weight += w
    return total / weight if weight else float(one[1].sense == other[1].sense)


def _asserted(statement: Reading, pool: Pool, reading: Reading, steer: Steer) -> bool:
    """Whether the statement says what surrounds a cue of the evidence."""
    if reading is not pool.nearest and len(reading.content & statement.content) < len(statement.content) / 2:
        return False
    before, after = reading.around(steer.first, steer.last)
    surroundings = before | after
    return bool(surroundings) and len(surroundings & statement.content) >= _STILL_THERE * len(surroundings)


def _plain(text: str) -> str:
    return re.sub(r"[\s-]+", " ", text).strip().lower()


GUARDS: tuple[Guard, ...] = (
    empty, numbers, numbered, concepts, contrasts, negations, exceptions, limits, hedges, advice, absolutes, causes,
    strength, order, bindings, comparisons, excluded, one_patient,
)  # fmt: skip
#: What no model outweighs, in whatever words a statement is.
VETOES: tuple[Guard, ...] = (
    empty, values, drugs, populations, strength, excluded, one_patient, advised, for_ever, opposed, caused,
)  # fmt: skip
