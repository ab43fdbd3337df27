"""What a question says of its patient and of what it asks about, in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rag.answer.question import TREATMENTS, Query, interpret
from rag.conversation.content import lost
from rag.conversation.phrasing import an, asides, core, listed, parted, small, supposed, under_which
from rag.conversation.values import Value, values
from rag.domain import CarriedKind
from rag.language.lexicon import Lexicon, Mention
from rag.language.terms import STOP_WORDS, Analyzer, is_generic, stem

PERSON = (
    r"patients?|m[ae]n|wom[ae]n|boys?|girls?|child(?:ren)?|lady|ladies|gentlem[ae]n|infants?|neonates?|adults?|"
    r"persons?|"
    r"people|males?|females?|adolescents?|teenagers?|bab(?:y|ies)|toddlers?|newborns?"
)
#: Words before the name of a condition that make it another one, or say when it was.
_QUALIFIED = re.compile(
    r"(?:\b(?:suspected|confirmed|possible|probable|proven|presumed|previous|prior|past|remote|acute|subacute|chronic|"
    r"active|new|recent|newly diagnosed|known|history of|severe|moderate|mild|advanced|stable|unstable|compensated|"
    r"decompensated|refractory|persistent|persisting|recurrent|first|isolated|autoimmune|spontaneous|delayed-onset|"
    r"symptomatic|asymptomatic|minimally symptomatic|provoked|unprovoked|incarcerated|strangulated|reducible|"
    r"irreducible|bilateral|left|right|end-stage|secondary|primary|paediatric|pediatric|acquired|congenital|"
    r"uncomplicated|massive|small|large|isolated)\s+)+$",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    r"\b(?:now on|already on|started on|on|taking|receiving|getting|treated with|exposed to|after|(?<!wear )off|"
    r"despite|failed|previous|prior|past|underwent|awaiting|before|"
    r"while on)\s+(?:(?!with\b)[\w-]+\s+(?:and\s+)?){0,3}$",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:(?:now|already|started|taking|receiving|getting|treated|exposed|after|off|despite|failed|previous|prior|past|"
    r"underwent|awaiting|before|while|on|with|to|the|an?)\s+)+",
    re.IGNORECASE,
)
#: What a question supposes is what it asks of: "what should be done if platelets fall?".
_ASKS_OF_IT = re.compile(r"^what (?:should|can|must|is to) be done\b|^what happens\b", re.IGNORECASE)
_WHO_IS = re.compile(r"^(?:now on|already on|started on|on|taking|receiving|getting|treated with|off|awaiting)\b", re.I)
#: "Can I start her on": what is proposed, not had.
_TO_BE_PUT = re.compile(
    r"\b(?:start|put|keep|maintain|commence|initiate|place|switch) (?:him|her|them|(?:the|my|this|a) patient|"
    r"(?:the|my|this|a) (?:wo)?man) $",
    re.IGNORECASE,
)
_RULED_OUT = re.compile(
    r"\b(?:no|without|not(?: on| in)?|denies|never had)\s+(?:(?!(?:with|for|to|in)\b)[\w-]+\s+)?$", re.IGNORECASE
)
#: When it was, or that it is no reason: "after CVT", "despite bleeding".
_WHEN = re.compile(r"\b(?:after|before|during|despite)\s+(?:the |an? |her |his )?$", re.IGNORECASE)
_IS_WHEN = re.compile(r"^(?:after|before|during|despite)\b", re.IGNORECASE)
_SAID_OF_A_PERSON = re.compile(r"^\w+(?:ic|ed)$", re.IGNORECASE)
#: "in a patient with HIT and cirrhosis who is on argatroban", at the end of a question.
_PATIENT = re.compile(
    r"\b(?:in|for|to|of)\s+(?P<person>(?:(?:an?|the|this|my|our)\s+)?"
    rf"(?:(?!(?:in|for|to|of|with|on|is|are|be)\b)[\w/-]+\s+){{0,5}}?(?:{PERSON})\b"
    r"(?:,?\s+(?:with|who|whose|on|aged|after|taking|receiving|having|without|weighing|and|now)\b[^?()]*?)?)"
    r"(?=\s*(?:\([^()]*\))?(?:,\s*right)?\s*\??\s*$)",
    re.IGNORECASE,
)
_NOT_ONLY_PATIENT = re.compile(r",?\s(?:or|and|but|so)\s(?:should|can|is|do|what|how|which|when)\b|[:;]", re.IGNORECASE)
#: Populations that are said of a patient rather than of a person: "pregnant".
_ADJECTIVE = re.compile(
    r"^(?:pregnant|gravid|elderly|geriatric|lactating|breastfeeding|breast-feeding|p[ae]+diatric|neonatal|postpartum|"
    r"immuno(?:compromised|suppressed)|postmenopausal|male|female)$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^(?:(?:how|why|when)\s+)?(?:do|does|did|is|are|was|were|can|could|should|will|would|has|have)\s+"
    r"(?:the\s+|an?\s+)?(?P<what>[\w-]{3,})",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"^what(?:'s| is| are| was) (?:the |an? )?(?P<what>(?!(?:the|best|usual)\b)[\w-]+(?: (?!(?:in|for|of|to|"
    r"with|on)\b)[\w-]+){0,3})\?$",
    re.IGNORECASE,
)
#: A society that is called like a drug.
_BODY = re.compile(r"\bA[HC]A/ASA$")
_MANY = re.compile(r"(?:s|men|children|people|elderly)$", re.IGNORECASE)
_QUESTIONED = re.compile(r"^(?:is|are|was|were) there (?:no|not)\b", re.IGNORECASE)
_DESCRIBING = frozenset({"condition", "population", "term"})
#: Classes that are named like one of them: "the anticoagulant".
_CLASS_NOUN = re.compile(r"\b(?:[a-z]*coagulant|inhibitor|agent|blocker|agonist|antagonist|drug|antidote|analogue)$")
#: Of a drug: whoever asks for one asks about that.
_ANTIDOTES = frozenset({"antidote", "anticoagulant reversal agent"})


class Said(NamedTuple):
    """Words of a question: what they are, and the concept or the value that they name."""

    text: str
    what: CarriedKind
    concept: str

    @property
    def name(self) -> str:
        """The words without those that lead to them: "argatroban" of "on argatroban"."""
        return _LEADING.sub("", self.text)


@dataclass(frozen=True)
class Background:
    """A question as what the next one may lean on. ``stated`` are its sentences that ask nothing."""

    text: str
    query: Query
    mentions: tuple[Mention, ...]
    stated: str
    question: str
    lexicon: Lexicon

    @classmethod
    def of(cls, text: str, analyzer: Analyzer) -> Background:
        stated, question = parted(text)
        lexicon = analyzer.lexicon
        mentions = tuple(m for m in lexicon.mentions(text) if not _BODY.search(text, 0, m.end))
        return cls(text, interpret(text, analyzer), mentions, stated, question, lexicon)

    @cached_property
    def values(self) -> list[Value]:
        return values(self.text)

    @cached_property
    def person(self) -> str:
        """The patient as the question's end describes one: "a woman with HIT who is on argatroban"; else nothing."""
        match = _PATIENT.search(self.question)
        return match["person"] if match and not _NOT_ONLY_PATIENT.search(match["person"]) else ""

    @cached_property
    def treatments(self) -> list[Said]:
        """What is asked about, by its narrowest names."""
        had = {s.concept for s in self.current}
        sought = [*self.query.focus, *(c for c in self.query.treatments if self._is_to_be_put(c))]
        asked = [c for c in self.lexicon.narrowest(sought) if self._mention(c) and c not in had]
        asked = [c for c in asked if c not in _ANTIDOTES or len(asked) == 1]
        central = {m.concept for m in self.lexicon.mentions(core(self.text))}
        asked = [c for c in asked if c in central] or asked
        return [Said(self._surface(c), "treatment", c) for c in asked]

    @cached_property
    def defined(self) -> str | None:
        """What a question asks the meaning of: "Sublocade" of "What is Sublocade?"."""
        match = _DEFINED.match(self.question)
        return match["what"] if match else None

    @cached_property
    def unnamed(self) -> str | None:
        """What is asked about where the lexicon has no name for it: "collagen" of "does collagen help wrinkles?"."""
        match = None if self.treatments or self.current else _SUBJECT.match(self.question)
        if not match or any(
            m.start < self._at(match.end()) and self._at(match.start("what")) < m.end for m in self.mentions
        ):
            return None
        key = match["what"].lower()
        return None if key in STOP_WORDS or is_generic(stem(key)) else match["what"]

    def _at(self, offset: int) -> int:
        """Where in the text a place of its question is."""
        return self.text.rfind(self.question) + offset

    @cached_property
    def current(self) -> list[Said]:
        """What the patient has, as it is put: "on argatroban", "after heparin"."""
        found = []
        for concept in self.query.treatments:
            mention = self._mention(concept)
            before = _GIVEN.search(self.text, 0, mention.start) if mention else None
            is_had = concept in self.query.current or (before and _WHO_IS.match(before[0]))
            if mention and is_had and not self._is_to_be_put(concept):
                found.append(
                    Said(self.text[before.start() if before else mention.start : mention.end], "treatment", concept)
                )
        return [s for s in found if not any(s.text != o.text and s.text in o.text for o in found)]

    def _is_to_be_put(self, concept: str) -> bool:
        """Whether it is asked if the patient should be put on it, who is not yet."""
        mention = self._mention(concept)
        before = _GIVEN.search(self.text, 0, mention.start) if mention else None
        return bool(before and _TO_BE_PUT.search(self.text, 0, before.start()))

    @cached_property
    def conditions(self) -> list[Said]:
        """Conditions and populations with what qualifies them, but for those that are values."""
        found = []
        for m in self._distinct(_DESCRIBING):
            if self._is_ruled_out(m) or any(v.start < m.end and m.start < v.end for v in self.values):
                continue
            start = m.start
            for pattern in (_QUALIFIED, _WHEN):
                before = pattern.search(self.text, 0, start)
                start = before.start() if before else start
            words = self.text[start : m.end]
            words = m.concept if m.kind == "condition" and _SAID_OF_A_PERSON.match(words) else words
            is_common = start < m.start or words.split(" ", 1)[0].lower() in m.concept.split()
            words = small(words) if is_common else words  # where it began a sentence
            found.append(Said(words, "condition" if m.kind != "population" else "patient", m.concept))
        return found

    def _is_ruled_out(self, m: Mention) -> bool:
        return m.concept in self.query.absent or bool(
            m.kind in _DESCRIBING and _RULED_OUT.search(self.text, 0, m.start) and not _QUESTIONED.match(self.text)
        )

    @cached_property
    def ruled_out(self) -> list[Said]:
        """What the question says the patient does not have: "without varices"."""
        found = []
        for m in self.mentions:
            before = _RULED_OUT.search(self.text, 0, m.start) if self._is_ruled_out(m) else None
            if before:
                found.append(Said(self.text[before.start() : m.end], "condition", m.concept))
        return found

    @cached_property
    def besides(self) -> list[str]:
        """Facts beside the question and what it supposes, as they are put: "no symptoms", "if the count is 8"."""
        clause = "" if _ASKS_OF_IT.match(self.question) else supposed(self.question)
        clauses = (under_which(self.question), clause)
        is_said = [any(not is_generic(stem(word)) for word in lost(c, "", self.lexicon)) for c in clauses]
        return [*asides(self.question), *(c for c, said in zip(clauses, is_said, strict=True) if said)]

    @cached_property
    def tests(self) -> list[Said]:
        found = [m for m in self._distinct({"test"}) if not any(v.start <= m.start < v.end for v in self.values)]
        return [Said(self.text[m.start : m.end], "test", m.concept) for m in found]

    def _distinct(self, kinds: Iterable[str]) -> list[Mention]:
        by_concept: dict[str, Mention] = {}
        for mention in self.mentions:
            if mention.kind in kinds:
                by_concept.setdefault(mention.concept, mention)
        return list(by_concept.values())

    def _mention(self, concept: str) -> Mention | None:
        return next((m for m in self.mentions if m.concept == concept), None)

    def _surface(self, concept: str) -> str:
        """As the question calls it; a class of drugs in the singular with an article."""
        name = self.query.names.get(concept, concept)
        place = self.text.lower().find(name.lower(), 1)
        name = self.text[place : place + len(name)] if place > 0 and name.lower() != concept else name
        mention = self._mention(concept)
        is_class = mention is not None and mention.kind == "drug_class"
        return f"the {name}" if is_class and _CLASS_NOUN.search(name) else name


