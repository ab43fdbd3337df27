"""Which way a text says that things go: more, less or no change, well or badly.

Wider than the cues of ``rag.language.polarity``, which guard words that stand still: research says in a hundred ways
that something rises, falls or stays, and a statement in other words is for its evidence or against it by that.
"""

from __future__ import annotations

from typing import NamedTuple

from rag.answer.reading import Reading
from rag.language.polarity import PhraseTable, Row

#: (kind, way, phrases) as in ``polarity``. Kinds: what happens to a quantity, and what it is worth.
WAYS: tuple[Row, ...] = (
    ("way", "up",
     "increase* | increasingly | raise* | rise | rises | rose | rising | higher | highest | more | most | greater | "
     "greatest | larger | longer | elevate* | elevation | elevations | enhance* | enhancement | promote* | promotion "
     "| stimulate* | stimulation | induce* | induction | activate* | activation | upregulate* | upregulation | up "
     "regulate* | accelerate* | augment* | amplify | amplifies | amplified | exacerbate* | exacerbation | aggravate* "
     "| gain* | excess | predispose* | trigger* | potentiate* | boost* | elicit* | facilitate* | contribute* | drive "
     "| drives | driven | risk factor | risk factors | at risk | vulnerable | susceptible | cause* | lead to | leads "
     "to | led to | result in | results in | resulted in | faster | earlier | positively | positive association | "
     "positive correlation"),
    ("way", "down",
     "decrease* | lower | lowers | lowered | lowering | lowest | fewer | fewest | less | least | reduce* | reduction "
     "| reductions | decline* | diminish* | inhibit* | inhibition | suppress* | suppression | prevent* | prevention "
     "| block* | blockade | attenuate* | attenuation | downregulate* | downregulation | down regulate* | impair* | "
     "impairment | protect* | protective | protection | delay* | shorter | shorten* | smaller | loss | lose | loses "
     "| lost | deplete* | depletion | abolish* | abrogate* | weaken* | slow* | ameliorate* | alleviate* | relieve* | "
     "relief | antagonize* | antagonise* | counteract* | restrict* | restrain* | eliminate* | elimination | destroy* "
     "| deficient | deficiency | reverse* | reversal | mitigate* | minimize* | minimise* | curb* | kill* | "
     "inactivate* | negatively | inverse | inversely | negative association | negative correlation"),
    ("way", "same",
     "no difference | no differences | no effect | no effects | no significant | not significant | not significantly "
     "| similar | similarly | unchanged | comparable | did not differ | not differ | not different | not associated "
     "| no association | not correlate | no correlation | equal | equally | equivalent | unaffected | no change | no "
     "changes | no impact | no influence | independent of | independently of | irrespective | regardless | not "
     "related | unrelated | non significant | nonsignificant | not affect | not change | not alter | not influence | "
     "no role | no benefit | no evidence | no link | same"),
    ("way", "",
     "more than | less than | at least | at most | no less than | no more than | more or less"),
    ("worth", "good",
     "effective | effectively | efficacious | efficacy | efficient | improve* | improvement | improvements | "
     "benefit* | beneficial | useful | helpful | superior | better | best | safe | safely | success | successful | "
     "successfully | recover* | recovery | cure* | well tolerated | favorable | favourable | promising | advantage | "
     "advantageous | feasible | reliable"),
    ("worth", "bad",
     "ineffective | inefficient | worse | worsen* | worst | harm* | harmful | toxic | toxicity | fail* | failure | "
     "poor | poorly | poorer | inferior | dangerous | unsafe | adverse | adversely | useless | detrimental | "
     "deleterious | unfavorable | unfavourable | severe | severity | fatal | unreliable | dysfunction"),
    ("doubt", "doubt",
     "unclear | unknown | uncertain | insufficient | inconclusive | limited evidence | lack of | further studies | "
     "further research | remains to be | not yet | controversial | no consensus | whether | little is known | "
     "hypothesis | hypothesize* | hypothesise* | needed to | inconsistent | conflicting | not known | to determine | "
     "to investigate | to evaluate | to assess | aimed to | objective"),
)  # fmt: skip

_TABLE = PhraseTable(WAYS)
#: What a negation within reach makes of a way: "did not increase" is no change, "not effective" is bad.
_DENIED = {"up": "same", "down": "same", "good": "bad", "bad": "good", "same": "up", "doubt": "doubt"}
_REACH = 4


class Way(NamedTuple):
    """A way over atoms ``first`` to ``last`` inclusive; ``sense`` is up, down, same, good, bad or doubt.

    A negation before it has been reckoned in.
    """

    sense: str
    first: int
    last: int


def ways(reading: Reading) -> tuple[Way, ...]:
    """The ways of a text in order; none of an empty one."""
    # The words as written: keys have one spelling for British and American ones, which makes "raize" of raise.
    found = _TABLE.find([reading.text[a.start : a.end].lower() for a in reading.atoms])
    negations = [s.first for s in reading.steers if s.kind == "negation" and s.sense in {"not", "without"}]
    return tuple(Way(_sense(f.sense, f.first, negations), f.first, f.last) for f in found)


def _sense(sense: str, first: int, negations: list[int]) -> str:
    """A phrase with a negation in it ("no effect") is not denied by that one."""
    return _DENIED[sense] if any(first - _REACH <= n < first for n in negations) else sense
