"""Articles taken apart. The examples are ours: a page in the shape that clinicians read, and how models write."""

from __future__ import annotations

import pytest

from eval.article import claims_of, gold_of, parse, to_text
from eval.article_blocks import guessed
from eval.article_citations import Style, sentences
from eval.domain import Article, Listed, Part, Said
from eval.values import is_said, shared, speaking_of, values_in

PAGE = """Should fomepizole be given to a patient with ethylene glycol poisoning and renal failure?

Medical Advisory BoardAll articles are reviewed for accuracy by our Medical Advisory Board
Educational purpose only • Exercise caution as content is pending human review
Article Review Status
Submitted
Under Review
Approved

Last updated: March 3, 2025View editorial policy

Personalize

Help us tailor your experience

Which best describes you? Your choice helps us use language that's most understandable for you.

Fomepizole Is the Antidote of Choice

Give fomepizole at once and dialyse, as renal failure slows its removal. 1

Why Fomepizole Comes First

It blocks the enzyme that forms the toxic acids. 2 Ethanol does so less reliably. The advantages are these:

  • Fomepizole needs no monitoring of levels and does not sedate. 1, 2

  • Severe acidosis despite bicarbonate 3
  • Osmolal gap above 10

Dosing and Monitoring

  • Load with 15 mg/kg (not 10 mg/kg) over 30 minutes. 1, 4 Then 10 mg/kg every 12 hours are given.

  • Continue until the level is <20 mg/dL and the platelets are >150,000/μL. 1

Pitfalls to Avoid

  • Do not wait for levels—delay carries a 20-40% risk of renal failure. 1

Related Questions

What is the dose of fomepizole during dialysis?
Which patients with methanol poisoning need dialysis, when their level is unknown and they are seen after 2 days?
How is warfarin reversed?

Professional Medical Disclaimer

This is for healthcare professionals. It does not replace judgement.

Have a follow-up question?

Ask our assistant anything about medicine.
"""


@pytest.fixture(scope="module")
def page() -> Article:
    return parse(PAGE)


def cited(article: Article, start: str) -> tuple[int, ...]:
    return next(s.citations for s in article.said() if s.text.startswith(start))


def test_a_page_falls_into_its_parts(page: Article) -> None:
    assert page.title.startswith("Should fomepizole be given")
    assert page.bottom_line == (
        Said(text="Give fomepizole at once and dialyse, as renal failure slows its removal.", citations=(1,)),
    )
    assert [p.heading for p in page.parts] == [
        "Why Fomepizole Comes First",
        "Dosing and Monitoring",
        "Pitfalls to Avoid",
    ]
    assert len(page.related_questions) == 3
    assert page.related_questions[-1] == "How is warfarin reversed?"
    assert page.disclaimer == "This is for healthcare professionals. It does not replace judgement."


def test_boilerplate_says_nothing(page: Article) -> None:
    for words in ("Advisory", "Submitted", "Personalize", "tailor", "assistant", "updated", "Which best"):
        assert words not in page.text()


def test_numbers_after_a_full_stop_are_citations_and_doses_are_not(page: Article) -> None:
    assert cited(page, "Load with 15 mg/kg (not 10 mg/kg) over 30 minutes.") == (1, 4)
    assert cited(page, "Then 10 mg/kg every 12 hours") == ()
    assert cited(page, "It blocks") == (2,)
    assert cited(page, "Ethanol") == ()
    assert cited(page, "Fomepizole needs") == (1, 2)
    assert cited(page, "Continue until the level is <20 mg/dL and the platelets are >150,000/μL.") == (1,)


def test_a_sentence_that_introduces_a_list_is_no_statement_but_completes_its_items(page: Article) -> None:
    said = page.parts[0].said
    assert said[3] == Said(text="The advantages are these: Severe acidosis despite bicarbonate", citations=(3,))
    assert said[4] == Said(text="The advantages are these: Osmolal gap above 10"), "10 belongs to the words"
    assert said[2].text.startswith("Fomepizole needs"), "an item that is a sentence stands by itself"


