"""Words that exclude one another: acute and chronic, men and women, mg and mcg, normal and abnormal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.answer.condensing import Reason
from rag.answer.pool import Pool
from rag.answer.reading import Reading

#: Words of which evidence that says one does not say another. First column: what it means to mix them up.
_CONTRASTS: tuple[tuple[str, str], ...] = (
    ("population", "men|male / women|female / children|child|paediatric|neonate|infant|newborn / adult|adults"),
    ("population", "mice / rats / rabbits / humans"),
    ("population", "acute / chronic / subacute / remote / delayed"),
    ("population", "mild / moderate / severe|advanced"),
    ("population", "renal|kidney / hepatic|liver / cardiac|heart / pulmonary|lung"),
    ("population", "arterial / venous"),
    ("population", "symptomatic / asymptomatic"),
    ("population", "suspected / confirmed"),
    ("population", "inguinal / femoral / umbilical"),
    ("population", "pregnant / nonpregnant"),
    ("population", "critically / stable|clinically"),
    ("population", "primary / secondary"),
    ("population", "provoked / unprovoked"),
    ("population", "major / minor"),
    ("population", "treated / untreated"),
    ("population", "inpatient / outpatient"),
    ("population", "older|elderly / younger|young"),
    ("population", "diabetic|diabetes / hypertensive|hypertension / obese|obesity"),
    ("population", "refractory / newly"),
    ("negation", "above / below"),
    ("unit", "mg|milligram|milligrams / mcg|µg|microgram|micrograms / g|gram|grams"),
    ("order", "before / after / during"),
    ("order", "first / second / third / last"),
    ("order", "daily / weekly / monthly / hourly"),
    ("negation", "positive / negative"),
    ("negation", "higher|high|raised|elevated / lower|low|reduced"),
    ("negation", "increase|increases|increased / decrease|decreases|decreased / unchanged"),
    ("negation", "more|greater|commoner|longer / less|fewer|rarer|shorter / similar|same|equal"),
    ("negation", "better|improved / worse|worsened"),
    ("negation", "rise|rises|rose|rising / fall|falls|fell|falling|drops|dropped"),
    (
        "negation",
        "start|starting|started|begin|continue|continuing|continued / stop|stopping|stopped|discontinue|withhold",
    ),
    ("negation", "safe / unsafe|dangerous|harmful"),
    ("negation", "effective / ineffective"),
    ("negation", "appropriate / inappropriate"),
    ("negation", "likely / unlikely"),
    ("negation", "reliable / unreliable"),
    ("negation", "reversible / irreversible"),
    ("negation", "possible / impossible"),
    ("negation", "common|frequent / uncommon|rare|infrequent"),
    ("negation", "accept|allowed|allows|allow|permitted / prohibited|prohibits|forbidden"),
    ("negation", "some|few / all|every|always / none|never"),
    ("drug", "intravenous|intravenously / oral|orally / subcutaneous|subcutaneously / intramuscular / sublingual"),
    ("drug", "loading / maintenance"),
    ("drug", "bolus / infusion"),
)


def _grouped(kinds: Sequence[tuple[str, str]]) -> dict[str, list[tuple[str, int, int]]]:
    table: dict[str, list[tuple[str, int, int]]] = {}
    for group, (kind, row) in enumerate(kinds):
        for side, words in enumerate(row.split("/")):
            for word in words.strip().split("|"):
                table.setdefault(word.strip(), []).append((kind, group, side))
    return table


#: (kind, group, side) of each word of the table.
SIDES = _grouped(_CONTRASTS)
_REVERSING = ("un", "in", "im", "ir", "ab", "non", "dis", "a")


def contrasts(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Acute for chronic, men for women, higher for lower: the evidence has the other word only.

    Words of a name do not count where the evidence names the same thing: "liver cirrhosis" is cirrhosis.
    """
    theirs = {(g, side) for r in pool.readings for a in r.atoms for _, g, side in SIDES.get(a.key, ())}
    groups, named = {g for g, _ in theirs}, pool.named(statement)
    for i, atom in enumerate(statement.atoms):
        for kind, group, side in SIDES.get(atom.key, ()):
            if i not in named and group in groups and (group, side) not in theirs:
                yield Reason(kind, f"{statement.written(i, i)} is otherwise in the evidence")
    yield from _reversed(statement, pool)


def _reversed(statement: Reading, pool: Pool) -> Iterator[Reason]:
    """Abnormal for normal, unprovoked for provoked."""
    words, named = pool.keys(), pool.named(statement)
    for i, atom in enumerate(statement.atoms):
        word = atom.key
        if i not in named and atom.term and word not in words and len(word) > 5:
            bare = {word.removeprefix(p) for p in _REVERSING if word.startswith(p)}
            if any(b in words for b in bare) or any(p + word in words for p in _REVERSING):
                yield Reason("negation", f"{statement.written(i, i)} is otherwise in the evidence")
