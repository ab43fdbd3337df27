"""Negation, exceptions, hedges and strength of advice: tables of phrases that a clinician can read and correct.

A row is (kind, sense, phrases). Phrases are matched by whole words, the longest at each place wins; hyphens count as
spaces. ``verb*`` stands for its forms: recommend, recommends, recommended, recommending.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from rag.language.lexicon import Token, tokens


class Cue(NamedTuple):
    """A phrase that steers the meaning of its sentence; ``text[start:end]`` is its surface form."""

    kind: str
    sense: str
    start: int
    end: int


class Stance(StrEnum):
    """What a sentence says about doing something. ABSENT: it says that there is no recommendation either way."""

    FOR = "for"
    AGAINST = "against"
    CONDITIONAL = "conditional"
    NEUTRAL = "neutral"
    ABSENT = "absent"


Row = tuple[str, str, str]

CUES: tuple[Row, ...] = (
    ("negation", "not", "not | no | none | never | neither | nor | cannot | doesn t | don t | didn t | isn t | "
     "aren t | wasn t | weren t | shouldn t | can t | won t | non | lack* | absence of | fail* to | wrong to | "
     "rarely | unlikely | heparin free | sucrose free | symptom free | drug free | nothing | hardly | no longer | "
     "nobody | false that | myth"),
    ("negation", "without", "without"),
    ("negation", "against", "against | contraindicate* | contraindication | contraindications | avoid* | "
     "discourage* | avoidance | prohibit* | withhold* | refrain* from | rule* out | preclude* | forbid* | "
     "inappropriate | unsafe | unsuitable"),
    ("negation", "rather than", "rather than | instead of | in place of"),
    ("exception", "only", "only | solely | exclusively"),
    ("exception", "unless", "unless | except | except for | excepting | other than | apart from | but not | "
     "save for"),
    ("exception", "if", "if | provided | provided that | as long as | when | whenever | whether | otherwise"),
    ("exception", "until", "until | till"),
    ("exclusion", "excluded", "exclude* | excluding | exclusion | ineligible | not eligible | not studied | "
     "not been studied | not investigated | not been investigated | not validated | off label | unapproved | "
     "withdrawn | superseded"),
    ("limit", "at least", "at least | no less than | not less than | not below | minimum | or more | or higher | "
     "or greater"),
    ("limit", "at most", "at most | no more than | not more than | not above | not exceeding | not beyond | "
     "maximum | up to | within | or less | or lower | or fewer | does not exceed"),
    ("limit", "above", "more than | above | exceed* | longer than | higher than | greater than"),
    ("limit", "below", "less than | below | lower than | fewer than | shorter than"),
    ("hedge", "may", "may | might | can | could | possible | possibly | potentially | perhaps | may be | can be"),
    ("hedge", "usually", "usually | usual | generally | typically | mostly | mainly | often | sometimes | commonly | "
     "normally | some | in some | in part | partly | routinely | routine | most | many"),
    ("hedge", "probably", "probably | probable | likely | apparently | appear* | seem* | uncertain | unclear | "
     "reported | presumed | thought to | believed to | limited evidence | low certainty | expert opinion"),
    ("hedge", "about", "about | approximately | roughly | nearly | almost | around"),
    ("modality", "may", "option | options | reasonable | may be considered | be considered | consider* | "
     "possibility | advisable"),
    ("modality", "suggest", "suggest* | suggestion | propose* | conditional | conditionally | weak | weakly"),
    ("modality", "should", "should | advise* | preferred | prefer* | ought to"),
    ("modality", "recommend", "recommend* | recommendation | strong | strongly"),
    ("modality", "must", "must | require* | mandatory | essential | has to | have to | obligatory | always | "
     "necessary"),
    ("cause", "associated", "associate* | association | correlate* | linked | related | accompanied"),
    ("cause", "causes", "cause* | lead to | leads to | led to | leading to | result in | results in | resulted in | "
     "due to | induce* | produce* | prevent*"),
    ("comparative", "over", "over | rather than | instead of | versus | vs | than | compared with | compared to | "
     "in preference to | preferred to | superior to | whereas"),
    ("direction", "more", "higher | more | increase* | greater | raise* | rise | rises | rose | rising | longer | "
     "worse | commoner | elevated | gain* | upward"),
    ("direction", "less", "lower | lowers | lowered | fewer | reduce* | less | decrease* | smaller | shorter | "
     "fall | falls | fell | falling | decline* | reduction | downward"),
    ("direction", "same", "no difference | little or no difference | similar | similarly | "
     "not significantly different | no significant difference | not different | not associated | no association | "
     "no more | no less | unchanged | none of the differences was significant | does not change | did not change | "
     "not change | equal | equivalent | no effect | not increase | not reduce | not lower | not higher | "
     "did not differ | not differ"),
    ("scope", "scope", "in | with | among | during | after | before | for | within | at | on | who | whose | where | "
     "despite | between"),
    ("direction", "", "lower extremity | lower limb | lower extremities | lower limbs | or more | or less | "
     "or higher | or lower | or greater | or fewer | more than | less than | higher than | lower than | "
     "greater than | fewer than | longer than"),
    ("scope", "severity", "mild | moderate | severe | acute | chronic | isolated | suspected | confirmed | "
     "untreated | refractory | recurrent | symptomatic | asymptomatic | active | critically | stable | unstable | "
     "decompensated | pregnant | elderly | autoimmune | subacute | remote | newly | normal | abnormal | minor | "
     "major | high | low | intermediate | men | women | children | adults | adult"),
)  # fmt: skip

STANCES: tuple[Row, ...] = (
    ("stance", Stance.ABSENT, "no recommendation | no recommendations | neither recommend* | "
     "no dosing recommendation | for or against | inadequate evidence | insufficient evidence | could not be made | "
     "cannot be made | can be made neither | no guideline addresses | absence of a recommendation | "
     "gives no direction | give no direction | no guidance"),
    ("stance", Stance.AGAINST, "recommend* against | rule* out | preclude* | suggest* against | advise* against | "
     "recommendation against | is contraindicated | are contraindicated | contraindicated | contraindicate* | "
     "contraindication | should not | must not | ought not | avoid* | avoidance of | not recommended | "
     "not recommend | not generally recommend | not be used | not advised | not generally advised | "
     "generally not advised | not indicated | no role | not be given | not appropriate | not start | "
     "must be stopped | not a substitute for | not supported | not suggested | must not be used | inappropriate | "
     "prohibit* | discourage* | do not give | do not use | do not start | do not transfuse | do not add | "
     "do not repeat | do not resume"),
    ("stance", Stance.CONDITIONAL, "only if | only when | only for | only in | only after | only with | adjunct | "
     "may be considered | can be considered | could be considered | be considered | is considered | considered in | "
     "consider | reasonable | option | caution | unless | rescue | individualised | "
     "adjunct to not a substitute for | may be appropriate | may be advisable | may be useful | may be preferred | "
     "on a case by case basis | may be omitted | under specialist supervision | if necessary"),
    ("stance", Stance.FOR, "recommend* | suggest* | is indicated | are indicated | first line | preferred | "
     "prefer* | advise* | should be given | should be | should have | should receive | may be continued | "
     "treatment of choice | must be | should not be discouraged | propose* | call* for | needs | is used | start | "
     "give"),
    ("stance", Stance.NEUTRAL, "not a contraindication | no contraindication | does not contraindicate | "
     "not contraindicated | as a contraindication | not a recommendation against | a start at | start at | "
     "re start | does not list | not list | case experience suggests | experience suggests | should be suspected | "
     "starting | label change | cohort suggests | wrong to say that no guideline addresses"),
)  # fmt: skip

LINES: tuple[Row, ...] = (
    ("line", "first", "first line | firstline | initial treatment | initial therapy | initial management | "
     "treatment of choice | drug of choice | preferred initial | first choice | frontline | standard treatment | "
     "initial hit treatment"),
    ("line", "adjunct", "adjunct | adjuncts | adjunctive | added to | add on | adjunctively | in addition to | "
     "as an add on"),
    ("line", "rescue", "rescue | salvage | second line | third line | last resort | if ineffective | "
     "after failure of"),
    ("weak", "rescue", "refractory"),
)  # fmt: skip


class Found(NamedTuple):
    """A table row's phrase in a token list: tokens ``first`` to ``last`` inclusive."""

    kind: str
    sense: str
    first: int
    last: int


