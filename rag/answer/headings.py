"""Headings and titles that speak of the question: its drugs, its conditions, in its own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rag.answer.question import Intent, Query
from rag.answer.select import Candidate
from rag.answer.verify import Verifier
from rag.domain import Role, Verdict
from rag.language.lexicon import Lexicon
from rag.language.polarity import Stance

_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_LONGEST_TITLE = 140
_TAKING = r"\b(?:on|taking|takes|receiv(?:es|ing)|getting|treated with|despite)\s+(?:[\w-]+\s+){0,5}"


def heading(role: Role, query: Query, main: str | None, shown: Sequence[Candidate], decision: Stance | None) -> str:
    """The heading of a section that shows ``shown``. It names what the statements share and asserts nothing."""
    condition = name(main, query) if main else ""
    treatment = _shared(query.treatments, query, shown)
    focus = listed(name(c, query) for c in query.focus[:2])
    in_condition = f" in {condition}" if condition else ""
    words = {
        Role.BOTTOM_LINE: "Bottom line",
        Role.RATIONALE: _rationale(focus, query, decision),
        Role.EXCEPTION: f"When {focus} might be considered"
        if focus and focus == treatment and query.intent is Intent.DECISION and is_held_back(decision)
        else f"Exceptions and special situations{in_condition}",
        Role.MECHANISM: f"{treatment[:1].upper()}{treatment[1:]}: mechanism and limits" if treatment else "Mechanism",
        Role.ACTION: f"What to do{in_condition}",
        Role.DOSING: f"Dosing {treatment}{in_condition}" if treatment else f"Dosing{in_condition}",
        Role.MONITORING: f"Monitoring {treatment}" if treatment else f"Monitoring{in_condition}",
        Role.PITFALL: "Pitfalls to avoid",
        Role.PROGNOSIS: f"Outcomes and risks{in_condition}",
        Role.DIAGNOSIS: f"Confirming {condition}" if condition else "Making the diagnosis",
        Role.BACKGROUND: f"Background on {treatment or condition}" if treatment or condition else "Background",
    }
    return words[role]


def _rationale(focus: str, query: Query, decision: Stance | None) -> str:
    if query.intent is Intent.DECISION and is_held_back(decision) and len(query.focus) == 1:
        return f"Why {focus} is not routine here"
    return f"What the evidence says about {focus}" if focus else "What the evidence says"


def is_held_back(decision: Stance | None) -> bool:
    """Whether the evidence does not simply speak for a treatment."""
    return decision in {Stance.AGAINST, Stance.ABSENT, Stance.CONDITIONAL}


def title(query: Query, first: str | None, verifier: Verifier, lexicon: Lexicon) -> str:
    """The first sentence's main clause where it is short and still supported by that sentence, else the subject."""
    if first and query.focus:
        clause = _PARENTHESIS.sub("", re.split(r"[;]|:\s|\.\s|, (?:and|but|so) ", first)[0]).rstrip(". ")
        is_sentence = len(clause.split()) >= 6 and len(clause) <= _LONGEST_TITLE
        if is_sentence and verifier.verify(clause, [first]).verdict is Verdict.SUPPORTED:
            return clause
    return topic(query, lexicon)


def topic(query: Query, lexicon: Lexicon) -> str:
    """A title that names the subject: "IVIG in HIT, cirrhosis and impaired renal function"."""
    treatments = [name(c, query) for c in query.focus[:3]]
    # What the corpus abbreviates may be anything: beside a treatment it need be no condition.
    apart = {"population", "term"} if treatments else {"population"}
    conditions = [name(c, query) for c in query.patient if lexicon.kind(c) not in apart][:5]
    subject = listed(treatments) or ("" if conditions else listed(name(c, query) for c in query.tests[:2]))
    if subject and conditions:
        words = f"{subject} in {listed(conditions)}"
    else:
        words = subject or listed(conditions) or query.text.rstrip("?").strip()
    taken = [named for c in query.current[:2] if _is_taken(named := name(c, query), query.text)]
    if conditions and not query.focus and taken:
        words += f", on {listed(taken)}"
    return words[:1].upper() + words[1:]


def _is_taken(treatment: str, question: str) -> bool:
    """Whether the patient has a treatment now; what was completed or failed is over."""
    return bool(re.search(rf"{_TAKING}{re.escape(treatment)}", question, re.IGNORECASE))


def own_name(concept: str, members: Iterable[Candidate]) -> str:
    """A concept's own name with the capitals that ``members`` write it with: vitamin K antagonist."""
    found = (c.text[m.start : m.end] for c in members for m in c.sentence.mentions if m.concept == concept)
    return next((n for n in found if n.casefold() == concept.casefold() and n[1:] != concept[1:]), concept)


def name(concept: str, query: Query) -> str:
    """A concept as the question calls it."""
    return query.names.get(concept, concept)


def listed(names: Iterable[str]) -> str:
    """The names as a list in words: "a", "a and b", "a, b and c"; empty for none."""
    items = list(dict.fromkeys(names))
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _shared(treatments: Sequence[str], query: Query, shown: Sequence[Candidate]) -> str:
    """The treatment of which at least half of ``shown`` speak, in the question's words."""
    counts = Counter({c: sum(s.speaks_of((c,)) for s in shown) for c in treatments})
    return next((name(c, query) for c, n in counts.most_common(1) if 2 * n >= len(shown)), "")
