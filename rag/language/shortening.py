"""Long sentences into shorter ones, only where nothing that they say can change.

A sentence is cut at a semicolon, a colon, and at ", and", ", but", ", so", ", whereas", ", although" or ", because",
each between two main clauses; and what it says of itself is set apart (``labels``). What reaches over the cut would be
lost by it, so that a sentence with a condition at its head ("if ...") or a report ("showed that ...") stays whole. The
sentences are shown together only: whom a semicolon's first half is about, its second half is about as well.
"""

from __future__ import annotations

import re

from rag.language.labels import apart, topic
from rag.language.sentences import sentence_spans

_BORDER = re.compile(r";\s+|:\s+|,\s+(?:and|but|so|whereas|although|because)\s+")
#: What a clause begins with instead of the word at its border.
_OPENINGS = {"but": "but ", "so": "so ", "whereas": "but ", "although": "but ", "because": "that is because "}
#: "US label", "ISTH SSC 2024", "US labels (FDA boxed warning)": a source, and nothing that it says.
_ATTRIBUTION = re.compile(r"(?![^:]*\b(?:after|at|during|for|if|in|of|on|when|with)\b)[^,;:]{2,60}:\s+")
_BULLET = re.compile(r"\s[-–]\s")
_NESTED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[“\"][^”\"]*[”\"]")
#: The heading of a part of an abstract: "CONCLUSIONS: ...".
_HEADING = re.compile(r"\b[A-Z][A-Z ]{3,}$")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
#: Words by which a main clause is known: auxiliaries, and verbs that statements of medicine commonly have.
_VERBS = frozenset(
    """
    is are was were has have had may can could should must will would does do did cannot
    recommends suggests advises states says includes include requires require needs lists gives shows showed causes
    increases reduces remains remain means occurs occur occurred depends depend improves worsens contains contain
    inhibits improved found received recovered carries begins covers addresses proposes prohibits cited rose fell
    rises noted needed acts prolongs affects comes differ excluded need ranged raised recommend suggest lead leads led
    appears appear expose reported
    """.split()
)
#: What a clause begins with that tells someone what to do.
_IMPERATIVES = frozenset("ask avoid check consider continue give restrict start stop treat use".split())
#: What a clause begins with that depends on the one before, or that reaches into the one after.
_DEPENDENT = frozenset(
    """
    and or but nor so then also not if unless when whenever while where whereas whether because since although though
    as until after before which who whom whose that otherwise except only with without including in for to of by from
    than both either neither at on under despite among during within provided once instead rather including especially
    particularly even
    """.split()
)
#: Heads that say where or for whom; over a semicolon and a conclusion they reach as any sentence does over its next.
_NONE: frozenset[str] = frozenset()
_PLACING = frozenset("in for at after among during on with by from".split())
#: What reaches over a cut from before it.
_REACHING = frozenset(
    "that if unless when whenever whether because although though while whereas which who whom whose where until "
    "either both neither only provided".split()
)
#: "Showed that": what was shown reaches over a conclusion, too.
_REPORTS = re.compile(
    r"\b(?:argu|conclud|f[io]nd|found|indicat|mean|note|report|said|say|show|stat|suggest)\w* that\b", re.IGNORECASE
)
#: What compares, and needs what it is compared with.
_COMPARING = frozenset(
    "better different earlier fewer greater higher later less longer lower more rarer same shorter similar "
    "worse".split()
)
#: So many words each side must have, and so far into the second side may its verb stand.
_LEAST, _FAR, _FURTHER = 4, 10, 24


def shorter(text: str) -> str:
    """``text`` with its sentences cut into shorter ones where that is safe; as it stands where none is."""
    spans = sentence_spans(text)
    cuts = [(text[a:b], _cut(text[a:b])) for a, b in spans]
    return " ".join(cut for _, cut in cuts) if any(whole != cut for whole, cut in cuts) else text


