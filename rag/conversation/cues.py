"""The ways in which people follow up: thanks, another topic, a correction, a claim, part of a question."""

from __future__ import annotations

import re
from typing import NamedTuple

from rag.conversation import short
from rag.conversation.phrasing import small

#: An excuse that tells nothing.
_MIXED = (
    r"my (?:mistake|bad|error)|i (?:was|had|am|got) (?:just )?(?:mix(?:ing|ed)|confus(?:ing|ed)|muddl(?:ing|ed)) "
    r"(?:them|it|that|things|these|the two)(?: up)?"
)
_POLITE = (
    r"ok(?:ay)?|great|thanks?|thank you|thx|ty|cheers|ta|perfect|brilliant|excellent|got it|understood|i see|"
    r"i understand|"
    r"noted|cool|lovely|nice|awesome|wonderful|very helpful|(?:that|this)(?:'s| is| was| will be)? ?(?:very |"
    r"really |so )?"
    r"(?:helpful|useful|clear|great|all|good|enough|helps)|good|right|fine|alright|all right|(?:that's )?all|"
    r"no (?:more|further|other) questions?|(?:good)?bye|hello|hi|hey|good (?:morning|evening|afternoon|night)|"
    r"(?:much )?appreciated|so much|very much|a lot|again|for (?:that|this|your (?:help|time)|the (?:answer|info\w*))|"
    r"makes sense|that answers (?:it|that|my question)|yes|no|yep|nope|sure|please|hm+|well|for now|everyone|"
    rf"osler|and|now|then|how are you|{_MIXED}"
)
#: Nothing but courtesies and marks.
_NOTHING = re.compile(rf"^(?:(?:{_POLITE})?[\s,.!;:?…-]++|(?:{_POLITE})$)*$", re.IGNORECASE)
_OPENING = re.compile(
    r"^(?:(?:ok(?:ay)?|great|many thanks|thanks?(?: you)?(?: (?:very|so) much| a lot)?(?: for (?:that|this))?|"
    r"thx|cheers|"
    r"perfect|got it|i see|understood|alright|all right|hm+|well|(?:that |this )?(?:helps|makes sense)|good|"
    rf"right|yes|sure|{_MIXED}|"
    r"(?:that's|that is) (?:helpful|clear|useful|great)|hi|hello|please)[,.!;:…-]+\s+)+",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:yes(?=,? (?:but|and|so))|yeah|no(?=,? but)|and|but|so|also|then|now|or|plus|well|ok|okay|"
    r"in that case|if so|if not|similarly|likewise|finally|next|"
    r"one more(?: thing| question)?|another question|(?:a )?(?:quick |follow[- ]?up )?question|follow[- ]?up|"
    r"(?:just )?to (?:follow up|clarify|be clear)|(?:just )?wondering)\b[,:]?\s+)+",
    re.IGNORECASE,
)
_NEW_TOPIC = re.compile(
    r"^(?:(?:i have |now |on |here(?:'s| is) |and now )*(?:to )?(?:an?(?: \w+)? )?(?:completely |totally |entirely )?"
    r"(?:(?:different|new|unrelated|separate) (?:question|topic|subject|matter|note|thing|one|case|issue)|"
    r"another (?:topic|subject|matter|note|thing|case|issue)|unrelated|next (?:question|case|topic|one)|"
    r"(?:switch|chang)(?:e|ing)? (?:of )?(?:the )?(?:topics?|subject|gears)|moving on|something (?:else|different)|"
    r"(?:let's |let us )?talk about something else|new conversation|start over|forget (?:that|all that|the above))"
    r"(?: entirely| completely| altogether| now| from)?)(?P<end>\s*[:.,;!–-]+\s*|\s*$)",
    re.IGNORECASE,
)
_NEW_PATIENT = re.compile(
    r"^(?:(?:now |i have |and )*(?:an?(?:other)?|my) ?(?:different|new|other|next)?|different|next|new) "
    r"(?:patient|man|woman|lady|gentleman|child)(?: now)?\s*[:.,;–-]+\s*",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"^(?:and |but |so |now |ok(?:ay)? )*(?:going |coming |turning |getting )?(?:back to|returning to|about) "
    r"(?:the |my |our |that )?(?P<what>[^:,?.]{2,60}?)(?: patient| case| question)?(?: again)?\s*[:,.–-]+\s+",
    re.IGNORECASE,
)
_SORRY = (
    r"(?:no|nope|sorry|oops|apologies|wait|actually|correction|my mistake|my bad|typo|scratch that|hang on|i misspoke)"
)
_CORRECTION = re.compile(
    rf"^(?:{_SORRY}[\s,.:;!–-]+)*(?:but )?(?:i (?:really |actually )?(?:mean|meant)(?: to (?:say|ask|type|"
    rf"write)(?: about)?)?|"
    r"i (?:was|am) (?:asking|talking|thinking) (?:about|of)|make (?:that|it)|(?:it|that|this) should (?:be|read|"
    r"have been|say)|"
    r"i should have (?:said|asked(?: about)?|written))\b[,:]?\s*(?P<said>.+)$",
    re.IGNORECASE,
)
_SAYS_SORRY = re.compile(_CORRECTION.pattern.removesuffix(r"\s*(?P<said>.+)$") + rf"|^(?:{_SORRY}[\s,.:;!–-]+)+", re.I)
_AMENDED = re.compile(
    rf"^(?:{_SORRY}[\s]*[,.:;!–-]+\s*)+(?P<said>.+)$|^(?:actually|correction|sorry)\s+(?P<also>.+)$", re.I
)
_I_SAID = re.compile(
    r"^i (?:said|wrote|typed|put) (?P<was>[^?]+?),? (?:but|and) (?:it(?:'s| is| was| should be| should have been)|"
    r"i mean(?:t)?|the (?:real|correct) (?:one|value) is) (?:really |actually )?(?P<now>[^?]+)$",
    re.IGNORECASE,
)
_NOT_THIS = re.compile(
    r"^not (?P<was>[^,?]+?),? (?:but )?(?P<now>[^,?]+)$|^(?P<now2>[^,?]+?),? (?:and )?not (?P<was2>[^,?]+)$",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^(?:what|how) about\s+(?P<rest>.+)$", re.IGNORECASE)
_WHAT_IF = re.compile(
    r"^(?:and )?(?:what|how about|what about)\s+(?P<rest>(?:even )?(?:if|when|in|with|for|on|during|after|"
    r"before|without|despite|while|under)\b.+)$",
    re.I,
)
_ASKING = (
    r"since (?=[^?]+,)|"
    r"(?:(?:on|at|by|in|for|to|from|with|within|of|under|after|up to|over|until|since|before|during|"
    r"between)\s+)?(?:what|which|whom?|how|when|why|"
    r"where|whose)|"
    r"should|can|could|is|are|am|was|were|do|does|did|would|will|may|might|must|has|have|had|shall|any|shouldn't|can't|"
    r"isn't|aren't|doesn't|don't|won't|couldn't|wouldn't"
)
_INTERROGATIVE = re.compile(rf"^(?:{_ASKING})\b", re.IGNORECASE)
_PART = re.compile(
    r"^(?:(?:even|also|only|just|especially|except|not|and|or) )?(?:if|when|in|with|for|on|during|after|"
    r"before|without|at|under|over|above|below|despite|while|until|as|per|since|because|although|though|by|"
    r"from|within|between|"
    r"according to|instead of|among|unless|off|once|assuming|given that)\b",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"(?:(?<=[,;.])\s+(?:yes|no|ok|okay|true)|[,;.]?\s+(?:right|correct|agreed|then|"
    r"(?:is|are|does|do|has|have|can|was|were|should|would|will|did)(?:n't)? (?:it|they|he|she|that|this|there|i|we)"
    r"(?: (?:right|so|correct|true|not))?|is that (?:right|correct|so)|i (?:take it|gather|assume|guess|suppose|"
    r"presume|think)|am i right|(?:did|do|have|would|had)n't you(?: (?:think|agree|say|said))?|"
    r"(?:would(?:n't)?|do) you (?:not )?agree))\s*\?$",
    re.IGNORECASE,
)
_AS_SAID = re.compile(
    r",?\s*(?:(?:just )?(?:as|like) (?:you|the answer|osler) (?:just )?(?:said|say|says|mentioned|told me|recommend\w*|"
    r"suggest\w*|advis\w*|wrote|explained|stated)(?: (?:above|before|earlier))?|according to (?:you|your answer)|"
    r"(?:as|like) (?:said|stated|mentioned)(?: (?:above|before|earlier))?)\s*,?",
    re.IGNORECASE,
)
_YOU_SAID = re.compile(
    r"^(?:but )?(?:you (?:just )?(?:said|say|mentioned|told me|recommend(?:ed)?|suggest(?:ed)?|advis(?:ed?)|"
    r"wrote|stated|"
    r"explained)|your answer (?:says|said)|i (?:gather|take it|understand|conclude|assume|guess|suppose)|it follows|"
    r"(?:you|we)(?:'d| would|'ll| will|'re| are)?(?: both| all| surely| then| now)? agreed?|"
    r"(?:that|this|which) means|meaning|from (?:this|that|what you said)(?:,)? i (?:gather|"
    r"conclude))(?: that)?[,:]?\s+",
    re.IGNORECASE,
)
_BUT = re.compile(r"^(?:and|but|ok(?:ay)?)\b,?\s+", re.IGNORECASE)
_AS_YOU_SAID = re.compile(
    r"^(?:(?:as|like) you (?:just )?(?:said|say|mentioned|told me|explained)|you (?:just )?(?:said|say|"
    r"told me))(?: that)?,?\s+"
    r"(?P<said>[^?]{8,}?)(?:,\s+(?:so\s+)?|\s+so\s+)(?P<asked>(?:should|can|could|may|must|what|which|how|when|why|is|are|"
    r"do|does)\b[^?]*\?)$",
    re.IGNORECASE,
)
_SAME = re.compile(
    r"^(?:the )?same (?:goes|applies|holds|is true|must be true|should apply|must go) (?:for|to|in|of|with) "
    r"(?P<of>[^,?]+), (?:and |so )*(?P<said>[^?]+)$",
    re.IGNORECASE,
)
_CONCLUDING = re.compile(r"^(?:(?:so|hence|therefore|thus|then)\b,?\s+)+", re.IGNORECASE)
_TRAILING = re.compile(
    r",?\s+(?:then|too|as well|please|i (?:misread|mistyped)(?: it| that)?|though|again|now|by the way|btw|"
    r"exactly)\s*(?=[?.!]*$)",
    re.I,
)
_INSTEAD = re.compile(r",?\s+instead$", re.IGNORECASE)
_REQUEST = re.compile(
    r"^(?:please )?(?:(?:can|could|would|will) you )?(?:please )?(?:(?:tell|remind|show|give) (?:me|"
    r"us)(?: about| of)?|(?:give|show)(?= (?:the|a|your|any)\b)|explain|"
    r"describe|outline|list|clarify|say|(?:i(?:'d| would)? (?:like|want|need|love) to (?:know|understand|see|"
    r"hear)(?: about)?)|"
    r"i(?:'m| am)? (?:wondering|wonder|curious)(?: about)?|do you know|let me know)[,:]?\s+(?P<what>.+)$",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    r"^(?:please )?compare (?P<one>.+?) (?:with|to|and|against|versus|vs\.?) (?P<other>.+)$", re.IGNORECASE
)
#: "Microdosing ok instead?", "stop heparin in the meantime?"
_WITHOUT_VERB = re.compile(
    r"^(?P<what>(?!(?:that|this|it)\b)[\w/.,% -]{2,40}?) (?P<verdict>(?:still |also )?(?:ok|okay|safe|fine|"
    r"allowed|needed|"
    r"necessary|possible))(?: instead)?\s*\?$",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    r"^(?:stop|give|start|restart|transfuse|continue|hold|use|switch|add|repeat|check|operate|treat|bridge|avoid|reverse|"
    r"monitor|increase|reduce|wait|anticoagulate|admit|refer)(?:\s(?!rate\b|dose\b)[^?]+)?\?$",
    re.IGNORECASE,
)
_MEANT = re.compile(
    r"^what (?:(?:did|do) you mean (?:by|with)|(?:is|was) meant by) (?:an? |the )?(?P<what>[^?]+?)\s*\??$",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"^(?:please )?(?:(?:can|could|would) you )?(?:please )?(?:(?:give|tell|show) (?:me|us) )?(?:some )?"
    r"(?:more(?: details?| information| info)?|elaborate|expand(?: on (?:that|this|it))?|go on|continue|summari[sz]e"
    r"(?: (?:that|this|it))?|in short|repeat(?: (?:that|it))?|explain(?: (?:that|this|it))?)$",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"^(?:(?:the |my |our |this )?(?:patient|man|woman|lady|gentleman|child|boy|girl)|he|she|they|we|i)\b|^(?:it|"
    r"this|that)(?:'s| is| was) for\b",
    re.IGNORECASE,
)


class FollowUp(NamedTuple):
    """A follow-up without what introduces it. ``is_led``: it goes on with what was said, as "and ..." does."""

    text: str
    is_led: bool


def asks_nothing(text: str) -> bool:
    return bool(_NOTHING.match(text.strip() + " "))


def opened(text: str) -> str:
    """Without courtesies before what is asked."""
    return text[m.end() :] if (m := _OPENING.match(text)) and m.end() < len(text) else text


def led(text: str) -> FollowUp:
    if short.in_full(text):
        return FollowUp(text, False)
    match = _LEAD.match(text)
    rest = text[match.end() :] if match else text
    asked = _TRAILING.sub("", rest)
    if _INTERROGATIVE.fullmatch(asked) and not short.in_full(asked):
        asked = rest  # "what now?" is not "what?"
    return FollowUp(asked, bool(match) or asked != rest)


def supposed(text: str) -> str:
    """With what is laid into the answer's mouth as a premise: "since it is safe, what dose?" of "as you said, ..."."""
    match = _AS_YOU_SAID.match(text)
    return f"since {match['said']}, {match['asked']}" if match else text


def requested(text: str) -> str:
    """What a request asks for, as a question: "what about the dose?" of "tell me about the dose"."""
    meaning = _MEANT.match(text)
    if meaning:
        return f"what is {meaning['what']}?"
    brief = _WITHOUT_VERB.match(text)
    if brief and not (short.in_full(text) or _INTERROGATIVE.match(text) or _PART.match(text)):
        return f"is {brief['what']} {brief['verdict']}?"
    if _IMPERATIVE.match(text) and not short.in_full(text):
        return f"should I {small(text)}"
    compare = _COMPARE.match(text.rstrip(" ?.!"))
    if compare:
        return f"how does {compare['one']} compare with {compare['other']}?"
    match = _REQUEST.match(text.rstrip(" ?.!"))
    if not match or _MORE.match(text.rstrip(" ?.!")):
        return text
    what = re.sub(r"^(?:if|whether)\s+(?=(?:it|that|this|he|she)\b)", "what if ", match["what"])
    return f"{what}?" if _INTERROGATIVE.match(what) else f"what about {what}?"


def wants_more(text: str) -> bool:
    """Whether it only asks for more of the same."""
    return bool(_MORE.match(text.rstrip(" ?.!")))


def new_topic(text: str) -> str | None:
    """What stands after words that announce another topic, perhaps nothing; None without such words."""
    match = _NEW_TOPIC.match(text)
    return text[match.end() :] if match else None


def new_patient(text: str) -> str | None:
    """As ``new_topic``, of another patient; the words for a patient stay where a description follows them."""
    match = _NEW_PATIENT.match(text)
    return text[match.end() :] if match else None


def returned(text: str) -> tuple[str, str] | None:
    """What is returned to, and what is asked of it: "back to the woman with ITP: what dose?"."""
    match = _BACK.match(text)
    return (match["what"], text[match.end() :]) if match and match.end() < len(text) else None


def corrected(text: str) -> tuple[str, str | None] | None:
    """What was meant, and instead of what if that is said; None where nothing is corrected."""
    again = _I_SAID.match(text)
    if again:
        return again["now"].strip(" .!"), again["was"]
    match = _CORRECTION.match(text)
    said = match["said"] if match else None
    if said is None and (match := _AMENDED.match(text)):
        said = match["said"] or match["also"]
        if _INTERROGATIVE.match(said) or _PERSONAL.match(said):
            return None
    said = (said or text).rstrip(" ?.!")
    instead = _NOT_THIS.match(said)
    if instead and (match or (text[-1:] != "?" and not _PERSONAL.match(said))):
        now, was = (instead["now"], instead["was"]) if instead["now"] else (instead["now2"], instead["was2"])
        return now.strip(), was.strip()
    return (said, None) if match else None


def is_amended(text: str) -> bool:
    """Whether it says that something was said wrongly: "sorry, ...", "I meant ..."."""
    return bool(_SAYS_SORRY.match(text) or _I_SAID.match(text))


def claimed(text: str) -> str | None:
    """What a follow-up states as so and wants confirmed, or concludes: "so I should give IVIG then, right?"."""
    said, is_tagged = _TAG.sub("", text), bool(_TAG.search(text))
    is_laid = bool(_AS_SAID.search(said)) or is_attributed(said)
    is_concluded = bool(_CONCLUDING.match(said) or same_of(said))
    said = _CONCLUDING.sub("", _BUT.sub("", _AS_SAID.sub(" ", said).strip(" ,.?!")))
    said = " ".join(_YOU_SAID.sub("", said).split())
    said = _TRAILING.sub("", said).strip(" ,.?!")
    if not (is_tagged or is_laid or is_concluded) or _INTERROGATIVE.match(said) or _PART.match(said):
        return None
    return (same_of(said) or said) if len(said.split()) > 1 and not _ABOUT.match(said) else None


def same_of(text: str) -> str | None:
    """A claim of what the same is said to go for: "we transfuse in HIT" of "same goes for HIT, we transfuse"."""
    match = _SAME.match(text.strip(" .?!"))
    return f"{match['said']} in {match['of']}" if match else None


def is_attributed(text: str) -> bool:
    """Whether it lays words into the answer's mouth, or wants them agreed: "you said ..."."""
    return bool(_YOU_SAID.match(_CONCLUDING.sub("", text)))


def part(text: str) -> str | None:
    """The part of a question that a follow-up consists of: "in pregnancy" of "what about in pregnancy?"."""
    match = _WHAT_IF.match(text) or _ABOUT.match(text)
    if match:
        return _INSTEAD.sub("", match["rest"].strip(" ?.!"))
    return None if _INTERROGATIVE.match(text) else _INSTEAD.sub("", text.strip(" ?.!"))


def is_introduced(text: str) -> bool:
    """Whether it begins with what only part of a question begins with: "what about", "if", "in"."""
    return bool(_ABOUT.match(text) or _WHAT_IF.match(text) or (_PART.match(text) and not _INTERROGATIVE.match(text)))


def begins_part(text: str) -> bool:
    return bool(_PART.match(text))


def is_interrogative(text: str) -> bool:
    return bool(_INTERROGATIVE.match(text))


def without_cues(text: str) -> str:
    """Without all words that only follow up: "is it safe" of "ok, but is it safe then, as you said?"."""
    text = opened(text)
    for pattern in (_NEW_TOPIC, _NEW_PATIENT, _BACK, _SAYS_SORRY, _OPENING, _LEAD, _CONCLUDING, _YOU_SAID):
        text = pattern.sub("", text)
    text = requested(led(_AS_SAID.sub(" ", _TAG.sub("", supposed(text)))).text)
    return re.sub(r"^(?:what|how) about\s+", "", same_of(text) or text, flags=re.IGNORECASE)


def is_personal(text: str) -> bool:
    """Whether it tells of the patient or the asker."""
    return bool(_PERSONAL.match(text))
