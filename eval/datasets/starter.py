"""The suite that ships with the project: questions written for the starter corpus, by what should be done with them.

``answerable.yaml``, ``unanswerable.yaml``, ``false_premise.yaml`` (true ones too), ``paraphrases.yaml`` and
``followups.yaml`` in ``eval/suites/starter``; the head of each file says what its items are. A claim of an item is a
statement of the corpus, whose text is read from there, so that the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, StrictBool, model_validator

from eval.datasets import written
from eval.datasets.base import About, Dataset, dataset
from eval.domain import Claim, Gold, Importance, Item, Turn
from eval.values import values_in
from rag.domain import Frozen
from rag.errors import InputError
from rag.settings import Settings

FOLDER = Path(__file__).parents[1] / "suites" / "starter"
ABOUT = About(
    "starter",
    "questions written for the starter corpus: answerable, unanswerable, with a false or a true premise, paraphrases, "
    "follow-ups",
    "ships with this project",
    "Apache-2.0",
)
WHOLE = About(
    "starter-whole",
    "the follow-up questions of the starter suite, each asked whole and without the conversation",
    ABOUT.source,
    ABOUT.licence,
)

Corpus = Mapping[str, str]
Leaning = Literal["ellipsis", "pronoun", "correction", "new value", "topic change", "agreement trap"]
_Filled = Field(min_length=1)


class _Row(Frozen):
    """What every item has."""

    id: str = _Filled
    topics: tuple[str, ...] = _Filled


class _Unanswerable(_Row):
    question: str = _Filled
    why: str = _Filled


class _Premise(_Row):
    question: str = _Filled
    premise: str = _Filled
    holds: StrictBool
    facts: tuple[str, ...] = _Filled


class _Answered(_Row):
    """An item that is answered with statements of the corpus."""

    must: tuple[str, ...] = _Filled
    nice: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_statement_once(self) -> _Answered:
        if len(set(self.must + self.nice)) < len(self.must + self.nice):
            raise ValueError("a statement stands twice under must and nice")
        return self


class _Answerable(_Answered):
    question: str = _Filled


class _Paraphrased(_Answered):
    question: str = _Filled
    short: str = _Filled
    other: str = _Filled


class _FollowUp(_Answered):
    kind: Leaning
    history: tuple[dict[Literal["user", "assistant"], str], ...] = _Filled
    question: str = _Filled
    standalone: str = _Filled

    @model_validator(mode="after")
    def _turns_alternate(self) -> _FollowUp:
        roles = [role for turn in self.history for role in turn]
        if roles != (["user", "assistant"] * len(roles))[: len(self.history)]:
            raise ValueError("the turns of a history are user, assistant, user and so on, one a list item")
        return self

    def turns(self) -> tuple[Turn, ...]:
        return tuple(Turn(role=role, text=text) for turn in self.history for role, text in turn.items())


R = TypeVar("R", bound=_Row)


def load(folder: Path | None = None, corpus_dir: Path | None = None) -> Dataset:
    """The suite in ``folder``, by default the one that ships, over the corpus of the settings.

    ``kind`` is answerable, unanswerable, false_premise, true_premise, paraphrase or follow_up. The three paraphrases of
    a question are one ``cluster``, the question in full first.

    Raises:
        InputError: a file that is missing or wrong, a statement that is not in the corpus, an id or question that
            stands twice; the message names file and item.
    """
    folder = folder or FOLDER
    corpus = written.statements(corpus_dir or Settings().corpus_dir)
    items = (*_answerable(folder, corpus), *_unanswerable(folder), *_premises(folder, corpus),
             *_paraphrases(folder, corpus), *_follow_ups(folder, corpus))  # fmt: skip
    return _checked(dataset(ABOUT, items), folder)


def whole(folder: Path | None = None, corpus_dir: Path | None = None) -> Dataset:
    """The follow-ups under the same ids, but asked as one whole question with no history.

    What a system loses from here to ``load`` is what it fails to take from the conversation. Raises as ``load``.
    """
    folder = folder or FOLDER
    corpus = written.statements(corpus_dir or Settings().corpus_dir)
    rows = _rows(folder / "followups.yaml", _FollowUp)
    items = (_item(row, row.standalone, "follow_up", _gold(row, corpus, place)) for place, row in rows)
    return dataset(WHOLE, items)


def _answerable(folder: Path, corpus: Corpus) -> Iterator[Item]:
    for place, row in _rows(folder / "answerable.yaml", _Answerable):
        yield _item(row, row.question, "answerable", _gold(row, corpus, place))


def _unanswerable(folder: Path) -> Iterator[Item]:
    for _, row in _rows(folder / "unanswerable.yaml", _Unanswerable):
        yield _item(row, row.question, "unanswerable", Gold(answerable=False))


def _premises(folder: Path, corpus: Corpus) -> Iterator[Item]:
    for place, row in _rows(folder / "false_premise.yaml", _Premise):
        # Any of the statements would do to correct it; the first one is the plainest.
        claims = _claims(row.facts[:1], row.facts[1:], corpus, place)
        gold = Gold(answerable=True, claims=claims, premise=row.premise, premise_holds=row.holds)
        yield _item(row, row.question, "true_premise" if row.holds else "false_premise", gold)


def _paraphrases(folder: Path, corpus: Corpus) -> Iterator[Item]:
    for place, row in _rows(folder / "paraphrases.yaml", _Paraphrased):
        gold = _gold(row, corpus, place)
        for ending, question in (("", row.question), ("-short", row.short), ("-other", row.other)):
            item = _item(row, question, "paraphrase", gold)
            yield item.model_copy(update={"item_id": row.id + ending, "cluster": row.id})


def _follow_ups(folder: Path, corpus: Corpus) -> Iterator[Item]:
    for place, row in _rows(folder / "followups.yaml", _FollowUp):
        item = _item(row, row.question, "follow_up", _gold(row, corpus, place))
        yield item.model_copy(update={"history": row.turns()})


def _rows(path: Path, model: type[R]) -> Iterator[tuple[str, R]]:
    """The items of a file, each with its place."""
    rows = written.parsed(path)
    if not isinstance(rows, list):
        raise InputError(f"{path}: holds {type(rows).__name__}; expected a list of items")
    for number, row in enumerate(rows, start=1):
        name = row.get("id", number) if isinstance(row, dict) else number
        place = f"{path}, item {name}"
        yield place, written.checked(model, row, place)


def _item(row: _Row, question: str, kind: str, gold: Gold) -> Item:
    return Item(item_id=row.id, question=question, kind=kind, gold=gold)


def _gold(row: _Answered, corpus: Corpus, place: str) -> Gold:
    return Gold(answerable=True, claims=_claims(row.must, row.nice, corpus, place))


def _claims(must: tuple[str, ...], nice: tuple[str, ...], corpus: Corpus, place: str) -> tuple[Claim, ...]:
    written.known((*must, *nice), corpus, place)
    ranked: list[tuple[str, Importance]] = [(f, "must") for f in must] + [(f, "nice") for f in nice]
    return tuple(
        Claim(claim_id=fact, text=corpus[fact], importance=importance, values=values_in(corpus[fact]), facts=(fact,))
        for fact, importance in ranked
    )


def _checked(suite: Dataset, folder: Path) -> Dataset:
    """Refuses a question that stands twice with the same history: it would count double."""
    seen: dict[str, str] = {}
    for item in suite.items:
        key = " ".join(item.question.casefold().split()) + "".join(turn.text for turn in item.history)
        if key in seen:
            raise InputError(
                f"{folder}, item {item.item_id}: asks the same as {seen[key]}; give it other words or take it out"
            )
        seen[key] = item.item_id
    return suite
