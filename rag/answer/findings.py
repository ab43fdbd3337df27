"""Ways in which what was found refutes a claim that a question takes for granted.

A claim says that one treatment is as good as another, faster, or has more of something; that a test can be relied on;
that something is needed, approved, randomised, or lasts so long. Each is refuted by a sentence that found otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rag.answer.presuppositions import Claim
from rag.answer.select import Candidate
from rag.language.lexicon import Lexicon
from rag.language.quantities import Quantity, quantities

_AS_GOOD = re.compile(r"\b(?:as (?:good|well|effective|safe) as|no worse than|equivalent to)\b", re.IGNORECASE)
_MORE = re.compile(r"\b(?P<way>more|higher|better|longer|less|fewer|lower)\b[^.;]{0,60}?\bthan\b", re.IGNORECASE)
_LESS = frozenset({"less", "fewer", "lower"})
_FASTER = re.compile(r"\b(?:fast|quick)er than\b|\bmore (?:quickly|rapidly) than\b", re.IGNORECASE)
_FASTEST = re.compile(r"\b(?:fastest|quickest)\b[^.;]*?\bfollowed by\b", re.IGNORECASE)
_SHARES = re.compile(
    r"(?P<first>\d+(?:\.\d+)?)% (?:on|with|in) (?P<one>[^.;%]+?) (?:versus|vs\.?) (?P<second>\d+(?:\.\d+)?)%"
    r"(?: (?:on|with|in) (?P<other>[^.;%(]+))?",
    re.IGNORECASE,
)
#: Shares of which the larger is so many times the smaller are not "as good".
_UNEQUAL = 1.25
_RELIABLE = re.compile(
    r"\b(?:reliabl[ey]|accurate(?:ly)?|closely|faithfully|exactly|rules? out|ruled out|excludes?|excluded|proves?)\b",
    re.IGNORECASE,
)
_UNRELIABLE = re.compile(
    r"\b(?:under-?estimates?|over-?estimates?|unreliable|mislead\w*|falsely|should not be used alone|poor correlation|"
    r"did not correlate|does not correlate|does not reflect|needs repeating|missed)\b|\bonly \d+% sensitivity",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    r"\b(?:needed|required|requires?|necessary|mandatory|has to be|have to be|must be)\b", re.IGNORECASE
)
_NEEDLESS = re.compile(
    r"\bno (?:[\w-]+ ){0,3}?(?P<no>[\w-]+) (?:is|are) (?:needed|required|necessary)\b|"
    r"\b(?P<not>[\w-]+) (?:is|are) (?:not|no longer) (?:needed|required|necessary)\b",
    re.IGNORECASE,
)
_IMPOSSIBLE = re.compile(r"[^.;]{0,40}\b(?:impossible|not possible|cannot occur)\b", re.IGNORECASE)
_RANDOMISED = re.compile(r"\brandomi[sz]ed\b", re.IGNORECASE)
_UNCONTROLLED = re.compile(r"\b(?:retrospective|observational|registry|uncontrolled|case series)\b", re.IGNORECASE)
_STUDY = re.compile(r"\b[A-Z][A-Z]+(?:-[A-Z]+)+\b|\b[A-Z]{5,}\b")
_APPROVED = re.compile(r"\b(?:approved|licen[cs]ed|authori[sz]ed)\b", re.IGNORECASE)
_UNAPPROVED = re.compile(
    r"\bno (?:[\w-]+ ){0,2}(?:approval|licen[cs]e|authori[sz]ation)\b|\bnot (?:been )?(?:approved|licen[cs]ed)\b|"
    r"\bunapproved\b|\bunlicen[cs]ed\b",
    re.IGNORECASE,
)
#: What stands in the place of something: "thrombosis rather than bleeding".
_INSTEAD = re.compile(r"\b(?:rather than|instead of)\s+(?P<what>[^.;,()]+)", re.IGNORECASE)
#: So far before it stands what takes the place.
_BEFORE = 70
_MINUTES = {"min": 1, "month": 43_800, "years": 525_600}


def is_unequal(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """Of two treatments that are called as good, one had clearly more of something than the other."""
    if not _AS_GOOD.search(claim.text) or len(claim.treatments) < 2:
        return False
    shares = _compared(claim.treatments[0], claim.treatments[1], candidate, lexicon)
    return any(max(pair) >= _UNEQUAL * max(min(pair), 1.0) for pair in shares)


def is_reversed(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """What is called more with one treatment than with another was clearly less, of all that was counted."""
    more = _MORE.search(claim.text)
    if not more or claim.is_negated:
        return False
    before = [m.concept for m in claim.mentions if m.concept in claim.treatments and m.end <= more.start()]
    after = [m.concept for m in claim.mentions if m.concept in claim.treatments and m.start >= more.end()]
    if not before or not after:
        return False
    outcomes = {m.concept for m in claim.mentions if m.kind == "condition"}
    shares = _compared(before[-1], after[0], candidate, lexicon)
    pairs = [pair[::-1] if more["way"].lower() in _LESS else pair for pair in shares]
    is_same = not outcomes or candidate.speaks_of(outcomes)
    return bool(pairs) and is_same and all(other >= _UNEQUAL * one for one, other in pairs)


def _compared(one: str, other: str, candidate: Candidate, lexicon: Lexicon) -> list[tuple[float, float]]:
    """Percentages with one and with another treatment, of all outcomes for which a sentence gives both."""
    found = []
    for match in _SHARES.finditer(candidate.text):
        shares = float(match["first"]), float(match["second"])
        groups = [{m.concept for m in lexicon.mentions(match[g] or "")} for g in ("one", "other")]
        if one in groups[0] and other in groups[1]:
            found.append(shares)
        elif other in groups[0] and one in groups[1]:
            found.append(shares[::-1])
    return found


def is_slower(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """What is called faster comes after the fastest."""
    faster, fastest = _FASTER.search(claim.text), _FASTEST.search(candidate.text)
    if not faster or not fastest:
        return False
    before = [m.concept for m in claim.mentions if m.end <= faster.start()]
    after = [m.concept for m in claim.mentions if m.start >= faster.end()]
    first = {m.concept for m in candidate.sentence.mentions if m.end <= fastest.end()}
    later = {m.concept for m in candidate.sentence.mentions if m.start >= fastest.end()}
    return bool(later.intersection(before) and first.intersection(after))


def is_unreliable(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """A test that is called reliable, or said to rule something out, misleads, for the same treatment or condition."""
    if claim.is_negated or not _RELIABLE.search(claim.text) or not _UNRELIABLE.search(candidate.text):
        return False
    tests = {m.concept for m in claim.mentions if m.kind == "test"}
    others = [c for c in (*claim.treatments, *claim.conditions) if c not in tests]
    return bool(tests) and candidate.speaks_of(tests) and candidate.speaks_of(others)


def is_needless(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """What is called needed is not."""
    match = _NEEDLESS.search(candidate.text)
    if not match or claim.is_negated or not _NEEDED.search(claim.text):
        return False
    what = (match["no"] or match["not"]).lower()
    classes = {c for t in claim.treatments for c in (t, *lexicon.ancestors(t))}
    is_same = not classes or not classes.isdisjoint(candidate.sentence.about)
    return what in claim.text.lower().split() and is_same


def is_impossible(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """A value that cannot be."""
    mine = quantities(claim.text)
    return any(
        _IMPOSSIBLE.match(candidate.text[q.end :]) and any(q.same_as(m) for m in mine)
        for q in candidate.sentence.quantities
        if q.unit
    )


def is_unapproved(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """A drug that is called approved, and is not for anything."""
    if claim.is_negated or not _APPROVED.search(claim.text) or not _UNAPPROVED.search(candidate.text):
        return False
    return bool(claim.treatments) and candidate.speaks_of(claim.treatments[:1])


def is_uncontrolled(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """A study that is called randomised, and was not."""
    if claim.is_negated or not _RANDOMISED.search(claim.text) or not _UNCONTROLLED.search(candidate.text):
        return False
    named = {name for name in _STUDY.findall(claim.text) if not lexicon.acronyms.get(name)}
    return any(name in candidate.text for name in named) and not _RANDOMISED.search(candidate.text)


def is_replaced(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """What the claim says of its subject, a condition or an amount, is what something else stands in the place of."""
    if claim.is_negated and not quantities(claim.text):
        return False
    concepts = {m.concept for m in claim.mentions}
    for match in _INSTEAD.finditer(candidate.text):
        replaced = {m.concept for m in lexicon.mentions(match["what"]) if m.kind == "condition"} & concepts
        amounts = [q for q in quantities(match["what"]) if q.unit]
        is_amount = any(q.same_as(m) for q in amounts for m in quantities(claim.text))
        near = candidate.text[max(match.start() - _BEFORE, 0) : match.start()]
        instead = {m.concept for m in lexicon.mentions(near)[-1:]} - replaced
        subject = concepts - replaced
        is_same = bool(subject) and subject <= candidate.sentence.about
        if is_same and (is_amount or (replaced and instead and concepts.isdisjoint(instead))):
            return True
    return False


def is_outlasted(claim: Claim, candidate: Candidate, lexicon: Lexicon) -> bool:
    """A duration with a limit of what the claim gives, where the sentence sets a limit that leaves it out."""
    mine = [q for q in quantities(claim.text) if q.unit in _MINUTES and q.comparator in {"<=", ">=", "<", ">"}]
    classes = {c for t in claim.treatments for c in (t, *lexicon.ancestors(t))}
    if not mine or claim.is_negated or classes.isdisjoint(candidate.sentence.concepts):
        return False
    others = {m.concept for m in claim.mentions} - classes
    if not others or not all(candidate.speaks_of((c, *lexicon.parents(c))) for c in others):
        return False
    theirs = [q for q in candidate.sentence.quantities if q.unit in _MINUTES and q.comparator in {"<=", ">=", "<", ">"}]
    return any(_leaves_out(q, limit) for q in mine for limit in theirs)


def _leaves_out(one: Quantity, other: Quantity) -> bool:
    """Whether one is at least, and the other at most, and they do not meet."""
    low, high = (one, other) if one.comparator.startswith(">") else (other, one)
    if not low.comparator.startswith(">") or not high.comparator.startswith("<"):
        return False
    return low.low * _MINUTES[low.unit] > high.high * _MINUTES[high.unit]


#: Each holds one premise against one sentence.
FINDINGS: tuple[Callable[[Claim, Candidate, Lexicon], bool], ...] = (
    is_unequal, is_reversed, is_slower, is_unreliable, is_needless, is_impossible, is_unapproved, is_uncontrolled,
    is_replaced, is_outlasted,
)  # fmt: skip
