"""Whether the corpus speaks to a question at all, and what of the question it leaves open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag.answer.doses import gives_dose
from rag.answer.question import TREATMENTS, Intent, Query, kind_weight
from rag.answer.select import GRADES, Candidate, Matcher, is_running_text
from rag.answer.sentences import Said
from rag.domain import Filter, Gap
from rag.language.lexicon import Lexicon, tokens
from rag.language.terms import is_generic, stem

#: Conclusions about adults must not be carried over to these: a sentence must name them.
SPECIAL_POPULATIONS = ("child", "pregnancy", "breastfeeding", "neonate")
#: Populations that say nothing about what a question is about.
_PLAIN_POPULATIONS = frozenset({"adult", "man", "woman", "older adult"})
#: Kinds of concept that nothing need be considered together with: mined terms may be of any kind.
_NO_SUBJECT = frozenset({"population", "term"})
#: Words for what is asked beside the clinical matter; if the corpus has none of them it cannot answer.
_OUTSIDE = frozenset(
    stem(word)
    for word in (
        "cost price cheap expensive insurance reimburse discover invent storage store shelf fridge taste compatible"
    ).split()
)
#: Ends of names of drugs: stems of international nonproprietary names (WHO, "Stem book", 2018).
_STEMS = "mab|nib|vir|cillin|mycin|azole|statin|pril|sartan|olol|parin|gliptin|gliflozin|setron|triptan|caine|azepam"
_MEDICAL_LOOK = re.compile(
    rf"(?:{_STEMS}|idine|amide|itis|osis|oma|aemia|emia|pathy|ectomy|plasty|otomy|plegia|algia|uria|penia|cyte|scopy|"
    r"graphy)$"
)
_DRUG_NAME = re.compile(
    rf"[a-z-]{{3,}}(?:{_STEMS}|tide|ciclib|rafenib|parib|lukast|prazole|floxacin|cycline|dronate|xaban|gatran|grel|"
    r"platin|taxel|rubicin|cept|imus|oxetine|degib|lisib|zomib|dustat)"
)
_PLAIN_WORD, _STRANGE_WORD = 0.3, 2.0
_BEST = 12
#: One sentence must speak of both of two subjects, or of two of three or more.
_JOINT = 0.6
#: No sentence nearer than the first: another subject. None nearer than the second: more must be spoken of.
_FAR, _NEAR, _MORE = 0.43, 0.55, 0.2
_SHORT, _BARE = 25, 2
#: A sentence this near is about the question's condition even if it calls it otherwise.
_VERY_NEAR = 0.78
#: Overlap from which a sentence speaks of a concept itself or a kind of it, not only of something broader.
_SAME = 0.75
#: In running text, how near the best sentence and the best passage come together below which nothing is answered, and
#: from which it is whatever the words. Of 486 questions on the collection that they were made for and 792 on another's,
#: the words alone let pass 88 % and 38 %, with these 89 % and 25 %.
_DIM, _CLEAR = 1.05, 1.25


class Coverage(NamedTuple):
    """How far the corpus speaks of a question.

    ``share`` of its subject that the best sentences speak of together, ``joint`` that one sentence speaks of alone,
    both in [0, 1]; ``open`` are terms that none has; ``lacking`` says in words what rules an answer out, if anything;
    ``words`` is the question's length; ``nearness`` is that of the best sentence and the best passage together, None
    where the sentences were written to stand alone.
    """

    share: float
    joint: float
    best_cosine: float
    open: tuple[str, ...]
    lacking: str | None
    words: int
    nearness: float | None = None


def coverage(query: Query, pool: Sequence[Candidate], matcher: Matcher) -> Coverage:
    """How far ``pool``, sorted by relevance, speaks of ``query``."""
    weights = _weights(query, matcher)
    top = pool[:_BEST]
    together = Said.by(c.sentence for c in top)
    total = sum(weights.values()) or 1.0
    found = {t: matcher.overlap_of(t, together) for t in weights}
    share = sum(w * found[t] for t, w in weights.items()) / total if weights else 0.0
    subject = _subject(query, matcher, together)
    joint = max((_joint(subject, c, matcher) for c in pool), default=0.0) if subject else 1.0
    missing = tuple(t for t in weights if found[t] < 0.5)
    nearest = max((c.cosine for c in pool), default=0.0)
    lacking = _lacking(query, pool, together, matcher)
    near = pool[0].relevance + max(c.nearness for c in pool) if is_running_text(pool) else None
    return Coverage(share, joint, nearest, missing, lacking, len(tokens(query.text)), near)


def speaks_to(covered: Coverage, least: float) -> bool:
    """Whether there is enough to answer from. Of a long question less must be covered: much of it is history."""
    if covered.lacking or (covered.nearness is not None and covered.nearness < _DIM):
        return False
    if covered.nearness is not None and covered.nearness >= _CLEAR:
        return True
    if covered.joint < _JOINT:
        return False
    if covered.words <= _BARE and covered.share == 1.0:
        return True  # an acronym alone: its vector says nothing
    if covered.best_cosine < _FAR:
        return False
    is_long = covered.words > _SHORT
    needed = least * (_SHORT / covered.words) ** 0.5 if is_long else least
    if covered.best_cosine < _NEAR and not is_long:
        needed = min(1.0, least + _MORE)
    return covered.share >= needed


def _weights(query: Query, matcher: Matcher) -> dict[str, float]:
    """Weights of the question's terms for coverage: concepts lead, ordinary words hardly count beside them."""
    shapes = {stem(t.key): t.text for t in tokens(query.text)[1:]}
    weights = {}
    for term in matcher.weights:
        concept = term.removeprefix("=")
        if concept in query.current:
            weights[term] = _PLAIN_WORD  # part of the history
        elif concept != term:
            if concept not in _PLAIN_POPULATIONS:
                weights[term] = kind_weight(matcher.lexicon.kind(concept))
        elif _looks_clinical(shapes.get(term, term)) or term in _OUTSIDE:
            weights[term] = _STRANGE_WORD
        else:
            weights[term] = _PLAIN_WORD
    return weights