class PhraseTable:
    """Finds the phrases of a table in tokens; rows that share a phrase are all found."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], list[tuple[str, str]]]]] = {}
        senses: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for kind, sense, phrases in rows:
            for phrase in phrases.split("|"):
                for words in _forms(phrase.split()):
                    senses.setdefault(words, []).append((kind, str(sense)))
        for words in sorted(senses, key=len, reverse=True):
            self._by_first.setdefault(words[0], []).append((words, list(dict.fromkeys(senses[words]))))

    def find(self, keys: Sequence[str]) -> list[Found]:
        """Phrases in order of appearance; those of one kind do not overlap.

        A phrase without a sense is not reported: it hides shorter phrases of its kind.
        """
        found: list[Found] = []
        taken: dict[str, int] = {}
        for i, key in enumerate(keys):
            for words, meanings in self._by_first.get(key, ()):
                size = len(words)
                if size > 1 and tuple(keys[i : i + size]) != words:
                    continue
                for kind, sense in meanings:
                    if taken.get(kind, 0) <= i:
                        taken[kind] = i + size
                        found += [Found(kind, sense, i, i + size - 1)] if sense else []
        return found


def _forms(words: Sequence[str]) -> list[tuple[str, ...]]:
    """A phrase with its verb's forms written out."""
    starred = next((i for i, w in enumerate(words) if w.endswith("*")), None)
    if starred is None:
        return [tuple(words)]
    base = words[starred][:-1]
    stem = base.removesuffix("e")
    forms = (base, f"{base}es" if base.endswith(("x", "ss")) else f"{base}s", f"{stem}ed", f"{stem}ing")
    return [(*words[:starred], form, *words[starred + 1 :]) for form in forms]


