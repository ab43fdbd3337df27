"""A claim that a follow-up wants confirmed, as what can be asked: a proposal as a question, any other with "right?"."""

from __future__ import annotations

import re

from rag.conversation.phrasing import small

_MODAL = re.compile(
    r"^(?P<who>(?:[\w'/-]+\s+){1,4}?)(?P<modal>should|can|could|may|must)\s+(?:just |then |now |simply |still |"
    r"always )?"
    r"(?P<does>(?!not\b|never\b|only\b)[\w-]+\b.*)$",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\b(?:not|n't|never|no|nothing|none|without|only)\b|n't\b", re.IGNORECASE)


#: Who says so too, at a claim's end: what the claim leaves out stands before it.
_SOURCE = re.compile(
    r",\s+(?:just )?as (?:(?:the|both|all) )?[\w/ -]+? (?:also |both )?"
    r"(?:says?|states?|recommends?|suggests?|advises?|has it)$",
    re.IGNORECASE,
)


def sourced(claim: str) -> tuple[str, str]:
    """A claim, and who is said to make it too: "24 mg is the maximum" and ", as the FDA also says"."""
    body = claim.strip(" ?.!,")
    source = _SOURCE.search(body)
    return (body[: source.start()], source[0]) if source else (body, "")


def in_question(claim: str) -> str:
    """ "Should I give IVIG in HIT?" of "I should give IVIG in HIT": whether it is so is open again.

    Of what is no proposal the statement itself is kept, "IVIG is first-line in HIT, right?", so that it is held against
    the corpus as a premise.
    """
    body = claim.strip(" ?.!,")
    proposal = _MODAL.match(body)
    if proposal and not _DENIES.search(proposal["does"].split(",")[0]):
        return f"{proposal['modal'].capitalize()} {small(proposal['who'].strip())} {proposal['does']}?"
    return f"{body}, right?"
