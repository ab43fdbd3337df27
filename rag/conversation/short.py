"""Questions of a few words, and what they ask in full: "what dose?" is "What is the dose of X?"."""

from __future__ import annotations

import re

#: What is asked, in full, about a treatment ``{x}``; the first that matches the whole follow-up counts.
_FULL = tuple(
    (re.compile(rf"^(?:{short})$", re.IGNORECASE), full)
    for short, full in (
        (r"(?:at |in |and )?(?:what|which) (?:is the )?(?:usual |right |recommended |correct )?dos(?:e|es|age|ing)|"
         r"(?:the )?(?:usual |recommended )?dos(?:e|es|ing|age)|how much(?: (?:to give|should i give))?|"
         r"how (?:is it|to) dosed?",
         "What is the dose of {x}"),
        (r"(?:what(?:'s| is)? )?(?:the )?(?:starting|initial|loading|maximum|max|maintenance) (?:dose|rate)|"
         r"what (?:starting|initial|loading|maximum|max|maintenance) (?:dose|rate)", "What is the {kind} of {x}"),
        (r"(?:and )?(?:for )?how long(?: for)?|(?:for )?what duration|duration|"
         r"until when", "How long should {x} be continued"),
        (r"max(?:imum)?", "What is the maximum dose of {x}"),
        (r"(?:what )?if (?:that|it|this|they) (?:fails?|does(?:n't| not) work|is(?:n't| not) enough)|"
         r"what (?:comes )?next|next (?:line|step)|second[- ]line",
         "What should be done if {x} fails"),
        (r"what now|now what|what (?:should|do) (?:i|we) do(?: now)?", "What should be done with {x}"),
        (r"(?:is it )?(?:the )?same dose|does the dose change|(?:does|should) (?:that|this|it) change the dose",
         "Does the dose of {x} change"),
        (r"(?:is|are) (?:that|this|it|they) (?:from )?(?:the )?(?P<who>[^?]+?) (?:advice|guidance|guidelines?|labels?|"
         r"labell?ing|recommendations?|view|position)", "What is the {who} advice on {x}"),
        (r"with what|what with|using what|which(?: one| drug| agent)?", "What should be used for {x}"),
        (r"how often|how frequently|what interval", "How often should {x} be given"),
        (r"when|when to (?:start|begin)(?: it)?", "When should {x} be started"),
        (r"when to stop(?: it)?|when can (?:i|we|it) stop", "When should {x} be stopped"),
        (r"why(?: not| so| is that| would that be| that)?|how come|(?:what is |what's )?the reason(?:ing)?|"
         r"on what grounds|"
         r"(?:what|which) (?:are the )?reasons?", "What speaks for and against {x}"),
        (r"how|how to give (?:it|them)|(?:what )?route", "How is {x} given"),
        (r"how does (?:it|that|this) work|how do they work|(?:what(?:'s| is) the )?mechanism(?: of action)?",
         "How does {x} work"),
        (r"(?:what about )?(?:the )?monitoring|how (?:should|do|can) (?:i|we) monitor(?: (?:it|that|this|them))?|"
         r"how (?:is|are) (?:it|they|this|that) (?:to be )?monitored|what (?:should|do) (?:i|we) monitor|"
         r"what to monitor|"
         r"(?:what|which) (?:tests?|labs) (?:should|do) (?:i|we) (?:follow|check|monitor)", "How is {x} monitored"),
        (r"(?:what are |any |what about )?(?:the )?(?:common |main |serious )?(?:side|adverse) (?:effects?|"
         r"events?|reactions?)",
         "What are the side effects of {x}"),
        (r"(?:what are |any |what about )?(?:the )?contra-?indications?|who should not (?:get|have) (?:it|them)",
         "What are the contraindications to {x}"),
        (r"(?:what are |any |what about )?(?:the )?(?:boxed |black box )?warnings?", "What are the warnings on {x}"),
        (r"(?:what are |any |what about )?(?:the )?(?:main )?(?:risks?|harms?|dangers?|"
         r"downsides?)", "What are the risks of {x}"),
        (r"(?:what is |what's |is there |any |what )?(?:the |any )?(?:evidence|data|proof|trials?|"
         r"studies)(?: for (?:that|this|it))?|"
         r"based on what|says who|how (?:good|strong|sure|certain) (?:is the evidence|is (?:that|this)|"
         r"are (?:they|you))|how do you know|"
         r"(?:what(?:'s| is) (?:the |your )?)?(?:sources?|references?|citations?)|who (?:says|said) (?:so|"
         r"that|this|it)(?: and when)?|"
         r"(?:are there )?any (?:trials|studies)",
         "What is the evidence for {x}"),
        (r"(?:what are |any |are there |is there |what about )?(?:the |any |an )?alternatives?(?: to (?:it|that|"
         r"them))?|"
         r"(?:what|anything) else(?: can (?:i|we) (?:use|give|do))?|what (?:can|should) (?:i|we) (?:use|"
         r"give) instead|instead of what|"
         r"what instead|other options", "What are the alternatives to {x}"),
        (r"(?:is there |what is |what's |any )?(?:the |an )?(?:antidote|reversal(?: agent)?)|how (?:is it|to|"
         r"do i) reversed?(?: it)?",
         "Is there an antidote for {x}"),
        (r"(?:what is |what's |any |what about )?(?:the )?(?:drug )?interactions?", "What are the interactions of {x}"),
        (r"(?:what is |what's |what about )?(?:the |its )?half[- ]life", "What is the half-life of {x}"),
        (r"(?:(?:still|also) )?(?:is (?:it|that|this) |are they )?(?:still |also )?(?P<verdict>safe|ok|okay|"
         r"fine)(?: (?:still|too))?", "Is {x} {verdict}"),
    )
)  # fmt: skip
#: A short question with more to it: "for how long if it was provoked?".
_MORE = re.compile(
    r"^(?P<few>.{3,}?),?\s+(?P<more>(?:(?:even|also|only) )?(?:if|when|in|with|without|on|during|after|before|"
    r"despite|while|at|under|for|unless|once)\s.+?)\s*\??$",
    re.IGNORECASE,
)
_KIND = re.compile(r"\b(?:starting|initial|loading|maximum|max|maintenance) (?:dose|rate)", re.IGNORECASE)
#: Doubt: the question is asked again.
_AGAIN = re.compile(
    r"^(?:still(?: (?:so|true|valid))?|(?:does|would|will) (?:that|this|it) (?:matter|change (?:anything|that|"
    r"it)|apply|hold)"
    r"(?: here)?|(?:(?:is|are) (?:it|that|this|they) )?(?:still )?the same"
    r"(?: (?:then|now|here|for (?:him|her|them)))?|same|(?:does|would|do) the same (?:still )?(?:apply|hold|go)|"
    r"(?:any|is (?:it|that)) different|any difference|really|"
    r"are you (?:sure|certain)(?: (?:of|about) (?:that|this))?|is (?:that|this) (?:right|true|"
    r"correct|so|certain)|"
    r"for sure|seriously|says who|come again|what|pardon|can you repeat(?: (?:that|it))?|say (?:that )?again|"
    r"do you mean it)$",
    re.IGNORECASE,
)
#: Of a condition, when no treatment has been asked about.
_OF_A_CONDITION = {
    "What speaks for and against {x}": "What is the evidence on {x}",
    "What are the alternatives to {x}": "What are the options for {x}",
    "How long should {x} be continued": "How long does {x} last",
    "What are the side effects of {x}": "What are the complications of {x}",
    "How is {x} monitored": "How is {x} monitored",
    "What are the risks of {x}": "What are the risks of {x}",
    "What is the evidence for {x}": "What is the evidence on {x}",
}


def in_full(short: str) -> str | None:
    """What a short question asks, with ``{x}`` for the treatment; None for one that is not short."""
    asked = short.strip(" ?.!")
    for pattern, full in _FULL:
        if match := pattern.match(asked):
            kind = _KIND.search(asked)
            for name, words in match.groupdict().items():
                full = full.replace(f"{{{name}}}", words.lower() if name == "verdict" else words)
            return full.replace("{kind}", kind[0].lower() if kind else "dose")
    return None


def with_more(text: str) -> tuple[str, str]:
    """A short question and what it adds to itself: "for how long" and "if it was provoked"; else all and nothing."""
    more = None if in_full(text) else _MORE.match(text)
    return (more["few"], more["more"]) if more and in_full(more["few"]) else (text, "")


def beyond(text: str) -> str:
    """What a text says beyond a short question; all of it where there is none."""
    return with_more(text)[1] or text


def of_a_condition(full: str) -> str | None:
    """What it asks where there is only a condition to ask of; None where it makes no sense."""
    return _OF_A_CONDITION.get(full)


def doubts(short: str) -> bool:
    """Whether it only doubts what was answered."""
    return bool(_AGAIN.match(short.strip(" ?.!")))
