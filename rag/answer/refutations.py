"""Ways in which evidence refutes a claim that a question takes for granted, beyond a plain denial of its words.

A claim says that a treatment may be given, or must not; that it does no harm; that it is chosen before another or is as
good; that a test can be relied on; that something is needed. Each is refuted by a sentence that says the opposite of
the same thing, in the same condition, and for the same body or country where the claim names one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from rag.answer.question import TREATMENTS, Query
from rag.answer.select import OUTCOMES, Candidate
from rag.answer.sides import Side, Sides
from rag.language.lexicon import Lexicon, Mention
from rag.language.polarity import Stance
from rag.language.quantities import quantities
from rag.language.terms import Analyzer, is_generic

_PERMITTED = re.compile(
    r"\b(?:fine|safe|ok|okay|allowed|usual|standard|routine|routinely|suits?|suitable|label+ed|licen[cs]ed|indicated|"
    r"preferred|(?:drug|agent|treatment) of choice|(?:can|may) be (?:used|given|started|continued))\b",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:contra-?indicat\w+|forbidden|prohibit\w*|banned|rules? out|must (?:not|never)|not allowed)\b", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:not|never|no|isn't|aren't|cannot|can't|n't|without|nobody|neither)\b|n't\b", re.IGNORECASE)
_WRONG_TO_SAY = re.compile(
    r"\b(?:wrong|false|incorrect|mistaken|not true|a myth)(?: to (?:say|think|assume|believe))? that (?P<what>[^:;.]+)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:kind to|safe for|gentle on|harmless (?:to|for)|spares?|do(?:es)?(?: not|n't) (?:harm|hurt|damage))\s+"
    r"(?:the )?(?P<organ>\w+)|\b(?:no|without|little)(?: \w+)? (?P<risk>[\w-]+) risk\b|\bno risk of (?P<of>[\w -]+)",
    re.IGNORECASE,
)
_HARMS = re.compile(
    r"\b(?:(?:can|may) cause|risk|occurred|reported|boxed warning|stopped early|associated with more|great caution)\b",
    re.IGNORECASE,
)
#: What harm to an organ is called, and risks that go by another word.
_HARM_TO = {
    "kidney": "renal impairment", "renal": "renal impairment", "liver": "hepatic impairment",
    "hepatic": "hepatic impairment", "clot": "thrombosis", "thrombo": "thrombosis", "bleed": "bleeding",
}  # fmt: skip
_PREFERS = re.compile(r"\b(?:prefers?|recommends?|suggests?|favou?rs?|chooses?)\b", re.IGNORECASE)
_OVER_OTHERS = re.compile(r"\b(?:over|rather than|in preference to) (?:all )?other\b(?P<what>[^.;()]*)", re.IGNORECASE)
_ONLY_FOR = re.compile(r"\bonly (?:for|in|with) (?P<what>[^.,;()]+)", re.IGNORECASE)
_AS_GOOD = re.compile(r"\b(?:as (?:good|well|effective|safe) as|no worse than|equivalent to)\b", re.IGNORECASE)
_FASTER = re.compile(r"\b(?:fast|quick)er than\b|\bmore (?:quickly|rapidly) than\b", re.IGNORECASE)
_FASTEST = re.compile(r"\b(?:fastest|quickest)\b[^.;]*?\bfollowed by\b", re.IGNORECASE)
_SHARES = re.compile(
    r"(?P<first>\d+(?:\.\d+)?)% (?:on|with|in) (?P<one>[^.;%]+?) (?:versus|vs\.?) (?P<second>\d+(?:\.\d+)?)%"
    r"(?: (?:on|with|in) (?P<other>[^.;%(]+))?",
    re.IGNORECASE,
)
#: Shares of which the larger is so many times the smaller are not "as good".
_UNEQUAL = 1.25
_RELIABLE = re.compile(r"\b(?:reliabl[ey]|accurate(?:ly)?|closely|faithfully|exactly)\b", re.IGNORECASE)
_UNRELIABLE = re.compile(
    r"\b(?:under-?estimates?|over-?estimates?|unreliable|mislead\w*|falsely|should not be used alone|poor correlation|"
    r"did not correlate|does not correlate|does not reflect)\b",
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
_POSITION = r"(?:'s)? (?:label\w*|product information|SmPC|guid\w+|recommend\w+|regulat\w+|prescribing)"
#: Countries and bodies by which a claim says whose position it is.
_PLACES = {
    "US": re.compile(rf"\b(?:US|American){_POSITION}|\bFDA\b"),
    "GB": re.compile(rf"\b(?:UK|British){_POSITION}|\bNICE\b|\bMHRA\b"),
    "FR": re.compile(rf"\bFrench{_POSITION}"),
    "AU": re.compile(rf"\bAustralian{_POSITION}"),
    "EU": re.compile(rf"\b(?:EU|European){_POSITION}|\bEMA\b"),
}
#: So many words, and this share of them, make what is called wrong the claim.
_LEAST_SHARED, _MOST_SHARED = 3, 0.7


class Claim(NamedTuple):
    """A premise as it is held against evidence: what it names, and the conditions it is about, its own or, where it
    names none, the patient's."""

    text: str
    terms: frozenset[str]
    mentions: tuple[Mention, ...]
    treatments: tuple[str, ...]
    conditions: tuple[str, ...]
    places: frozenset[str]

    @property
    def is_negated(self) -> bool:
        return bool(_NOT.search(self.text))


