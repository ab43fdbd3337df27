"""Small pieces of English: where a phrase goes in a question, lists, articles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.language.sentences import sentence_spans

_END = re.compile(r"(?P<aside>\s*\((?P<inside>[^()]*)\))?(?P<tag>,\s*right)?\s*\?\s*$")
#: A supposition at the end of a question: what else is said of the patient stands before it.
_SUPPOSED = re.compile(
    r",?\s(?P<clause>(?:(?:even|only) )?(?:if|when|once|unless)(?!\s+to\b)\s(?:(?!\b(?:if|when|once|"
    r"unless)\b)[^?()])+?)\s*"
    r"(?=(?:\([^()]*\))?(?:,\s*right)?\s*\??\s*$)",
    re.IGNORECASE,
)
#: Under which circumstances it is asked, at its end.
_CIRCUMSTANCES = re.compile(
    r"\s(?P<clause>(?:even\s(?:\w+)|before|during|despite|without|while)\s(?:(?!\b(?:in|for|if|when|who)\b)[^?(),])+?)\s*"
    r"(?=(?:\([^()]*\))?(?:,\s*right)?\s*\??\s*$)",
    re.IGNORECASE,
)
_BEGINS_SUPPOSED = re.compile(r"^\s*(?:(?:even|only|and|also) )?(?:if|when|once|unless|while|because|since)\b", re.I)
_SMALL = re.compile(
    r"(?<=[a-z\d)])(?<!\bvs)(?<!\bno)(?<!e\.g)(?<!i\.e)(?<!approx)([.;!])\s+([a-z])(?=\w)", re.IGNORECASE
)
_VOWEL = re.compile(r"^(?:(?i:[aeio]|u(?!ni|se))|8|11\b|18\b|[FHLMNRSX][A-Z]+\b)")


def marked(text: str) -> str:
    """With capitals where sentences begin in small letters: "she is on dialysis. what dose?"."""
    return _SMALL.sub(lambda m: f"{m[1]} {m[2].upper()}", text)


#: How clinicians write in haste. No word of medicine is among them: a misspelt drug is not guessed at.
_HASTY = (
    (re.compile(r"\bw/o\b\s*", re.I), "without "),
    (re.compile(r"\bw/\s*", re.I), "with "),
    (re.compile(r"^((?:and |so |ok |but )*)(?:wh?ta?|waht|whta|wot|whats)\b(?= )", re.I), r"\1what"),
    (re.compile(r"\b(?:pt)\b(?!\s*(?:INR|ratio))(?=['’ ])", re.I), "patient"),
    (re.compile(r"\bpl[sz]\b", re.I), "please"),
    (re.compile(r"\b(?:abt)\b", re.I), "about"),
    (re.compile(r"\bhw\b", re.I), "how"),
)


def spelt_out(text: str) -> str:
    """With the words of haste written out: "with ECMO" of "w/ ECMO"."""
    for pattern, words in _HASTY:
        text = pattern.sub(words, text)
    return text


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
    """``question`` with a phrase at its end, before its mark, a tag, an aside and what is supposed."""
    supposition = None if _BEGINS_SUPPOSED.match(phrase) else _SUPPOSED.search(question)
    if supposition:
        return question[: supposition.start()] + phrase + question[supposition.start() :]
    return _at_end(question, phrase)


def supposed(question: str) -> str:
    """What a question supposes at its end: "if the count is 8"; else nothing."""
    match = _SUPPOSED.search(question)
    return match["clause"] if match else ""


def under_which(question: str) -> str:
    """The circumstances at the end of a question: "even before a lumbar puncture"; else nothing."""
    match = _CIRCUMSTANCES.search(_SUPPOSED.sub("", question))
    return match["clause"] if match else ""


def core(question: str) -> str:
    """A question without what is noted beside it, supposed or told of its circumstances."""
    end = _END.search(question)
    bare = question[: end.start()] if end else question
    return _CIRCUMSTANCES.sub("", _SUPPOSED.sub("", f"{bare}?"))


def asides(question: str) -> list[str]:
    """The facts in the parenthesis at a question's end."""
    end = _END.search(question)
    return [fact.strip() for fact in (end["inside"] or "").split(",") if fact.strip()] if end else []


def without(question: str, fact: str) -> str:
    """A question without a fact noted beside it, or a circumstance at its end."""
    facts = asides(question)
    if fact not in facts:
        return question.replace(f" {fact}", "", 1)
    end = _END.search(question)
    bare = question[: end.start("aside")] + question[end.end("aside") :] if end else question
    return noted(bare, [f for f in facts if f != fact])


def _at_end(question: str, phrase: str) -> str:
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
    return _at_end(question, f" ({', '.join(notes)})")


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
