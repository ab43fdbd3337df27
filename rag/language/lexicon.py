"""Mentions of clinical concepts in text: drugs, conditions, populations, tests, procedures.

The lexicon is a hand-made table, ``rag/clinical/lexicon.tsv``; abbreviations mined from a corpus are added to it with
``extended``. Matching is by whole words, longest first, so that "heparin-induced thrombocytopenia" is no mention of
heparin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent.parent / "clinical" / "lexicon.tsv"

_WORD = re.compile(r"\w+(?:['’]s\b)?")


class Mention(NamedTuple):
    """A concept found in a text; ``text[start:end]`` is its surface form."""

    concept: str
    kind: str
    start: int
    end: int


class Concept(NamedTuple):
    name: str
    kind: str
    parents: tuple[str, ...]


class Token(NamedTuple):
    """A word with its half-open span.

    ``key`` is lower-case, without a possessive, with British spelling folded; ``form`` is that in the singular.
    """

    text: str
    key: str
    start: int
    end: int
    form: str


_SPELLING = (("haem", "hem"), ("oedema", "edema"), ("oesoph", "esoph"), ("anaem", "anem"), ("leukaem", "leukem"),
             ("glycaem", "glycem"), ("aemia", "emia"), ("paed", "ped"), ("tumour", "tumor"), ("ischaem", "ischem"),
             ("diarrhoea", "diarrhea"), ("oestr", "estr"), ("orrhag", "orrag"), ("isation", "ization"),
             ("foetal", "fetal"), ("caec", "cec"))  # fmt: skip


def folded(word: str) -> str:
    """Lower case, possessive dropped, British and American spellings made one."""
    word = word.lower().removesuffix("'s").removesuffix("’s")
    for british, american in _SPELLING:
        if british in word:
            word = word.replace(british, american)
    return word


@lru_cache(maxsize=65_536)
def _forms(word: str) -> tuple[str, str]:
    key = folded(word)
    return key, _singular(key)


def tokens(text: str) -> list[Token]:
    """Words of ``text`` in order. Hyphens and slashes separate words."""
    found = []
    for match in _WORD.finditer(text):
        word = match[0]
        key, form = _forms(word)
        found.append(Token(word, key, *match.span(), form))
    return found


#: Short acronyms that are also words or name parts in lower case, or too short to be safe.
_ALSO_WORDS = frozenset(
    """
    hit all act cat aids arms cast mods pad ram sad far map pace ape chip tips cows sofa bun lama plex als alt cad
    asa arb sti
    """.split()
)


#: What may stand before the "be" of a form in which something is done.
_AUXILIARIES = ("can", "could", "may", "might", "must", "should", "would")


def _spoken(form: str) -> list[str]:
    """A form with "be" as it is said in a sentence: "platelets be given", "platelets should not be given"."""
    what, be, done = form.partition(" be ")
    if not be:
        return [form]
    said = [*(f"{aux} be" for aux in _AUXILIARIES), *(f"{aux} not be" for aux in _AUXILIARIES), "not be", "are", "were"]
    return [form, *(f"{what} {verb} {done}" for verb in said)]


def _is_acronym(form: str) -> bool:
    """Whether a surface form is an acronym: matched by its exact case, for HIT is not hit."""
    return len(form) <= 5 and sum(c.isupper() for c in form) >= 2 and form.isalnum()


def _is_safe_in_lower_case(acronym: str) -> bool:
    return len(acronym) >= 3 and acronym.lower() not in _ALSO_WORDS


def _is_no_word(abbreviation: str) -> bool:
    """Whether it is none in lower case either: with a digit, a hyphen or a slash, or long and without a vowel."""
    letters = abbreviation.lower()
    return not letters.isalpha() or (len(letters) >= 3 and not any(c in "aeiouy" for c in letters))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Concepts and their surface forms. Immutable; ``extended`` gives a larger one."""

    concepts: Mapping[str, Concept]
    forms: Mapping[tuple[str, ...], str]
    acronyms: Mapping[str, str]
    #: Words of the longest form that starts with a word: most words start none, which decides in one step.
    longest: Mapping[str, int]

    @classmethod
    def load(cls, path: Path = TABLE) -> Lexicon:
        """The shipped table, or another of the same four columns (kind, concept, parents, synonyms)."""
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
        concepts, surface = {}, []
        for kind, name, parents, synonyms in rows[1:]:
            concepts[name] = Concept(name, kind, tuple(p for p in parents.split("|") if p))
            surface += [(said, name) for form in (name, *synonyms.split("|")) if form for said in _spoken(form)]
        return cls._indexed(concepts, surface, {}, {}, {})

    def extended(self, abbreviations: Iterable[tuple[str, str]]) -> Lexicon:
        """With pairs (abbreviation, long form) mined from a corpus.

        A long form that is known lends its concept to the abbreviation; an unknown one becomes a concept of kind
        ``term``. An abbreviation that the table already knows keeps the table's meaning. What a corpus abbreviates may
        be a word in lower case ("ARe", "iN", "CELL"), so that case counts unless it can be none.
        """
        new = [(s, long) for s, long in abbreviations if s not in self.acronyms and _keys(s) not in self.forms]
        if not new:
            return self
        concepts, surface, acronyms = dict(self.concepts), [], dict(self.acronyms)
        for short, long in new:
            name = self.forms.get(_keys(long)) or self._concept_in(long) or long.lower()
            concepts.setdefault(name, Concept(name, "term", ()))
            surface.append((long, name))
            acronyms.setdefault(short, name)
            if _is_no_word(short):
                surface.append((short, name))
        return self._indexed(concepts, surface, dict(self.forms), acronyms, dict(self.longest))

    def _concept_in(self, long: str) -> str | None:
        found = self.mentions(long)
        whole = [m for m in found if m.start == 0 and m.end == len(long)]
        return whole[0].concept if whole else None

    @classmethod
    def _indexed(cls, concepts: dict[str, Concept], surface: list[tuple[str, str]],
                 forms: dict[tuple[str, ...], str], acronyms: dict[str, str],
                 longest: dict[str, int]) -> Lexicon:  # fmt: skip
        for form, name in surface:
            if _is_acronym(form):
                acronyms.setdefault(form, name)
            if not _is_acronym(form) or _is_safe_in_lower_case(form):
                keys = _keys(form)
                forms.setdefault(keys, name)
                if keys:
                    longest[keys[0]] = max(len(keys), longest.get(keys[0], 0))
        return cls(concepts, forms, acronyms, longest)

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Mentions in order of appearance; they do not overlap, the longest at each place wins."""
        return self.mentions_in(tokens(text))

    def mentions_in(self, words: Sequence[Token]) -> tuple[Mention, ...]:
        """``mentions`` of a text that was cut into words already."""
        found, i = [], 0
        forms = [w.form for w in words]
        while i < len(words):
            size, name = self._longest_at(words, forms, i) if forms[i] in self.longest else (1, None)
            name = name or self._acronym(words[i].text)
            if name:
                found.append(Mention(name, self.concepts[name].kind, words[i].start, words[i + size - 1].end))
            i += size
        return tuple(found)

    def _longest_at(self, words: Sequence[Token], forms: list[str], i: int) -> tuple[int, str | None]:
        for size in range(min(self.longest[forms[i]], len(words) - i), 0, -1):
            name = self.forms.get(tuple(forms[i : i + size]))
            if name:
                return size, name
        return 1, None

    def _acronym(self, word: str) -> str | None:
        if word.islower():
            return None
        return self.acronyms.get(word) or self.acronyms.get(_singular(word))

    @cached_property
    def words(self) -> frozenset[str]:
        """All folded words that occur in surface forms."""
        return frozenset(word for form in self.forms for word in form) | {a.lower() for a in self.acronyms}

    @cached_property
    def single_words(self) -> dict[str, list[str]]:
        """Surface forms of one long word of a drug or condition, by their first letter: what typing errors aim at."""
        found: dict[str, list[str]] = {}
        for form, name in sorted(self.forms.items()):
            if len(form) == 1 and len(form[0]) >= 6 and self.concepts[name].kind in {"drug", "drug_class", "condition"}:
                found.setdefault(form[0][0], []).append(form[0])
        return found

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        return {}

    def ancestors(self, concept: str) -> frozenset[str]:
        """All broader concepts, without the concept itself."""
        if concept not in self.concepts:
            return frozenset()
        if concept not in self._above:
            parents = [p for p in self.concepts[concept].parents if p in self.concepts]
            self._above[concept] = frozenset(parents).union(*(self.ancestors(p) for p in parents))
        return self._above[concept]

    def narrowest(self, concepts: Iterable[str]) -> list[str]:
        """``concepts`` without repeats and without those that are broader than another of them."""
        named = list(dict.fromkeys(concepts))
        return [c for c in named if not any(c in self.ancestors(other) for other in named)]

    def parents(self, concept: str) -> tuple[str, ...]:
        """The next broader concepts."""
        return self.concepts[concept].parents if concept in self.concepts else ()

    def is_a(self, concept: str, broader: str) -> bool:
        """Whether ``concept`` is ``broader`` or one of its kinds."""
        return concept == broader or broader in self.ancestors(concept)

    def kind(self, concept: str) -> str:
        return self.concepts[concept].kind if concept in self.concepts else "term"


def _keys(form: str) -> tuple[str, ...]:
    return tuple(t.form for t in tokens(form))