def patient(background: Background, besides: Iterable[str]) -> tuple[str, list[Said], list[str]]:
    """How a question says whom it is about: a phrase for its end, what is in it, and facts to note beside it.

    Nothing of what is ``stated`` before the question: that is said again before the next one.

    Args:
        besides: concepts that the next question names itself.
    """
    person, own, lexicon = background.person, set(besides), background.lexicon
    told = f"{background.stated} {person}"
    known = own | {m.concept for m in lexicon.mentions(told)}
    tests = {k for k in known if lexicon.kind(k) == "test"}  # of a disease, but none
    left = [c for c in background.conditions if not any(lexicon.is_a(k, c.concept) for k in known - tests)]
    current = [s for s in background.current if s.concept not in known]
    ruled_out = [s for s in background.ruled_out if s.concept not in known]
    measured = [v for v in background.values if background.text[v.start : v.end] not in told]
    ages = [v for v in measured if v.key == "age"]
    latest = {v.key: Said(v.said(background.text), "value", v.key) for v in measured if v.key != "age"}
    notes = list(latest.values())
    parts = [*([Said(person, "patient", "")] if person else []), *left, *current, *ruled_out, *notes]
    parts += [Said(v.said(background.text), "value", "age") for v in ages]
    told = " ".join((told, *own, *(p.text for p in parts), *(s.name for s in background.treatments)))
    more = [fact for fact in background.besides if lost(fact, told, lexicon)]
    parts += [Said(fact, "patient", "") for fact in more]
    again = {v.key for fact in more for v in values(fact)}
    facts = [*dict.fromkeys(n.text for n in notes if n.concept not in again), *more]
    if person:
        disease = [c.text for c in left if c.what == "condition"]
        where = f" in {listed(disease)}" if disease else ""
        facts = [*(c.text for c in left if c.what != "condition"), *(s.text for s in (*current, *ruled_out)), *facts]
        return f"{where} in {person}", parts, facts
    phrase = _described(left, current, ruled_out, [v.said(background.text) for v in ages], bool(background.stated))
    return phrase, parts, facts