def _looks_clinical(word: str) -> bool:
    """Whether a word that the lexicon does not know is likely a name: by its ending, an inner capital or a capital."""
    return len(word) > 2 and (
        word[0].isupper() or any(c.isupper() for c in word[1:]) or bool(_MEDICAL_LOOK.search(word))
    )


def _joint(subject: Sequence[str], candidate: Candidate, matcher: Matcher) -> float:
    """Share of the subject that one sentence speaks of; three of many are enough for a long history."""
    said = candidate.sentence.said
    return min(1.0, sum(matcher.overlap_of(f"={c}", said) for c in subject) / min(len(subject), 3))


def _subject(query: Query, matcher: Matcher, together: Said) -> list[str]:
    """What one sentence should speak of: treatments asked about, conditions and tests that the corpus knows."""
    named = [c for c in (*query.focus, *query.patient) if c not in _PLAIN_POPULATIONS]
    # A test for a disease is narrower than the disease only in the lexicon.
    subject = dict.fromkeys([*matcher.lexicon.narrowest(named), *matcher.lexicon.narrowest(query.tests)])
    return [c for c in subject if matcher.overlap_of(f"={c}", together) > 0]


def _lacking(query: Query, pool: Sequence[Candidate], together: Said, matcher: Matcher) -> str | None:
    """What alone rules an answer out: a special population, a treatment or all conditions unknown, no dose."""
    lexicon = matcher.lexicon
    conditions = [c for c in query.patient if lexicon.kind(c) == "condition"]
    for population in SPECIAL_POPULATIONS:
        if population in query.patient and not any(
            c.speaks_of((population,)) and all(c.speaks_of(g) for g in (query.focus, conditions) if g) for c in pool
        ):
            return f"{population}: what is known of others must not be carried over"
    for past in (c for c in conditions if c.startswith("remote ")):
        if not any(c.speaks_of((past,)) and all(c.speaks_of((f,)) for f in query.focus[:2]) for c in pool):
            return f"{past}: what is advised in acute disease must not be carried over"
    is_short = len(tokens(query.text)) <= _SHORT
    treatments = query.treatments if is_short else query.focus
    unknown = [c for c in treatments if matcher.overlap_of(f"={c}", together) < _SAME]
    is_near = any(c.cosine >= _VERY_NEAR for c in pool)
    absent = [c for c in conditions if matcher.overlap_of(f"={c}", together) < _SAME]
    is_plan_sought = query.intent in {Intent.MANAGEMENT, Intent.CHOICE} and not query.treatments
    # "Should an umbilical hernia be repaired in cirrhosis?" is about what it names first.
    is_first = query.intent is Intent.DECISION and not query.treatments and absent[:1] == conditions[:1]
    if absent and not is_near and (absent == conditions or ((is_plan_sought or is_first) and is_short)):
        unknown.append(absent[0])  # what to do for it is not what is done for the patient's other conditions
    if unknown:
        return query.names.get(unknown[0], unknown[0])
    if query.intent is Intent.DOSE and query.focus and not any(gives_dose(c, query.focus, lexicon) for c in pool):
        return f"dose of {query.focus[0]}"
    strange = _strange_drugs(query, pool) if is_short and is_running_text(pool) else []
    return next(iter(strange), next((t for t in matcher.weights if t in _OUTSIDE and t not in together.terms), None))


