"""A conversation as a whole: numbers of references, what is asked at all, what is shown of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from builders import SOURCES, make_answer, make_statement
from followup_rows import rows
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import ValidationError

from rag.answer.references import reference
from rag.answer.triage import SELF_HARM
from rag.conversation.content import lost
from rag.conversation.converse import Conversation, converse
from rag.conversation.kept import content
from rag.conversation.numbering import in_conversation, numbers_after
from rag.conversation.turns import Turn
from rag.conversation.values import values
from rag.conversation.whole import made_whole
from rag.domain import Answer, Carried, Outcome, Replaced, Standalone
from rag.language.lexicon import Lexicon
from rag.language.terms import Analyzer
from rag.pipeline import Pipeline
from rag.render.html import to_html
from rag.render.markdown import to_markdown

ANALYZER = Analyzer(Lexicon.load())
FOLLOW_UP = Standalone(
    asked="what dose?",
    question="What is the dose of argatroban in HIT?",
    kind="ellipsis",
    carried=(Carried(text="argatroban", what="treatment", turn=1),),
    replaced=(Replaced(was="bilirubin 3 mg/dL", now="bilirubin 5"),),
)


def asked(*questions: str) -> Standalone:
    """The last of ``questions`` made whole from those before it."""
    turns: list[Turn] = []
    for question in questions[:-1]:
        turns.append(Turn(question, made_whole(question, turns, ANALYZER).question))
    return made_whole(questions[-1], turns, ANALYZER)


# references


def test_a_source_keeps_its_number(pipeline: Pipeline) -> None:
    conversation, seen = Conversation(), dict[str, int]()
    for question in ("How is argatroban monitored in HIT?", "and bivalirudin?", "what dose?", "thanks"):
        _, answer, conversation = conversation.ask(pipeline, question)
        for number, key in [(r.number, r.source_id) for r in (answer.references if answer else ())]:
            assert seen.setdefault(key, number) == number
        assert conversation.numbers == seen
    assert sorted(seen.values()) == list(range(1, len(seen) + 1))
    assert len(conversation.turns) == 4
    assert conversation.turns[-1].question is None


def test_citations_follow_their_sources(pipeline: Pipeline) -> None:
    first = Conversation().ask(pipeline, "How is argatroban monitored in HIT?")[2]
    standalone, answer = converse(pipeline, first.turns, first.numbers, "and bivalirudin?")
    assert answer is not None
    plain = pipeline.ask(standalone.question or "")
    assert answer.follow_up == standalone
    assert [s.text for s in answer.statements()] == [s.text for s in plain.statements()]
    key_of = {r.number: r.source_id for r in answer.references}
    before = {r.number: r.source_id for r in plain.references}
    for now, then in zip(answer.statements(), plain.statements(), strict=True):
        assert [key_of[n] for n in now.citations] == [before[n] for n in then.citations]
    assert {r.vancouver for r in answer.references} == {r.vancouver for r in plain.references}
    assert answer.answer_id != plain.answer_id


def test_the_same_conversation_gives_the_same_answer(pipeline: Pipeline) -> None:
    def said() -> list[str]:
        conversation, found = Conversation(), []
        for question in ("Should IVIG be given in HIT?", "what dose?"):
            _, answer, conversation = conversation.ask(pipeline, question)
            assert answer is not None
            found.append(answer.model_copy(update={"receipt": answer.receipt.model_copy(update={"timings_ms": {}})}))
        return [a.model_dump_json() for a in found]

    assert said() == said()


def test_numbers_go_on_from_the_highest() -> None:
    answer = make_answer()
    numbers = numbers_after({"cuker2018": 4, "other": 9}, answer)
    assert numbers == {"cuker2018": 4, "other": 9, "label_argatroban_us": 10, "smpc_argatroban_uk": 11}
    placed = in_conversation(answer, FOLLOW_UP, numbers)
    assert [r.number for r in placed.references] == [4, 10, 11]
    assert {n for s in placed.statements() for n in s.citations} == {4, 10, 11}
    assert Answer.model_validate_json(placed.model_dump_json()) == placed


def test_the_first_answer_stays_as_it_is() -> None:
    answer = make_answer()
    first = Standalone(asked=answer.question, question=answer.question, kind="first")
    assert in_conversation(answer, first, numbers_after({}, answer)) is answer


def test_numbers_with_gaps_are_for_conversations_only() -> None:
    cited = tuple(reference(n, s) for n, s in zip((2, 5), SOURCES, strict=False))
    said = tuple(make_statement(f"Statement {n}.", evidence=make_answer().bottom_line[0].evidence, citations=(n,))
                 for n in (2, 5))  # fmt: skip
    parts = {"bottom_line": said, "sections": (), "disagreements": (), "needed": (), "glossary": ()}
    assert make_answer(**parts, references=cited, follow_up=FOLLOW_UP).references == cited
    with pytest.raises(ValidationError, match=r"expected 1\.\.2"):
        make_answer(**parts, references=cited)
    with pytest.raises(ValidationError, match="expected ascending"):
        make_answer(**parts, references=cited[::-1], follow_up=FOLLOW_UP)


# what is shown


def test_the_reader_sees_how_the_question_came_about() -> None:
    answer = make_answer(follow_up=FOLLOW_UP)
    told = "Asked: “what dose?”. From before: “argatroban” (question 1). “bilirubin 3 mg/dL” gave way to “bilirubin 5”."
    assert told in to_html(answer)
    assert told in to_markdown(answer)


def test_a_list_in_markdown_has_the_numbers_of_the_conversation() -> None:
    answer = make_answer()
    placed = in_conversation(answer, FOLLOW_UP, numbers_after({"cuker2018": 2, "other": 5}, answer))
    page = MarkdownIt("commonmark").render(to_markdown(placed, marks="plain"))
    listed = page.split("<h2>References</h2>", 1)[1].split("<h2>")[0]
    assert re.findall(r"<ol start=\"(\d+)\">|<li>", listed) == ["2", "", "6", "", ""]
    assert "<p>" not in listed, "both are tight"


# what the page says

PAGE = (Path(__file__).parent.parent.parent / "docs" / "conversations.md").read_text("utf-8")
EXAMPLES = [row.split(" | ") for row in re.findall(r"^\| (.+\?) \|$", PAGE, re.MULTILINE)]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize(("follow_up", "before", "question"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_an_example_of_the_page(follow_up: str, before: str, question: str) -> None:
    assert asked(before, follow_up).question == question


def test_the_page_counts_the_tables() -> None:
    main, held_out = rows("followups.yaml"), rows("followups_held_out.yaml")
    assert f"has {len(main)} follow-ups" in PAGE
    assert f"has {len(held_out)} that were written after" in PAGE


# what is asked


def test_an_emergency_is_asked_as_it_stands(pipeline: Pipeline) -> None:
    conversation = Conversation().ask(pipeline, "How is argatroban monitored in HIT?")[2]
    standalone, answer, _ = conversation.ask(pipeline, "I want to kill myself")
    assert standalone.question == "I want to kill myself"
    assert answer is not None
    assert (answer.outcome, answer.reason) == (Outcome.REDIRECTED, SELF_HARM)


@pytest.mark.parametrize("question", ["thanks", "OK!", "?", "...", "Hello", "great, thank you so much", "new topic"])
def test_nothing_is_asked(question: str) -> None:
    found = asked("How is argatroban monitored in HIT?", question)
    assert found.question is None
    assert found.reason


def test_a_bare_reply_that_could_be_to_several_questions_is_not_guessed() -> None:
    turns = [Turn("Argatroban in HIT?", "Argatroban in HIT?", ("bilirubin", "INR", "body weight"))]
    assert made_whole("5", turns, ANALYZER).question is None
    assert made_whole("5", [turns[0]._replace(needed=("INR",))], ANALYZER).question == "Argatroban in HIT (INR 5)?"


def test_a_unit_goes_with_its_figure() -> None:
    """85 may be micromoles: the unit of the old value is not that of the new one."""
    found = asked("Can argatroban be used for HIT with a bilirubin of 3 mg/dL?", "and if bilirubin is 85?")
    assert found.question == "Can argatroban be used for HIT with a bilirubin of 85?"
    assert found.replaced == (Replaced(was="bilirubin 3 mg/dL", now="bilirubin 85"),)


def test_values_are_carried_as_they_stand() -> None:
    found = asked("Can fondaparinux be used for HIT with CrCl 24.50 mL/min and platelets of 1,200?", "what dose?")
    assert "CrCl 24.50 mL/min" in (found.question or "")
    assert "platelets 1,200" in (found.question or "")


def test_turns_are_told() -> None:
    found = asked(
        "How is argatroban monitored in HIT?", "and in cirrhosis?", "thanks", "what about bivalirudin?", "dose?"
    )
    assert {(c.text, c.turn) for c in found.carried} == {("bivalirudin", 4), ("HIT", 1), ("cirrhosis", 2)}


@pytest.mark.parametrize(("text", "said"), [
    ("bilirubin has climbed to 6 mg/dL", ["bilirubin 6 mg/dL"]),
    ("82-year-old, 80 kg, Child-Pugh class: B", ["82-year-old", "80 kg", "Child-Pugh class: B"]),
    ("argatroban 0.5 mcg/kg/min, IVIG 1 g/kg, vitamin K 10 mg", []),
    ("eGFR below 30 and platelets 18 × 10⁹/L", ["eGFR below 30", "platelets 18 × 10⁹/L"]),
])  # fmt: skip
def test_values(text: str, said: list[str]) -> None:
    assert [v.said(text).replace(" ", " ") for v in values(text)] == said


PIECES = st.sampled_from(
    ["and", "so", "it", "what about", "dose", "argatroban", "HIT", "?", ".", ",", "right", "not", "Child-Pugh C", "5",
     "mg/dL", "bilirubin", "is", "if", "she", "no", "I meant", "as you said", "in", "pregnancy", "which", "how",
     "(", ")"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12), st.lists(PIECES, min_size=1, max_size=12))
def test_whatever_is_typed_has_a_result(before: list[str], after: list[str]) -> None:
    found = asked(" ".join(["How is HIT treated", *before, "?"]), " ".join(after))
    assert bool(found.question) != bool(found.reason)
    again = asked(" ".join(["How is HIT treated", *before, "?"]), " ".join(after))
    assert found == again


# nothing is lost


@pytest.mark.parametrize(("said", "question", "words"), [
    ("even before a lumbar puncture", "Can platelets be given in HIT?", ["lumbar", "puncture"]),
    ("He has no symptoms", "Should a hernia be repaired (symptoms)?", ["not"]),
    ("in class C and cirrhotic", "Is it safe in Child-Pugh C cirrhosis?", []),
    ("CrCl 24", "Can it be used with a creatinine clearance of 24?", []),
    ("CrCl 24", "Can it be used with a creatinine clearance of 42?", ["24"]),
    ("not bleeding", "Is it safe without bleeding?", []),
])  # fmt: skip
def test_what_is_lost(said: str, question: str, words: list[str]) -> None:
    assert lost(content(said), question, ANALYZER.lexicon) == words


LEADS = st.sampled_from(
    ["even before", "and with", "but not after", "despite", "he has", "what about", "she is allergic to",
     "ok and during",
     "unless there is", "although we saw", "under", "also", "no", "when can I give it with", "what dose after",
     "Stable now, but there is", "is it safe? He has", "while awaiting"]
)  # fmt: skip
THINGS = st.sampled_from(
    ["a lumbar puncture", "zirconium", "two xylophones", "platelets of 12", "warfarin", "cirrhosis", "a bilirubin of 7",
     "green sputum", "no fever", "atrial fibrillation", "a rash on day 5"]
)  # fmt: skip


@given(st.sampled_from(["Can platelets be given in HIT?", "How is argatroban dosed in a man with HIT (80 kg)?",
                        "What is HIT?", "Is warfarin safe if the INR is 3?"]),
       LEADS, st.lists(THINGS, min_size=1, max_size=3), st.sampled_from(["?", "", "."]))  # fmt: skip
def test_whatever_is_said_stands_in_the_question(before: str, lead: str, things: list[str], mark: str) -> None:
    said = f"{lead} {' and '.join(things)}{mark}"
    found = asked(before, said)
    if found.question:  # else the reason says that it was not understood
        gone = [words for r in found.replaced for words in (r.was, r.now)]
        assert lost(content(said), found.question, ANALYZER.lexicon, gone) == [], found.question


def test_a_supposition_goes_with_the_topic() -> None:
    found = asked("Can platelets be given in HIT?", "what if the count is 8?", "and warfarin?", "when can I start it?")
    assert found.question == "When can I start warfarin in HIT (count 8)?"
    assert ("count 8", 2) in {(c.text, c.turn) for c in found.carried}
    other = asked("Can platelets be given in HIT?", "what if the count is 8?", "New topic: how is ITP treated?")
    assert other.question == "How is ITP treated?"


def test_a_weight_is_no_clearance() -> None:
    found = asked("Can fondaparinux be used in HIT?", "48 kg, CrCl 35", "I said 48 kg but it's 58 kg")
    assert "CrCl 35" in (found.question or "")
    assert "58 kg" in (found.question or "")


def test_what_is_denied_is_never_affirmed() -> None:
    found = asked("Can fondaparinux be used in HIT?", "CrCl 35, not bleeding", "should I halve it?")
    assert "and bleeding" not in (found.question or "")
    assert "not bleeding" in (found.question or "")


@pytest.mark.parametrize(("said", "question"), [
    (["Can fondaparinux be used in HIT?", "not bleeding", "he is bleeding now"],
     "Can fondaparinux be used in HIT (bleeding)?"),
    (["Can argatroban be given in HIT with cirrhosis?", "He has no cirrhosis"],
     "Can argatroban be given in HIT (no cirrhosis)?"),
    (["Can I anticoagulate a patient with cirrhosis?", "he does have varices", "actually no varices"],
     "Can I anticoagulate a patient with cirrhosis (no varices)?"),
    (["Can platelets be given in HIT before a lumbar puncture?", "and after a lumbar puncture?"],
     "Can platelets be given in HIT after a lumbar puncture?"),
])  # fmt: skip
def test_what_is_told_anew_takes_the_place_of_what_was_told(said: list[str], question: str) -> None:
    found = asked(*said)
    assert found.question == question
    assert found.replaced


# told anew, without a name


@pytest.mark.parametrize(("before", "said", "question"), [
    ("4Ts score is 6 in suspected HIT. What do I do?", "I recounted and it's 2.",
     "4Ts score is 2 in suspected HIT. What do I do?"),
    ("New adult ITP, platelets 18. Steroids?", "what if they were 45", "New adult ITP, platelets 45. Steroids?"),
    ("Can argatroban be given in HIT with platelets of 12 and INR of 3?", "they are 60 now",
     "Can argatroban be given in HIT with platelets of 60 and INR of 3?"),
    ("Can argatroban be given in HIT with bilirubin 3 mg/dL?", "it's micromol/L",
     "Can argatroban be given in HIT with bilirubin 3 micromol/L?"),
    ("Is argatroban safe in HIT with creatinine 490 mg/dL?", "it's micromol/L. How much is that in mg/dL?",
     "How much is creatinine 490 micromol/L in mg/dL with argatroban in HIT?"),
    ("How long to anticoagulate a CVT that was provoked by a transient factor?", "unprovoked?",
     "How long to anticoagulate a CVT that was unprovoked?"),
    ("Should an asymptomatic inguinal hernia be repaired?", "and symptomatic ones?",
     "Should a symptomatic inguinal hernia be repaired?"),
    ("IVIG dose in refractory HIT?", "and in plain ITP without HIT, by ASH?",
     "IVIG dose in plain ITP without HIT by ASH?"),
    ("Danaparoid bolus for HIT in a woman of 58 kg?", "She actually weighs 82 kg, and what follows the bolus?",
     "What follows the bolus of danaparoid in a woman with HIT (82 kg)?"),
    ("Argatroban dose in HIT?", "He has cirrhosis now. Still the same?", "Argatroban dose in HIT (cirrhosis)?"),
])  # fmt: skip
def test_what_is_told_anew_without_a_name(before: str, said: str, question: str) -> None:
    assert asked(before, said).question == question


def test_a_figure_that_could_be_of_several_values_is_not_guessed() -> None:
    assert asked("Can argatroban be given in HIT with bilirubin 3 mg/dL and INR 2?", "it's 5").question is None


# what only an answer names


@pytest.mark.parametrize(("before", "said", "question"), [
    ("Which drugs does ASH list for stable HIT?", "May I give the first of these if his CrCl is 22?",
     "May I give the first of the drugs that ASH lists for stable HIT if the patient's CrCl is 22?"),
    ("Which DOACs can be used in stable HIT?", "what is the dose of the first one?",
     "What is the dose of the first of the DOACs that can be used in stable HIT?"),
    ("Apixaban or rivaroxaban in cirrhosis?", "is the latter safe in pregnancy?",
     "Is rivaroxaban safe in pregnancy in cirrhosis?"),
    ("Which anticoagulant does ACCP suggest in cirrhosis?", "Why that one?",
     "Which anticoagulant does ACCP suggest in cirrhosis, and why?"),
    ("Was dabigatran compared with warfarin in CVT in a randomised trial?", "What did it find on bleeding?",
     "What did the randomised trial of dabigatran and warfarin find on bleeding in CVT?"),
])  # fmt: skip
def test_what_only_an_answer_names_is_asked_for(before: str, said: str, question: str) -> None:
    assert asked(before, said).question == question


def test_a_place_in_an_answer_is_not_carried() -> None:
    found = asked("How is HIT treated?", "May I give the first of these in pregnancy?")
    assert found.question is None
    assert "place in the answer" in found.reason


# claims without the words that press for them


@pytest.mark.parametrize(("before", "said", "question"), [
    ("Is argatroban used in HIT?", "Then you'd agree that I can ignore his CrCl of 15.",
     "Can I ignore the patient's CrCl of 15 with argatroban in HIT?"),
    ("Refractory HIT, is IVIG reasonable?", "Great, so we agree that argatroban can be stopped once it is running.",
     "Can argatroban be stopped once IVIG is running in refractory HIT?"),
    ("Should a reducible inguinal hernia be repaired?", "You said it contains bowel so it is an emergency, didn't you?",
     "Reducible inguinal hernia contains bowel so reducible inguinal hernia is an emergency, right?"),
    ("ASAM 2020 range for buprenorphine in OUD?", "Good, then 24 is the legal maximum, as the FDA also says, right?",
     "24 is the legal maximum of buprenorphine in OUD, as the FDA also says, right?"),
    ("ITP patient with life-threatening bleeding: hold platelets?",
     "So the same goes for HIT with no bleeding, we transfuse freely?",
     "We transfuse platelets freely in HIT with no bleeding, right?"),
])  # fmt: skip
def test_a_claim_is_clean(before: str, said: str, question: str) -> None:
    assert asked(before, said).question == question
