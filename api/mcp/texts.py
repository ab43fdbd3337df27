"""What a chat shows of results, as Markdown. Every string of the corpus and of the client is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from api.http.passages import Opened
from api.http.search import Found, Results
from api.http.verify import Judgement
from rag.render.markdown import escape

NOTHING_FOUND = "No passage was found."
OLDER = "A version that was replaced since."


def of_results(results: Results) -> str:
    return "\n".join(f"{hit.rank}. {_of_hit(hit)}" for hit in results.hits) or NOTHING_FOUND


def _of_hit(hit: Found) -> str:
    where = f"**{escape(hit.source_id)}**" + (f", {escape(hit.heading)}" if hit.heading else "")
    notes = [f"passage {escape(hit.passage_id)}", f"score {hit.score:.3f}"]
    notes += ["retracted"] if hit.retracted else []
    notes += [f"superseded by {escape(hit.superseded_by)}"] if hit.superseded_by else []
    return f"{where}: {escape(hit.text)} *({', '.join(notes)})*"


def of_passage(opened: Opened) -> str:
    return "\n\n".join(_of_passage(opened))


def _of_passage(opened: Opened) -> Iterator[str]:
    passage, marked = opened.passage, opened.highlight
    yield escape(opened.vancouver)
    if not opened.is_current:
        yield f"*{OLDER}*"
    if opened.source.retracted:
        yield "**Retracted.**"
    if opened.source.superseded_by:
        yield f"**Superseded by {escape(opened.source.superseded_by)}.**"
    if passage.heading:
        yield f"**{escape(passage.heading)}**"
    yield f"> {escape(passage.text)}"
    if marked.before or marked.after:
        yield f"Highlighted: “{escape(marked.text)}”"
    yield f"*(passage {escape(passage.passage_id)})*"


def of_judgement(judged: Judgement) -> str:
    verdict = f"**{escape(judged.verdict.value.capitalize())}** (probability {judged.probability:.2f})"
    lines = [f"{verdict}: {escape(judged.statement)}"]
    lines += [f"- {escape(why.kind)}: {escape(why.detail)}" for why in judged.reasons]
    evidence = (f"> {escape(given.text)}\n>\n> {escape(given.origin)}" for given in judged.evidence)
    return "\n\n".join(["\n".join(lines[:1]), *(["\n".join(lines[1:])] if lines[1:] else []), *evidence])
