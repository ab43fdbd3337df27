"""Yes or no: which way the sentences that are heard for a question lean: the nearest, or the nearest abstract's.

Each sentence is told by signs in its words (denials, no differences, directions against that of the question) and by
how much nearer its vector is to "There is no evidence that …" than to "It is confirmed that …" with the question's
words. The signs of what is heard, weighted by how near each sentence is to the question or to the end of its abstract,
go into a logistic model, in ``yes_no.json`` with what it was trained on; ``python -m eval.training.yes_no`` makes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answer.question import Query
from rag.answer.select import Candidate
from rag.domain import Decision
from rag.errors import EncoderError
from rag.index.encoder import Encoder
from rag.language.lexicon import tokens
from rag.language.polarity import Stance
from rag.language.terms import STOP_WORDS, stem

MODEL = Path(__file__).with_name("yes_no.json")
FEATURES = (
    "denials beside it", "no difference beside it", "denials", "no difference", "same direction", "other direction",
    "opposite", "hedged", "associated", "up", "down", "asks for up", "asks for down", "up, and no difference",
    "down, and no difference", "no evidence", "not the case", "not", "asks with a denial", "denials of a denial",
)  # fmt: skip
#: So many of the nearest sentences are heard, a sentence ``_TEMPER`` further away e times less. Of 5 to 16
#: and .15 to 2 these gave the best macro-F1 on BioASQ's development half, with a model of other data.
HEARD, _TEMPER = 8, 1.0
#: A source with so many sentences near the question is an abstract, which is heard whole, its end most: a sentence so
#: many further from the end e times less. Its beginning does not tell what was found. The area under the ROC curve is
#: .656 instead of .568 on PubMedQA, whose abstracts lack their conclusions, and .793 instead of .791 on BioASQ's
#: development half, of which a fifth is changed.
HEARD_WHOLE, _TOWARDS_END = range(4, 31), 3.0
#: Sentences surer than this of the other side, beside sure ones of the first, make evidence mixed.
_SURE = 0.25

_ASKS = re.compile(
    r"^(?:is|are|was|were|do|does|did|can|could|has|have|had|should|may|might|must|will|would)\s+"
    r"(?:there\s+)?(?:any\s+|an?\s+)?",
    re.IGNORECASE,
)
_DENIED, _CONFIRMED = "There is no evidence that {}", "It is confirmed that {}"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


_DENIALS = _words(
    r"no|not|n[o']t|cannot|neither|nor|without|never|none|lack(?:s|ed|ing)?|absence|absent|fail(?:s|ed|ure)?(?: to)?|"
    r"unable|unlikely|negative|refut\w+|insufficient|does ?n[o']t|did ?n[o']t|independent of|unrelated|unaffected|"
    r"unchanged|ineffective|inactive|instead|rather than|contrary|except|(?:recommend|advis|suggest)\w* against|"
    r"avoid(?:ed|ing)?|contraindicated|withdrawn"
)
_NO_DIFFERENCE = _words(
    r"no (?:\w+ ){0,3}(?:difference|effect|association|correlation|evidence|benefit|relationship|change|impact|"
    r"influence|improvement|increase|reduction|role|significant)\w*|"
    r"not (?:\w+ ){0,2}(?:significant\w*|associated|differ\w*|effective|affect\w*|improve\w*|reduce\w*|increase\w*|"
    r"influence\w*|correlat\w*|support\w*|recommended|required|necessary|superior|related|predict\w*|different)|"
    r"(?:recommend|advis|suggest)\w* against|contraindicated|did not|does not|do not|similar|comparable|equivalent|"
    r"failed to|n\.?s\.?|p ?= ?0?\.[1-9]\d*"
)
_UP = _words(
    r"increas\w+|higher|greater|elevat\w+|improv\w+|enhanc\w+|more|better|promot\w+|stimulat\w+|activat\w+|"
    r"up-?regulat\w+|induc\w+|rais\w+|ris\w+|superior|longer|effective\w*|benefi\w+|efficac\w+|successful\w*|useful|"
    r"safe\w*|feasible|favou?r\w*|accura\w+|reliable"
)
_DOWN = _words(
    r"decreas\w+|lower\w*|reduc\w+|less|worse\w*|inhibit\w+|suppress\w*|down-?regulat\w+|attenuat\w+|prevent\w*|"
    r"impair\w+|diminish\w*|declin\w+|fewer|poor\w*|shorter|block\w*|protect\w*|inferior|loss|deficien\w+|adverse|"
    r"toxic\w*|harm\w*|limited"
)
_ASSOCIATED = _words(
    r"associat\w+|correlat\w+|link\w*|relat\w+|predict\w*|cause[sd]?|causing|contribut\w+|role|involv\w+|implicat\w+|"
    r"mediat\w+|approved|demonstrat\w+|confirm\w+|support\w*|evidence|significant\w*"
)
_HEDGED = _words(
    r"may|might|could|possib\w+|unclear|unknown|inconclusive|conflicting|controvers\w+|limited|"
    r"further (?:studies|research|investigation)|remain\w*|suggest\w*|potential\w*|uncertain|not known|debat\w+|"
    r"however|although|but"
)
#: Beginnings of stems of which one denies the other.
_OPPOSITES = (
    ("increas", "decreas"), ("increas", "reduc"), ("higher", "lower"), ("better", "poor"), ("better", "wors"),
    ("good", "poor"), ("resist", "suscept"), ("resist", "sensit"), ("activ", "inhibit"), ("activ", "inactiv"),
    ("benign", "malign"), ("gain", "loss"), ("positiv", "negativ"), ("promot", "inhibit"), ("promot", "suppress"),
    ("upregul", "downregul"), ("hyper", "hypo"), ("acut", "chronic"), ("earli", "late"), ("long", "short"),
    ("male", "femal"), ("safe", "harm"), ("protect", "risk"), ("protect", "harm"), ("agonist", "antagonist"),
    ("domin", "recess"), ("extracellular", "intracellular"), ("common", "rare"), ("essenti", "dispens"),
    ("superior", "inferior"), ("enhanc", "reduc"), ("enhanc", "impair"), ("improv", "wors"), ("improv", "impair"),
    ("less", "more"), ("overexpress", "underexpress"), ("stabil", "destabil"), ("adult", "children"),
)  # fmt: skip
_CLAUSE = re.compile(r"[;:]|,\s(?:but|whereas|while|although|and|however)\s|\s(?:but|whereas|while|although)\s")

#: What is asked whether there is any of: up to three words before what tells more of it.
_EXISTS = re.compile(
    r"(?:is|are) there (?:(?:any|an?|some|currently|already)\s+)*(?P<what>[\w-]+(?:\s+(?!(?:for|of|in|to|that|which|"
    r"between|with|on|against|from|by|who|about|available|known)\b)[\w-]+){0,2})",
    re.IGNORECASE,
)
#: Nouns that sentences which answer the question need not have.
_ABSTRACT = _words(
    r"need|place|differences?|benefits?|effects?|risks?|reasons?|ways?|changes?|correlations?|influences?|"
    r"advantages?|indications?|consensus|relationships?|connections?|interactions?|increases?|decreases?|impact"
)

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]


def asserted(question: str) -> str:
    """What a question asks whether it is so, without the verb and the mark it is asked with."""
    text = question.strip().rstrip("?").strip()
    before, colon, after = text.rpartition(":")
    if colon and _ASKS.match(after.strip()):
        text = f"{after.strip()} {before.strip()}"
    return _ASKS.sub("", text)


def probes(question: str) -> list[str]:
    """Texts of which the vectors are compared with those of sentences; see ``leans``."""
    said = asserted(question)
    return [said, _DENIED.format(said), _CONFIRMED.format(said), f"{said} is not the case", f"not {said}"]


def leans(probe_vectors: Vectors, vectors: Vectors) -> Floats:
    """How much nearer sentences are to what denies the question: shape (sentences, 3).

    Args:
        probe_vectors: of ``probes``, shape (5, d), unit vectors.
        vectors: of the sentences, shape (sentences, d), unit vectors.
    """
    said, denied, confirmed, not_the_case, negated = probe_vectors
    found: Floats = (vectors @ np.stack([denied - confirmed, not_the_case - said, negated - said]).T).astype(np.float64)
    return found


class Asked(NamedTuple):
    """A question as sentences are held against it."""

    text: str
    stems: frozenset[str]
    content: frozenset[str]

    @classmethod
    def read(cls, question: str) -> Asked:
        words = [t.key for t in tokens(question)]
        return cls(question, frozenset(map(stem, words)), frozenset(stem(w) for w in words if w not in STOP_WORDS))


def signs(asked: Asked, sentence: str, lean: Sequence[float]) -> list[float]:
    """The features of one sentence, in the order of ``FEATURES``; ``lean`` is its row of ``leans``."""
    beside = max(
        (clause for clause in _CLAUSE.split(sentence) if clause.strip()),
        key=lambda clause: len(asked.content & _stems(clause)),
        default=sentence,
    )
    count = {name: len(p.findall(beside)) for name, p in (("up", _UP), ("down", _DOWN), ("none", _NO_DIFFERENCE))}
    denials = len(_DENIALS.findall(beside))
    up, down = float(bool(_UP.search(asked.text))), float(bool(_DOWN.search(asked.text)))
    asks_denial = float(bool(_DENIALS.search(asked.text)))
    same = up * min(1, count["up"]) + down * min(1, count["down"])
    other = up * min(1, count["down"]) * (not count["up"]) + down * min(1, count["up"]) * (not count["down"])
    return [
        min(denials, 2), min(count["none"], 2), min(len(_DENIALS.findall(sentence)), 3),
        min(len(_NO_DIFFERENCE.findall(sentence)), 2), same, other, _opposed(asked.stems, _stems(sentence)),
        float(bool(_HEDGED.search(sentence))), min(len(_ASSOCIATED.findall(beside)), 2), min(count["up"], 2),
        min(count["down"], 2), up, down, up * bool(count["none"]), down * bool(count["none"]), *lean, asks_denial,
        asks_denial * bool(denials),
    ]  # fmt: skip


def signs_of(question: str, sentences: Sequence[str], vectors: Vectors, encoder: Encoder) -> Floats:
    """The features of sentences, shape (sentences, features). Embeds five short texts.

    Args:
        vectors: of the sentences, by ``encoder``, shape (sentences, d).
    """
    asked, lean = Asked.read(question), leans(encoder.encode(probes(question)), vectors)
    return np.array([signs(asked, text, row) for text, row in zip(sentences, lean.tolist(), strict=True)])


def _stems(text: str) -> set[str]:
    return {stem(t.key) for t in tokens(text)}


def _opposed(asked: frozenset[str], said: set[str]) -> float:
    """Pairs of opposites of which the question has one and the sentence only the other, two at most."""

    def has(words: frozenset[str] | set[str], start: str) -> bool:
        return any(word.startswith(start) for word in words)

    found = sum(
        has(asked, one) and not has(asked, other) and has(said, other) and not has(said, one)
        for pair in _OPPOSITES
        for one, other in (pair, pair[::-1])
    )
    return float(min(found, 2))


def weights(scores: Sequence[float]) -> Floats:
    """How much each sentence is heard, 1 together: by how far its score is below the best."""
    found: Floats = np.exp((np.array(scores) - max(scores)) / _TEMPER)
    shares: Floats = found / found.sum()
    return shares


class Model(NamedTuple):
    """A logistic regression on standardised features; at ``even`` of its scale yes and no are equally likely."""

    mean: Floats
    scale: Floats
    coefficients: Floats
    even: float
    slope: float
    name: str

    def chance(self, values: Floats) -> Floats:
        """Of yes, in (0, 1). ``values`` in the order of ``FEATURES``, shape (features,) or (sentences, features)."""
        scores = ((values - self.mean) / self.scale) @ self.coefficients
        found: Floats = 1 / (1 + np.exp(-self.slope * (scores - self.even)))
        return found


@cache
def read_model(path: Path = MODEL) -> Model:
    """The shipped model, or another of the same form.

    Raises:
        EncoderError: the file is missing, or not of these features.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if tuple(record["features"]) != FEATURES:
            raise ValueError("it is of other features")
        mean, scale, coefficients = (np.array(record[part], np.float64) for part in ("mean", "scale", "coefficients"))
        return Model(mean, scale, coefficients, float(record["even"]), float(record["slope"]), str(record["name"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"yes/no model {path}: cannot be used ({error}); train it with python -m eval.training.yes_no"
        ) from error


def heard(scored: Sequence[tuple[float, Candidate]], pool: Sequence[Candidate]) -> tuple[list[Candidate], Floats]:
    """The sentences that decide and how much each is heard, 1 together.

    Args:
        scored: sentences of ``pool`` with how well they answer, best first; at least one.
        pool: all that are near the question.
    """
    best = scored[0][1]
    own = sorted((c for c in pool if c.source.key == best.source.key), key=lambda c: c.place)
    if len(own) in HEARD_WHOLE:
        from_end = np.arange(len(own), 0, -1) / _TOWARDS_END
        shares: Floats = np.exp(-from_end) / np.exp(-from_end).sum()
        return own, shares
    near = scored[:HEARD]
    return [candidate for _, candidate in near], weights([score for score, _ in near])


class Leaning(NamedTuple):
    """Which way the evidence leans, and which way each sentence heard does: the chance of yes by sentence row."""

    decision: Decision
    chances: dict[int, float]


def leaning(
    query: Query, scored: Sequence[tuple[float, Candidate]], pool: Sequence[Candidate], encoder: Encoder
) -> Leaning | None:
    """Of what is ``heard``; None without any, or where a question whether there is something is near to sentences of
    which none names it: silence is no denial.

    Embeds five short texts.
    """
    if not scored:
        return None
    found, share = heard(scored, pool)
    if not _is_spoken_of(query.text, found):
        return None
    vectors = np.stack([candidate.vector for candidate in found])
    values = signs_of(query.text, [candidate.text for candidate in found], vectors, encoder)
    model = read_model()
    yes = float(model.chance(share @ values))
    each = model.chance(values)
    is_mixed = bool((each >= 1 - _SURE).any() and (each <= _SURE).any())
    is_yes = yes >= 0.5
    sure = round(yes if is_yes else 1 - yes, 4)
    decision = Decision(value="yes" if is_yes else "no", probability=sure, is_mixed=is_mixed)
    return Leaning(decision, {c.record.row: float(p) for c, p in zip(found, each, strict=True)})


def _is_spoken_of(question: str, heard: Iterable[Candidate]) -> bool:
    """Whether a sentence names what a question asks whether there is any of; true of other questions."""
    asked = _EXISTS.match(question)
    if not asked or _ASSOCIATED.search(asked["what"]) or _ABSTRACT.search(asked["what"]):
        return True
    named = {stem(t.key) for t in tokens(asked["what"])} - STOP_WORDS
    return any(not named.isdisjoint(c.sentence.stems) for c in heard)


_OF_STANCE = {
    Stance.FOR: "yes",
    Stance.AGAINST: "no",
    Stance.CONDITIONAL: "depends",
    Stance.ABSENT: "no_recommendation",
}


def of_stance(stance: Stance | None) -> Decision | None:
    """The decision that advice on a treatment amounts to; None where it is silent or divided."""
    value = _OF_STANCE.get(stance) if stance else None
    return Decision.model_validate({"value": value}) if value else None
