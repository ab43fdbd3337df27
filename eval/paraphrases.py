"""Quotes said honestly in other words, by program: what a language model makes of them when it keeps to them.

Beyond ``eval.rewordings``, which change how a word is written: words of the same meaning and strength, the source named
first, a parenthesis or a last clause left out, a phrase moved to the end, two quotes in one statement, and several of
these at once. Whatever limits, denies or hedges stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from eval.alterations import Altered
from eval.rewordings import rewordings
from rag.language.lexicon import Lexicon

_WHO = r" (?:with|who|whose|on|in|at|without|receiving|taking|given|under|older)\b"
#: Words, and others that say the same as firmly.
_WORDS = (
    (rf"(?<=[\d.:;,] )patients(?={_WHO})", "people"), (rf"\bpeople(?={_WHO})", "patients"),
    (r"\babout (?=\d)", "approximately "),
    (r"\bbecause\b", "since"), (r"\bis reduced to\b", "is lowered to"), (r"\bstart (?=\w+ at)", "begin "),
    (r"\bgive (?=\d|vitamin|fresh)", "administer "), (r"\bcompared with\b", "versus"), (r"\bversus\b", "compared with"),
    (r"\bbefore\b", "prior to"), (r"\bafter\b", "following"), (r"(?<=label )gives (?=\d)", "lists "),
    (r"(?<=table )lists\b", "gives"),
    (r"\ballows\b", "permits"), (r"\bcan cause\b", "may cause"), (r"\brose\b", "increased"),
    (r"\braises\b", "increases"), (r"\bfell\b", "decreased"), (r"\bfalls\b", "decreases"),
    (r"\bhaemorrhage\b", "bleeding"), (r"(?<=major )bleeding\b", "haemorrhage"), (r"\busually\b", "generally"),
    (r"\bwhereas\b", "while"), (r"\boccurred in\b", "was seen in"), (r"\bsuggests (?!against)", "proposes "),
    (r"\bpreferred\b", "favoured"), (r"\b([Dd])o not\b", r"\1on't"), (r"\bdoes not\b", "doesn't"),
    (r"\btwice daily\b", "twice a day"), (r"\bonce daily\b", "once a day"), (r"\bshould be\b", "ought to be"),
    (r"(?<![\d.,–-])\b3 (?=days|weeks|months)", "three "), (r"(?<![\d.,–-])\b5 (?=days|weeks|years)", "five "),
    (r"\bneeds\b", "calls for"), (r"\bnot supported by\b", "not backed by"), (r"\bimpairment\b", "dysfunction"),
    (r"\bshowed\b", "found"), (r"\bstop(?=\s)", "discontinue"), (r"\bolder than (?=\d)", "over "),
    (r"\bwas associated with\b", "was linked to"), (r"\bare associated with\b", "are linked to"),
    (r"\bhigh risk of\b", "high risk for"), (r"\bsimilar\b", "comparable"), (r"\bchoose\b", "select"),
    (r"\btreatment of\b", "therapy of"), (r"\bincluding\b", "among them"), (r"\blonger than (?=\d)", "more than "),
)  # fmt: skip
#: A source's name that stands before a colon.
_LABELLED = re.compile(r"^((?:The )?(?:US|UK|French|German|EU|Australian|FDA) (?:labels?|labelling|SmPC)): (?=\w)")
_DATED = re.compile(r"^((?:[A-Z]{2,8})(?: SSC)? (?:19|20)\d\d): (?=\w)")
_SAYS = re.compile(r"^((?:[A-Z]{2,8})(?: SSC)?) ((?:19|20)\d\d) (suggests|recommends) ")
#: What only says of what is before it who found it, or how it is called for short.
_ASIDE = re.compile(r" \((?:[A-Z][\w.]+(?: (?:and|et al\.?|&) ?[A-Z]?\w*)? (?:19|20)\d\d|[A-Z][A-Za-z0-9/-]{1,9})\)")
_FIRST = re.compile(r"^(In|After|For|During|Before|With) ((?:(?! the )[^,;:()]){8,60}), ([^,;:]+)\.$")
_BECAUSE = re.compile(r"^([^,;:()]{20,}) because ([^,;:]{15,})\.$")
_LIMITS = re.compile(
    r"\b(?:but|however|except|unless|only|not|no|although|though|if|until|these|this|it|its|they|such|while|then|otherwise)\b",
    re.IGNORECASE,
)
_KINDS = {"guideline": "guideline", "drug_label": "drug label", "systematic_review": "systematic review",
          "rct": "randomised trial", "cohort": "cohort study", "case_control": "case-control study",
          "case_series": "case series", "case_report": "case report", "narrative_review": "review"}  # fmt: skip
#: Longest statement that a model may write, with room for what is put before it.
_LONGEST = 560


class Paraphrases:
    """Says quotes in other words. Deterministic by ``chance``, which is drawn from."""

    def __init__(self, lexicon: Lexicon, names: Mapping[str, str], chance: Random) -> None:
        self._lexicon, self._names, self._chance = lexicon, names, chance

    def of(self, quote: str, sources: Sequence[Mapping[str, Any]]) -> list[Altered]:
        """One of each kind that the quote allows; none are its own words.

        Args:
            sources: what its sources are, as a model is told.
        """
        ways: dict[str, Callable[[str], str | None]] = {
            "words": self._words,
            "label": label,
            "source": lambda text: named(text, sources),
            "parenthesis": parenthesis,
            "order": reordered,
            "clause": first_clause,
        }
        found = [*rewordings(quote, self._lexicon, self._names)]
        found += [Altered(kind, text) for kind, way in ways.items() if (text := way(quote))]
        if several := self._several(quote):
            found.append(Altered("several", several))
        return [Altered(kind, text) for kind, text in found if text != quote and len(text) <= _LONGEST]

    def joined(self, one: str, other: str) -> Altered | None:
        """Two quotes as one statement; None if that is too long, or one has several clauses that would be mixed up."""
        if len(one) + len(other) > _LONGEST or ";" in one + other:
            return None
        first = (self._words(one) or one).rstrip(".")
        mark = self._chance.choice(("; ", ". "))
        return Altered("joined", f"{first}{mark}{other if mark == '. ' else _lowered(other)}")

    def closer(self, quote: str) -> Altered:
        """As near to the quote as other words go: what a model writes that was told to keep to it."""
        found = [*rewordings(quote, self._lexicon, self._names)]
        near = [f for f in found if f.kind in ("typography", "spelling")] + [Altered("quote", quote)]
        return self._chance.choice(near)

    def _words(self, text: str) -> str | None:
        """One or two words of the table are replaced."""
        fitting = [row for row in _WORDS if re.search(row[0], text)]
        chosen = self._chance.sample(fitting, min(len(fitting), self._chance.choice((1, 1, 2))))
        for pattern, other in chosen:
            text = re.sub(pattern, other, text, count=1)
        return text if chosen else None

    def _several(self, quote: str) -> str | None:
        """Words, the label, a parenthesis and how things are written, as many as there are; None below two."""
        text, changes = quote, 0
        for way in (label, parenthesis, self._words, self._written):
            if other := way(text):
                text, changes = other, changes + 1
        return text if changes > 1 else None

    def _written(self, text: str) -> str | None:
        found = [*rewordings(text, self._lexicon, self._names)]
        return self._chance.choice(found).text if found else None


def label(quote: str) -> str | None:
    """ "US label: …" as "According to the US label, …", and "ASH 2018 suggests" as what its guideline suggests."""
    if match := _LABELLED.match(quote):
        name = match[1].removeprefix("The ")
        return f"According to {'' if name.endswith('labelling') else 'the '}{name}, {_lowered(quote[match.end() :])}"
    if match := _DATED.match(quote):
        return f"According to {match[1]}, {_lowered(quote[match.end() :])}"
    if match := _SAYS.match(quote):
        return f"The {match[1]} guideline of {match[2]} {match[3]} {quote[match.end() :]}"
    return None


def named(quote: str, sources: Sequence[Mapping[str, Any]]) -> str | None:
    """With its only source named before it, by kind, body and year, where the quote does not itself begin with one."""
    if len(sources) != 1 or label(quote) or quote[:40].count(":"):
        return None
    source = sources[0]
    kind, body, year = _KINDS.get(str(source.get("kind"))), source.get("body"), source.get("year")
    if not kind or not year:
        return None
    whose = f" of the {body}" if body and "/" not in body else ""
    return f"According to a {year} {kind}{whose}, {_lowered(quote)}"


def parenthesis(quote: str) -> str | None:
    """Without the first parenthesis that only names who wrote, or what the words before it are called for short."""
    for match in _ASIDE.finditer(quote):
        inside = match[0].strip(" ()")
        is_dated = re.search(r"\d{4}$", inside) is not None
        if is_dated or (quote.count(inside) == 1 and _is_short_for(inside, quote[: match.start()])):
            return quote[: match.start()] + quote[match.end() :]
    return None


def _is_short_for(abbreviation: str, before: str) -> bool:
    """Whether one of the last words, as many as it has letters, begins as it does."""
    last = re.findall(r"[A-Za-z]+", before)[-len(abbreviation) :]
    return before[-1].isalpha() and any(word[0].lower() == abbreviation[0].lower() for word in last)


def reordered(quote: str) -> str | None:
    """A phrase or a cause that stands first stands last, and the other way."""
    if match := _FIRST.match(quote):
        return f"{match[3][0].upper()}{match[3][1:]} {match[1].lower()} {match[2]}."
    if match := _BECAUSE.match(quote):
        return f"Because {match[2]}, {_lowered(match[1])}."
    return None


def first_clause(quote: str) -> str | None:
    """Without the last of its clauses, where that neither limits the others nor goes on with them."""
    before, mark, last = quote.rpartition("; ")
    is_whole = before.count("(") == before.count(")")
    return f"{before}." if mark and is_whole and len(before) > 40 and not _LIMITS.search(last) else None


def _lowered(text: str) -> str:
    """With a small letter first, unless it begins with a name or an abbreviation."""
    word = re.split(r"[\s,-]", text, maxsplit=1)[0]
    is_common = (word[1:].islower() and word in _COMMON) or len(word) == 1
    return text[0].lower() + text[1:] if is_common else text


_COMMON = frozenset(
    """
    A An The In After For During Before With To If When Because Since Between Published There Experts Thrombocytopenia
    Argatroban Bivalirudin Fondaparinux Danaparoid Rivaroxaban Apixaban Edoxaban Dabigatran Warfarin Heparin Start Do
    Avoid Give Stop Use Intravenous Anticoagulation Treatment Groin Any Conservative Recent Haemodialysis Buprenorphine
    Guidelines Choice Regulatory Each Both Patients People Adults Women Men Most Many Some No
    """.split()
)
