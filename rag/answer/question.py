"""What a question asks: its intent, what it is about, the patient it describes, the claims it takes for granted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from rag.answer.asides import without_asides
from rag.answer.presuppositions import premises
from rag.answer.spelling import corrected
from rag.clinical.variables import renal_impairment
from rag.domain import ReadAs
from rag.language.identifiers import blanked
from rag.language.lexicon import Lexicon, Mention, tokens
from rag.language.quantities import quantities
from rag.language.sentences import sentence_spans
from rag.language.terms import Analyzer, is_generic, stem

TREATMENTS = frozenset({"drug", "drug_class", "procedure"})
#: How much a concept of a kind says about what a question is about, against 1 for an ordinary word.
_KIND_WEIGHT = {
    "drug": 2.0, "drug_class": 2.0, "procedure": 1.5, "condition": 2.0, "test": 1.5, "population": 1.0, "setting": 0.7,
    "term": 1.5,
}  # fmt: skip
_FOCUS_WEIGHT = 1.5


class Intent(StrEnum):
    DECISION = "decision"
    DOSE = "dose"
    MONITORING = "monitoring"
    DIAGNOSIS = "diagnosis"
    TIMING = "timing"
    PROGNOSIS = "prognosis"
    MECHANISM = "mechanism"
    EVIDENCE = "evidence"
    CHOICE = "choice"
    MANAGEMENT = "management"
    DEFINITION = "definition"
    OTHER = "other"


_DECISION = (
    r"(?:^|[,;:]\s*)(?:and |but |so )?(?:whether|should|can|could|may|must|would|is it|are there|do (?:i|we)|does|did|"
    r"is|are|was|ok to|safe to)\b"
)
# What matches first in the interrogative sentence decides; a definition is asked for when nothing else is.
_INTENTS: dict[Intent, tuple[str, ...]] = {
    Intent.DOSE: (
        r"dos(?:e|es|ed|ing|age)", "how much", r"how many (?:mg|mcg|milligrams)", "infusion rate", "starting rate",
        r"mg (?:per|a) day",
    ),
    Intent.MONITORING: (
        r"monitor\w*", r"how often (?:should|do|to|must)", r"target (?:aptt|inr|level|range)", "aptt target",
        "which test to follow",
    ),
    Intent.DIAGNOSIS: (
        r"when (?:should|do|to) (?:\w+ )?suspect", "features", "signs",
        r"(?<!newly )(?<!recently )(?<!just )diagnos\w*(?! with\b)", r"confirm\w*", "rule[ds]? out", "work-?up",
        r"distinguish\w*", r"differentiat\w*", r"what (?:tests?|investigations?)", "which tests?",
        r"screen\w*", "look for", "scored", r"(?:send|order|need|request) (?:\w+ ){0,3}tests?",
        "what causes", "causes? of", "a?etiology", "false[- ]positive",
    ),
    Intent.TIMING: ("how long", "how soon", "duration of", "for how many", r"when (?:should|can|to|is|may|do)"),
    Intent.EVIDENCE: (
        "evidence", "efficacy", "stud(?:y|ies)", "trials?", "data", "proof",
        r"do(?:es)? [^?]{3,60} (?:work|help|ease|reduce|improve)",
    ),
    Intent.DECISION: (_DECISION,),
    Intent.MECHANISM: (
        "mechanism", "how does", r"how do(?! i\b| we\b| you\b| they\b)", r"why (?:does|do|is|are)",
        r"pharmacokinetic\w*", "half-life", "cleared", "metaboli[sz]ed", "eliminated",
    ),
    Intent.PROGNOSIS: (
        "risks?", "prognosis", "outcomes?", "mortality", r"how (?:common|likely|frequent|often)", "incidence",
        "survival", "recurrence", "chance", "harms?",
        r"(?:side|adverse|unwanted|undesirable) (?:effects?|events?|reactions?)",
    ),
    Intent.CHOICE: ("which", "of choice", "best (?:anticoagulant|drug|agent)", "preferred", "alternatives?"),
    Intent.MANAGEMENT: (
        r"manag\w*", r"treat\w*", "next step", "approach", r"strateg\w*", r"what (?:should|to|do|would)", "options?",
        "guidelines?", r"handle\w*",
        r"how (?:do|should|can) (?:i|we) (?:manage|treat|handle)",
    ),
    Intent.DEFINITION: (r"what (?:is|are|does)", "define", "definition", "meaning"),
}  # fmt: skip

#: Only meant where nothing more specific is asked: "which test", "what is the dose".
_WEAK = frozenset({Intent.CHOICE, Intent.DEFINITION})
_INTENT_PATTERNS = [
    (intent, re.compile(p if p is _DECISION else rf"\b(?:{p})\b", re.IGNORECASE))
    for intent, phrases in _INTENTS.items()
    for p in ("|".join(phrases) if len(phrases) > 1 else phrases[0],)
]
#: A question of yes or no: its last part begins with its verb, or, as in titles, says what something may be.
_YES_NO = re.compile(
    r"^[^?]{8,}(?::|\s[-–]\s|--|—)\s*(?:an?|really|another)\b[^?:]*\?\s*$|"
    r"(?:^|[,:;.]\s+|--|\s[-–]\s|—)(?:and |but |so |then )?(?:is|are|was|were|do|does|did|can|could|has|have|had|"
    r"should|may|might|must|will|would)\b(?! i\b.*\b(?:what|which|how|when|why)\b)[^?]*\?\s*$",
    re.IGNORECASE,
)
_PROPOSES = re.compile(
    r"\b(?:should|can|could|may|is it (?:ok|okay|safe|reasonable) to|do (?:i|we))\b[^?]*\b(?:give|given|use|used|start|"
    r"started|continue|continued|receive|take|add|added|offer|offered)\b",
    re.IGNORECASE,
)
#: The question is about doing less of it, or about what comes in its place.
_OTHERWISE = re.compile(
    r"\b(?:avoid\w*|stop\w*|withh[eo]ld\w*|hold|held|withdraw\w*|discontinu\w*|contraindicat\w*|reduc\w*|without|not|"
    r"instead|rather than|before|after|until|switch\w*|or)\b",
    re.IGNORECASE,
)
_CURRENT = re.compile(
    r"\b(?:days? \d+ of|on|taking|takes|receiv(?:es|ing|ed)|getting|treated with|completed|exposed to|after|off|"
    r"despite|failed|transfused|underwent|previous|prior|past)"
    r"(?:[\s,(]+(?!for\b|to\b|continue\b|receive\b)[\w-]+){0,5}[\s,(]*$",
    re.IGNORECASE,
)
_HISTORY = re.compile(
    r"\b(?:who|with a history of|history of|presented with|now with|developed|while)\b[^.?!]*$", re.IGNORECASE
)
_ASKED = re.compile(
    r"\b(?:given|give|continue|continuing|start|starting|restart|switch(?:ed|ing)? to|stop|stopping|use|using|use of|"
    r"add|adding|hold|receive|need|dose of)\s+(?:[\w-]+\s+){0,2}$",
    re.IGNORECASE,
)
_VERBAL = re.compile(
    r"^(?:giv|transfus|anticoagulat|dialys|operat)\w*\b|\b(?:be|has|rises|rising|climb\w+)\b|^dialysis patient",
    re.IGNORECASE,
)
_PROBLEM = re.compile(
    r"\b(?:develop(?:s|ed|ing)?|also ha(?:ve|s)|presents? with|presenting with|complicated by|now has)\s+"
    r"(?:[\w-]+\s+){0,2}$",
    re.IGNORECASE,
)
_NO_TREATMENT = re.compile(
    r"\s*(?:withdrawal|overdose|poisoning|toxicity|allergy|use disorder|dependence|addiction|antibod)", re.IGNORECASE
)
_HIT = "heparin-induced thrombocytopenia"
_PLATELET_FALL = re.compile(
    r"\b(?:platelets?|PLT|platelet count)\b[^.?;]{0,30}(?:\bf[ae]ll|\bdropp?\w*|\bdecreas\w*|\bhalv\w*|"
    r"\bfrom \d+[^.?;]{0,20}\bto \d|\d+\s*(?:→|->|-->)\s*\d)|"
    r"\b(?:fall(?:ing)?|drop(?:ping)?)(?: in| of)?(?: the)? platelet",
    re.IGNORECASE,
)
_SCORED = re.compile(r"\b4\s?Ts?\b\D{0,12}[0-8]\b", re.IGNORECASE)
#: What is given while heparin-induced thrombocytopenia is there.
_GIVEN_IN_ACUTE = ("argatroban", "bivalirudin", "danaparoid", "hirudin")
_SPAN = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|several|many|some|a few|a couple of|a)"
_LONG_AGO = re.compile(
    rf"\W*(?:[\w-]+\W+){{0,3}}?(?:(?:{_SPAN}\+? (?:years?|yrs?|decades?)|(?:[4-9]|1\d|four|five|six|seven|eight|nine|"
    r"ten|eleven|twelve) months) (?:ago|back|earlier|before|previously)\b|"
    r"in (?:the (?:distant )?past\b|(?:19|20)\d\d\b))",
    re.IGNORECASE,
)
_ONCE = re.compile(
    r"\b(?:(?:past|previous|prior|remote|old)(?: [\w-]+)? (?:episode|bout|diagnosis|case) of|"
    r"(?:history|PMH|past medical history)(?: of|:)(?: [\w-]+){0,2}|previously (?:had|diagnosed with)|"
    r"(?:previous|prior|past|remote)(?: [\w-]+)?)\s*$",
    re.IGNORECASE,
)
#: Kinds of concept that describe a patient.
_DESCRIBING = frozenset({"condition", "population", "term"})
_ORGANS = {
    "hepatic impairment": ("liver", "hepatic", "function"),
    "renal impairment": ("renal", "kidney", "kidneys", "function"),
}
_NORMAL_ORGAN = re.compile(
    r"\bnormal (?P<before>liver|hepatic|renal|kidney)s?\b|\b(?P<after>liver|hepatic|renal|kidney)s?(?: function)?"
    r"(?: is| are|) normal\b",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"\b(?:no|without|not (?:have|having|in)|never had|denies|absence of|excluding)\s+(?:[\w-]+\s+){0,2}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Query:
    """A question as the pipeline reads it: ``text`` is what was ``asked`` with typing errors mended, without courtesy
    and instructions.

    ``focus`` are the treatments asked about, ``current`` those the patient has, ``patient`` the conditions and
    populations described, ``problem`` those of them that are new, ``absent`` those the question rules out: concepts, in
    order of appearance. ``weights`` says how much each content term of the question matters; ``names`` how the question
    calls its concepts. ``premises`` are claims that the question states rather than asks; ``readings`` what in it was
    read as something else.
    """

    asked: str
    text: str
    intent: Intent
    focus: tuple[str, ...]
    current: tuple[str, ...]
    patient: tuple[str, ...]
    absent: tuple[str, ...]
    tests: tuple[str, ...]
    problem: tuple[str, ...]
    weights: dict[str, float]
    names: dict[str, str]
    premises: tuple[str, ...]
    readings: tuple[ReadAs, ...]

    def named(self, term: str) -> str:
        """A content term as the question puts it."""
        if term.startswith("="):
            return self.names.get(term[1:], term[1:])
        return next((t.text for t in tokens(self.text) if stem(t.key) == term), term)

    @property
    def asks_yes_no(self) -> bool:
        """Whether it can be answered with yes or no."""
        return bool(_YES_NO.search(self.text))

    @property
    def proposes(self) -> bool:
        """Whether it asks if one treatment is to be given, so that advice on the treatment is advice on what is asked.

        Not where it asks about less of it or something in its place, nor of an amount, which may be what is wrong.
        """
        is_proposal = self.asks_yes_no and len(self.focus) == 1 and _PROPOSES.search(self.text)
        return bool(is_proposal) and not _OTHERWISE.search(self.text) and not quantities(self.text)

    @property
    def treatments(self) -> tuple[str, ...]:
        """Treatments asked about, then those the patient has."""
        return (*self.focus, *self.current)

    @property
    def concepts(self) -> tuple[str, ...]:
        """All concepts the question affirms."""
        return (*self.treatments, *self.patient, *self.tests)


def interpret(
    asked: str, analyzer: Analyzer, unknown: Callable[[Iterable[str]], set[str]] = lambda words: set()
) -> Query:
    """Reads a question. Deterministic; knows only the lexicon and the corpus's words and abbreviations.

    Args:
        unknown: of some words, those that the corpus does not use; only these can be typing errors.
    """
    lexicon = analyzer.lexicon
    clinical, asides = without_asides(asked)
    text, readings = corrected(clinical, lexicon, unknown)
    mentions = _phased(text, lexicon.mentions(text), lexicon)
    intent = _intent(text)
    absent = _absent(text, mentions)
    here = [m for m in _without_glosses(text, mentions, lexicon) if m.concept not in absent]
    glosses = {m.concept for m in mentions} - {m.concept for m in here} - absent
    suspected = _suspected(text, here, lexicon)
    implied = [*_implied(text, here, lexicon), *([_HIT] if suspected else [])]
    problem = _distinct(m for m in here if m.kind == "condition" and _PROBLEM.search(text[: m.start]))
    focus, current = _treatments(text, [m for m in here if m.kind in TREATMENTS], intent)
    terms = [t for t in analyzer.content_terms(blanked(text), mentions) if t not in _organ_words(absent)]
    if suspected:
        terms.append(f"={_HIT}")
    return Query(
        asked=asked,
        text=text,
        intent=intent,
        focus=focus,
        current=current,
        patient=tuple(dict.fromkeys([*_distinct(m for m in here if m.kind in _DESCRIBING), *implied])),
        absent=tuple(sorted(absent)),
        tests=_distinct(m for m in here if m.kind in {"test", "setting"}),
        problem=problem,
        weights=_weights(terms, lexicon, {*focus, *problem}, absent | glosses),
        names=_names(text, mentions),
        premises=tuple(premises(text)),
        readings=(*asides, *readings, *suspected),
    )


def _phased(text: str, mentions: Iterable[Mention], lexicon: Lexicon) -> tuple[Mention, ...]:
    """``mentions`` with a disease that the patient had years ago as remote, and one called history that is there now,
    since it is being treated or platelets fall, as itself.
    """
    found = list(mentions)
    is_active = bool(_PLATELET_FALL.search(text)) or any(
        _CURRENT.search(text[: m.start]) and any(lexicon.is_a(m.concept, c) for c in _GIVEN_IN_ACUTE) for m in found
    )
    for i, mention in enumerate(found):
        remote = f"remote {mention.concept}"
        is_past = _LONG_AGO.match(text[mention.end :]) or _ONCE.search(text[: mention.start])
        if mention.concept.startswith("remote ") and is_active:
            found[i] = mention._replace(concept=mention.concept.removeprefix("remote "))
        elif is_past and not is_active and remote in lexicon.concepts:
            found[i] = mention._replace(concept=remote)
    return tuple(found)


def _absent(text: str, mentions: Iterable[Mention]) -> set[str]:
    """Concepts that the question rules out, and impairments of organs that it calls normal."""
    named = {m.concept for m in mentions if _ABSENT.search(text[: m.start])}
    return named | {
        "hepatic impairment" if (m["before"] or m["after"]).lower() in {"liver", "hepatic"} else "renal impairment"
        for m in _NORMAL_ORGAN.finditer(text)
    }


def _without_glosses(text: str, mentions: Iterable[Mention], lexicon: Lexicon) -> list[Mention]:
    """Mentions but those that only explain the one before them: "argatroban (a direct thrombin inhibitor)"."""
    kept: list[Mention] = []
    for mention in mentions:
        between = text[kept[-1].end : mention.start] if kept else ""
        is_inside = "(" in between and ")" not in between
        if not (is_inside and lexicon.is_a(kept[-1].concept, mention.concept)):
            kept.append(mention)
    return kept


def _treatments(text: str, mentions: list[Mention], intent: Intent) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Treatments asked about, and those the patient has or had."""
    mentions = [m for m in mentions if not _NO_TREATMENT.match(text[m.end :])]
    asked = _distinct(m for m in mentions if _is_asked(text[: m.start], intent))
    current = tuple(c for c in _distinct(mentions) if c not in asked)
    if not asked and intent not in _ABOUT_THE_PATIENT:
        return current, ()
    return asked, current