_CUES = PhraseTable(CUES)
_STANCES = PhraseTable(STANCES)
_LINES = PhraseTable(LINES)
#: Wins over the ones after it when one clause has several.
_PRECEDENCE = (Stance.ABSENT, Stance.AGAINST, Stance.CONDITIONAL, Stance.FOR)


def cues_in(text_tokens: Sequence[Token]) -> list[Found]:
    """Cues of a text that has been split already."""
    return _CUES.find([t.key for t in text_tokens])


def cues(text: str) -> tuple[Cue, ...]:
    """Cues of ``text`` in order. One phrase may carry several kinds: "without" limits and negates."""
    words = tokens(text)
    return tuple(Cue(f.kind, f.sense, words[f.first].start, words[f.last].end) for f in cues_in(words))


def stance(text: str) -> Stance:
    """What ``text`` says about doing something, from its first clause that says anything.

    Within a clause no recommendation outranks against, against outranks conditional, conditional outranks for.
    """
    for clause in _clauses(text):
        present = {f.sense for f in _STANCES.find([t.key for t in tokens(clause)])}
        for candidate in _PRECEDENCE:
            if candidate.value in present:
                return candidate
    return Stance.NEUTRAL


@lru_cache(maxsize=16_384)
def stances(text: str) -> frozenset[Stance]:
    """All stances that any phrase of ``text`` takes. Remembered: every question asks it of the same clauses again."""
    return frozenset(Stance(f.sense) for f in _STANCES.find([t.key for t in tokens(text)]))


def _clauses(text: str) -> list[str]:
    return text.replace(". ", ";").split(";")


def line_cues(text: str) -> list[Cue]:
    """Every mention of a line of therapy, sense ``first``, ``not_first``, ``adjunct`` or ``rescue``.

    Kind ``weak`` is for words that may describe the patient rather than the drug ("refractory HIT").
    """
    words = tokens(text)
    keys = [t.key for t in words]
    negated = {f.first for f in _CUES.find(keys) if f.kind == "negation"}
    found = []
    for f in _LINES.find(keys):
        nearby = any(f.first - 6 <= n < f.first and not _breaks(text, words, n, f.first) for n in negated)
        sense = "not_first" if f.sense == "first" and nearby else f.sense
        found.append(Cue(f.kind, sense, words[f.first].start, words[f.last].end))
    return found


def _breaks(text: str, words: Sequence[Token], first: int, last: int) -> bool:
    """Whether a clause ends between two tokens, so that a negation does not reach."""
    between = text[words[first].end : words[last].start]
    return ";" in between or "," in between or ". " in between


def therapy_line(text: str) -> str | None:
    """``first``, ``not_first``, ``adjunct`` or ``rescue``: the first line of therapy that ``text`` states."""
    found = line_cues(text)
    certain = [c for c in found if c.kind == "line"] or found
    return certain[0].sense if certain else None


def direction(text: str) -> str | None:
    """``more``, ``less`` or ``same`` for a comparison, by its first phrase; None without one."""
    found = [f.sense for f in _CUES.find([t.key for t in tokens(text)]) if f.kind == "direction"]
    return found[0] if found else None
