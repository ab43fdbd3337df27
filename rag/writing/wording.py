"""An article worded anew by a language model: each statement verified before it is shown, nothing of it lost.

The model gets the quotes of an article that is whole already, and writes statements that cite them. What fails is sent
back once, with the reason, and else left out and listed. A statement of the article whose quotes the model's words do
not carry stays as it is, so that the article says as much as before, whatever the model does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import chain
from typing import NamedTuple

from rag.answer.article import WORDED_DISCLAIMER, id_of
from rag.answer.plain import grade
from rag.answer.verify import Verifier
from rag.domain import Answer, Audience, Evidence, Gap, Role, Statement, Verdict, Wording
from rag.errors import ModelError
from rag.writing.carrying import carries
from rag.writing.checking import Accepted, Checker, Refused
from rag.writing.lines import Line, Lines, Malformed
from rag.writing.model import Budget, LanguageModel, Message, Usage, meaning_of
from rag.writing.prompting import Brief, Item, named

#: Statements in a row that say nothing new, after which a model is taken to go round in circles.
_MOST_REPEATS = 3
#: Statements for each piece of evidence, and beside, that are read at most.
_MOST_PER_ITEM, _MOST_BESIDE = 2, 8
_MOST_REPAIRS = 20
#: Seconds below which a second attempt is not begun.
_LEAST_S = 1.0
_NO_FORM = "it wrote nothing in the form that it was asked for"
_MALFORMED = "it was not in the form that was asked for"
_IN_CIRCLES = "it repeated itself"
_NONE_HELD = "no statement of its own was supported by the quotes that it cited"
_TOO_MANY = "it wrote more statements than there is evidence for"
_ITS_OWN = "a statement of the language model"


class Told(NamedTuple):
    """A statement that is verified, told of before the article is whole; ``section`` counts from the bottom line, 0."""

    section: int
    heading: str
    statement: Statement


Tell = Callable[[Told], None]


class Worder:
    """Words articles. Safe to share between threads.

    Args:
        plain: a sentence in plain words, for patients.
    """

    def __init__(self, model: LanguageModel, verifier: Verifier, plain: Callable[[str], str | None]) -> None:
        self._model = model
        self._verifier = verifier
        self._plain = plain

    def worded(self, answer: Answer, tell: Tell | None = None) -> Answer:
        """``answer`` in the model's words as far as they are verified; as it was, and saying so, where there are none.

        Outline, disagreements, missing variables, references and related questions stay.

        Args:
            answer: one that has a bottom line, in the words of its sources.
            tell: is told of each statement when it is verified, and may end the work by an error of its own.
        """
        brief = Brief.of(answer)
        checker = Checker(self._verifier, brief.items, len(brief.sections), answer.audience)
        spent_s = answer.receipt.timings_ms.get("read", 0) / 1000
        work = _Work(self._model, checker, brief, self._model.budget(spent_s))
        with closing(work.accepted()) as accepted:
            for one in accepted:
                if tell:
                    tell(Told(one.line.section, brief.sections[one.line.section], self._statement(answer, one)))
        return self._article(answer, brief, work)

    def _article(self, answer: Answer, brief: Brief, work: _Work) -> Answer:
        places = [answer.bottom_line, *(s.statements for s in answer.sections)]
        shown = [self._section(answer, n, before, brief, work.kept) for n, before in enumerate(places)]
        sections = [s.model_copy(update={"statements": x}) for s, x in zip(answer.sections, shown[1:], strict=True)]
        said = [s for statements in shown for s in statements]
        written = sum(s.origin == "generated" for s in said)
        wording = work.wording(written, len(said) - written)
        if wording.refused and not written:
            wording = wording.model_copy(update={"reason": wording.reason or _NONE_HELD})
        receipt = answer.receipt.model_copy(update={"wording": wording})
        if not written:
            return answer.model_copy(update={"receipt": receipt, "answer_id": _id(answer, wording, [])})
        is_graded = answer.reading_grade is not None
        return answer.model_copy(
            update={
                "answer_id": _id(answer, wording, said),
                "bottom_line": shown[0],
                "sections": tuple(sections),
                "gaps": (*answer.gaps, *work.gaps()),
                "disclaimer": WORDED_DISCLAIMER[answer.audience],
                "reading_grade": grade(s.shown for s in said) if is_graded else None,
                "receipt": receipt,
            }
        )

    def _section(
        self, answer: Answer, number: int, before: Sequence[Statement], brief: Brief, kept: Sequence[Accepted]
    ) -> tuple[Statement, ...]:
        """Corrections first, then the model's statements, then what they do not carry."""
        mine = [a for a in kept if a.line.section == number]
        given = {item.statement.statement_id: item for item in brief.items if item.section == number}
        first = [s for s in before if s.correction_of]
        rest = [s for s in before if not s.correction_of and not self._is_carried(given.get(s.statement_id), mine)]
        written = {s.statement_id: s for s in (self._statement(answer, a) for a in mine)}
        return (*first, *written.values(), *(s for s in rest if s.statement_id not in written))

    def _is_carried(self, item: Item | None, kept: Sequence[Accepted]) -> bool:
        texts = [a.line.text for a in kept if item in a.items] if item else []
        return item is not None and carries(texts, [item.statement.text, *item.quotes], self._verifier.lexicon)

    def _statement(self, answer: Answer, accepted: Accepted) -> Statement:
        """Of strength and certainty it says what all its evidence does. A source's own words stay its statement."""
        text = accepted.line.text
        own = (i for i in accepted.items if i.section == accepted.line.section and i.statement.text == text)
        if item := next(own, None):
            return item.statement
        cited = [item.statement for item in accepted.items]
        evidence = _evidence(cited)
        role = answer.sections[accepted.line.section - 1].role if accepted.line.section else Role.BOTTOM_LINE
        dates = [s.as_of for s in cited if s.as_of]
        return Statement(
            statement_id=_statement_id(text, role, evidence),
            text=text,
            role=role,
            citations=tuple(dict.fromkeys(n for s in cited for n in s.citations)),
            evidence=evidence,
            verdict=Verdict.SUPPORTED,
            support=round(accepted.verification.support, 4),
            origin="quoted" if any(text in item.quotes for item in accepted.items) else "generated",
            strength=_common([s.strength for s in cited]),
            certainty=_common([s.certainty for s in cited]),
            derived=any(s.derived for s in cited),
            as_of=min(dates, default=None),
            plain=self._plain(text) if answer.audience is Audience.PATIENT else None,
        )