def _cut(sentence: str) -> str:
    source = _ATTRIBUTION.match(sentence)
    head = source.end() if source and _VERBS.isdisjoint(_words(source[0])) else 0
    stated, rest = ("", sentence[head:]) if head else topic(sentence)
    if not stated or not _VERBS.isdisjoint(_words(stated)[1:]) or not _stands_alone(rest, "topic"):
        stated, rest = "", sentence[head:]
    first = next(iter(_words(rest)), "")
    if first in _DEPENDENT - _PLACING:
        return sentence
    pieces = _pieces(rest, is_placed=first in _PLACING)
    said = [apart(piece) for piece in pieces]
    if not stated and said == [rest]:
        return sentence
    said[0] = sentence[:head] + said[0]
    return " ".join(filter(None, [stated, *map(_capitalised, said)]))


def _pieces(sentence: str, *, is_placed: bool) -> list[str]:
    """The main clauses of a sentence, each but the last with a full stop in place of what parted it from the next."""
    nested = [m.span() for m in _NESTED.finditer(sentence)]
    pieces, start, opening = list[str](), 0, ""
    for border in _BORDER.finditer(sentence):
        before, after, sign = sentence[start : border.start()], sentence[border.end() :], border[0].split()[-1]
        is_nested = any(a < border.start() < b for a, b in nested)
        is_reached = is_placed and not pieces and sign not in {";", "so"}
        if not is_nested and not is_reached and _is_whole(before, sign) and _stands_alone(after, sign):
            pieces.append(opening + before + ".")
            start, opening = border.end(), _OPENINGS.get(sign, "")
    return [*pieces, opening + sentence[start:]]


def _is_whole(clause: str, sign: str) -> bool:
    """Whether what precedes a border is a main clause that ends there.

    A comma before ", and" may make a list of it, and a colon before a semicolon a list of what follows; what it
    compares with may come later ("was higher, but bleeding was rarer, in the first group").
    """
    bare = _NESTED.sub("", clause)
    words = _words(bare)
    is_list = ": " in bare or (sign == "and" and "," in bare)
    if sign == ":":
        is_list = is_list or words[:2] == ["there", "are"] or _BULLET.search(bare) is not None
    is_open = sign not in {";", "so"} and "than" not in words and not _COMPARING.isdisjoint(words)
    is_clause = not _VERBS.isdisjoint(words) or (sign == ";" and not _IMPERATIVES.isdisjoint(words))
    if len(words) < _LEAST or not is_clause or is_list or is_open or (sign == ":" and _HEADING.search(clause)):
        return False
    if sign == "so":
        return _REPORTS.search(clause) is None
    return sign == ";" or _REACHING.isdisjoint(words)


def _stands_alone(rest: str, sign: str) -> bool:
    """Whether what follows a border can stand alone: a main clause, its subject first and its verb soon after.

    After a semicolon and in a conclusion it may say first where or for whom.
    """
    clause = _NESTED.sub("", _BORDER.split(rest, maxsplit=1)[0])
    found = list(_WORD.finditer(clause))
    words = [m[0].lower() for m in found]
    if len(words) < _LEAST or (sign == ":" and ";" in rest):
        return False
    is_final = sign in {";", "so"}
    if is_final and (words[0] in _IMPERATIVES or (words[0] in {"if", "when"} and "," in rest)):
        return True
    verb = next((i for i, word in enumerate(words) if word in _VERBS), -1)
    is_headed = not clause[:1].isdigit() and words[0] in _DEPENDENT - (_PLACING if is_final or sign == "but" else _NONE)
    if verb < (not clause[:1].isdigit()) or verb > (_FURTHER if is_final else _FAR) or is_headed:
        return False
    if is_final:
        return True
    if verb and all(word.endswith("ly") for word in words[:verb]):
        return False  # "but usually occurs": no subject
    is_late = "," in clause[: found[verb].start()]
    return not is_late and (sign in {"because", "topic"} or _REACHING.isdisjoint(words))


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _capitalised(sentence: str) -> str:
    """With a capital, unless the first word keeps its own letters: aPTT, mRNA, p<0.05."""
    return sentence[:1].upper() + sentence[1:] if re.match(r"(?:a|[a-z]{2,})(?![\w<>=])", sentence) else sentence
