"""The story of an answer, one call per arrow:

question ─interpret→ Query ─retrieve→ [Hit] ─select→ [Candidate] ─compose→ Plan ─verify→ Statements ─assemble→ Answer
and, where there is a language model, ─write→ the same Answer in other words
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rag import __version__
from rag.answer.article import Article, Parts, abstained, redirected
from rag.answer.cautions import Cautions
from rag.answer.compose import plan
from rag.answer.disagree import conflicts
from rag.answer.entailment import LearnedEntailment
from rag.answer.needed import Conditionals, missing
from rag.answer.nli import NliEntailment
from rag.answer.opinion import Entailment
from rag.answer.pitfalls import Warnings
from rag.answer.premises import corrections
from rag.answer.question import Query, interpret
from rag.answer.related import related
from rag.answer.select import Matcher, candidates
from rag.answer.sentences import Sentences
from rag.answer.sides import Sides
from rag.answer.sufficiency import coverage, gaps, speaks_to, together
from rag.answer.triage import redirection
from rag.answer.verify import Verifier
from rag.domain import Answer, Audience, Filter, Hit, Passage, Reading, Receipt, Source, Wording
from rag.errors import InputError, QuestionError
from rag.index.snapshot import Snapshot
from rag.ingest.split import context
from rag.language.terms import STOP_WORDS, stem
from rag.retrieve.base import Retriever
from rag.retrieve.hybrid import HybridRetriever
from rag.retrieve.rerank import CrossEncoderReranker
from rag.retrieve.united import united
from rag.settings import Settings
from rag.writing.model import LanguageModel
from rag.writing.prompting import named as prompts
from rag.writing.understanding import Understanding, asks_several
from rag.writing.wording import Told, Worder

if TYPE_CHECKING:
    from rag.answer.consistency import Consistency
    from rag.answer.glossary import Glossary

#: Is told the name of each step of a question before it begins, and of what a language model wrote once it is verified.
Watch = Callable[[str | Told], None]


class Pipeline:
    """One opened snapshot and what answers questions from it. Safe to share between threads.

    Everything is deterministic: the same question on the same snapshot gives the same answer, but for its timings.

    Args:
        retriever: of this snapshot; hybrid as the settings say when absent.
    """

    def __init__(self, settings: Settings, snapshot: Snapshot, retriever: Retriever | None = None) -> None:
        self.settings = settings
        self.snapshot = snapshot
        self.retriever = retriever or HybridRetriever(snapshot, settings.dense_weight)
        #: None unless the settings name one; its model is loaded when it is first used.
        self.reranker = CrossEncoderReranker(settings.reranker) if settings.reranker else None
        # Composing is Python's own work, at which threads take turns: 16 at once all wait twice as long as in a queue.
        self._composing = threading.Lock()

    @classmethod
    def open(cls, settings: Settings | None = None, *, is_brief: bool = False) -> Pipeline:
        """On the current snapshot of ``settings.index_dir``; ``is_brief`` as of ``Snapshot``.

        Raises:
            SnapshotError: there is none to use.
        """
        settings = settings or Settings.from_environment()
        return cls(settings, Snapshot(settings.index_dir, is_brief=is_brief))

    @cached_property
    def verifier(self) -> Verifier:
        return Verifier(self.snapshot.analyzer.lexicon, self._entailment())

    def _entailment(self) -> Entailment:
        """What judges statements in other words than their evidence; neither loads anything before there is one."""
        if self.settings.nli:
            return NliEntailment(self.settings.nli)
        return LearnedEntailment(lambda text: self.snapshot.words.read(text), self.snapshot.analyzer.lexicon)

    @cached_property
    def models(self) -> dict[str, str]:
        """The models in use, by what each is for: a name, and a digest of its weights."""
        encoder = self.snapshot.encoder
        named = {"encoder": f"{encoder.model}@{encoder.encoder_id}"}
        return named | ({"reranker": self.reranker.name} if self.reranker else {})

    @cached_property
    def model(self) -> LanguageModel | None:
        """What words the answers, if the settings name it."""
        return LanguageModel(self.settings) if self.settings.llm_url else None

    @cached_property
    def worder(self) -> Worder | None:
        return Worder(self.model, self.verifier, self._plain) if self.model else None

    @cached_property
    def understanding(self) -> Understanding | None:
        """What reads follow-ups and splits questions, if a language model may."""
        if self.model is None or not self.settings.llm_reads:
            return None
        return Understanding(self.model, self.snapshot.analyzer, self.settings)

    def _plain(self, text: str) -> str | None:
        return self.glossary.plain(text)

    @cached_property
    def sentences(self) -> Sentences:
        return Sentences(self.snapshot)

    @cached_property
    def cautions(self) -> Cautions:
        return Cautions(self.snapshot, self.sentences)

    @cached_property
    def conditionals(self) -> Conditionals:
        return Conditionals(self.snapshot.analyzer.lexicon)

    @cached_property
    def sides(self) -> Sides:
        return Sides(self.snapshot.analyzer.lexicon)

    @cached_property
    def glossary(self) -> Glossary:
        """Only trainees and patients need it, so that only they wait for it."""
        from rag.answer.glossary import Glossary

        return Glossary(self.snapshot)

    def ask(
        self, question: str, audience: Audience = Audience.CLINICIAN, within: Filter | None = None,
        watch: Watch | None = None, *, is_worded: bool = True, reading: Reading | None = None,
    ) -> Answer:  # fmt: skip
        """The article that answers ``question`` from the sources that ``within`` passes, or why there is none.

        Args:
            watch: is told the name of each step before it begins, and may end the work there by an error of its own.
            is_worded: by the language model, where there is one; it is not asked at all for one that is not.
            reading: how the question was read before, of a receipt: so it is read now, and no model is asked.

        Raises:
            QuestionError: the question is empty or longer than the settings allow.
            NotFoundError: ``within`` names a source or a document set that the snapshot does not have.
        """
        within = within if within and within.restricts else None
        clock = Clock(watch)
        question = self._checked(question)
        reading = reading or (self._read(question, clock) if is_worded else None)
        answer = self._ask(question, audience, within, clock, reading)
        return self._worded(answer, clock) if is_worded else answer

    def _read(self, question: str, clock: Clock) -> Reading | None:
        """What the language model reads in a question that may ask several things."""
        if not self.understanding or redirection(question) or not asks_several(question):
            return None
        with clock.step("read"):
            return self.understanding.split(question)

    def _ask(
        self, question: str, audience: Audience, within: Filter | None, clock: Clock, reading: Reading | None
    ) -> Answer:
        snapshot, parts = self.snapshot, reading.sub_questions if reading else ()
        fixed = redirection(question)
        if fixed:
            return redirected(question, fixed, audience, self._receipt((), clock, within))
        with clock.step("interpret"):
            query = interpret(question, snapshot.analyzer, self._unknown)
        with clock.step("embed"):
            vectors = snapshot.encoder.encode([query.text, *parts])
        with clock.step("retrieve"):
            # Composing heeds which passages there are, not their order.
            most = self.settings.candidates
            found = [self._retrieve(text, vector, most, within, in_order=False)
                     for text, vector in zip((query.text, *parts), vectors, strict=True)]  # fmt: skip
            hits = united(found[0], found[1:], most) if parts else found[0]
        with self._composing:
            receipt = partial(self._receipt, hits, clock, within, reading)
            return self._answer(query, vectors[0], hits, audience, within, clock, receipt)

    def _answer(
        self, query: Query, vector: NDArray[np.float32], hits: Sequence[Hit], audience: Audience,
        within: Filter | None, clock: Clock, receipt: Callable[[], Receipt],
    ) -> Answer:  # fmt: skip
        """From what was retrieved to the article."""
        snapshot = self.snapshot
        with clock.step("select"):
            matcher = Matcher(snapshot, query)
            pool = candidates(snapshot, self.sentences, matcher, vector, hits, within)
            covered = coverage(query, pool, matcher)
        with clock.step("premises"):
            wrong = corrections(snapshot, self.retriever, self.sentences, matcher, self.verifier, self.sides, within)
        is_covered = speaks_to(covered, self.settings.min_coverage)
        if not is_covered and not wrong:
            return abstained(query, covered, pool, audience, receipt())
        with clock.step("compose"):
            # Where the corpus only contradicts what the question assumes, that is all there is to say.
            lexicon = snapshot.analyzer.lexicon
            warnings = Warnings(self.cautions, snapshot, matcher, pool, vector, within)
            planned = warnings.added_to(plan(query, pool if is_covered else [], lexicon, snapshot.encoder, warnings))
            shown = [*(c.candidate for c in wrong), *planned.shown()]
            parts = Parts(
                planned,
                wrong,
                conflicts(query, shown, planned.pool, pool, self.sides),
                missing(query, shown, planned.pool, pool, planned.main, self.conditionals),
                gaps(query, shown, covered, lexicon, within),
                together(query, shown, lexicon),
                related(query, planned.pool, planned.main, lexicon),
            )
        with clock.step("verify"):
            article = Article(query, audience, snapshot, self.verifier, lambda: self.glossary, within)
            return article.assembled(parts, receipt)

    def _worded(self, answer: Answer, clock: Clock) -> Answer:
        """An article in the words of the language model, if there is one; others wait for none meanwhile."""
        if not self.worder or not answer.bottom_line:
            return answer
        with clock.step("write"):
            answer = self.worder.worded(answer, clock.tell)
        receipt = answer.receipt.model_copy(update={"timings_ms": clock.timings()})
        return answer.model_copy(update={"receipt": receipt})

    def consistency(self, items: Sequence[Answer | str], near: float | None = None) -> Consistency:
        """Whether stored answers, and those made now to questions, contradict one another where they are neighbours.

        Args:
            near: cosine from which two questions are neighbours; as ``rag.answer.consistency`` has it when absent.

        Raises:
            InputError: there is nothing to compare, or ``near`` is no cosine.
        """
        from rag.answer.consistency import NEAR, consistency

        if not items:
            raise InputError("consistency: no answers; expected at least one answer or question")
        if near is not None and not -1 <= near <= 1:
            raise InputError(f"near {near}: expected a cosine, from -1 to 1")
        answers = [self.ask(item) if isinstance(item, str) else item for item in items]
        vectors = self.snapshot.encoder.encode([a.question for a in answers])
        lexicon = self.snapshot.analyzer.lexicon
        return consistency(answers, vectors, self.verifier, lexicon, NEAR if near is None else near)

    def warm(self) -> None:
        """Loads what the first question would otherwise wait for."""
        _ = self.snapshot.encoder, self.snapshot.analyzer, self.verifier, self.cautions
        if self.reranker:
            self.reranker.warm()

    def close(self) -> None:
        if self.model:
            self.model.close()
        self.snapshot.close()

    def search(self, question: str, k: int = 10, within: Filter | None = None) -> list[tuple[Hit, Passage, Source]]:
        """The ``k`` best passages for ``question`` with their sources, which ``within`` passes, best first."""
        if k < 1:
            raise InputError(f"k {k}: expected at least 1")
        text, snapshot = self._checked(question), self.snapshot
        vector = snapshot.encoder.encode([text])[0]
        hits = self._retrieve(text, vector, k, within, in_order=True)
        passages = [snapshot.store.shown(h.row, within) for h in hits]
        return [(h, p, snapshot.store.source(p.source_key)) for h, p in zip(hits, passages, strict=True)]

    def passage(self, passage_id: str) -> tuple[Passage, Source]:
        """A passage with its source, also of a version replaced since. Raises ``NotFoundError`` for an unknown id."""
        return self.snapshot.passage(passage_id)

    def alike(self, passage: Passage) -> tuple[list[Passage], list[tuple[Passage, float]]]:
        """Passages of other sources with the same words, and those with nearly the same and how nearly, in [0.8, 1]."""
        return self.snapshot.store.same_words(passage.passage_id), self.snapshot.store.near(passage)

    def _retrieve(
        self, text: str, vector: NDArray[np.float32], k: int, within: Filter | None, *, in_order: bool
    ) -> list[Hit]:
        """The ``k`` best passages of sources that ``within`` passes, reranked where there is a reranker.

        Without ``in_order`` only where it can change which they are, since it takes much longer than all the rest.
        """
        depth = self.settings.rerank_depth if self.reranker else 0
        if depth <= k and not in_order:
            depth = 0
        selection, most = self.snapshot.selection(within), max(k, depth)
        hits = self.retriever.search(text, vector, most, selection)
        if selection is not None:
            shown = (h._replace(passage_id=self.snapshot.store.shown(h.row, within).passage_id) for h in hits)
            hits = sorted(shown, key=lambda h: (-h.score, h.passage_id))
        return self._reranked(text, hits, depth, within)[:k]

    def _reranked(self, text: str, hits: list[Hit], depth: int, within: Filter | None) -> list[Hit]:
        if not self.reranker or not depth:
            return hits
        store = self.snapshot.store
        passages = [store.shown(hit.row, within) for hit in hits[:depth]]
        return self.reranker.rerank(text, [context(p, store.source(p.source_key)) for p in passages], hits)

    def _unknown(self, words: Iterable[str]) -> set[str]:
        """Those of ``words`` that the corpus does not use."""
        asked = [word for word in words if word not in STOP_WORDS]
        known = self.snapshot.store.frequencies(stem(word) for word in asked) if asked else {}
        return {word for word in asked if stem(word) not in known}

    def _checked(self, question: str) -> str:
        text, most = " ".join(question.split()), self.settings.max_question_chars
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise QuestionError(
                f"question: no Unicode at character {error.start}; expected UTF-8, so send it as that"
            ) from error
        if not text:
            raise QuestionError("question '': empty; expected a clinical question in words")
        if len(text) > most:
            raise QuestionError(f"question of {len(text)} characters: expected at most {most}; shorten it")
        return text

    def is_as_receipted(self, receipt: Receipt) -> bool:
        """Whether an answer that was made with ``receipt`` would be made of the same now."""
        now = self._receipt((), Clock(), receipt.filter)
        varying = {"retrieved": now.retrieved, "timings_ms": now.timings_ms, "dropped": now.dropped, "wording": None,
                   "reading": None}  # fmt: skip
        return self._words_as(receipt.wording) and receipt.model_copy(update=varying) == now

    def _words_as(self, wording: Wording | None) -> bool:
        """Whether the same model would be asked by the same prompt, or none as before."""
        asked = (wording.model, wording.prompt) if wording else None
        return asked == ((self.model.name, prompts()) if self.model else None)

    def _receipt(
        self, hits: Sequence[Hit], clock: Clock, within: Filter | None, reading: Reading | None = None
    ) -> Receipt:
        return Receipt(
            snapshot_id=self.snapshot.snapshot_id,
            corpus_digest=self.snapshot.corpus_digest,
            settings_digest=self.settings.digest(),
            software=f"osler {__version__}",
            models=self.models,
            retrieved=tuple(h.passage_id for h in hits),
            timings_ms=clock.timings(),
            filter=within,
            reading=reading,
        )


class Clock:
    """Wall time of named steps, of which ``watch`` is told when each begins."""

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch
        self._steps: dict[str, float] = {}
        self._start = time.perf_counter()
        self._running: tuple[str, float] | None = None

    def tell(self, told: Told) -> None:
        if self._watch:
            self._watch(told)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        if self._watch:
            self._watch(name)
        self._running = (name, time.perf_counter())
        yield
        self._steps[name] = time.perf_counter() - self._running[1]
        self._running = None

    def timings(self) -> dict[str, float]:
        """Milliseconds of each step, the running one included, and of all so far."""
        now = time.perf_counter()
        running = {self._running[0]: now - self._running[1]} if self._running else {}
        steps = self._steps | running | {"total": now - self._start}
        return {name: round(seconds * 1000, 3) for name, seconds in steps.items()}