class Refuter:
    """Holds the premises of one question against sentences."""

    def __init__(self, query: Query, analyzer: Analyzer, sides: Sides) -> None:
        self._query, self._analyzer, self._sides = query, analyzer, sides
        self._lexicon: Lexicon = analyzer.lexicon

    def claim(self, premise: str) -> Claim:
        mentions = self._lexicon.mentions(premise)
        terms = frozenset(t for t in self._analyzer.content_terms(premise, mentions) if not is_generic(t))
        own = tuple(m.concept for m in mentions if m.kind == "condition")
        patient = tuple(c for c in self._query.patient if self._lexicon.kind(c) == "condition")
        places = frozenset(code for code, words in _PLACES.items() if words.search(premise))
        treatments = tuple(m.concept for m in mentions if m.kind in TREATMENTS)
        return Claim(premise, terms, mentions, treatments, own or patient, places)

    def refutes(self, claim: Claim, candidate: Candidate) -> bool:
        """Whether a sentence says the opposite of a claim about the same thing."""
        if claim.places and candidate.source.jurisdiction not in claim.places:
            return False
        return any(rule(claim, candidate) for rule in self._rules)

    @cached_property
    def _rules(self) -> tuple[Callable[[Claim, Candidate], bool], ...]:
        return (
            self._is_called_wrong, self._is_barred, self._is_advised, self._is_harmful, self._is_second,
            self._is_limited, self._is_unequal, self._is_slower, self._is_unreliable, self._is_needless,
            self._is_impossible, self._is_uncontrolled, self._is_unapproved,
        )  # fmt: skip

    def _is_called_wrong(self, claim: Claim, candidate: Candidate) -> bool:
        """ "It is wrong to say that ..." just this."""
        match = _WRONG_TO_SAY.search(candidate.text)
        if not match or bool(_NOT.search(match["what"])) != claim.is_negated or _WRONG_TO_SAY.search(claim.text):
            return False
        said, mine = (set(self._analyzer.content_terms(text)) for text in (match["what"], claim.text))
        shared = len(said & mine)
        return shared >= _LEAST_SHARED and shared >= _MOST_SHARED * len(said)

    def _is_barred(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim permits a guideline, label or regulator speaks against."""
        if claim.is_negated or not _PERMITTED.search(claim.text) or _FORBIDDEN.search(claim.text):
            return False
        return self._takes(claim, candidate, Stance.AGAINST)

    def _is_advised(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim forbids a guideline, label or regulator speaks for."""
        if claim.is_negated or not _FORBIDDEN.search(claim.text):
            return False
        return self._takes(claim, candidate, Stance.FOR)

    def _takes(self, claim: Claim, candidate: Candidate, stance: Stance) -> bool:
        side = self._sides.of(candidate.sentence)
        if not side.is_normative or side.sentence.is_divided or not self._is_of(claim, candidate):
            return False
        if not claim.treatments:
            return self._is_plain(claim, side, stance)
        named = self._named(claim, side, stance)
        barring = {Stance.FOR} if stance is Stance.AGAINST else {Stance.AGAINST, Stance.ABSENT}
        return bool(named) and all(
            stance in side.stances_on(c) and barring.isdisjoint(side.stances_on(c)) for c in named
        )  # fmt: skip

    def _is_plain(self, claim: Claim, side: Side, stance: Stance) -> bool:
        """Whether a sentence is of this stance, and says all the words of what the claim is about: what it names before
        it permits or forbids.
        """
        cue = _PERMITTED.search(claim.text) or _FORBIDDEN.search(claim.text)
        before = self._analyzer.content_terms(claim.text[: cue.start()]) if cue else []
        subject = {t for t in before if not is_generic(t)}
        return bool(subject) and subject <= side.sentence.said.terms and side.sentence.stance is stance

    def _named(self, claim: Claim, side: Side, stance: Stance) -> list[str]:
        """The claim's treatments as the sentence names them; none unless it names all. What is said against a class is
        said against its kinds; what is said for it is not said for each.
        """
        found = []
        for treatment in claim.treatments:
            broader = (treatment, *self._lexicon.ancestors(treatment)) if stance is Stance.AGAINST else (treatment,)
            mine = [c for c in broader if c in side.sentence.concepts]
            found += mine[:1] or [c for c in (treatment,) if c in side.sentence.about]
        return found if len(found) == len(claim.treatments) else []

    def _is_of(self, claim: Claim, candidate: Candidate) -> bool:
        """Whether a sentence is about all conditions of the claim, each itself, by a kind or by the next broader one,
        and about none that the claim and the question do not have.
        """
        concepts, about = candidate.sentence.concepts, candidate.sentence.about
        named = [c for c in self._lexicon.narrowest(claim.conditions) if c not in OUTCOMES]
        met = [c for c in named if c in about or not concepts.isdisjoint(self._lexicon.parents(c))]
        known = {*claim.conditions, *self._query.patient, *OUTCOMES}
        kin = known.union(*(self._lexicon.ancestors(c) for c in known))
        foreign = [c for c in candidate.strange if self._lexicon.kind(c) == "condition" and c not in kin]
        return bool(met) and (len(met) == len(named) or claim.conditions == self._query.patient) and not foreign

    def _is_harmful(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim calls harmless is warned of."""
        match = _HARMLESS.search(claim.text)
        if not match or not claim.treatments or not candidate.speaks_of(claim.treatments[:1]):
            return False
        harmed = (match["organ"] or match["risk"] or match["of"] or "").lower()
        named = {m.concept for m in self._lexicon.mentions(harmed)}
        named |= {harm for word, harm in _HARM_TO.items() if harmed.startswith(word)}
        is_warned = candidate.sentence.is_warning or bool(_HARMS.search(candidate.text))
        return bool(named) and is_warned and candidate.speaks_of(named)

    def _is_second(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim says that a body prefers is one of those over which it prefers another."""
        match = _OVER_OTHERS.search(candidate.text)
        if not match or not _PREFERS.search(claim.text) or not claim.treatments or not self._is_of(claim, candidate):
            return False
        bodies = {m.concept for m in claim.mentions if m.kind == "setting" or m.kind == "term"}
        others = {m.concept for m in self._lexicon.mentions(match["what"])}
        chosen = {m.concept for m in candidate.sentence.mentions if m.end <= match.start()}
        mine = claim.treatments[0]
        is_other = mine not in chosen and not self._lexicon.ancestors(mine).isdisjoint(others)
        return is_other and bodies <= candidate.sentence.about

    def _is_limited(self, claim: Claim, candidate: Candidate) -> bool:
        """A treatment that is only for another kind of the claim's condition."""
        match = _ONLY_FOR.search(candidate.text)
        if not match or claim.is_negated or not claim.treatments or not candidate.speaks_of(claim.treatments):
            return False
        allowed = [m.concept for m in self._lexicon.mentions(match["what"]) if m.kind == "condition"]
        mine = [m.concept for m in claim.mentions if m.kind == "condition"]
        parents, is_a = self._lexicon.parents, self._lexicon.is_a
        return any(
            not is_a(c, a) and not is_a(a, c) and not set(parents(a)).isdisjoint(parents(c))
            for a in allowed for c in mine
        )  # fmt: skip

    def _is_unequal(self, claim: Claim, candidate: Candidate) -> bool:
        """Of two treatments that are called as good, one had clearly more of something than the other."""
        if not _AS_GOOD.search(claim.text) or len(claim.treatments) < 2:
            return False
        for match in _SHARES.finditer(candidate.text):
            first, second = float(match["first"]), float(match["second"])
            groups = [{m.concept for m in self._lexicon.mentions(match[g] or "")} for g in ("one", "other")]
            low, high = sorted((first, second))
            one, other = claim.treatments[:2]
            is_compared = (one in groups[0] and other in groups[1]) or (other in groups[0] and one in groups[1])
            if is_compared and high >= _UNEQUAL * max(low, 1.0):
                return True
        return False

    def _is_slower(self, claim: Claim, candidate: Candidate) -> bool:
        """What is called faster comes after the fastest."""
        faster, fastest = _FASTER.search(claim.text), _FASTEST.search(candidate.text)
        if not faster or not fastest:
            return False
        before = [m.concept for m in claim.mentions if m.end <= faster.start()]
        after = [m.concept for m in claim.mentions if m.start >= faster.end()]
        first = {m.concept for m in candidate.sentence.mentions if m.end <= fastest.end()}
        later = {m.concept for m in candidate.sentence.mentions if m.start >= fastest.end()}
        return bool(later.intersection(before) and first.intersection(after))

    def _is_unreliable(self, claim: Claim, candidate: Candidate) -> bool:
        """A test that is called reliable misleads, for the same treatment or condition."""
        if claim.is_negated or not _RELIABLE.search(claim.text) or not _UNRELIABLE.search(candidate.text):
            return False
        tests = {m.concept for m in claim.mentions if m.kind == "test"}
        others = [c for c in (*claim.treatments, *claim.conditions) if c not in tests]
        return bool(tests) and candidate.speaks_of(tests) and candidate.speaks_of(others)

    def _is_needless(self, claim: Claim, candidate: Candidate) -> bool:
        """What is called needed is not."""
        match = _NEEDLESS.search(candidate.text)
        if not match or claim.is_negated or not _NEEDED.search(claim.text):
            return False
        what = (match["no"] or match["not"]).lower()
        classes = {c for t in claim.treatments for c in (t, *self._lexicon.ancestors(t))}
        is_same = not classes or not classes.isdisjoint(candidate.sentence.about)
        return what in claim.text.lower().split() and is_same

    def _is_impossible(self, claim: Claim, candidate: Candidate) -> bool:
        """A value that cannot be."""
        mine = quantities(claim.text)
        return any(
            _IMPOSSIBLE.match(candidate.text[q.end :]) and any(q.same_as(m) for m in mine)
            for q in candidate.sentence.quantities
            if q.unit
        )

    def _is_unapproved(self, claim: Claim, candidate: Candidate) -> bool:
        """A drug that is called approved, and is not for anything."""
        if claim.is_negated or not _APPROVED.search(claim.text) or not _UNAPPROVED.search(candidate.text):
            return False
        return bool(claim.treatments) and candidate.speaks_of(claim.treatments[:1])

    def _is_uncontrolled(self, claim: Claim, candidate: Candidate) -> bool:
        """A study that is called randomised, and was not."""
        if claim.is_negated or not _RANDOMISED.search(claim.text) or not _UNCONTROLLED.search(candidate.text):
            return False
        named = {name for name in _STUDY.findall(claim.text) if not self._lexicon.acronyms.get(name)}
        return any(name in candidate.text for name in named) and not _RANDOMISED.search(candidate.text)
