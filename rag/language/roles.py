"""What a sentence does in an article, told from its heading or else from its words."""

from __future__ import annotations

import re

from rag.domain import Role

_HEADINGS: tuple[tuple[str, Role], ...] = (
    ("recommend|what to do|management|treatment", Role.ACTION),
    ("exception|contraindicat|special population", Role.EXCEPTION),
    ("mechanism|pharmaco|pathophysiolog", Role.MECHANISM),
    ("dos(?:e|ing|age)|administration|posology", Role.DOSING),
    ("monitor|follow-up|laborator", Role.MONITORING),
    ("pitfall|warning|precaution|adverse|safety|caution", Role.PITFALL),
    ("prognos|outcome|result|efficacy|conclusion", Role.PROGNOSIS),
    ("diagnos|assessment|screening|testing", Role.DIAGNOSIS),
)

_CUES: tuple[tuple[str, Role], ...] = (
    (r"contraindicat|boxed warning|should not be used|must not|do not confuse|avoid\b", Role.PITFALL),
    (r"\b(?:recommends?|recommended|suggests? (?:that|against)|should be (?:given|offered|treated|started|used))\b",
     Role.ACTION),
    (r"\d\s*(?:mcg|µg|mg|g|U|IU|units?)(?:/kg)?(?:/(?:min|h|day))?\b", Role.DOSING),
    (r"\b(?:monitor|measure|check|repeat)(?:ed|ing)?\b", Role.MONITORING),
    (r"\b(?:mortality|survival|recurrence|hazard ratio|odds ratio|incidence|cohort|randomi[sz]ed)\b", Role.PROGNOSIS),
    (r"\b(?:diagnos\w+|score|sensitivity|specificity|predictive value)\b", Role.DIAGNOSIS),
    (r"\b(?:inhibits?|receptor|clearance|half-life|metaboli[sz]ed|pharmacokinetic\w*)\b", Role.MECHANISM),
)  # fmt: skip

_COMPILED_HEADINGS = [(re.compile(p, re.IGNORECASE), role) for p, role in _HEADINGS]
_COMPILED_CUES = [(re.compile(p, re.IGNORECASE), role) for p, role in _CUES]


def role_of(sentence: str, heading_path: tuple[str, ...] = ()) -> Role:
    """The nearest heading that names a role decides, else the first cue in the sentence, else background."""
    for heading in reversed(heading_path):
        for pattern, role in _COMPILED_HEADINGS:
            if pattern.search(heading):
                return role
        if heading.lower() == "background":
            return Role.BACKGROUND
    return next((role for pattern, role in _COMPILED_CUES if pattern.search(sentence)), Role.BACKGROUND)
