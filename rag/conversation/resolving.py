"""Words of a question that stand for something said before, and what it leaves out: "how is it monitored?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answer.question import Intent
from rag.conversation.background import Background
from rag.conversation.phrasing import listed
from rag.language.lexicon import Lexicon
from rag.language.terms import stem

_THING = (
    r"(?:drugs?|medicines?|medications?|agents?|treatments?|infusions?|anticoagulants?|therap(?:y|ies)|options?|"
    r"products?|"
    r"procedures?|surger(?:y|ies)|operations?|ones?|two)"
)
_CONDITION = r"(?:condition|disease|disorder|syndrome|illness|diagnosis)"
#: What stands for nothing: "is it safe to continue", "it is known that".
_EXPLETIVE = (
    r"(?!\s+(?:(?:be\s+)?(?:safe|ok|okay|true|possible|reasonable|necessary|better|best|important|known|likely|"
    r"worth|fine|"
    r"acceptable|advisable|appropriate|usual|common|right|wise|essential|mandatory|allowed|legal|enough|established)\b"
    r"[^?]{0,12}\b(?:to|that|if)\b|take\b|come to\b|(?:is|was|were)\s+(?:the|due|because|from)\b))"
)
_STANDS = re.compile(
    rf"\b(?:(?:this|that|these|those|the|either|both|each)(?: of)?(?: same| other| last| first)? {_THING}"
    r"(?!\s+(?:of|for|in|with|that|which)\b)(?! \w+ of\b)"
    rf"|(?P<condition>(?:this|that|the) {_CONDITION})"
    rf"|(?P<it>it){_EXPLETIVE}(?!'s\s+(?:safe|ok|true) to\b)"
    r"|(?P<them>they|them)"
    r"|(?P<that>this|that|these|those)(?=\s*(?:\?|$|,|\.|be\b|is\b|are\b|work|given|used|safe|help|instead|in\b|on\b|"
    r"with\b|for\b|or\b|and\b|dosed|monitored|contraindicated|still|also|cause|affect|interact))"
    r"|(?P<its>its|their)(?=\s))(?!\s+(?:patient|man|woman))\b",
    re.IGNORECASE,
)
#: "is that true", "how long does that take", "that is" of a clause.
_NO_THING = re.compile(r"\b(?:true|known|said|shown|sure|think|believe|mean|means|so|such|than)\s+$", re.IGNORECASE)
#: What is asked of a condition rather than of a drug.
_OF_CONDITION = re.compile(
    r"\b(?:diagnos\w*|treat\w*|manag\w*|caus(?:e|es|ed)|suspect\w*|recogni[sz]\w*|prevent\w*|cured?|scored?|"
    r"how (?:common|frequent|dangerous|serious)|prognosis|ruled out|confirm\w*|differ\w*|(?:un)?provoked|"
    r"recurrent|recurs?|"
    r"becomes?|worsens?|enlarges?|ruptures?|mild|severe|suspected|acute|chronic)\b",
    re.IGNORECASE,
)
#: What is asked of a treatment, and of no condition.
_OF_DRUG = re.compile(
    r"\b(?:works?|wears? off|kicks? in|given|taken|infused|injected|dosed|effective)\b", re.IGNORECASE
)
_TREATMENT = "the treatment"
_SUBJECT = re.compile(
    r"\b(?:(?:this|the|my|our|that|such a) (?:patient|man|woman|person|lady|gentleman|child|boy|girl)|he|"
    r"she)\b(?!')|\bhim\b"
    r"|\bthey\b(?=\s+(?:take|have|receive|need|eat|drink|get|tolerate|travel|drive|stop|want|wish|plan|prefer|"
    r"refuse|insist)\b)",
    re.IGNORECASE,
)
_TRANSFUSE = re.compile(
    r"\b(?:transfuse|transfusing)\b(?!\s+(?:(?:the|any|more|some|fewer|\d+|red|units?|of) )*"
    r"(?:platelets?|cells?|plasma|blood|cryo\w*|prbcs?|ffp|it|them|him|her)\b)",
    re.IGNORECASE,
)
_PLATELETS = re.compile(
    r"\b(?:hold|withhold|give|giving|transfus(?:e|ing)|avoid|need|delay) (?:the |his |her )?platelets\b(?! counts?\b)|"
    r"\bplatelet transfusions?\b|\bplatelets (?:can |should |may |could )?be (?:given|transfused|held|withheld)\b",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:this patient's|the patient's|my patient's|his|her|their)\b", re.IGNORECASE)
#: A verb that wants an object, at the end or before words of time and place.
_WITHOUT_OBJECT = re.compile(
    r"\b(?:give|use|continue|start|stop|restart|resume|hold|withhold|increase|reduce|halve|double|monitor|switch|avoid|"
    r"titrate|adjust|wean|prescribe|discontinue|reverse|taper|repeat)\b"
    r"(?=\s*(?:$|[?,.;]|in\b|before\b|after\b|during\b|if\b|when\b|at\b|with\b|for\b|on\b|now\b|until\b|early\b|"
    r"again\b|first\b|to\b))",
    re.IGNORECASE,
)
_OF = {"of": r"(?:starting |initial |loading |maximum |max |maintenance |daily |usual |infusion )?"
             r"(?:dose|dosage|dosing|bolus|(?:dose )?range|rate|half-life|effects?|risks?|mechanism|role|benefits?|"
             r"clearance|maximum(?!\s+\w)|duration|efficacy|"
             r"safety|units?|courses?|side effects|adverse effects|monitoring|warnings?|interactions?|"
             r"downsides?|levels?)",
       "for": r"(?:evidence|antidote|indications?|reversal agent|data|trials?)",
       "to": r"(?:contra-?indications?|alternatives?)"}  # fmt: skip
_NOUN = {
    word: re.compile(
        rf"\b(?P<noun>{nouns})\b(?!\s+(?:of|{'' if word == 'of' else 'for|'}to|effects?|reduction|adjustment|level|"
        r"agent)\b)",
        re.I,
    )
    for word, nouns in _OF.items()
}
#: Kinds of question that are of a treatment even where they name none.
_OF_A_TREATMENT = frozenset(
    {Intent.DOSE, Intent.MONITORING, Intent.TIMING, Intent.EVIDENCE, Intent.PROGNOSIS, Intent.MECHANISM,
     Intent.DECISION, Intent.OTHER}
)  # fmt: skip
_SWITCH = re.compile(r"\b(?:switch\w*|chang(?:e|ing)|transition\w*|convert\w*)(?=\s+to\b)", re.IGNORECASE)
_INSTEAD = re.compile(r"\binstead(?! of)\b", re.IGNORECASE)
#: What is said of one thing and another.
_RELATES = re.compile(
    r"\b(?:instead|interact(?:s|ions?)?|combined|alongside|together|added|versus|compared?|switch\w* to)\b", re.I
)
_WHICH = re.compile(
    r"^which(?: one| drug| agent| option)?(?: of (?:them|these|those|the two))?\s+(?=is|are|has|would|should|do|works)",
    re.I,
)


def stands_for_something(text: str) -> bool:
    """Whether words of it stand for something said before: "it", "that drug", "her"."""
    return any(_is_thing(text, m) for m in _STANDS.finditer(text)) or bool(
        _SUBJECT.search(text) or _OWN.search(text) or _RELATES.search(text)
    )


def without_pronouns(text: str) -> str:
    """Without the words that stand for a drug, a condition or the patient."""
    return _OWN.sub(" ", _SUBJECT.sub(" ", _STANDS.sub(" ", text)))


def names_patient(text: str) -> bool:
    return bool(_SUBJECT.search(text) or _OWN.search(text))


def _is_thing(text: str, match: re.Match[str]) -> bool:
    return not (match["that"] and _NO_THING.search(text, 0, match.start()))


def things_named(text: str, thing: str | None, condition: str | None) -> tuple[str, set[str]]:
    """``text`` with what stands for the treatment or the condition of the question before named, and what was named.

    Args:
        thing: the treatment, else the test, if there is one.
        condition: the condition that it is about.
    """
    named: set[str] = set()
    prefers_condition = bool(_OF_CONDITION.search(text)) or thing is None

    def name(match: re.Match[str]) -> str:
        of_condition = match["condition"] or (prefers_condition and condition and not _is_of_drug(match[0]))
        is_other = match["that"] and condition and thing in named  # "approved for that", of the drug
        what = condition if of_condition or is_other else thing
        if thing is None and not match["condition"] and _OF_DRUG.search(text):
            what = _TREATMENT  # "how fast does it work?" after "how is ITP treated?"
        if not what or not _is_thing(text, match) or (match["them"] and _SUBJECT.match(text, match.start())):
            return match[0]
        named.add(what)
        return f"{what}'s" if match["its"] else what

    found = _STANDS.sub(name, re.sub(r"\b(it|that|this)'s\b", r"\1 is", text, flags=re.IGNORECASE))
    return _agreeing(found, named), named


def transfused(text: str, before: str) -> str:
    """``text`` with what is transfused where it does not say so and the question ``before`` was of platelets."""
    return _TRANSFUSE.sub(r"\g<0> platelets", text) if _PLATELETS.search(before) else text


def _is_of_drug(words: str) -> bool:
    return bool(re.search(_THING, words, re.IGNORECASE)) and " " in words


def _agreeing(text: str, named: set[str]) -> str:
    """A verb in the singular before or after what is one."""
    for what in named:
        if not re.search(r"(?:s| and .*| or .*)$", what):
            text = re.sub(
                rf"\b(are|do|were) (?={re.escape(what)}\b(?!'))", lambda m: _ONE[m[1].lower()] + " ", text, flags=re.I
            )
            text = re.sub(
                rf"(?<={re.escape(what)}) (are|do|were)\b", lambda m: " " + _ONE[m[1].lower()], text, flags=re.I
            )
    return text


_ONE = {"are": "is", "do": "does", "were": "was"}


def patient_named(text: str, person: str, lexicon: Lexicon) -> tuple[str, bool]:
    """``text`` with the first words for the patient replaced by a description, and whether there were any."""
    drugs = {m.start for m in lexicon.mentions(text)}

    def own(match: re.Match[str]) -> str:
        is_object = match[0].lower() == "her" and match.end() + 1 in drugs
        return "the patient" if is_object else "the patient's"

    match = _SUBJECT.search(text)
    if not match:
        return _OWN.sub(own, text), False
    rest = _OWN.sub(own, _SUBJECT.sub("the patient", text[match.end() :]))
    return text[: match.start()] + person + rest, True


def of_treatment(text: str, treatment: str) -> str:
    """A question that names no treatment, about one: "should the dose of argatroban be reduced"."""
    body = text.rstrip(" ?.!")
    switch = _SWITCH.search(body)
    if switch:
        return f"{body[: switch.end()]} from {treatment}{body[switch.end() :]}"
    instead = _INSTEAD.search(body)
    if instead:
        return f"{body[: instead.end()]} of {treatment}{body[instead.end() :]}"
    verb = _WITHOUT_OBJECT.search(body)
    if verb:
        return f"{body[: verb.end()]} {treatment}{body[verb.end() :]}"
    for word, pattern in _NOUN.items():
        noun = pattern.search(body)
        if noun:
            return f"{body[: noun.end()]} {word} {treatment}{body[noun.end() :]}"
    return f"{body} with {treatment}"


#: How much of a drug is asked, whatever else is named.
_AMOUNT = re.compile(r"\b(?:dose|dosage|dosing|bolus|range|infusion rate)\b(?= (?:for|in)\b|\s*\??$)", re.IGNORECASE)


def wants_treatment(background: Background) -> bool:
    """Whether a question that names no treatment is of one, by what it asks."""
    is_open = background.query.intent in _OF_A_TREATMENT or not background.mentions
    return is_open or bool(_AMOUNT.search(background.question))


def relates(text: str) -> bool:
    """Whether what it asks of a treatment is of another as well: "any interactions with amiodarone?"."""
    return bool(_RELATES.search(text))


def chosen(text: str, options: Sequence[str]) -> str | None:
    """ "Which is better, A or B", of "which is better?" after a question on both; None where none is to choose."""
    if len(options) < 2 or not _WHICH.match(text):
        return None
    body = re.sub(r" of (?:them|these|those|the two)\b", "", text, flags=re.IGNORECASE).rstrip(" ?.!")
    return f"{body}, {listed(options, 'or')}"


def shares_word(word: str, concept: str) -> bool:
    return stem(word.lower()) in {stem(w) for w in concept.lower().split()}
