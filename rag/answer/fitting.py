"""Whether a sentence is for this patient: of the value, the phase and the procedure that the question gives, and about
what the patient still receives.

What is advised at a clearance below 30 is none for a clearance of 50, nor is what is done in acute disease for someone
who had it years ago, nor the dose for an intervention for someone who has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from rag.answer.question import TREATMENTS, Query
from rag.answer.select import ADVISING, GRADES, Candidate
from rag.answer.sentences import Sentence
from rag.clinical.decisive import VARIABLES, Variable
from rag.clinical.variables import contains
from rag.domain import Role
from rag.language.lexicon import Lexicon, Mention
from rag.language.polarity import Stance
from rag.language.quantities import Quantity

#: First words of the phases of one disease.
PHASES = ("acute", "subacute", "remote")
#: Impairments by which doses are set.
_ORGANS = ("renal impairment", "hepatic impairment")
#: mg/dL; above it the dosing table of the ASH 2018 guideline speaks of liver dysfunction (Cuker 2018,
#: doi:10.1182/bloodadvances.2018024489).
_RAISED_BILIRUBIN = 1.5
_EXCLUDED = re.compile(r"\bexclud\w+", re.IGNORECASE)
#: Procedures during which a treatment is given otherwise than without them.
_INDICATIONS = ("percutaneous coronary intervention", "surgery", "renal replacement therapy", "cardiopulmonary bypass")
#: Roles in which a sentence tells what to do, or with what result in mind.
_TELLING = ADVISING | {Role.DIAGNOSIS, Role.MONITORING}
_OR = re.compile(r"\W*(?:and/)?or\W*(?:\w+\W+)?")
_SUSPECTED = re.compile(r"\bsuspected\b(?! or confirmed)(?!.*\bor confirmed\b)", re.IGNORECASE)
#: With a result known, what is advised until there is one is past.
_CONFIRMED = re.compile(
    r"\b(?:confirmed|proven|established)\b|"
    r"\bpositive (?:[\w()-]+ ){0,4}(?:test|assay|ELISA|immunoassay|antibod\w+|SRA)\b|"
    r"\b(?:test|assay|ELISA|immunoassay|antibod\w+|SRA) (?:is |was |are |came back )?positive\b",
    re.IGNORECASE,
)
#: Within so many characters a sentence says for whom it is.
_BEGINNING = 90
#: Said outright: "rather than continuing it" is less.
_STOPS = re.compile(r"\b(?:stop|discontinu|ceas|remov|withh[eo]ld)\w*", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:rather than|instead of)\b[^.;]{0,40}?\bother\b", re.IGNORECASE)
_FOR = re.compile(
    r"(?:\b(?:for|needing|needs?|undergoing|requiring|during|before|after|on|in)\s+(?:[\w-]+\s+){0,2}|\()$",
    re.IGNORECASE,
)
_OF_IT = re.compile(r"\)?[\s:,]+(?:dos|in patients)", re.IGNORECASE)
_TRANSITION = re.compile(
    r"\b(?:chang|switch|transition|convert)\w*[^.;,]{0,30}?\b(?:from|to)\b|\bbridg\w+", re.IGNORECASE
)
#: Roles in which a sentence says what to do now.
_DOING = frozenset({Role.ACTION, Role.EXCEPTION})


class Fitting:
    """Holds sentences against one patient, ``main`` being the condition that the question is mostly about."""

    def __init__(self, query: Query, lexicon: Lexicon, main: str | None) -> None:
        self._query, self._lexicon, self._main = query, lexicon, main
        self._known: dict[tuple[str, int], bool] = {}
        #: Variables of which the question gives a value: a low score, a class of cirrhosis, a stage.
        self._named = [(v, set(v.values(query.text))) for v in VARIABLES if v.is_of_patient and v.values(query.text)]
        self._points = [(v, v.points(query.text)) for v in VARIABLES if v.is_of_patient and v.points(query.text)]
        organs = (c for c in query.patient if any(lexicon.is_a(c, organ) for organ in _ORGANS))
        self._organs = {o for o in _ORGANS if any(lexicon.is_a(c, o) for c in query.patient)}
        if any(v.name == "bilirubin" and max(points) > _RAISED_BILIRUBIN for v, points in self._points):
            self._organs.add("hepatic impairment")
        #: Impairments of which the question says how severe they are, by a word, a class or a value.
        self.graded = tuple(c for c in lexicon.narrowest(organs) if c.startswith(GRADES) and c != main)
        self._phases = [c for c in query.patient if c.startswith(PHASES)]
        self._procedures = frozenset(c for c in query.concepts if lexicon.kind(c) == "procedure")
        if any(lexicon.is_a(c, "dialysis patient") for c in query.patient):
            self._procedures |= {"renal replacement therapy"}

    @property
    def named(self) -> list[tuple[Variable, set[str]]]:
        return self._named

    def is_of_another(self, candidate: Candidate) -> bool:
        """Whether a sentence is for a patient with another value, in another phase, or with another organ impaired."""
        rules = (
            self._is_of_other_value, self._is_of_other_phase, self._is_of_other_certainty, self._is_for_other_organ,
        )  # fmt: skip
        return self._told("another", candidate, lambda: any(rule(candidate) for rule in rules))

    def _told(self, what: str, candidate: Candidate, tell: Callable[[], bool]) -> bool:
        """Remembered: the same is asked of a sentence for each part of an article."""
        key = (what, candidate.record.row)
        if key not in self._known:
            self._known[key] = tell()
        return self._known[key]

    def is_for_another_end(self, candidate: Candidate) -> bool:
        """Whether it is about a procedure, or about going over to another treatment, that is not asked about."""
        is_mine = not candidate.sentence.concepts.isdisjoint(self._phases)
        return (not is_mine and self.is_for_procedure(candidate)) or self._is_of_transition(candidate)

    def is_of_another_drug(self, candidate: Candidate) -> bool:
        """Whether it is about another drug and not about one that is asked about by its name."""
        drugs = [c for c in self._query.focus if self._lexicon.kind(c) == "drug"]
        if not drugs or candidate.speaks_of(drugs):
            return False
        # What is said of a class is said of its drugs.
        classes = [c for d in drugs for c in self._lexicon.parents(d)]
        is_named = any(self._lexicon.kind(c) == "drug" for c in candidate.sentence.concepts)
        return is_named and candidate.sentence.concepts.isdisjoint(classes)

    def _is_of_other_value(self, candidate: Candidate) -> bool:
        """Whether it names values of a variable, and not the one that the question gives."""
        text = candidate.text
        named = ((given, set(v.values(text))) for v, given in self._named)
        if any(theirs and theirs.isdisjoint(given) for given, theirs in named):
            return True
        bands = ((points, v.values(text)) for v, points in self._points)
        return any(theirs and not _contain(theirs, points) for points, theirs in bands)

    def _is_of_other_phase(self, candidate: Candidate) -> bool:
        """Whether it tells what to do in another phase. Where none is named, what is told is told of a disease that is
        there now.
        """
        if candidate.role not in _TELLING:
            return False
        concepts = candidate.sentence.concepts
        for phase in self._phases:
            parents = set(self._lexicon.parents(phase))
            others = [c for c in concepts if c.startswith(PHASES) and parents & set(self._lexicon.parents(c))]
            is_now = phase.startswith("remote") and candidate.speaks_of(parents)
            if phase not in concepts and (others or is_now):
                return True
        return False

    def _is_of_other_certainty(self, candidate: Candidate) -> bool:
        """Whether it is for someone in whom the disease is only suspected, where a result is known."""
        is_confirmed = _CONFIRMED.search(self._query.text) and self._main is not None
        is_suspected = _SUSPECTED.search(candidate.text) and candidate.role in ADVISING
        return bool(is_confirmed and is_suspected)

    def _is_of_transition(self, candidate: Candidate) -> bool:
        """Whether it is about going over from one treatment to another, which is not asked about."""
        is_transition = candidate.role is Role.DOSING and _TRANSITION.search(candidate.text)
        others = any(self._lexicon.kind(c) == "drug" for c in candidate.strange)
        return bool(is_transition) and others and not _TRANSITION.search(self._query.text)

    def _is_for_other_organ(self, candidate: Candidate) -> bool:
        """Whether it gives a dose for people with an impaired organ that this patient is not said to have: its people
        are named before the dose.
        """
        if candidate.role is not Role.DOSING:
            return False
        sentence = candidate.sentence
        named = [m for m in people(sentence) if m.concept not in sentence.excludes]
        organs = [(o, m) for m in named for o in _ORGANS if self._lexicon.is_a(m.concept, o)]
        if not organs or organs[0][0] in self._organs:
            return False
        # "hepatic or renal dysfunction" is for either.
        pairs = pairwise(organs)
        either = [b[0] for a, b in pairs if _OR.fullmatch(sentence.text[a[1].end : b[1].start])]
        words = sentence.text[organs[0][1].start : organs[0][1].end].lower()
        return self._organs.isdisjoint(either) and not (" or " in words or "/or " in words)

    def is_for_procedure(self, candidate: Candidate) -> bool:
        """Whether it is about what is done for a procedure that is not asked about: it says so at its beginning."""
        sentence = candidate.sentence
        about = [
            m for m in sentence.mentions
            if m.start < _BEGINNING and m.concept in candidate.strange and m.kind == "procedure"
            and (_FOR.search(sentence.text[: m.start]) or _OF_IT.match(sentence.text[m.end :]))
        ]  # fmt: skip
        is_a = self._lexicon.is_a
        return any(
            is_a(m.concept, i) and not any(is_a(a, i) for a in self._procedures) for m in about for i in _INDICATIONS
        )

    def speaks_of_grade(self, candidate: Candidate) -> bool:
        """Whether it speaks of an organ's impairment as severe as this patient's."""
        return self.has_grade and self._told("grade", candidate, lambda: self._is_graded(candidate))

    def _is_graded(self, candidate: Candidate) -> bool:
        sentence = candidate.sentence
        return any(
            grade in sentence.about
            or any(c.startswith(GRADES) and c in sentence.concepts for c in self._lexicon.parents(grade))
            for grade in self.graded
        ) or self._speaks_of_point(candidate.text)

    def _speaks_of_point(self, text: str) -> bool:
        if _EXCLUDED.search(text):
            return False  # of whom it does not speak
        return any(_contain(v.values(text), points) for v, points in self._points)

    @property
    def has_grade(self) -> bool:
        return bool(self.graded or self._points)

    def stops(self, candidate: Candidate, subject: Iterable[str]) -> bool:
        """Whether a guideline, label or regulator says to stop, in this condition, what the patient receives."""
        if candidate.role not in _DOING or not self._query.current:
            return False
        return self._told("stops", candidate, lambda: self._says_stop(candidate, subject))

    def _says_stop(self, candidate: Candidate, subject: Iterable[str]) -> bool:
        sentence = candidate.sentence
        if not sentence.source.evidence_type.is_normative:
            return False
        if not candidate.speaks_of(subject) or self.is_of_another(candidate):
            return False
        return any(self._is_stopped(drug, sentence) for drug in self._query.current)

    def _is_stopped(self, drug: str, sentence: Sentence) -> bool:
        """Whether a drug is to be stopped, by its name or that of its class; "rather than others" spares it."""
        named = [drug] if drug in sentence.concepts else self._lexicon.ancestors(drug) & sentence.concepts
        return any(
            self._lexicon.kind(c) in TREATMENTS
            and sentence.is_stopped(c)
            and sentence.stance_on(c) is Stance.AGAINST
            and _STOPS.search(sentence.text)
            and not _OTHERS.search(sentence.text)
            for c in named
        )


def people(sentence: Sentence) -> list[Mention]:
    """What a sentence that gives a dose names before it: for whom it is. What stands behind is another case."""
    first = next((q.start for q in sentence.quantities if _is_dose(q)), len(sentence.text))
    return [m for m in sentence.mentions if m.start < first]


def _is_dose(quantity: Quantity) -> bool:
    return quantity.unit.startswith(("mg", "U")) and not quantity.unit.endswith("/mL")


def _contain(bands: Iterable[str], points: Iterable[float]) -> bool:
    return any(contains(band, point) for band in bands for point in points)
