"""Questions that must not be answered with an article: emergencies of the person asking, and self-harm.

Fixed texts and a short list of phrases in the first person: a clinician's question about a patient is not caught.
"""

from __future__ import annotations

import re

EMERGENCY = (
    "This may be an emergency. Osler cannot help in an emergency: call your local emergency number now (112 in the EU, "
    "999 in the UK, 911 in the US and Canada, 000 in Australia), or have someone bring you to an emergency department."
)
SELF_HARM = (
    "If you are thinking of harming yourself, please talk to someone now: call your local emergency number, or a "
    "crisis line (988 in the US and Canada, 116 123 in the UK and Ireland, 13 11 14 in Australia; findahelpline.com "
    "lists others). Osler cannot help with this."
)

_SELF_HARM = re.compile(
    r"\b(?:i(?:'m| am| want| plan| wish| feel like| might)?(?: going)?(?: to)?|help me|how (?:do|can|could) i|my own)\b"
    r"[^.?!]{0,40}\b(?:kill(?:ing)? myself|end(?:ing)? my (?:own )?life|suicid\w*|harm(?:ing)? myself|"
    r"hurt(?:ing)? myself|overdos(?:e|ing) myself|want to die|not want to live|better off dead)\b",
    re.IGNORECASE,
)
_EMERGENCY = re.compile(
    r"\b(?:i am|i'm|i have|i've|"
    r"my (?:husband|wife|partner|mother|mom|mum|father|dad|son|daughter|child|baby|friend))\b[^.?!]{0,60}"
    r"\b(?:can(?:no|')t breathe|not breathing|stopped breathing|unconscious|unresponsive|choking|"
    r"crushing chest pain|chest pain (?:right )?now|having (?:a )?(?:heart attack|stroke|seizure)|"
    r"bleeding (?:out|heavily|to death)|took (?:too many|an overdose|a whole)|overdosed)\b",
    re.IGNORECASE,
)


def redirection(question: str) -> str | None:
    """The fixed text to answer with instead of an article, or None."""
    if _SELF_HARM.search(question):
        return SELF_HARM
    return EMERGENCY if _EMERGENCY.search(question) else None
