"""Whether evidence contradicts a premise. Conservative: it takes shared entities, shared words and a plain conflict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rag.answer.condensing import Reason
from rag.answer.reading import Reading, Steer, term_of
from rag.language.lexicon import Lexicon, Mention
from rag.language.polarity import Cue, Stance, line_cues, stance, stances
from rag.language.quantities import Quantity

_ENTITIES = frozenset({"drug", "drug_class", "condition", "test", "procedure", "term"})
_DRUGS = frozenset({"drug", "drug_class", "procedure", "term"})
_OPPOSITE_LINES = {"first": {"not_first", "adjunct", "rescue"}, "not_first": {"first"}, "adjunct": {"first"},
                   "rescue": {"first"}}  # fmt: skip
#: Predicates that exclude one another, each as (one side, other side).
_ANTONYMS: tuple[tuple[str, str], ...] = (
    ("renal kidney kidneys", "hepatic liver"),
    ("safe", "contraindicated contraindicate unsafe avoid avoided dangerous"),
    ("allowed allows permitted indicated usable", "contraindicated contraindicate contraindicates prohibited"),
    ("increases increase raises raise higher", "decreases decrease reduces reduce lowers lower"),
    ("required requires necessary needed mandatory", "unnecessary optional"),
    ("approved", "unapproved"),
    ("effective", "ineffective"),
    ("reversible", "irreversible"),
    ("common", "rare uncommon"),
    ("possible", "impossible"),
    ("positive", "negative"),
    ("arterial", "venous"),
    ("micrograms mcg", "milligrams mg"),
)
_ORGANS = 0  # the row of organs, which exclude one another only as ways of elimination
#: Verbs of need and fate under one name each, so that "needed" is denied by "not required".
_PREDICATES = {term_of(w): name for name, words in {
    "need": "required requires require necessary needed needs mandatory must",
    "elimin": "cleared eliminated excreted clearance elimination excretion metabolised metabolism removed removes",
    "associ": "linked links link",
    "approv": "approved approval licensed",
    "treat": "treatment therapy treated",
    "maximum": "maximum max ceiling limit",
    "replac": "replaces replace replaced replacing replacement substitute substitutes substituted",
}.items() for w in words.split()}  # fmt: skip
#: Words that permit without recommending.
_PERMITTING = frozenset("safe fine allowed allows suitable suits ok okay acceptable permitted".split())
#: Words that deny themselves.
_DENYING = frozenset("irrelevant unimportant uncommon unusual unlikely unreasonable insignificant negligible".split())
_BLAND = frozenset(term_of(w) for w in "patient person people case adult man woman use used give given dose".split())
_PREPOSITIONS = frozenset({"in", "for", "with", "by", "to", "of", "at", "on", "when", "if", "from"})
_HALF = 0.5  # the same for limits, whose own words stand inside quantities
_LIMIT_WORDS = frozenset(_PREDICATES.get(t, t) for t in map(term_of, ("maximum", "minimum", "dose", "daily")))
_REACH = 7  # atoms within which a negation reaches what follows
# Share of a claim's content that the evidence must have: for what is said of a subject, and for names alone.
_COVERED, _NOUNS_COVERED = 0.55, 0.7


def _sides() -> dict[str, list[tuple[int, int]]]:
    table: dict[str, list[tuple[int, int]]] = {}
    for row, pair in enumerate(_ANTONYMS):
        for side, words in enumerate(pair):
            for word in words.split():
                entry = table.setdefault(term_of(word) or word, [])
                if (row, side) not in entry:
                    entry.append((row, side))
    return table


_SIDES = _sides()


def contradiction(claim: Reading, evidence: Reading, lexicon: Lexicon) -> Reason | None:
    """In what ``evidence`` contradicts ``claim``; None if it does not, or speaks of something else."""
    if not same_subject(claim, evidence, lexicon):
        return None
    rules = (_other_line, _other_limit, _no_recommendation, _other_advice, _opposite, _denied)
    return next((reason for rule in rules for reason in rule(claim, evidence)), None)


def same_subject(claim: Reading, evidence: Reading, lexicon: Lexicon) -> bool:
    """Whether the evidence names every drug and at least half of the conditions of the claim, each on its own."""
    named = {m: _named(m, claim, evidence, lexicon) for m in claim.mentions if m.kind in _ENTITIES}
    conditions = [found for m, found in named.items() if m.kind == "condition"]
    drugs = all(found for m, found in named.items() if m.kind in _DRUGS)
    return any(named.values()) and drugs and 2 * sum(conditions) >= len(conditions)


def same_drugs(claim: Reading, evidence: Reading, lexicon: Lexicon) -> bool:
    """Whether the evidence names every drug and procedure of the claim."""
    return all(_named(m, claim, evidence, lexicon) for m in claim.mentions if m.kind in _DRUGS)


def _named(mention: Mention, claim: Reading, evidence: Reading, lexicon: Lexicon) -> bool:
    # HIT is a thrombocytopenia, but a claim on both needs both.
    taken = [o for o in claim.concepts if o != mention.concept and lexicon.is_a(o, mention.concept)]
    free = [c for c in evidence.concepts if not any(lexicon.is_a(c, o) for o in taken)]
    broader = mention.kind not in _DRUGS
    return any(lexicon.is_a(c, mention.concept) or (broader and lexicon.is_a(mention.concept, c)) for c in free)


def _raw_terms(reading: Reading, atoms: Iterable[int]) -> list[tuple[int, str]]:
    """Terms of the words themselves, also of those inside a concept's name, with canonical predicates."""
    found = ((i, term_of(reading.keys[i])) for i in atoms if i not in reading.quantity_at)
    return [(i, _PREDICATES.get(t, t)) for i, t in found if t]


