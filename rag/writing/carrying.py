"""Whether words of a model carry all that a quote says, so that it need not be shown beside them.

The verifier lets a statement say less than its evidence, which is no fault of one sentence; of an article it would be
one to lose an exception, a limit or a patient group on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from operator import or_

from rag.answer.reading import Reading, read
from rag.language.lexicon import Lexicon

#: Cues that turn or limit what is said.
_TURNING = frozenset({"negation", "exclusion", "exception", "limit", "scope"})
#: Least share of a quote's words, of which another way of saying it has about half.
_SHARE = 0.5


def carries(texts: Sequence[str], quotes: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether ``texts`` together have all values, concepts and turns of one of ``quotes``, and half of its words.

    Of quotes that say the same one is enough. No texts carry nothing.
    """
    said = [read(text, lexicon) for text in texts]
    return bool(said) and any(_carried(read(quote, lexicon), said) for quote in quotes)


def _carried(quote: Reading, said: Sequence[Reading]) -> bool:
    values = [q for reading in said for q in reading.quantities]
    if not all(any(q.same_as(v) for v in values) for q in quote.quantities):
        return False
    if not quote.concepts <= reduce(or_, (r.concepts for r in said)):
        return False
    if _turns(quote) - sum((_turns(r) for r in said), Counter[str]()):
        return False
    shared = quote.content & reduce(or_, (r.content for r in said))
    return len(shared) >= _SHARE * len(quote.content)


def _turns(reading: Reading) -> Counter[str]:
    return Counter(steer.kind for steer in reading.steers if steer.kind in _TURNING)