def test_an_article_is_read_back_as_it_was_written(page: Article) -> None:
    assert parse(to_text(page)) == page
    tricky = Article(
        title="Is 2 * 3 <b> or [5] meant?",
        bottom_line=(Said(text=">5 mg of CYP2C19*2 <30 mL/min is safe.", citations=(2, 3)),),
        parts=(Part(heading="1. Where [x] _is_", said=(Said(text="- 10 mg & more, 5."), Said(text="# no heading."))),),
        references=(Listed(number=3, text="One & two. <i>J</i> 2017;1:2-3."),),
    )
    assert parse(to_text(tricky)) == tricky
    headless = Article(bottom_line=(Said(text="Yes."),), parts=(Part(heading="", said=(Said(text="It works."),)),))
    assert parse(to_text(headless)) == headless


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Give it [1].", [("Give it.", (1,))]),
        ("Give it.[1][3] Stop [2,4-6] it.", [("Give it.", (1, 3)), ("Stop it.", (2, 4, 5, 6))]),
        ("Give it. [1], [2] Stop it.", [("Give it.", (1, 2)), ("Stop it.", ())]),
        ("Give it.[^2]", [("Give it.", (2,))]),
        ("Give it.¹,³⁻⁵ Stop it².", [("Give it.", (1, 3, 4, 5)), ("Stop it.", (2,))]),
        ("150 × 10⁹/L at 2 m² and ¹³¹I and Ca²⁺ per cm².", [("150 × 10⁹/L at 2 m² and ¹³¹I and Ca²⁺ per cm².", ())]),
        ("Normal is [150-400] here.", [("Normal is [150-400] here.", ())]),
        ("Give it (refs 1, 2).", [("Give it.", (1, 2))]),
        ("Give it (1,2).", [("Give it (1,2).", ())]),
        ("Give it. [1] (low certainty)", [("Give it.", (1,))]),
    ],
)
def test_citation_marks(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(s.text, s.citations) for s in sentences(text, Style(bare=False, round=False))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is safe. 1–3 aPTT is measured. 12", [("It is safe.", (1, 2, 3)), ("aPTT is measured.", (12,))]),
        ("Give it. 3 mL were lost. 2", [("Give it.", ()), ("3 mL were lost.", (2,))]),
        ("Give it. 2 patients died. 1", [("Give it.", ()), ("2 patients died.", (1,))]),
        ("For heart failure of class 3", [("For heart failure of class 3", ())]),
        ("For refractory heart failure 3, 4", [("For refractory heart failure", (3, 4))]),
    ],
)
def test_bare_citations(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(s.text, s.citations) for s in sentences(text, Style(bare=True, round=False))] == expected


def test_round_brackets_are_citations_where_nothing_else_is() -> None:
    article = parse("Give it (1,2). Use it in (1) adults and (2) children (grade 2).")
    assert [s.citations for s in article.said()] == [(1, 2), ()]
    article = parse("Give it [1]. A score of more (4).")
    assert [s.citations for s in article.said()] == [(1,), ()]


MARKDOWN = """**Bottom line:** Give fomepizole.[^1]

### Dosing
**Adults**
- **Load:** 15 mg/kg [1, 2]
- Then:
  - 10 mg/kg every 12 hours
  - more during dialysis [2].

| Drug | Dose |
|---|---|
| Ethanol | 0.6 g/kg |

## Sources
1. First A. Title. J 2017;1:2-3.
2. Second B. Other.

---

*For educational purposes only; this is not a substitute for a clinician.*
"""


def test_markdown_of_a_language_model() -> None:
    assert guessed(MARKDOWN) == "markdown"
    article = parse(MARKDOWN)
    assert article.title == ""
    assert article.bottom_line == (Said(text="Give fomepizole.", citations=(1,)),)
    (part,) = article.parts
    assert part.heading == "Dosing: Adults"
    assert [(s.text, s.citations) for s in part.said] == [
        ("Load: 15 mg/kg", (1, 2)),
        ("Then: 10 mg/kg every 12 hours", ()),
        ("more during dialysis.", (2,)),
        ("Drug: Ethanol | Dose: 0.6 g/kg", ()),
    ]
    assert [(r.number, r.text[:6]) for r in article.references] == [(1, "First "), (2, "Second")]
    assert article.disclaimer
    assert "educational" in article.disclaimer


def test_bullets_that_markdown_does_not_know() -> None:
    article = parse("**Dose**\nIt is given:\n• 5 mg\n• 10 mg\n", "markdown")
    assert [s.text for s in article.said()] == ["It is given: 5 mg", "It is given: 10 mg"]


def test_prose_without_headings() -> None:
    article = parse("Give fomepizole. It is safe.\n\nLoad with 15 mg/kg. Then dialyse.")
    assert [s.text for s in article.bottom_line] == ["Give fomepizole.", "It is safe."]
    assert [p.heading for p in article.parts] == [""]
    assert [s.text for s in article.parts[0].said] == ["Load with 15 mg/kg.", "Then dialyse."]
    long = parse("One is here. Two is here. Three is here. Four is here.")
    assert [s.text for s in long.bottom_line] == ["One is here."]
    assert parse("- Give it\n- Stop it").bottom_line == (), "a list is no bottom line"


