"""An answer against reference answers: overlap of words, likeness of meaning, evidence, and the entities asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.article import answered
from eval.domain import Article, Item, Response, Score, Scores, unscored
from eval.measures import bioasq
from eval.measures.overlap import rouge
from eval.scorers.structure import Similar

#: Marks of citations, which some reference answers have and which are no words of theirs.
_MARK = re.compile(r"\s*\[\d+(?:\s*[,–-]\s*\d+)*\]")
_WORD = re.compile(r"\w+")


def overlap_scores(item: Item, response: Response, similar: Similar) -> Scores:
    """ROUGE F1 and recall against the best reference, and the highest cosine. What is not answered overlaps with 0."""
    answers = [_MARK.sub("", answer) for answer in item.gold.answers]
    if not answers:
        return {}
    text = said_text(response)
    scores: Scores = {}
    for name, found in rouge(text, answers).items():
        scores[f"{name}_f1"] = Score(value=found.f1, details={"precision": found.precision})
        scores[f"{name}_recall"] = Score(value=found.recall)
    likeness = max(similar(text, answer) for answer in answers) if text else 0.0
    return scores | _short_scores(response, answers) | {"similarity": Score(value=likeness)}


def _short_scores(response: Response, answers: Sequence[str]) -> Scores:
    """The same of what is read first: the bottom line and the first section."""
    article = answered(response) if response.is_answer else Article()
    first = [*article.bottom_line, *(said for part in article.parts[:1] for said in part.said)]
    text = "\n".join(said.text for said in first)
    found = rouge(text, answers)
    scores = {f"short_{name}_f1": Score(value=found[name].f1) for name in ("rouge2", "rougeL")}
    return scores | {"short_words": Score(value=float(len(text.split())))}


def evidence_scores(item: Item, response: Response) -> Scores:
    """Precision, recall and F1 of what is quoted against the sentences or snippets that the owners marked.

    A quote is right when it stands in a marked text, or a marked text in it; letters, digits and their order count,
    nothing else. A marked text is found when such a quote is shown. An answer that quotes nothing is taken by its
    sentences, so that any system can be scored; one that was not given has precision and recall 0.
    """
    marked = {_folded(text) for text in item.gold.evidence} - {"  "}
    if not marked:
        return {}
    said = answered(response).said() if response.is_answer else ()
    quotes = {_folded(quote) for s in said for quote in (s.quotes or (s.text,))}
    right = sum(any(q in m or m in q for m in marked) for q in quotes)
    found = sum(any(q in m or m in q for q in quotes) for m in marked)
    precision, recall = right / len(quotes) if quotes else 0.0, found / len(marked)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return _each("evidence_", {"precision": precision, "recall": recall, "f1": f1})


def entity_scores(item: Item, response: Response) -> Scores:
    """BioASQ's factoid and list measures, and the share of right entities that the answer's words mention.

    Naming none is wrong, as BioASQ counts it; ``named`` says how often a system names any.
    """
    right, given = item.gold.exact, response.exact
    if not right:
        return {}
    details = {"given": [list(names) for names in given], "right": [list(names) for names in right]}
    scores = {"named": Score(value=float(bool(given)), details=details), "mentioned": _mentioned(item, response)}
    if item.kind == "list":
        listed = bioasq.listed(right, given)
        return scores | _each("list_", listed._asdict() if listed else {})
    factoid = bioasq.factoid(right, given)
    found = {"strict": factoid.strict, "lenient": factoid.lenient, "mrr": factoid.reciprocal_rank} if factoid else {}
    return scores | _each("factoid_", found)


def _each(prefix: str, values: dict[str, float]) -> Scores:
    return {prefix + name: Score(value=value) for name, value in values.items()}


def _mentioned(item: Item, response: Response) -> Score:
    """Names without a letter or digit cannot be looked for; an entity that has no other is left out."""
    text = _folded(said_text(response))
    wanted = [names for entity in item.gold.exact if (names := [n for n in entity if _WORD.search(n)])]
    if not wanted:
        return unscored("no entity has a name with a letter or digit")
    missed = [names[0] for names in wanted if not any(_folded(name) in text for name in names)]
    return Score(value=(len(wanted) - len(missed)) / len(wanted), details={"missed": missed})


def _folded(text: str) -> str:
    """In small letters with every run of other characters one space, one before and one after."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def rubric_scores(item: Item) -> Scores:
    """A rubric is only scored by a judge that reads it; without one it is unscored, never 0."""
    return {"rubric": unscored("no judge is configured that grades rubrics")} if item.gold.rubric else {}


def said_text(response: Response) -> str:
    """What is said in an answer, without title, references and boilerplate; nothing of what is no answer."""
    if not response.is_answer:
        return ""
    return answered(response).text() or response.text
