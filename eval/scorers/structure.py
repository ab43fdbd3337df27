"""The shape of an answer: what an article should have, which sections and related questions, how long, how readable."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from eval.article import answered
from eval.domain import Article, Item, Part, Response, Score, Scores, unscored
from eval.scorers.claims import folded
from eval.values import content_words
from rag.language.readability import readability

Similar = Callable[[str, str], float]
"""How alike two short texts are in what they are about, such as the cosine of their embeddings; 1 for the same."""

_PITFALLS = re.compile(
    r"\b(?:pitfalls?|cautions?|avoid|warnings?|mistakes?|errors?|contraindications?|safety|what not to do|red flags?|"
    r"precautions?)\b",
    re.IGNORECASE,
)
_DOING = re.compile(r"\bto do\b|\bshould do\b|^(?:management|treatment|action|next steps?|plan)\b", re.IGNORECASE)
#: In words. What goes on for longer does not come to the point.
_LONGEST_BOTTOM_LINE = 120


class Thresholds(NamedTuple):
    """From which similarity on a section is the same, a question is alike, and a question is on the same topic.

    They belong to one measure of similarity: these are for cosines of the project's sentence embeddings. On the RQE
    pairs of consumer questions (Ben Abacha and Demner-Fushman 2016; 275 pairs) 72 of 100 pairs from 0.7 on
    ask the same, against 45 of all; of questions paired at random 95 of 100 are below 0.33 and 99 below 0.45.
    """

    section: float = 0.55
    question: float = 0.7
    topic: float = 0.4


def word_similarity(a: str, b: str) -> float:
    """Share of content words that two texts have in common, of those of the shorter; needs no model. In [0, 1]."""
    mine, theirs = content_words(a), content_words(b)
    smaller = min(len(mine), len(theirs))
    return len(mine & theirs) / smaller if smaller else 0.0


def structure_scores(item: Item, response: Response) -> Scores:
    """``structure``, the mean of five checks, and length and reading grade, for which neither way is better.

    Of what cannot be answered no article is expected: its structure is unscored, lest an answer there be a gain.
    """
    article = answered(response)
    lines = [s.text for s in article.said()]
    found = readability(lines)
    grade = unscored("no words to grade") if found.grade is None else Score(value=found.grade)
    is_expected = item.gold.answerable is not False
    return {
        "structure": _structure(article) if is_expected else unscored("no article is expected: it cannot be answered"),
        "reading_grade": grade,
        "words": Score(value=float(found.words)),
        "sentences": Score(value=float(len(lines))),
    }


def bottom_line(article: Article) -> list[str]:
    """The statements of the bottom line that are within its first 120 words: not all that is known is the decision."""
    lines = [s.text for s in article.bottom_line]
    words = accumulate(len(line.split()) for line in lines)
    return [line for line, so_far in zip(lines, words, strict=True) if so_far <= _LONGEST_BOTTOM_LINE]


def checks(article: Article) -> dict[str, bool]:
    """What an article should have, by name.

    The bottom line comes first and has no more than 120 words. ``no_empty_parts`` needs at least one part.
    """
    words = sum(len(s.text.split()) for s in article.bottom_line)
    return {
        "bottom_line_first": 0 < words <= _LONGEST_BOTTOM_LINE,
        "pitfalls": any(_PITFALLS.search(part.heading) and part.said for part in article.parts),
        "disclaimer": bool(article.disclaimer),
        "references": bool(article.references),
        "no_empty_parts": bool(article.parts) and all(part.said for part in article.parts),
    }


def _structure(article: Article) -> Score:
    found = checks(article)
    lacking = [name for name, has in found.items() if not has]
    reason = f"lacks {', '.join(lacking)}" if lacking else ""
    return Score(value=sum(found.values()) / len(found), reason=reason, details=dict(found))


def section_scores(item: Item, response: Response, similar: Similar, limits: Thresholds | None = None) -> Scores:
    """``section_coverage``: the share of the reference's headings that the answer covers.

    A heading is covered by a heading of the answer that is like it, each of which covers one, the most alike first; or
    that names the same of what sections are commonly for ("Management", "What you should do"; "Pitfalls"); or by the
    statements of a part, if they have all its content words. A heading with nothing under it covers none.
    """
    if not item.gold.outline:
        return {"section_coverage": unscored("the reference has no outline")}
    parts = [part for part in answered(response).parts if part.said]
    covered = _alike(item.gold.outline, [p.heading for p in parts if p.heading], similar, limits or Thresholds())
    for heading in item.gold.outline:
        by = covered.get(heading) or _said_under(heading, parts)
        covered |= {heading: by} if by else {}
    missed = [h for h in item.gold.outline if h not in covered]
    value = 1 - len(missed) / len(item.gold.outline)
    return {"section_coverage": Score(value=value, details={"covered": covered, "missed": missed})}


def _alike(wanted: Sequence[str], given: Sequence[str], similar: Similar, limits: Thresholds) -> dict[str, str]:
    pairs = [(similar(w, g), w, g) for w in dict.fromkeys(wanted) for g in dict.fromkeys(given)]
    covered: dict[str, str] = {}
    for likeness, heading, by in sorted(pairs, key=lambda pair: -pair[0]):
        if likeness >= limits.section and heading not in covered and by not in covered.values():
            covered[heading] = by
    for heading in wanted:
        same = (g for g in given if any(p.search(heading) and p.search(g) for p in (_PITFALLS, _DOING)))
        by_role = next(same, None)
        if heading not in covered and by_role:
            covered[heading] = by_role
    return covered


def _said_under(heading: str, parts: Sequence[Part]) -> str | None:
    wanted = content_words(heading)
    for part in parts:
        if wanted and wanted <= content_words(" ".join([part.heading, *(s.text for s in part.said)])):
            return f"what is said under {part.heading or 'no heading'}"
    return None


def related_scores(item: Item, response: Response, similar: Similar, limits: Thresholds | None = None) -> Scores:
    """``related_coverage`` and ``related_off_topic``.

    Coverage is the share of the reference's related questions, of those on the item's topic, that the answer has one
    like. Off topic is the share of the answer's related questions that are like neither the item's question nor any of
    these. A reference's own question about something else counts for nothing in either, nor does an answer that offers
    the question it was asked.
    """
    limits = limits or Thresholds()
    offered = [q for q in answered(response).related_questions if folded(q) != folded(item.question)]
    wanted = [q for q in item.gold.related if similar(item.question, q) >= limits.topic]
    strays = [q for q in item.gold.related if q not in wanted]
    return {
        "related_coverage": _coverage(wanted, strays, offered, similar, limits.question),
        "related_off_topic": _off_topic([item.question, *wanted], offered, similar, limits.topic),
    }


def _coverage(
    wanted: Sequence[str], strays: list[str], offered: Sequence[str], similar: Similar, limit: float
) -> Score:
    if not wanted:
        return unscored("the reference has no related questions on the item's topic")
    covered = {q: best for q in wanted if (best := _nearest(q, offered, similar)) and similar(q, best) >= limit}
    missed = [q for q in wanted if q not in covered]
    details = {"covered": covered, "missed": missed, "off_topic_in_reference": strays}
    return Score(value=len(covered) / len(wanted), details=details)


def _off_topic(topics: Sequence[str], offered: Sequence[str], similar: Similar, limit: float) -> Score:
    if not offered:
        return unscored("the answer offers no related questions")
    strays = [q for q in offered if max(similar(topic, q) for topic in topics) < limit]
    return Score(value=len(strays) / len(offered), details={"off_topic": strays})


def _nearest(question: str, offered: Sequence[str], similar: Similar) -> str | None:
    return max(offered, key=lambda q: similar(question, q), default=None)