def test_html() -> None:
    article = parse(
        "<html><head><title>x</title><style>p {}</style></head><body><h1>Is it given?</h1>"
        "<p>Yes, it is.<sup>1,2</sup> Counts of 150 × 10<sup>9</sup>/L suffice.<sup>[3]</sup></p>"
        "<h2>Dose</h2><ul><li>Give 5 mg.<details><summary>Quote</summary>Hidden.</details></li></ul>"
        "<table><tr><th>Drug</th><th>Dose</th></tr><tr><td>A</td><td>2 mg</td></tr></table>"
        "<h2>References</h2><ol><li><p>Alpha.</p><p>guideline</p></li><li>Beta.</li></ol>"
        "<h3>Related questions</h3><p>What is A?<br>What is B?</p></body></html>"
    )
    assert article.title == "Is it given?"
    assert [s.citations for s in article.bottom_line] == [(1, 2), (3,)]
    assert "10⁹/L" in article.bottom_line[1].text
    assert [s.text for s in article.parts[0].said] == ["Give 5 mg.", "Drug: A | Dose: 2 mg"]
    assert [(r.number, r.text) for r in article.references] == [(1, "Alpha. guideline"), (2, "Beta.")]
    assert article.related_questions == ("What is A?", "What is B?")


@pytest.mark.parametrize("text", ["", "  \n\n", "<p></p>", "---", "# \n\n"])
def test_nothing_is_an_empty_article(text: str) -> None:
    assert parse(text).said() == ()


def test_lines_broken_at_the_margin_are_one_paragraph() -> None:
    article = parse(
        "Use of fomepizole\n\nFomepizole is given by infusion over thirty minutes and then\nevery 12 hours until\n"
        "the level has fallen.\n\nMonitoring:\n- Levels\n\nStop it if:\n- it fails\n\nREFERENCES\n[1] One.\n[2] Two.\n"
    )
    assert article.title == "Use of fomepizole"
    assert len(article.bottom_line) == 1
    assert [(p.heading, [s.text for s in p.said]) for p in article.parts] == [
        ("Monitoring", ["Levels", "Stop it if: it fails"])
    ]
    assert [r.number for r in article.references] == [1, 2]


def test_claims_of_a_plain_article(page: Article) -> None:
    claims = claims_of(page)
    assert len(claims) == len(page.said())
    assert claims[0].importance == "must"
    by_start = {c.text.split()[0]: c for c in claims}
    assert by_start["Ethanol"].importance == "nice"
    assert by_start["Load"].importance == "must"
    assert by_start["Load"].values == ("15 mg/kg", "10 mg/kg", "30 minutes")
    assert by_start["Continue"].values == ("<20 mg/dL", ">150,000/μL")
    assert len({c.claim_id for c in claims}) == len(claims)
    gold = gold_of(page)
    assert gold.outline == tuple(p.heading for p in page.parts)
    assert gold.related == page.related_questions


# values


def test_values_are_quantities_and_grades_as_written() -> None:
    text = "Of three patients in 2017, 40% got 1.5–3 × baseline, twice daily, INR 2-3 (Grade 2C; Child-Pugh C)."
    assert values_in(text) == ("40%", "1.5–3 × baseline", "twice daily", "2-3", "Grade 2C", "Child-Pugh C")
    assert values_in("No value.") == ()


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("0.5 mcg/kg/min", "give 0.5 µg/kg per minute", True),
        ("0.5 mcg/kg/min", "give 30 mcg/kg/h", True),
        ("0.5 mcg/kg/min", "give 0.5 mg/kg/min", False),
        ("0.5 mcg/kg/min", "give 0.05 mcg/kg/min", False),
        (">150,000/μL", "at 150 × 10⁹/L or more", True),
        (">150,000/μL", "below 150 × 10⁹/L", False),
        ("1.5-3 times baseline", "1.5 to 3 x baseline", True),
        ("Child-Pugh C", "in Child–Pugh class C cirrhosis", True),
        ("Child-Pugh C", "in Child-Pugh B cirrhosis", False),
        ("Grade 2C", "(grade 2C)", True),
        ("Grade 2C", "(grade 2B)", False),
    ],
)
def test_a_value_is_said_in_any_notation_but_not_altered(value: str, text: str, expected: bool) -> None:
    assert is_said(value, text) is expected


def test_the_claim_gives_a_listed_value_its_unit() -> None:
    claim = "Give 1500, 2250 or 3000 U by weight."
    assert is_said("1500", "1500 U were given", claim)
    assert not is_said("1500", "1500 mg were given", claim)
    assert shared("3000 U", ["none", "3,000 units"], claim) == "3,000 units"


def test_a_statement_speaks_of_a_claim_whatever_its_numbers() -> None:
    claim = "Load with fomepizole 15 mg/kg over 30 minutes."
    texts = ["Fomepizole is loaded with 45 mg/kg.", "Warfarin is started at 15 mg/kg.", "15 mg/kg are usual."]
    assert list(speaking_of(claim, texts)) == texts[:1]
    assert texts[2] in speaking_of(claim, texts, ["", "", "Fomepizole load"])
