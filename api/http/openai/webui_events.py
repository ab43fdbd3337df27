"""What Open WebUI shows beside the text of an answer: the step that is at work, and the sources with their quotes.

An event is one member, ``event``, of a chunk without choices, which other clients pass over. Open WebUI counts the
sources of a message from 1, each once, and makes of a mark ``[n]`` in its text a chip that opens the n-th.

https://docs.openwebui.com/features/extensibility/plugin/development/events
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rag.domain import Answer, Evidence, Outcome, Reference
from rag.render.markdown import escape
from rag.render.words import page_of

Event = dict[str, Any]

#: Begins the names of the headers with which Open WebUI says whose request it is, once it is told to send them.
_HEADERS: Final = "x-openwebui-"
_STEPS: Final = {
    "accepted": "Reading the question",
    "retrieve": "Searching the sources",
    "select": "Choosing sentences",
    "compose": "Writing the article",
    "verify": "Checking every sentence against its quote",
}
_FORGOTTEN: Final = "Cited earlier in this chat, in an answer that is not kept any more."


def is_webui(headers: Mapping[str, str]) -> bool:
    """Whether a request is made by Open WebUI, by its headers' names, in small letters."""
    return any(name.startswith(_HEADERS) for name in headers)


def status_event(step: str) -> Event | None:
    """What is shown while a step is at work; nothing for steps too small to be told of."""
    return _status(_STEPS[step], done=False) if step in _STEPS else None


def closing_status(answer: Answer | None) -> Event:
    """What stands above the text in the end."""
    if answer is None:
        return _status("Nothing was asked", done=True)
    if answer.outcome is Outcome.REDIRECTED:
        return _status("Redirected", done=True)
    if answer.outcome is Outcome.ABSTAINED:
        return _status("Not answered: the sources do not speak to it", done=True)
    quotes = sum(len(of_one) for of_one in _quoted(answer).values())
    return _status(f"{_counted(quotes, 'quote')} from {_counted(len(answer.references), 'source')}", done=True)


def source_events(answer: Answer, earlier: Sequence[Answer] = ()) -> list[Event]:
    """The sources of an answer, so that the n-th is reference n.

    In a conversation the numbers leap over those of earlier answers. Their sources stand between, with what was quoted
    of them then.

    Args:
        earlier: those before in the conversation, in order, with the numbers that they have in it.
    """
    known: dict[int, Event] = {}
    for one in (answer, *reversed(earlier)):
        quotes = _quoted(one)
        for reference in one.references:
            known.setdefault(reference.number, _source(reference, quotes.get(reference.source_id, [])))
    last = max((r.number for r in answer.references), default=0)
    return [known.get(number) or _forgotten(number) for number in range(1, last + 1)]


def _quoted(answer: Answer) -> dict[str, list[Evidence]]:
    """What is quoted of each source, each quote once, in the order in which the answer shows it."""
    glossary = (entry.evidence for entry in answer.glossary if entry.evidence)
    quotes: dict[str, dict[str, Evidence]] = {}
    for evidence in (*(e for statement in answer.statements() for e in statement.evidence), *glossary):
        quotes.setdefault(evidence.source_id, {}).setdefault(evidence.quote, evidence)
    return {source_id: list(of_one.values()) for source_id, of_one in quotes.items()}


def _source(reference: Reference, quotes: Iterable[Evidence]) -> Event:
    """A source with its exact quotes; its citation where a patient's version quotes none."""
    name, url = _name(reference), page_of(reference)
    shown = [(e.quote, e.score, e.page) for e in quotes] or [(reference.vancouver, 0.0, None)]
    # What tells sources apart is "source". Quotes are read as Markdown there, and pages counted from 0.
    about = {"source": reference.source_id, "name": name} | ({"url": url} if url else {})
    return _event("source", {
        "source": {"id": reference.source_id, "name": name} | ({"url": url} if url else {}),
        "document": [escape(quote) for quote, _, _ in shown],
        "metadata": [about | ({"page": page - 1} if page else {}) for _, _, page in shown],
        "distances": [min(max(score, 0.0), 1.0) for _, score, _ in shown],
    })  # fmt: skip


def _forgotten(number: int) -> Event:
    """Holds the place of a source of which nothing is known any more."""
    key, name = f"reference-{number}", f"{number} · cited earlier"
    return _event("source", {
        "source": {"id": key, "name": name}, "document": [_FORGOTTEN],
        "metadata": [{"source": key, "name": name}], "distances": [0.0],
    })  # fmt: skip


def _name(reference: Reference) -> str:
    """Short, since it is all that a chip shows: "1 · Cuker A et al., 2018"."""
    who = reference.container or reference.title
    if reference.authors:
        who = reference.authors[0] + (" et al." if len(reference.authors) > 1 else "")
    year = f", {reference.year}" if reference.year else ""
    return f"{reference.number} · {who}{year}" + (" (retracted)" if reference.retracted else "")


def _status(description: str, *, done: bool) -> Event:
    return _event("status", {"description": description, "done": done, "hidden": False})


def _event(kind: str, data: dict[str, Any]) -> Event:
    return {"type": kind, "data": data}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
