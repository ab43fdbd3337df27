"""What Open WebUI shows beside the text of an answer: the step that is at work, and the sources with their quotes.

An event is one member, ``event``, of a chunk without choices, which other clients pass over. Open WebUI counts the
sources of a message from 1, each once, and makes of a mark ``[n]`` in its text a chip that opens the n-th.

https://docs.openwebui.com/features/extensibility/plugin/development/events
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rag.domain import Answer, Outcome, Reference
from rag.render.markdown import escape
from rag.render.words import page_of, short, step

Event = dict[str, Any]

#: Begins the names of the headers with which Open WebUI says whose request it is, once it is told to send them.
_HEADERS: Final = "x-openwebui-"
#: Begin the identifiers of chats that Open WebUI does not keep, several of which may have the same one.
_UNSAVED: Final = ("temporary:", "local:", "channel:")
_ELSEWHERE: Final = "Cited by another answer of this chat."


def is_webui(headers: Mapping[str, str]) -> bool:
    """Whether a request is made by Open WebUI, by its headers' names, in small letters."""
    return any(name.startswith(_HEADERS) for name in headers)


def is_saved(chat_id: str) -> bool:
    """Whether an identifier is that of one chat, whose answers are a conversation."""
    return bool(chat_id) and not chat_id.startswith(_UNSAVED)


def status_event(name: str) -> Event | None:
    """What is shown while a step is at work; nothing for steps too small to be told of."""
    told = step(name)
    return _status(told, done=False) if told else None


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
    of them then; so do those of answers that are not in ``earlier``, as where a question was edited and asked again.

    Args:
        earlier: those before in the conversation, in order, with the numbers that they have in it.
    """
    known: dict[int, Event] = {}
    for one in (answer, *reversed(earlier)):
        quotes = _quoted(one)
        for reference in one.references:
            known.setdefault(reference.number, _source(reference, quotes.get(reference.source_id, [])))
    last = max((r.number for r in answer.references), default=0)
    return [known.get(number) or _elsewhere(number) for number in range(1, last + 1)]


class _Quote(NamedTuple):
    """What is quoted of a source. ``support`` is how surely it supports what the answer says by it, from 0 to 1."""

    text: str
    support: float
    page: int | None


def _quoted(answer: Answer) -> dict[str, list[_Quote]]:
    """What is quoted of each source, each quote once, in the order in which the answer shows it."""
    shown = [(evidence, statement.support) for statement in answer.statements() for evidence in statement.evidence]
    shown += [(entry.evidence, 1.0) for entry in answer.glossary if entry.evidence]
    quotes: dict[str, dict[str, _Quote]] = {}
    for evidence, support in shown:
        quote = _Quote(evidence.quote, support, evidence.page)
        quotes.setdefault(evidence.source_id, {}).setdefault(quote.text, quote)
    return {source_id: list(of_one.values()) for source_id, of_one in quotes.items()}


def _source(reference: Reference, quotes: Sequence[_Quote]) -> Event:
    """A source with its exact quotes; its citation where a patient's version quotes none."""
    name, url = _name(reference), page_of(reference)
    source = {"id": reference.source_id, "name": name} | ({"url": url} if url else {})
    # What tells sources apart is "source". Quotes are read as Markdown there, and pages counted from 0.
    about = {"source": reference.source_id, "name": name} | ({"url": url} if url else {})
    return _event("source", {
        "source": source,
        "document": [escape(quote.text) for quote in quotes] or [escape(reference.vancouver)],
        "metadata": [about | ({"page": quote.page - 1} if quote.page else {}) for quote in quotes] or [about],
        "distances": [quote.support for quote in quotes],
    })  # fmt: skip


def _elsewhere(number: int) -> Event:
    """Holds the place of a source of which nothing more is known here."""
    key, name = f"reference-{number}", f"{number} · another answer"
    source, about = {"id": key, "name": name}, {"source": key, "name": name}
    return _event("source", {"source": source, "document": [_ELSEWHERE], "metadata": [about], "distances": []})


def _name(reference: Reference) -> str:
    """Short, since it is all that a chip shows: "1 · Cuker A et al., 2018"."""
    return f"{reference.number} · {short(reference)}" + (" (retracted)" if reference.retracted else "")


def _status(description: str, *, done: bool) -> Event:
    return _event("status", {"description": description, "done": done, "hidden": False})


def _event(kind: str, data: dict[str, Any]) -> Event:
    return {"type": kind, "data": data}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
