"""Long sentences into shorter ones, only where nothing that they say can change.

A sentence is cut at a semicolon, a colon, and at ", and", ", but" or ", so", each between two main clauses. What
reaches over the cut would be lost by it, so that a sentence with a condition at its head, a report ("showed that ...")
or a remark at its end ("(our reading)") stays whole. "US label: ..." only says where all that follows is from.
"""

from __future__ import annotations

import re

from rag.language.sentences import sentence_spans

_BORDER = re.compile(r";\s+|:\s+|,\s+(?:and|but|so)\s+")
#: "US label", "ISTH SSC 2024", "US labels (FDA boxed warning)": a source, and nothing that it says.
_ATTRIBUTION = re.compile(r"(?![^:]*\b(?:after|at|during|for|if|in|of|on|when|with)\b)[^,;:]{2,60}:\s+")
_NESTED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[“\"][^”\"]*[”\"]")
#: The heading of a part of an abstract: "CONCLUSIONS: ...".
_HEADING = re.compile(r"\b[A-Z][A-Z ]{3,}$")
_REMARK = re.compile(r"[)\]][.\s]*$")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
#: Words by which a main clause is known: auxiliaries, and verbs that statements of medicine commonly have.
_VERBS = frozenset(
    """
    is are was were has have had may can could should must will would does do did cannot
    recommends suggests advises states says includes include requires require needs lists gives shows showed causes
    increases reduces remains remain means occurs occur occurred depends depend improves worsens contains contain
    """.split()
)
#: What a clause begins with that depends on the one before, or that reaches into the one after.
_DEPENDENT = frozenset(
    """
    and or but nor so then also not if unless when whenever while where whereas whether because since although though
    as until after before which who whom whose that otherwise except only with without including in for to of by from
    than both either neither at on under despite among during within provided once instead rather including especially
    particularly even
    """.split()
)
#: What reaches over a cut from before it.
_REACHING = frozenset(
    "that if unless when whenever whether because although though while whereas which who whom whose where until "
    "either both neither only provided".split()
)
#: What compares, and needs what it is compared with.
_COMPARING = frozenset(
    "better different earlier fewer greater higher later less longer lower more rarer same shorter similar "
    "worse".split()
)
#: So many words each side must have, and so far into the second side may its verb stand.
_LEAST, _FAR = 4, 8


def shorter(text: str) -> str:
    """``text`` with its sentences cut into shorter ones where that is safe; as it stands where none is."""
    spans = sentence_spans(text)
    cuts = [(text[a:b], _cut(text[a:b])) for a, b in spans]
    return " ".join(cut for _, cut in cuts) if any(whole != cut for whole, cut in cuts) else text


def _cut(sentence: str) -> str:
    source = _ATTRIBUTION.match(sentence)
    start = head = source.end() if source and _VERBS.isdisjoint(_words(source[0])) else 0
    if _REMARK.search(sentence) or not _DEPENDENT.isdisjoint(_words(sentence[head:])[:1]):
        return sentence
    nested = [m.span() for m in _NESTED.finditer(sentence)]
    pieces = list[str]()
    for border in _BORDER.finditer(sentence, head):
        before, after, sign = sentence[start : border.start()], sentence[border.end() :], border[0].split()[-1]
        is_nested = any(a < border.start() < b for a, b in nested)
        if not is_nested and _is_whole(before, sign) and _stands_alone(after, sign):
            pieces.append(sentence[start if pieces else 0 : border.start()] + ".")
            start = border.start() + 2 if sign in {"but", "so"} else border.end()
    return " ".join(map(_capitalised, [*pieces, sentence[start:]])) if pieces else sentence


def _is_whole(clause: str, sign: str) -> bool:
    """Whether what precedes a border is a main clause that ends there.

    A comma before ", and" may make a list of it, and a colon before a semicolon a list of what follows; what it
    compares with may come later ("was higher, but bleeding was rarer, in the first group").
    """
    words = _words(clause)
    is_list = ": " in clause or (sign == "and" and "," in clause) or (sign == ":" and words[:2] == ["there", "are"])
    is_open = "than" not in words and not _COMPARING.isdisjoint(words)
    if len(words) < _LEAST or _VERBS.isdisjoint(words) or is_list or is_open or _HEADING.search(clause):
        return False
    return sign == ";" or _REACHING.isdisjoint(words)


def _stands_alone(rest: str, sign: str) -> bool:
    """Whether what follows a border can stand alone: a main clause, its subject first and its verb soon after."""
    clause = _BORDER.split(rest, maxsplit=1)[0]
    found = list(_WORD.finditer(clause))
    words = [m[0].lower() for m in found]
    if len(words) < _LEAST or (sign == ":" and ";" in rest):
        return False
    verb = next((i for i, word in enumerate(words) if word in _VERBS), 0)
    if not 0 < verb <= _FAR or words[0] in _DEPENDENT or "," in clause[: found[verb].start()]:
        return False
    return sign == ";" or _REACHING.isdisjoint(words)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _capitalised(sentence: str) -> str:
    """With a capital, unless the first word keeps its own letters: aPTT, mRNA, p<0.05."""
    return sentence[:1].upper() + sentence[1:] if re.match(r"(?:a|[a-z]{2,})(?![\w<>=])", sentence) else sentence
