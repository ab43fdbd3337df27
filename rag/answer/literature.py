"""The plan of an article from running text: papers, abstracts and guidelines as they were published.

Nobody wrote these sentences to stand alone or for a role, so what counts is how near they come to what is asked: the
sentence, the passage around it, and what other sources near it also say. The nearest one is the bottom line, what else
its passage says stands by it, and what else comes nearly as near is put into sections by its role.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from rag.answer.claims import is_novel, with_support
from rag.answer.doses import gives_dose
from rag.answer.headings import heading
from rag.answer.plans import Plan, PlannedSection
from rag.answer.question import Intent, Query
from rag.answer.scoring import main_condition
from rag.answer.select import Candidate
from rag.answer.sentences import Sentence
from rag.answer.yes_no import HEARD_WHOLE, Leaning, leaning, of_stance
from rag.domain import Decision, Role
from rag.index.encoder import Encoder
from rag.language.lexicon import Lexicon, tokens
from rag.language.polarity import Stance
from rag.language.terms import STOP_WORDS, stem

#: Weights beside a sentence's relevance, of: the score of its passage; the share of near sources that say its new
#: words too; pairs of neighbouring words that the question has, up to a few; the question's words in it; the form of a
#: definition. Fitted to ROUGE-2 F1 of single sentences against the ideal answers of BioASQ's development half,
#: listwise, on one half of its questions and tried on the other, then rounded: .303, with the first two alone .285. The
#: passage's was made less than the fit's 4.6 when sentences were cut at headings: +.003 and +.000 on the two halves.
_PASSAGE, _SHARED, _PAIR, _ASKED, _DEFINING = 4.0, 0.25, 0.09, 0.3, 0.13
_MOST_PAIRS = 5
#: Taken from what leans on the sentence before it, from what tells an aim instead of a result, and from what tells only
#: what was done. The fit gave aims .13, too little to keep them out of bottom lines; .1 to .4 for what was done changes
#: ROUGE-2 F1 by +.0003.
_LEANING_COST, _AIM_COST, _DONE_COST = 0.09, 0.4, 0.2
#: Not fitted: parts of a structured abstract, kind and age of a source, advice of those whose office it is to give it.
_CONCLUDING, _PER_RANK, _PER_YEAR, _ADVICE, _OLDEST = 0.1, 0.01, 0.004, 0.1, 20
_ADVICE_SOUGHT, _SEEKS_ADVICE = 0.35, frozenset({Intent.DECISION, Intent.MANAGEMENT, Intent.CHOICE, Intent.TIMING})
#: What is shown comes at least so near as this share of the best; on the same questions .80 to .85 gives a ROUGE-2
#: recall of .54 to .51 and the best F1 of evidence.
_NEARLY = 0.82
#: A sentence that leans as the evidence does comes first if its score is at least this share of the best.
_AS_GOOD = 0.95
#: So many of the most relevant sentences are scored, and of these the first are held to be what the sources agree on.
_READ, _AGREEING = 80, 25
#: By the bottom line stand up to two more sentences of its passage with so much of its score, else one of another
#: passage, which should be short: what one more word costs it. ROUGE-2 F1 of these with the bottom line is .299 on the
#: same questions, where the two sentences with the best scores have .278 and the first three of the best passage .293.
_OWN_PASSAGE, _MOST_OF_PASSAGE, _PER_WORD = 0.75, 2, 0.04
_FACTOID = frozenset({Intent.DOSE, Intent.DEFINITION, Intent.MECHANISM, Intent.TIMING, Intent.OTHER, Intent.DECISION})
_MOST, _MOST_FOR_FACTOID = 14, 10
_SECTIONS, _SECTIONS_FOR_FACTOID = 6, 2

_ELSE = "What else the sources say"

_LEANING = re.compile(
    r"(?:This|These|Those|They|Their|It|Its|Such|Both|The (?:latter|former|authors?))\b(?!\s+(?:has|is)\s+been\b)"
)
_AIM = re.compile(
    r"\b(?:aim(?:s|ed)?|objectives?|purpose|goal|we (?:examined|studied|evaluated|assessed|sought|investigated)|"
    r"(?:was|were) to|to (?:determine|evaluate|assess|investigate|examine)|(?:remains|is) to be|"
    r"(?:we|authors?|paper|article|review) (?:also |here |briefly |will )?(?:explore|describe|review|discuss|present|"
    r"summari[sz]e|highlight|outline|provide|focus)\w*|areas covered)\b",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"\b(?:were|was) (?:\w+ly )?(?:included|enrolled|randomi[sz]ed|recruited|examined|analy[sz]ed|assessed|measured|"
    r"performed|collected|recorded|reviewed|divided|selected|obtained|conducted|evaluated)\b|\bunderwent\b|"
    r"\bwe (?:\w+ly )?(?:performed|conducted|analy[sz]ed|measured|collected|used|recruited|enrolled|included|screened|"
    r"searched|reviewed)\b|\b(?:subjects|participants|patients) comprised\b",
    re.IGNORECASE,
)
_FOUND = re.compile(r"\d\s?%|\bp\s?[<=>]|\bsignifican", re.IGNORECASE)
#: What was so once is not what holds now.
_FORMER = re.compile(r"^(?:Previously|Formerly|Historically|In the past|Until recently)\b|\bpreviously recommended\b")
_DEFINITION = re.compile(r"\b(?:is|are) (?:an?|the|one of)\b", re.IGNORECASE)
_CONCLUSION = re.compile(r"\W*(?:conclusions?|interpretation|in (?:conclusion|summary)|findings)\b", re.IGNORECASE)
_OPENING = re.compile(
    r"\W*(?:background|objectives?|aims?|purpose|introduction|methods?|materials?|design|setting|context)\b",
    re.IGNORECASE,
)


class Scored(NamedTuple):
    """A candidate with how well it answers; the scale means nothing, only differences and shares do."""

    score: float
    candidate: Candidate


def plan(query: Query, pool: Sequence[Candidate], lexicon: Lexicon, encoder: Encoder) -> Plan:
    """The article for ``query`` from ``pool``, which is sorted by relevance; ``encoder`` made its vectors."""
    main = main_condition(query, pool, lexicon)
    scored = _whole_ones(scores(query, pool, lexicon), pool, lexicon)
    if not scored:
        return Plan((), (), None, (), main)
    advised = _advised(query, scored) if query.proposes else None
    lean = leaning(query, scored, pool, encoder) if query.asks_yes_no and not advised else None
    first = _telling(_agreeing(scored, lean), scored) if lean else scored[0]
    beside = _beside(query, first, scored)
    shown = _distinct([first, *beside, *_near(query, scored)])
    sections = _sections(query, main, shown[1:], len(beside), pool)
    bottom = with_support([first.candidate], pool)
    decision = lean.decision if lean else advised
    return Plan(tuple(bottom), tuple(sections), None, tuple(pool), main, decision)


def _advised(query: Query, scored: Sequence[Scored]) -> Decision | None:
    """What guidelines and labels near the question say of the treatment that it proposes; divided, it depends."""
    near = (s.candidate for s in scored if s.score >= _NEARLY * scored[0].score)
    normative = [c for c in near if c.source.evidence_type.is_normative and c.speaks_of(query.focus)]
    stances = {c.sentence.stance_on(query.focus[0]) for c in normative} - {Stance.NEUTRAL}
    if len(stances) > 1:
        return Decision(value="depends")
    return of_stance(next(iter(stances), None))


def _beside(query: Query, first: Scored, scored: Sequence[Scored]) -> list[Scored]:
    """What stands by the bottom line: what else its passage says, else one short statement of another that is near.

    One sentence says yes or no, so that less stands by it.
    """
    others = [s for s in scored if _adds(s.candidate, [first.candidate])]
    row, least = first.candidate.record.passage_row, _OWN_PASSAGE * first.score
    own = _distinct([s for s in others if s.candidate.record.passage_row == row and s.score >= least])
    if own:
        return own[: 1 if query.asks_yes_no else _MOST_OF_PASSAGE]
    near = [s for s in others if s.score >= _NEARLY * first.score]
    return [max(near, key=lambda s: s.score - _PER_WORD * len(s.candidate.text.split()))] if near else []


def _near(query: Query, scored: Sequence[Scored]) -> list[Scored]:
    """What else is shown: all that comes nearly as near as the best, up to a length that fits the question.

    But for aims: what somebody set out to find is no answer.
    """
    most = _MOST_FOR_FACTOID if query.intent in _FACTOID else _MOST
    return [s for s in scored if s.score >= _NEARLY * scored[0].score and not _is_aim(s.candidate)][:most]


def _distinct(scored: Sequence[Scored]) -> list[Scored]:
    """Those of ``scored`` that say something which none before them says."""
    shown: list[Scored] = []
    for one in scored:
        if _adds(one.candidate, [s.candidate for s in shown]):
            shown.append(one)
    return shown


def _adds(candidate: Candidate, shown: Sequence[Candidate]) -> bool:
    """Whether a candidate says what none of ``shown`` says, and in other words than theirs."""
    return is_novel(candidate, shown) and not any(_overlap(candidate, other) for other in shown)


def _agreeing(scored: Sequence[Scored], lean: Leaning) -> Scored:
    """The best of ``scored``, or where it leans the other way, one nearly as good that leans as they do together."""
    is_yes = lean.decision.value == "yes"
    near = (s for s in scored if s.score >= _AS_GOOD * scored[0].score)
    agreeing = (s for s in near if (lean.chances.get(s.candidate.record.row, 0.5) >= 0.5) == is_yes)
    return next(agreeing, scored[0])


def _telling(first: Scored, scored: Sequence[Scored]) -> Scored:
    """``first``, or where it tells an aim or only what was done, what else its abstract tells, if anything."""
    own = [s for s in scored if s.candidate.source.key == first.candidate.source.key]
    if len(own) not in HEARD_WHOLE or not _tells_no_finding(first.candidate):
        return first
    return next((s for s in own if not _tells_no_finding(s.candidate)), first)


def _whole_ones(scored: Sequence[Scored], pool: Sequence[Candidate], lexicon: Lexicon) -> list[Scored]:
    """``scored`` without what can only be understood with a sentence that cannot be shown; see ``_whole``."""
    before = {(c.record.passage_row, c.record.end): c for c in pool}
    return [Scored(s, whole) for s, c in scored if (whole := _whole(c, before, lexicon))]


def _overlap(one: Candidate, other: Candidate) -> bool:
    """Whether two stretches of one passage have words in common."""
    mine, theirs = one.record, other.record
    return mine.passage_row == theirs.passage_row and mine.start < theirs.end and theirs.start < mine.end


def scores(query: Query, pool: Sequence[Candidate], lexicon: Lexicon) -> list[Scored]:
    """The most relevant of ``pool`` with how well each answers, best first, ties by place."""
    near = sorted(pool, key=lambda c: (-(c.relevance + c.nearness), c.place))[:_READ]
    agreed = _agreed(near[:_AGREEING])
    asked = [t.key for t in tokens(query.text)]
    pairs, words = set(pairwise(map(stem, asked))), {stem(word) for word in asked if word not in STOP_WORDS}
    known = set(query.weights)
    newest = max((c.source.year or 0 for c in near), default=0)
    scored = []
    for candidate in near:
        sentence = candidate.sentence
        new = [t for t in sentence.said.terms if t not in known]
        stems = sentence.stems
        score = candidate.relevance + _PASSAGE * candidate.nearness
        score += _SHARED * sum(agreed.get(t, 0.0) for t in new) / len(new) if new else 0.0
        score += _PAIR * min(_MOST_PAIRS, len(pairs.intersection(pairwise(stems))))
        score += _ASKED * len(words.intersection(stems)) / max(1, len(words))
        score += _form(candidate)
        score += _standing(query, candidate, newest, lexicon)
        scored.append(Scored(round(score, 6), candidate))
    return sorted(scored, key=lambda s: (-s.score, s.candidate.place))


def _agreed(near: Sequence[Candidate]) -> dict[str, float]:
    """The share of the sources of ``near`` that say each term."""
    said: dict[str, set[str]] = {}
    for candidate in near:
        said.setdefault(candidate.source.key, set()).update(candidate.sentence.said.terms)
    counts = Counter(term for terms in said.values() for term in terms)
    return {term: count / len(said) for term, count in counts.items()}


def _form(candidate: Candidate) -> float:
    """What the wording is worth: definitions and conclusions more, aims and what leans on others less."""
    text, part = candidate.text, candidate.passage.heading or ""
    worth = _DEFINING if _DEFINITION.search(text) else 0.0
    worth -= _LEANING_COST if _LEANING.match(text) else 0.0
    if _is_aim(candidate):
        worth -= _AIM_COST
    elif _is_method(candidate):
        worth -= _DONE_COST
    if _FORMER.search(text):
        worth -= _AIM_COST
    if _CONCLUSION.match(text) or _CONCLUSION.match(part):
        worth += _CONCLUDING
    return worth


def _is_aim(candidate: Candidate) -> bool:
    """Whether it says what was to be found out, or begins an abstract, or is of a part before the results."""
    text, part = candidate.text, candidate.passage.heading or ""
    return bool(_AIM.search(text) or _OPENING.match(text) or _OPENING.match(part))


def _is_method(candidate: Candidate) -> bool:
    """Whether it says what was done without what was found."""
    return bool(_DONE.search(candidate.text)) and not _FOUND.search(candidate.text)


def _tells_no_finding(candidate: Candidate) -> bool:
    return _is_method(candidate) or _is_aim(candidate)


def _standing(query: Query, candidate: Candidate, newest: int, lexicon: Lexicon) -> float:
    """What the source is worth: its kind, its age against the newest near one, advice where a guideline gives it."""
    sentence, year = candidate.sentence, candidate.source.year
    worth = -_PER_RANK * sentence.evidence_rank
    worth -= _PER_YEAR * min(_OLDEST, newest - year) if year else 0.0
    if sentence.source.evidence_type.is_normative and sentence.stance is not Stance.NEUTRAL:
        worth += _ADVICE_SOUGHT if query.intent in _SEEKS_ADVICE else _ADVICE
    if query.intent is Intent.DOSE and gives_dose(candidate, query.focus, lexicon):
        worth += _ADVICE
    return worth


def _whole(candidate: Candidate, before: Mapping[tuple[int, int], Candidate], lexicon: Lexicon) -> Candidate | None:
    """The candidate, with the sentence before it where it leans on that; None where that cannot be shown either."""
    if not _LEANING.match(candidate.text):
        return candidate
    record = candidate.record
    end = len(candidate.passage.text[: record.start].rstrip())
    antecedent = before.get((record.passage_row, end))
    if not antecedent or _LEANING.match(antecedent.text):
        return None
    joined = record._replace(start=antecedent.record.start, terms=(*antecedent.record.terms, *record.terms))
    sentence = Sentence(joined, candidate.passage, candidate.source, lexicon)
    return replace(candidate, sentence=sentence)


def _sections(
    query: Query, main: str | None, others: Sequence[Scored], beside: int, pool: Sequence[Candidate]
) -> list[PlannedSection]:
    """The first ``beside`` of ``others`` by themselves; then the rest by role, those with the fewest together."""
    groups: dict[Role, list[Candidate]] = {}
    for scored in others[beside:]:
        groups.setdefault(scored.candidate.role, []).append(scored.candidate)
    most = (_SECTIONS_FOR_FACTOID if query.intent in _FACTOID else _SECTIONS) - 1
    while len(groups) > most:
        least = min((r for r in Role if r in groups and r is not Role.BACKGROUND), key=lambda r: len(groups[r]))
        groups.setdefault(Role.BACKGROUND, []).extend(groups.pop(least))
    first = [s.candidate for s in others[:beside]]
    planned = [(Role.RATIONALE, first)] if first else []
    planned += [(role, _as_written(groups[role])) for role in Role if role in groups]
    return [
        PlannedSection(
            _ELSE if role is Role.BACKGROUND else heading(role, query, main, shown, None),
            role,
            tuple(with_support(shown, pool)),
        )
        for role, shown in planned
    ]


def _as_written(shown: Sequence[Candidate]) -> list[Candidate]:
    """Sentences of one passage together and in its order; passages in the order of their best sentences."""
    order: dict[int, int] = {}
    for candidate in shown:
        order.setdefault(candidate.record.passage_row, len(order))
    return sorted(shown, key=lambda c: (order[c.record.passage_row], c.record.start))
