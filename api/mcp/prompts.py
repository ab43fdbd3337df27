"""The prompts: how a model is told to consult Osler, and to check what it or somebody else says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import mcp_types as types

from rag.domain import Audience
from rag.errors import InputError, NotFoundError

_FAITHFULLY: Final = """\
Show the text that it gives as it stands: every statement with its citations [n], and the list of references. Add no \
statement, number, dose or recommendation that is not in it, from memory or from elsewhere, and leave out none of its \
reservations: what could not be supported, where sources disagree, what would change the answer, the disclaimer. If it \
does not answer, or redirects, say so with the reason that it gives, and answer nothing in its place."""
_CONSULT: Final = """\
Call the tool `ask` of Osler once, with audience "{audience}" and one question in words that names the facts of the \
patient that matter to it, but no name, date of birth or number of a person.

{patient}Question: {question}

"""
_CHECK: Final = """\
Check this statement with Osler.

Statement: {statement}

{how} Then report its verdict, what speaks against the statement if anything does, and the words of the evidence with \
their passage ids. Judge by nothing but these passages: if none speaks to the statement, say that it is not supported \
here, not that it is false."""
_SEARCH: Final = """\
Call the tool `search` with what the statement is about, choose at most five passages that speak to it, and call the \
tool `verify` once with the statement as it stands and the ids of these passages."""
_GIVEN: Final = """\
Call the tool `verify` once with the statement as it stands and passage_ids {ids}."""


class Prompt(NamedTuple):
    name: str
    title: str
    about: str
    #: By name: what it is, and whether it is needed.
    arguments: Mapping[str, tuple[str, bool]]
    written: Callable[[Mapping[str, str]], str]

    def described(self) -> types.Prompt:
        arguments = [
            types.PromptArgument(name=name, description=what, required=is_needed)
            for name, (what, is_needed) in self.arguments.items()
        ]
        return types.Prompt(name=self.name, title=self.title, description=self.about, arguments=arguments)


def _consult(given: Mapping[str, str]) -> str:
    audience = given.get("audience") or Audience.CLINICIAN.value
    if audience not in {one.value for one in Audience}:
        raise InputError(f"audience: expected one of {', '.join(one.value for one in Audience)}")
    patient = f"Patient: {given['patient'].strip()}\n" if given.get("patient", "").strip() else ""
    return _CONSULT.format(audience=audience, patient=patient, question=given["question"].strip()) + _FAITHFULLY


def _check(given: Mapping[str, str]) -> str:
    ids = [part for part in given.get("passage_ids", "").replace(",", " ").split() if part]
    how = _GIVEN.format(ids=", ".join(ids)) if ids else _SEARCH
    return _CHECK.format(statement=given["statement"].strip(), how=how)


_PROMPTS: Final = (
    Prompt(
        "consult", "Consult Osler about a patient",
        "Asks Osler about a patient, and passes its answer on with every citation and nothing added.",
        {
            "question": ("what is to be decided", True),
            "patient": ("facts of the patient that may matter: age, diagnoses, renal and hepatic function, drugs; "
                        "nothing that identifies a person", False),
            "audience": (f"who reads it: {', '.join(one.value for one in Audience)} (default: clinician)", False),
        },
        _consult,
    ),
    Prompt(
        "check", "Check a statement",
        "Holds a statement against passages of the corpus, and reports whether they say it.",
        {
            "statement": ("the statement, in one sentence", True),
            "passage_ids": ("ids of passages, separated by commas; without them they are searched for", False),
        },
        _check,
    ),
)  # fmt: skip
PROMPTS: Final = {prompt.name: prompt for prompt in _PROMPTS}


def written(name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """A prompt with what was given in its place.

    Raises:
        NotFoundError: there is no such prompt.
        InputError: an argument is missing, unknown or not one of those that may be.
    """
    prompt = PROMPTS.get(name)
    if prompt is None:
        raise NotFoundError(f"prompt: no such name; expected one of {', '.join(PROMPTS)}")
    for needed in (key for key, (_, is_needed) in prompt.arguments.items() if is_needed):
        if not arguments.get(needed, "").strip():
            raise InputError(f"{needed}: empty or missing; expected {prompt.arguments[needed][0]}")
    if arguments.keys() - prompt.arguments.keys():
        raise InputError(f"arguments: more than {', '.join(prompt.arguments)}; expected no others")
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=prompt.written(arguments)))
    return types.GetPromptResult(description=prompt.about, messages=[message])