class _Work:
    """What comes of one article's calls of the model."""

    def __init__(self, model: LanguageModel, checker: Checker, brief: Brief, budget: Budget) -> None:
        self._model, self._checker, self._brief, self._budget = model, checker, brief, budget
        self._usage = Usage()
        # Both by their place among all that was written.
        self._kept: dict[int, Accepted] = {}
        self._refused: dict[int, Refused] = {}
        self._reason: str | None = None
        self._repaired = self._malformed = 0
        #: What was written, with its section and evidence, and what is kept of it.
        self._known: set[tuple[str, int, tuple[int, ...]]] = set()
        self._said: set[str] = set()

    @property
    def kept(self) -> list[Accepted]:
        """Statements that are verified, those of a second attempt where the first stood."""
        return [self._kept[place] for place in sorted(self._kept)]

    def accepted(self) -> Generator[Accepted]:
        """Each statement when it is verified, those of the second attempt last."""
        budget = self._budget
        with closing(self._lines(self._brief.messages(), budget)) as lines:
            for place, line in enumerate(lines, 1):
                checked = self._checker.checked(line)
                if isinstance(checked, Refused):
                    self._refused[place] = checked
                else:
                    yield self._keep(place, checked)
        if not self._known and self._reason is None:
            self._reason = _NO_FORM
        if self._refused and self._reason is None and budget.seconds > _LEAST_S and budget.tokens > 0:
            yield from self._repairs(budget)

    def _repairs(self, budget: Budget) -> Generator[Accepted]:
        asked = [(n, r.line, r.told) for n, r in self._refused.items()][:_MOST_REPAIRS]
        with closing(self._lines(self._brief.repair(asked), budget)) as lines:
            for line in lines:
                place = line.repairs or 0
                refused = self._refused.get(place)
                checked = self._checker.checked(_moved(line, refused)) if refused else None
                if isinstance(checked, Accepted):
                    del self._refused[place]
                    self._repaired += 1
                    yield self._keep(place, checked)

    def _keep(self, place: int, accepted: Accepted) -> Accepted:
        self._kept[place] = accepted
        self._said.add(_plain(accepted.line.text))
        return accepted

    def _lines(self, messages: Sequence[Message], budget: Budget) -> Generator[Line]:
        """Statements of one reply, each once, as far as it can be read. What goes wrong is the work's reason."""
        lines, written, repeats, count = Lines(), set[str](), 0, 0
        most = _MOST_PER_ITEM * len(self._brief.items) + _MOST_BESIDE
        with closing(self._model.reply(messages, budget, self._usage)) as pieces:
            try:
                for read in chain((r for piece in pieces for r in lines.fed(piece)), lines.ended()):
                    if isinstance(read, Malformed):
                        self._malformed += 1
                        continue
                    text = _plain(read.text)
                    repeats, count = repeats + 1 if text in written else 0, count + 1
                    written.add(text)
                    if repeats >= _MOST_REPEATS or count > most:
                        self._reason = _IN_CIRCLES if repeats >= _MOST_REPEATS else _TOO_MANY
                        return
                    known = (text, read.section, read.evidence)
                    if known not in self._known and text not in self._said:
                        yield read
                    self._known.add(known)
            except ModelError as error:
                self._reason = meaning_of(error)

    def wording(self, written: int, quoted: int) -> Wording:
        return Wording(
            model=self._model.name,
            prompt=named(),
            written=written,
            repaired=self._repaired,
            refused=len(self._refused) + self._malformed,
            quoted=quoted,
            calls=self._usage.calls,
            prompt_tokens=self._usage.prompt_tokens,
            completion_tokens=self._usage.completion_tokens,
            reason=self._reason,
        )

    def gaps(self) -> list[Gap]:
        """What was left out, without its words: nobody has verified them."""
        headings = self._brief.sections
        found = [
            (headings[r.line.section] if r.line.section < len(headings) else None, r.why)
            for r in self._refused.values()
        ]
        found += [(None, _MALFORMED)] if self._malformed else []
        return [Gap(aspect=f"{heading}: {_ITS_OWN}" if heading else _ITS_OWN.capitalize(), reason=f"left out: {why}")
                for heading, why in dict.fromkeys(found)]  # fmt: skip


def _moved(line: Line, refused: Refused) -> Line:
    """Another attempt stands where the first did, unless that was what was wrong with it."""
    return line if refused.reason.kind == "section" else line._replace(section=refused.line.section)


def _evidence(cited: Sequence[Statement]) -> tuple[Evidence, ...]:
    return tuple({(e.passage_id, e.start, e.end): e for s in cited for e in s.evidence}.values())


def _common(values: Sequence[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _statement_id(text: str, role: Role, evidence: Sequence[Evidence]) -> str:
    """The same for the same words in the same role on the same evidence."""
    facts = [role.value, text, *(f"{e.passage_id}:{e.start}" for e in evidence)]
    return "s" + hashlib.sha256("\0".join(facts).encode()).hexdigest()[:10]


def _id(answer: Answer, wording: Wording, said: Sequence[Statement]) -> str:
    """One for what the model did and wrote: the same question may get other words the next time."""
    return id_of([answer.answer_id, wording.model_dump_json(), *(s.statement_id for s in said)])
