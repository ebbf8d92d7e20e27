"""What a sentence says beyond its evidence is named; what is only written otherwise is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.verify.facts import facts, missing
from rag.verify.numbers import quantities

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)


def lacks(sentence: str, *evidence: str) -> list[str]:
    return [str(lack) for lack in missing(sentence, evidence)]


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("It holds 1,000 litres.", "It holds a thousand litres."),
        ("It holds 1,000 litres.", "It holds 1000 l."),
        ("Es fasst 1.000 Liter.", "It holds 1,000 liter."),
        ("It holds 1 000 people.", "It holds 1,000 people."),
        ("It costs 3.5 million.", "It costs 3,500,000."),
        ("It grew by 5%.", "It grew by 5 per cent."),
        ("It grew by 5 percent.", "It grew by five per cent."),
        ("It grew by 2.5%.", "It grew by 2,5 %."),
        ("Half of them sailed.", "Of them 50% sailed."),
        ("A dozen dogs sailed.", "Twelve dogs sailed."),
        ("Twenty-five dogs sailed.", "25 dogs sailed."),
        ("One hundred and five dogs sailed.", "105 dogs sailed."),
        ("The 3rd dog sailed.", "The third dog sailed."),
        ("It takes 5 to 10 hours.", "It takes 5–10 h."),
        ("It takes 5 hours.", "It takes 5-10 h."),
        ("It stays at −20 °C.", "It stays at -20 degrees Celsius."),
        ("It is 36 km away.", "It is 36 kilometres away."),
        ("It costs $5.", "It costs 5 dollars."),
        ("It costs 5 EUR.", "It costs €5."),
        ("About 76% sailed.", "Of all, 76.3% sailed."),
        ("It was built on 5 May 2020.", "It was built on 2020-05-05."),
        ("It was built on May 5, 2020.", "It was built on the 5th of May 2020."),
        ("It was built in May 2020.", "It was built on 5 May 2020."),
        ("It was built in 2020.", "It was built on 05.05.2020."),
        ("It sank between 5 and 9 May 2020.", "From 5 to 9 May 2020 it sank."),
        ("It was built in the U.S. Navy yard.", "A yard of the US Navy built it."),
        ("Its origin is the WHO.", "It comes from the World Health Organization."),
        ("It is by the World Health Organization.", "It comes from the WHO."),
        ("It was written by Dr. Ada Lovelace.", "Lovelace, Ada, wrote it."),
        ("A copy of IL-6 was found.", "A copy of IL6 was found."),
        ("It is Škoda's boat.", "The boat belongs to Skoda."),
        ("He said “no dogs on board”.", 'The rule: "No dogs on  board!"'),
        ("Dogs aren't allowed.", "Dogs are not allowed."),
        ("Dogs cannot sail.", "Dogs can not sail."),
        ("Not only dogs sail.", "Dogs sail."),
        ("Cats are free.", "Dogs are not allowed, but cats are free."),
        ("The boat has rules.", "Dogs are not allowed on the boat. The boat has rules."),
        ("The rate increased.", "The rate rose."),
        ("The price of the boat rose.", "The boat is old and its top speed has dropped."),
        ("The price of the boat is higher.", "The price of the boat is greater and its speed low."),
    ],
)
def test_the_same_written_otherwise_is_held(sentence: str, evidence: str) -> None:
    assert lacks(sentence, evidence) == []


@pytest.mark.parametrize(
    ("sentence", "evidence", "faults"),
    [
        ("It lasts 36 hours.", "It lasts 30 hours.", ["number 36"]),
        ("It costs 3.5 million.", "It costs 3.5 thousand.", ["number 3.5 million"]),
        ("It is 0.006.", "It is 0.06.", ["number 0.006"]),
        ("It is −20 °C.", "It is 20 °C.", ["number -20"]),
        ("It is 36 km.", "It is 36 miles.", ["unit km"]),
        ("It is 5%.", "It is 5 mg.", ["unit %"]),
        ("5 of 5 sailed.", "3 of 5 sailed.", ["number 5"]),
        ("Thirty dogs sailed.", "Forty dogs sailed.", ["number 30"]),
        ("It has 6 legs.", "It has IL-6.", ["number 6"]),
        ("It sank on 5 May 2020.", "It sank on 6 May 2020.", ["date 5 May 2020"]),
        ("It sank on 5 May 2020.", "It sank in May 2020.", ["date 5 May 2020"]),
        ("It sank in 1912.", "It sank in 1913.", ["date 1912"]),
        ("It sank in June.", "It sank in July.", ["date in June"]),
        ("It was built by Ada Lovelace.", "It was built by Ada Byron.", ["name Ada Lovelace"]),
        ("It came from the US.", "It came to us.", ["name US"]),
        ("A copy of IL-6 was found.", "A copy of IL-8 was found.", ["name IL-6"]),
        ("He said “no dogs on board”.", "He said that dogs stay.", ["quote no dogs on board"]),
        ("Dogs are not allowed.", "Dogs are allowed.", ["polarity: not"]),
        ("Dogs are allowed.", "Dogs are not allowed.", ["polarity: not"]),
        ("Dogs are allowed.", "Dogs aren't allowed.", ["polarity: not"]),
        ("Dogs never bark.", "Dogs bark.", ["polarity: never"]),
        ("There were differences.", "There were no differences.", ["polarity: no"]),
        ("The rate increased.", "The rate decreased.", ["polarity: increased"]),
        ("It down-regulates the gene.", "It upregulates the gene.", ["polarity: downregulates"]),
        ("The test was positive.", "The test was negative.", ["polarity: positive"]),
        ("All dogs sail.", "None of the dogs sail.", ["polarity: all"]),
        ("It opens before noon.", "It opens after noon.", ["polarity: before"]),
        ("The ice is unstable.", "The ice is stable.", ["polarity: unstable"]),
        ("The way is direct.", "The way is indirect.", ["polarity: direct"]),
    ],
)
def test_what_the_evidence_does_not_hold_is_named(
    sentence: str, evidence: str, faults: list[str]
) -> None:
    found = lacks(sentence, evidence)
    assert [fault for fault in found if not fault.startswith("polarity")] == [
        fault for fault in faults if not fault.startswith("polarity")
    ]
    assert set(faults) <= set(found)


@pytest.mark.parametrize(
    "sentence",
    [
        "One of them sailed first.",
        "This happened a second time.",
        "May I come along?",
        "The boat, however, sank. It was old.",
        "He informed the patients; inpatients were invited.",
        "I saw a 3D film about 6MP.",
        "See “notes”.",
    ],
)
def test_words_that_only_look_like_facts_are_none(sentence: str) -> None:
    found = facts(sentence)
    assert (found.numbers, found.dates) == ((), ())
    assert lacks(sentence.lower(), "Nothing of this kind; forms and patients.") == []


def test_several_texts_hold_a_sentence_together() -> None:
    assert lacks("Ada sailed 36 km with Bob.", "It was Ada, 36 km.", "The mate was Bob.") == []
    assert lacks("Then Ada sailed 36 km.", "It was 36 km.") == ["name Ada"]


def test_a_heading_in_capitals_has_no_acronyms() -> None:
    assert facts("THE RULES FOR DOGS ON BOARD").names == ()


@given(TEXTS)
def test_every_text_holds_itself(text: str) -> None:
    assert missing(text, [text]) == ()


@given(TEXTS, TEXTS)
def test_faults_do_not_depend_on_the_order_of_the_evidence(one: str, other: str) -> None:
    wanted = "Ada paid 36 € in May 2020."
    assert set(missing(wanted, [one, other])) == set(missing(wanted, [other, one]))


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_two_numbers_are_the_same_only_if_they_are(one: int, other: int) -> None:
    same = lacks(f"It is {one:,} today.", f"It is {other} today.") == []
    assert same == (one == other)


@given(st.floats(0.001, 999.999).map(lambda value: round(value, 3)))
def test_decimals_are_read_in_both_styles(value: float) -> None:
    text = f"{value:.2f}"
    assert lacks(f"It is {text} m.", f"It is {text.replace('.', ',')} m.") == []
    (read,) = quantities(f"It is {text} m.")
    assert read.values == {float(text)}
    assert read.unit == "m"


@pytest.mark.parametrize(
    "text",
    [
        "He played for them in 1966–85 and was their captain.",
        "The 2014-15 season was the club's tenth; it scored 15 goals.",
        "On 5 May 2020-6 the ferry left at -5 °C.",
    ],
)
def test_a_span_of_years_holds_itself(text: str) -> None:
    assert missing(text, [text]) == ()
    other = text.replace("85", "84").replace("14-15", "14-16").replace("-5 °C", "-6 °C")
    assert missing(other, [text]) != ()
