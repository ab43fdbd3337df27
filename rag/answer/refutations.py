"""Ways in which evidence refutes a claim that a question takes for granted, beyond a plain denial of its words.

A claim says that a treatment may be given, or must not, or in a lower dose; that it does no harm; that it is chosen
before another. Each is refuted by a sentence that says the opposite of the same thing, in the same condition, and for
the same body or country where the claim names one. Of what was found rather than advised, see ``findings``.
"""

from __future__ import annotations

import re

from rag.answer.doses import gives_dose
from rag.answer.findings import FINDINGS
from rag.answer.organs import Bearing, Impairment, bearing, impairment, leaves_unchanged, lowers
from rag.answer.presuppositions import Claim, denies, permits
from rag.answer.question import TREATMENTS, Query
from rag.answer.select import OUTCOMES, Candidate
from rag.answer.sides import Side, Sides
from rag.clinical.variables import child_pugh_classes, renal_impairment
from rag.domain import Role
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance, stances
from rag.language.terms import Analyzer, is_generic, stem

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
_NOT_BARRED = re.compile(
    r"\b(?:does|do|did) not (?:\w+ )?contra-?indicate|\bnot (?:a |an )?(?:absolute )?contra-?indicat\w+|"
    r"\bshould not be (?:discouraged|withheld|delayed)|\bno contra-?indication",
    re.IGNORECASE,
)
_COMMA = re.compile(r"[;,]\s")
#: "does not rank": the verb is denied.
_DENIED = re.compile(
    r"\b(?:does|do|did|has|have|is|are|was|were) not (?:\w+ly )?(?P<verb>(?!(?:been|be|have|the)\b)[a-z]{3,})\b",
    re.IGNORECASE,
)
_ONLY_FOR = re.compile(r"\bonly (?:for|in|with) (?P<what>[^.,;()]+)", re.IGNORECASE)
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
        return Claim(premise, terms, mentions, treatments, own or patient, places, not own)

    def refutes(self, claim: Claim, candidate: Candidate) -> bool:
        """Whether a sentence says the opposite of a claim about the same thing."""
        if claim.places and candidate.source.jurisdiction not in claim.places:
            return False
        rules = (
            self._is_called_wrong, self._is_barred, self._is_advised, self.is_allowed, self._is_unaffected,
            self._is_affected, self._is_harmful, self._is_warned, self._is_second, self._is_limited, self._is_denied,
        )  # fmt: skip
        if any(rule(claim, candidate) for rule in rules):
            return True
        return any(finding(claim, candidate, self._lexicon) for finding in FINDINGS)

    def says_so(self, claim: Claim, candidate: Candidate) -> bool:
        """Whether a guideline, label or regulator forbids what a claim says is forbidden, whoever does."""
        return (
            not claim.places
            and bool(claim.treatments and claim.forbids)
            and self._takes(claim, candidate, Stance.AGAINST)
        )

    def _is_called_wrong(self, claim: Claim, candidate: Candidate) -> bool:
        """ "It is wrong to say that ..." just this."""
        match = _WRONG_TO_SAY.search(candidate.text)
        if not match or denies(match["what"]) != claim.is_negated or _WRONG_TO_SAY.search(claim.text):
            return False
        said, mine = (set(self._analyzer.content_terms(text)) for text in (match["what"], claim.text))
        shared = len(said & mine)
        return shared >= _LEAST_SHARED and shared >= _MOST_SHARED * len(said)

    def _is_barred(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim permits a guideline, label or regulator speaks against."""
        return bool(claim.permits) and self._takes(claim, candidate, Stance.AGAINST)

    def _is_advised(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim forbids a guideline, label or regulator speaks for, or gives a dose of."""
        if not claim.forbids:
            return False
        return self._takes(claim, candidate, Stance.FOR) or self._is_dosed(claim, candidate)

    def _is_dosed(self, claim: Claim, candidate: Candidate) -> bool:
        side = self._sides.of(candidate.sentence)
        if not side.is_normative or side.role is not Role.DOSING or candidate.passage.derived:
            return False
        is_given = claim.treatments and gives_dose(candidate, claim.treatments, self._lexicon)
        return bool(is_given) and Stance.AGAINST not in side.spoken and self.is_of(claim, candidate)

    def is_allowed(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim forbids is said not to be forbidden, or to be safe where no drug is spoken of."""
        if not claim.forbids:
            return False
        if _NOT_BARRED.search(candidate.text):
            treatments = [t for c in claim.treatments for t in (c, *self._same_as(c))]
            return candidate.speaks_of(treatments) and all(candidate.speaks_of((c,)) for c in self._apart(claim))
        if claim.treatments or not candidate.source.evidence_type.is_normative or not self.is_of(claim, candidate):
            return False
        subject = self._subject(claim)
        parts = (set(self._analyzer.content_terms(part)) for part in _COMMA.split(candidate.text) if permits(part))
        return bool(subject) and any(subject <= said for said in parts)

    def _is_warned(self, claim: Claim, candidate: Candidate) -> bool:
        """What the claim calls safe in a condition is warned of in it."""
        match = claim.permits
        is_safe = match is not None and match[0].lower() == "safe"
        if not is_safe or not claim.treatments or not candidate.speaks_of(claim.treatments[:1]):
            return False
        is_warning = candidate.sentence.is_warning and bool(_HARMS.search(candidate.text))
        return is_warning and all(candidate.speaks_of((c,)) for c in claim.conditions)

    def _is_unaffected(self, claim: Claim, candidate: Candidate) -> bool:
        """An organ for whose sake the claim forbids a drug, or asks for less of it, has no bearing on it."""
        of = self._impairment(claim)
        if not of or not claim.treatments or not (claim.forbids or lowers(claim.text)):
            return False
        patient = frozenset(self._query.patient).union(*(self._lexicon.ancestors(c) for c in self._query.patient))
        is_mine = candidate.sentence.excludes.isdisjoint(patient)
        return is_mine and bearing(candidate.sentence, claim.treatments[0], of) is Bearing.NONE

    def _is_affected(self, claim: Claim, candidate: Candidate) -> bool:
        """Less is given for the sake of an organ for which the claim leaves the dose as it is."""
        of = self._impairment(claim)
        if not of or not claim.treatments or not leaves_unchanged(claim.text) or not self.is_of(claim, candidate):
            return False
        return bearing(candidate.sentence, claim.treatments[0], of) is Bearing.LESS

    def is_of_amount(self, claim: Claim) -> bool:
        """Whether a claim is about less, or no less, of a drug."""
        return bool(claim.treatments) and (lowers(claim.text) or leaves_unchanged(claim.text))

    def _impairment(self, claim: Claim) -> Impairment | None:
        return impairment(claim.text, frozenset([*claim.conditions, *renal_impairment(claim.text)]))

    def _is_denied(self, claim: Claim, candidate: Candidate) -> bool:
        """ "Does not rank" just what the claim says is ranked."""
        if claim.is_negated or not claim.treatments or not self.is_of(claim, candidate):
            return False
        verbs = {stem(m["verb"].lower()) for m in _DENIED.finditer(candidate.text)}
        if verbs.isdisjoint(stem(word.lower()) for word in claim.text.split()):
            return False
        bodies = {m.concept for m in claim.mentions if m.kind in {"setting", "term"}}
        return bodies.union(claim.treatments[:1]) <= candidate.sentence.about

    def _takes(self, claim: Claim, candidate: Candidate, stance: Stance) -> bool:
        side = self._sides.of(candidate.sentence)
        if not side.is_normative or side.sentence.is_divided or not self.is_of(claim, candidate):
            return False
        if not self._is_for_class(claim, side, stance):
            return False
        if not claim.treatments:
            return self._is_plain(claim, side, stance)
        named = self._named(claim, side, stance)
        barring = {Stance.FOR} if stance is Stance.AGAINST else {Stance.AGAINST, Stance.ABSENT}
        return bool(named) and all(
            stance in side.stances_on(c) and barring.isdisjoint(side.stances_on(c)) for c in named
        )  # fmt: skip

    def _is_for_class(self, claim: Claim, side: Side, stance: Stance) -> bool:
        """Where a sentence says something else of other Child-Pugh classes: whether it says this of the claim's."""
        mine = frozenset(child_pugh_classes(claim.text))
        if not mine or not side.sentence.child_pugh or side.sentence.child_pugh <= mine:
            return True
        parts = [(p, child_pugh_classes(p)) for p in _COMMA.split(side.sentence.text)]
        others = [p for p, classes in parts if classes and mine.isdisjoint(classes)]
        return not others or any(stance in stances(p) for p, classes in parts if not mine.isdisjoint(classes))

    def _same_as(self, treatment: str) -> list[str]:
        """What a class does: what is said of anticoagulation is said of anticoagulants."""
        return [c for c in self._lexicon.parents(treatment) if self._lexicon.kind(c) == "procedure"]

    def _subject(self, claim: Claim) -> set[str]:
        """Terms of what a claim without a treatment is about: what it names before it permits or forbids."""
        cue = claim.permits or claim.forbids
        before = self._analyzer.content_terms(claim.text[: cue.start()]) if cue else []
        return {t for t in before if not is_generic(t)}

    def _is_plain(self, claim: Claim, side: Side, stance: Stance) -> bool:
        """Whether a sentence is of this stance, and says all the words of what the claim is about: what it names before
        it permits or forbids.
        """
        subject = self._subject(claim)
        return bool(subject) and subject <= side.sentence.said.terms and side.sentence.stance is stance

    def _named(self, claim: Claim, side: Side, stance: Stance) -> list[str]:
        """The claim's treatments as the sentence names them; none unless it names all. What is said against a class is
        said against its kinds; what is said for it is not said for each.
        """
        found = []
        for treatment in claim.treatments:
            of_class = self._lexicon.ancestors(treatment) if stance is Stance.AGAINST else self._same_as(treatment)
            broader = (treatment, *of_class)
            mine = [c for c in broader if c in side.sentence.concepts]
            found += mine[:1] or [c for c in (treatment,) if c in side.sentence.about]
        return found if len(found) == len(claim.treatments) else []

    def is_of(self, claim: Claim, candidate: Candidate) -> bool:
        """Whether a sentence is about all conditions of the claim, each itself, by a kind or by the next broader one,
        and about none that the claim and the question do not have.
        """
        concepts, about = candidate.sentence.concepts, candidate.sentence.about
        named = self._apart(claim)
        met = [c for c in named if c in about or not concepts.isdisjoint(self._lexicon.parents(c))]
        known = {*claim.conditions, *self._query.patient, *OUTCOMES}
        kin = known.union(*(self._lexicon.ancestors(c) for c in known))
        foreign = [c for c in candidate.strange if self._lexicon.kind(c) == "condition" and c not in kin]
        return bool(met) and (len(met) == len(named) or claim.is_of_patient) and not foreign

    def _apart(self, claim: Claim) -> list[str]:
        """The claim's conditions but for clots and bleeds, which may come with any, unless it is about nothing else."""
        narrowest = self._lexicon.narrowest(claim.conditions)
        apart = [c for c in narrowest if not any(self._lexicon.is_a(c, o) for o in OUTCOMES)]
        return apart or [c for c in narrowest if c not in OUTCOMES]

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
        if not match or not _PREFERS.search(claim.text) or not claim.treatments or not self.is_of(claim, candidate):
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