#: Kinds of question in which a treatment told with the history is not what is asked about.
_ABOUT_THE_PATIENT = frozenset({Intent.MANAGEMENT, Intent.CHOICE, Intent.DIAGNOSIS, Intent.PROGNOSIS})


def _is_asked(before: str, intent: Intent) -> bool:
    if _ASKED.search(before):
        return True
    return not (_CURRENT.search(before) or (intent in _ABOUT_THE_PATIENT and _HISTORY.search(before)))


def _distinct(mentions: Iterable[Mention]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(m.concept for m in mentions))


def _intent(text: str) -> Intent:
    asked = [text[s:e] for s, e in sentence_spans(text) if text[s:e].endswith("?")] or [text]
    sentence = asked[-1]
    found = [(m.start(), intent) for intent, p in _INTENT_PATTERNS if (m := p.search(sentence))]
    for weak in (_WEAK, frozenset({Intent.DEFINITION}), frozenset[Intent]()):
        specific = [item for item in found if item[1] not in weak]
        if specific:
            return min(specific, key=lambda item: item[0])[1]
    return Intent.OTHER


def _weights(terms: list[str], lexicon: Lexicon, focus: set[str], ignored: set[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for term in Counter(terms):
        concept = term.removeprefix("=")
        if concept == term:
            weights[term] = 0.0 if is_generic(term) or term.isdigit() else 1.0
        elif concept not in ignored:
            weights[term] = kind_weight(lexicon.kind(concept)) * (_FOCUS_WEIGHT if concept in focus else 1.0)
    return weights


def kind_weight(kind: str) -> float:
    """How much a concept of this kind says about what a question is about, against 1 for an ordinary word."""
    return _KIND_WEIGHT[kind]


def _implied(text: str, mentions: Iterable[Mention], lexicon: Lexicon) -> list[str]:
    """Conditions that a value or a treatment in the question amounts to: whoever is on dialysis has no kidneys."""
    kinds = ("renal replacement therapy", "dialysis patient")
    on_dialysis = any(lexicon.is_a(m.concept, kind) for m in mentions for kind in kinds)
    return [*renal_impairment(text), *(["severe renal impairment"] if on_dialysis else [])]


def _suspected(text: str, mentions: list[Mention], lexicon: Lexicon) -> list[ReadAs]:
    """Heparin-induced thrombocytopenia, where platelets fall or it is scored on heparin and it is not named."""
    on_heparin = any(lexicon.is_a(m.concept, "heparin") for m in mentions)
    is_named = any(m.kind == "condition" and lexicon.is_a(m.concept, _HIT) for m in mentions)
    sign = "a 4Ts score" if _SCORED.search(text) else "a platelet fall" if _PLATELET_FALL.search(text) else ""
    if not on_heparin or is_named or not sign:
        return []
    return [ReadAs(typed=f"{sign} on heparin", read=f"suspected {_HIT}")]


def _organ_words(absent: set[str]) -> set[str]:
    """Stems of organs that are said to be normal: no longer what the question is about."""
    return {stem(w) for c, words in _ORGANS.items() if c in absent for w in words}


def _names(text: str, mentions: Iterable[Mention]) -> dict[str, str]:
    """The shortest form by which the question calls each concept; its own name where the question uses a verb."""
    names: dict[str, str] = {}
    for m in mentions:
        surface = text[m.start : m.end]
        if _VERBAL.search(surface):
            continue
        if m.concept not in names or len(surface) < len(names[m.concept]):
            names[m.concept] = surface if any(c.isupper() for c in surface[1:]) else surface.lower()
    return names