def _core(claim: Reading) -> set[str]:
    """Content words of the claim outside its concepts: what it says about them."""
    outside = (i for i in range(len(claim.atoms)) if i not in claim.mention_at)
    return {t for _, t in _raw_terms(claim, outside)} - _BLAND


def _covered(claim: Reading, evidence: Reading, without: frozenset[str] = frozenset()) -> float:
    """Share of the claim's content, ``without`` some words, in the evidence; an antonym counts as present."""
    theirs = {t for _, t in _raw_terms(evidence, range(len(evidence.atoms)))} | evidence.content
    rows = {row for t in theirs for row, _ in _SIDES.get(t, ())}
    parts: dict[str, list[str]] = {}
    for i, raw in _raw_terms(claim, range(len(claim.atoms))):
        mention = claim.mention_at.get(i)
        if raw not in without:
            parts.setdefault(f"={mention.concept}" if mention else raw, []).append(raw)
    shares = [
        1.0 if name in evidence.content else sum(t in theirs or _touches(t, rows) for t in words) / len(words)
        for name, words in parts.items()
    ]
    return sum(shares) / len(shares) if shares else 0.0


def _touches(term: str, rows: set[int]) -> bool:
    return any(row in rows for row, _ in _SIDES.get(term, ()))


def _other_line(claim: Reading, evidence: Reading) -> Iterator[Reason]:
    """First-line against adjunct or rescue, for the same drug."""
    mine = [c for c in line_cues(claim.text) if c.kind == "line"]
    drugs = {m.concept for m in claim.mentions if m.kind in _DRUGS}
    for one in mine[:1]:
        for other in line_cues(evidence.text):
            opposite = other.kind == "line" and other.sense in _OPPOSITE_LINES[one.sense]
            if opposite and _subject(evidence, other) in drugs:
                yield Reason("modality", f"{other.sense.replace('_', ' ')}, not {one.sense.replace('_', ' ')} line")


def _subject(reading: Reading, cue: Cue) -> str | None:
    """The drug that a cue is about: the nearest before it, else the nearest after."""
    drugs = [m for m in reading.mentions if m.kind in _DRUGS]
    before = [m for m in drugs if m.end <= cue.start and ";" not in reading.text[m.end : cue.start]]
    return before[-1].concept if before else next((m.concept for m in drugs if m.start >= cue.end), None)


