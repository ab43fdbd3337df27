"""True sentences said in another way, by program: what a verifier must not refuse.

The counterpart of ``eval.alterations``: typography, units, spelling, another name of the same thing, a parenthesis that
only repeats. Where there is nothing to reword it gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from eval.alterations import Altered
from rag.language.lexicon import Lexicon, Mention

#: The same quantity in another way, as (what stands there, what may stand there).
_UNITS = (
    (r"(?<=\d)(\s?)mcg\b", r"\1µg"), (r"(?<=\d)(\s?)µg\b", r"\1mcg"), (r"(?<=\d)\s?%", " per cent"),
    (r"(?<=\d)(\s?mg)/day\b", r"\1 daily"), (r"\bat least (?=\d)", "≥"), (r"≥\s?(?=\d)", "at least "),
    (r"(?<=[\s(])<\s?(?=\d)", "less than "), (r"(?<=[\s(])>\s?(?=\d)", "more than "),
    (r"(?<=\d)(\s)hours\b", r"\1h"), (r"(?<=\d)-(?=\d+\s?(?:mg|mL|days|weeks|%))", " to "),
)  # fmt: skip
_SPELLINGS = (
    (r"\b([Hh])aem", r"\1em"), (r"\b([Hh])emo(?=[glrsd])", r"\1aemo"), (r"isation\b", "ization"),
    (r"(?<=[a-z]{3})ised\b", "ized"), (r"tumour", "tumor"), (r"tumor\b", "tumour"), (r"\bpaediatric", "pediatric"),
    (r"\boedema", "edema"), (r"\banaemia", "anemia"), (r"\bdiarrhoea", "diarrhea"),
)  # fmt: skip
_DASHES = str.maketrans({"–": "-", "-": "‑", "×": "x", "µ": "μ", "≥": "⩾", "≤": "⩽", " ": " "})
#: Kinds of things of which another name may be used.
_NAMED = frozenset({"drug", "condition", "test"})


def rewordings(sentence: str, lexicon: Lexicon, names: Mapping[str, str]) -> Iterator[Altered]:
    """One true variant of each kind that the sentence allows. ``names``: by concept, what else it is called."""
    for kind, reworded in (
        ("typography", sentence.translate(_DASHES)),
        ("unit", _first(sentence, _UNITS)),
        ("spelling", _first(sentence, _SPELLINGS)),
        ("name", _name(sentence, lexicon, names)),
    ):
        if reworded and reworded != sentence:
            yield Altered(kind, reworded)


def other_names(lexicon: Lexicon) -> dict[str, str]:
    """For each concept the first form, of one word or more, that is not its own name and is no acronym."""
    found: dict[str, str] = {}
    for form, concept in lexicon.forms.items():
        name = " ".join(form)
        if name != concept and not name.isdigit() and len(name) > 5 and lexicon.kind(concept) in _NAMED:
            found.setdefault(concept, name)
    return found


def _first(sentence: str, table: tuple[tuple[str, str], ...]) -> str | None:
    """The first row of a table that finds something, at the first place where it does."""
    for pattern, other in table:
        reworded = re.sub(pattern, other, sentence, count=1)
        if reworded != sentence:
            return reworded
    return None


def _name(sentence: str, lexicon: Lexicon, names: Mapping[str, str]) -> str | None:
    """The first thing that is written by its own name is called by another one."""
    for mention in lexicon.mentions(sentence):
        other = names.get(mention.concept)
        if other and _is_by_name(sentence, mention):
            return sentence[: mention.start] + other + sentence[mention.end :]
    return None


def _is_by_name(sentence: str, mention: Mention) -> bool:
    return sentence[mention.start : mention.end] == mention.concept