def _strange_drugs(query: Query, pool: Sequence[Candidate]) -> list[str]:
    """Words of the question that end as names of drugs do and stand in no passage of ``pool``.

    The lexicon knows few of the drugs of a corpus that it was not made for, and what is true of one of them would
    otherwise be told of another for the same disease.
    """
    named = [t.text for t in tokens(query.text) if _DRUG_NAME.fullmatch(t.key)]
    return [name for name in named if not any(name.casefold() in c.passage.text.casefold() for c in pool)]


def unspoken(within: Filter | None) -> str:
    """Why there is nothing on something: of what is kept out by a filter nothing is known."""
    return f"no passage {'that passes the filter' if within else 'in this corpus'} speaks of it"


def gaps(
    query: Query, shown: Sequence[Candidate], covered: Coverage, lexicon: Lexicon, within: Filter | None = None
) -> list[Gap]:
    """What was asked and no shown statement supports."""
    found = [Gap(aspect=covered.lacking, reason=unspoken(within))] if covered.lacking else []
    for term in covered.open:
        concept = term.removeprefix("=")
        is_subject = concept != term and lexicon.kind(concept) in TREATMENTS | {"condition", "population"}
        is_shown = any(c.speaks_of((concept, *lexicon.parents(concept))) for c in shown)
        if is_subject and not is_shown and concept not in query.current:
            found.append(Gap(aspect=query.named(term), reason=f"{unspoken(within)} together with the rest"))
    return found


def together(query: Query, shown: Sequence[Candidate], lexicon: Lexicon) -> Gap | None:
    """That no one sentence considers the treatment and all of the patient's conditions, if none does."""
    named = _combination(query, lexicon)
    if len(named) < 2 or any(all(_considers(c, x, lexicon) for x in named) for c in shown):
        return None
    return Gap(
        aspect=f"all of this together: {', '.join(query.names.get(c, c) for c in named)}",
        reason="no single passage considers them in one patient; the statements above speak of them separately",
    )


def _considers(candidate: Candidate, concept: str, lexicon: Lexicon) -> bool:
    """Whether it names it, a kind of it, its class of treatments, or two grades of which it is one."""
    if candidate.speaks_of((concept,)):
        return True
    is_treatment = lexicon.kind(concept) in TREATMENTS
    broader = [p for p in lexicon.parents(concept) if is_treatment or p.startswith(GRADES)]
    return not candidate.sentence.concepts.isdisjoint(broader)


def _combination(query: Query, lexicon: Lexicon) -> tuple[str, ...]:
    """The treatment asked about with the patient's conditions, broader ones left out where a kind of them is named."""
    named = [c for c in (*query.focus[:1], *query.patient) if lexicon.kind(c) not in _NO_SUBJECT and not is_generic(c)]
    return tuple(lexicon.narrowest(named))