def _described(
    left: Sequence[Said], current: Sequence[Said], ruled_out: Sequence[Said], ages: Sequence[str], is_known: bool
) -> str:
    """ " in an 82-year-old woman with HIT and cirrhosis who is on argatroban"; " in HIT and cirrhosis"."""
    people = [c.text for c in left if c.what == "patient" and re.fullmatch(rf"(?:[\w-]+ )?(?:{PERSON})", c.text, re.I)]
    adjectives = [c.text for c in left if c.what == "patient" and _ADJECTIVE.match(c.text)]
    others = [c.text for c in left if c.what == "patient" and c.text not in (*people, *adjectives)]
    diseases = [c.text for c in left if c.what == "condition" and not _IS_WHEN.match(c.text)]
    times = "".join(f" {c.text}" for c in left if c.what == "condition" and _IS_WHEN.match(c.text))
    if not (people or adjectives or current or ruled_out or ages):
        return (f" in {listed([*diseases, *others])}" if diseases or others else "") + times
    if is_known and not (people or adjectives or ages):
        noun = "the patient"
    else:
        noun = " ".join([*ages, *adjectives, people[0] if people else "patient"])
        noun = noun if people and _MANY.search(people[0]) else an(noun)
    has = f" with {listed(diseases)}" if diseases else ""
    lacks = "".join(f" {s.text}" if s.text.startswith("without") else f", {s.text}" for s in ruled_out)
    taking = [s.text for s in current if _WHO_IS.match(s.text)]
    taken = [s.text for s in current if s.text not in taking]
    is_on = f" who is {listed(taking)}" if taking else ""
    rest = "".join(f" {t}" if _IS_WHEN.match(t) else f", {t}" for t in (*taken, *others))
    return f" in {noun}{has}{times}{is_on}{lacks}{rest}"


def is_person(words: str) -> bool:
    """Whether words describe a person: "a child of 6"."""
    return bool(re.match(rf"(?:an?|the)\s+(?:[\w-]+\s+){{0,4}}(?:{PERSON})\b", words, re.IGNORECASE))


def has_treatment(mentions: Iterable[Mention]) -> bool:
    return any(m.kind in TREATMENTS for m in mentions)