def _other_limit(claim: Reading, evidence: Reading) -> Iterator[Reason]:
    """Another maximum or minimum, or more than the claimed maximum allowed."""
    mine = [] if _negates(claim) else _limits(claim)
    if not mine or _covered(claim, evidence, _LIMIT_WORDS) < _HALF:
        return
    for limit, value in mine:
        for other, theirs in _limits(evidence):
            if limit == other and _same_kind(value, theirs) and _size(value, theirs) != (theirs.low, theirs.high):
                yield Reason("number", f"the {limit} is another one")
        beyond = ">" if limit == "maximum" else "<"
        for theirs in evidence.quantities:
            same = _same_kind(value, theirs) and _size(value, theirs) == (theirs.low, theirs.high)
            if same and theirs.comparator == beyond and _allows(evidence, theirs):
                yield Reason("number", f"values beyond the {limit} are spoken of as possible")


def _allows(reading: Reading, quantity: Quantity) -> bool:
    """Whether a "may" or the like follows a quantity in its clause."""
    place = reading.place_of(quantity)
    clause = reading.clause_of
    return stance(reading.text) is not Stance.AGAINST and any(
        s.kind == "hedge" and s.sense == "may" and s.first > place and clause[s.first] == clause[place]
        for s in reading.steers
    )


def _limits(reading: Reading) -> list[tuple[str, Quantity]]:
    words = set(reading.keys)
    found = []
    for quantity in reading.quantities:
        written = reading.text[quantity.start : quantity.end].lower()
        if "max" in written or (quantity.comparator == "" and words & {"maximum", "max", "ceiling"}
                                and _near(reading, quantity, {"maximum", "max", "ceiling"})):  # fmt: skip
            found.append(("maximum", quantity))
        elif written.startswith("min") and quantity.comparator == ">=":
            found.append(("minimum", quantity))
    return found


def _near(reading: Reading, quantity: Quantity, words: set[str]) -> bool:
    place = reading.place_of(quantity)
    near = reading.keys[max(0, place - 8) : place + 9]
    return not words.isdisjoint(near) and len(reading.atoms) < 20


def _same_kind(one: Quantity, other: Quantity) -> bool:
    """Whether units agree; a dose without "a day" is taken for a daily one."""
    return other.unit in {one.unit, f"{one.unit}/min"} and one.unit != ""


def _size(one: Quantity, other: Quantity) -> tuple[object, object]:
    days = 1440 if one.unit != other.unit else 1
    return one.low / days, one.high / days


def _no_recommendation(claim: Reading, evidence: Reading) -> Iterator[Reason]:
    said = stance(claim.text)
    if said in {Stance.FOR, Stance.AGAINST} and stance(evidence.text) is Stance.ABSENT:
        advising = [s for s in claim.steers if s.kind == "modality" and s.sense in {"recommend", "suggest"}]
        if advising and said not in stances(evidence.text) and _covered(claim, evidence) >= _COVERED:
            yield Reason("modality", "the evidence says that there is no recommendation")


def _other_advice(claim: Reading, evidence: Reading) -> Iterator[Reason]:
    """Recommended against contraindicated or advised against, of the same drug or procedure."""
    stated = stance(claim.text)
    if stated is Stance.NEUTRAL and not _PERMITTING.isdisjoint(claim.keys):
        stated = Stance.FOR
    if {stated, stance(evidence.text)} != {Stance.FOR, Stance.AGAINST} or _covered(claim, evidence) < _COVERED:
        return
    if stated in {stance(clause) for clause in evidence.text.split(";")}:
        return  # divided in itself: what it says in one clause is what is claimed
    against = claim if stated is Stance.AGAINST else evidence
    drugs = {f"={m.concept}" for m in claim.mentions if m.kind in _DRUGS}
    for steer in against.steers:
        if steer.kind == "negation" and steer.sense in {"against", "not"}:
            before, after = against.around(steer.first, steer.last)
            near = {t for _, t in _raw_terms(against, range(steer.last + 1, min(steer.last + 6, len(against.atoms))))}
            named = drugs & (after or before) or (steer.sense == "against" and drugs & before)
            if named or len(near & _core(claim)) > 1:
                yield Reason("negation", "the evidence advises against it" if against is evidence else "it is advised")


