"""Small pieces of English: where a phrase goes in a question, lists, articles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.language.sentences import sentence_spans

_END = re.compile(r"(?P<aside>\s*\((?P<inside>[^()]*)\))?(?P<tag>,\s*right)?\s*\?\s*$")
_SMALL = re.compile(
    r"(?<=[a-z\d)])(?<!\bvs)(?<!\bno)(?<!e\.g)(?<!i\.e)(?<!approx)([.;!])\s+([a-z])(?=\w)", re.IGNORECASE
)
_VOWEL = re.compile(r"^(?:(?i:[aeio]|u(?!ni|se))|8|11\b|18\b|[FHLMNRSX][A-Z]+\b)")


def marked(text: str) -> str:
    """With capitals where sentences begin in small letters: "she is on dialysis. what dose?"."""
    return _SMALL.sub(lambda m: f"{m[1]} {m[2].upper()}", text)


def parted(text: str) -> tuple[str, str]:
    """What a text states, and its last question; the last sentence where it asks nothing in so many words."""
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    asking = [s for s in sentences if s.endswith("?")] or sentences[-1:]
    question = asking[-1] if asking else ""
    return " ".join(s for s in sentences if s != question and not s.endswith("?")), question


def joined(stated: str, question: str) -> str:
    """A question after what is stated, with one mark at its end and a capital at its beginning."""
    body = " ".join(question.split()).rstrip(" ?.!,;")
    return f"{stated} {capital(body)}?".strip()


def inserted(question: str, phrase: str) -> str:
    """``question`` with a phrase at its end, before its mark, a tag and an aside."""
    end = _END.search(question)
    cut = end.start() if end else len(question.rstrip(" ?.!"))
    return question[:cut] + phrase + (question[cut:] if end else "?")


def noted(question: str, notes: Sequence[str]) -> str:
    """``question`` with facts in the parenthesis at its end."""
    if not notes:
        return question
    end = _END.search(question)
    if end and end["inside"]:
        return question[: end.end("inside")] + "".join(f", {n}" for n in notes) + question[end.end("inside") :]
    return inserted(question, f" ({', '.join(notes)})")


def listed(names: Sequence[str], word: str = "and") -> str:
    """ "A, B and C"."""
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))


def capital(text: str) -> str:
    """With a capital at the beginning, unless the first word has its own (aPTT) or is a figure."""
    first = text.split(" ", 1)[0]
    return text if any(c.isupper() for c in first) else text[:1].upper() + text[1:]


def small(text: str) -> str:
    """Without the capital of a sentence's first word, unless it is a name's or an abbreviation's."""
    first = text.split(" ", 1)[0]
    return text if sum(c.isupper() for c in first) > 1 or first == "I" else text[:1].lower() + text[1:]


def an(noun: str) -> str:
    return f"{'an' if _VOWEL.match(noun) else 'a'} {noun}"


def one(noun: str) -> str:
    """A noun in the singular."""
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else noun


def with_articles(text: str, noun: str) -> str:
    """``text`` with the articles that fit ``noun``, where it came in the place of another."""
    return re.sub(rf"\b(?:an?) (?={re.escape(noun)}\b)", an(noun)[: -len(noun)], text)