def _opposite(claim: Reading, evidence: Reading) -> Iterator[Reason]:
    """Opposite predicates, both affirmed or both denied. Words of a condition's name are no predicates."""
    if _covered(claim, evidence) < _NOUNS_COVERED:
        return
    theirs = {t: i for i, t in reversed(_predicative(evidence))}
    for place, term in _predicative(claim):
        for row, side in _SIDES.get(term, ()):
            other = [t for t in theirs if (row, 1 - side) in _SIDES.get(t, ())]
            same = any((row, side) in _SIDES.get(t, ()) for t in theirs)
            if not other or (row == _ORGANS and not (_eliminates(claim, term) and _eliminates(evidence, other[0]))):
                continue
            if not same and _denies(claim, place) == _denies(evidence, theirs[other[0]]):
                yield Reason("negation", f"{other[0]} against {term}")


def _eliminates(reading: Reading, organ: str) -> bool:
    """Whether an organ stands near a word of elimination: "cleared mainly by the kidneys"."""
    words = _predicative(reading)
    organs = [i for i, t in words if t == organ]
    return any(t == "elimin" and abs(i - j) <= 4 for i, t in words for j in organs)


def _predicative(reading: Reading) -> list[tuple[int, str]]:
    named = {i for i, m in reading.mention_at.items() if m.kind == "condition"}
    return _raw_terms(reading, (i for i in range(len(reading.atoms)) if i not in named))


def _denies(reading: Reading, place: int) -> bool:
    clause = reading.clause_of
    return any(
        s.kind == "negation"
        and s.sense in {"not", "without"}
        and place - _REACH <= s.first < place
        and clause[s.first] == clause[place]
        for s in reading.steers
    )


def _denied(claim: Reading, evidence: Reading) -> Iterator[Reason]:
    """What the claim affirms the evidence denies: the negation stands before what the claim says."""
    if _negates(claim):
        return
    covered = _covered(claim, evidence)
    said = _core(claim) | _object(claim) if covered >= _COVERED else set()
    if covered >= _NOUNS_COVERED:
        said |= _complement(claim)
    for steer in evidence.steers:
        if said and steer.kind == "negation" and steer.sense == "not" and not _is_aside(evidence, steer):
            following = _raw_terms(evidence, range(steer.last + 1, min(steer.last + 6, len(evidence.atoms))))[:3]
            if any(t in said for _, t in following):
                yield Reason("negation", f"denied: {_phrase(evidence, steer)}")


def _negates(claim: Reading) -> bool:
    return any(s.kind == "negation" for s in claim.steers)


def _is_aside(reading: Reading, steer: Steer) -> bool:
    """Negations that deny no predicate: in a parenthesis, "sucrose-free", "not unusual", "none" in a list of grades."""
    if not _DENYING.isdisjoint(reading.keys[steer.last + 1 : steer.last + 2]):
        return True
    if not {"free", "none"}.isdisjoint(reading.keys[steer.first : steer.last + 1]):
        return True
    return any(first <= steer.first <= last for first, last in reading.parentheses)


def _object(claim: Reading) -> set[str]:
    """Words of the last thing that a claim names, when it is not its subject: "has a specific antidote"."""
    places = sorted(claim.mention_at)
    if not places or len(claim.mentions) < 2 or claim.mentions[-1].kind == "condition":
        return set()
    last = claim.mentions[-1]
    return {t for _, t in _raw_terms(claim, (i for i in places if claim.mention_at[i] == last))}


def _complement(claim: Reading) -> set[str]:
    """What "X is Y" says that X is; all of a claim of two names and no verb: "HIT antibodies (anti-GPIIb/IIIa)"."""
    keys = claim.keys
    copula = next((i for i, k in enumerate(keys) if k in {"is", "are", "was", "were"}), None)
    if copula is None:
        verbless = len(claim.concepts) > 1 and not _core(claim)
        return {t for _, t in _raw_terms(claim, range(len(keys)))} if verbless else set()
    end = next((i for i in range(copula + 1, len(keys)) if keys[i] in _PREPOSITIONS), len(keys))
    return {t for _, t in _raw_terms(claim, range(copula + 1, end))} - _BLAND


def _phrase(reading: Reading, steer: Steer) -> str:
    return reading.written(steer.first, min(steer.last + 4, len(reading.atoms) - 1))
