"""Level 0: small talk is not searched for, composed questions take steps, all others are open."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.route.rules import rules

SMALL_TALK = {
    "a greeting": ["hi", "Hello!", "hey there :)", "Good morning, everyone!", "Hi, how are you?"],
    "thanks": ["Thanks!", "thank you so much 🙏", "Great, thanks a lot for your help!", "ＴＨＸ"],
    "a goodbye": ["bye", "Good night.", "That's all for now – bye!", "See you tomorrow"],
    "a question about the assistant": [
        "Who are you?",
        "what’s your name",
        "Are you a robot?",
        "What can you do for me?",
    ],
    "nothing is asked": ["", "  \n", "???", "…", "👍", "\u200b", '""'],
}

COMPOSED = [
    "Compare Kafka with RabbitMQ",
    "What is the difference between the Nile and the Amazon?",
    "How does the policy of 2023 differ from the one of 2024?",
    "What do Marie Curie and Linus Pauling have in common?",
    "Is the Nile longer than the Amazon?",
    "Were Scott Derrickson and Ed Wood of the same nationality?",
    "Which films star both Tom Hanks and Meg Ryan?",
    "Which magazine was started first, Arthur's Magazine or First for Women?",
    "Who is older: Ada Lovelace or Charles Babbage?",
    "Which film came out first Jaws or Alien?",
    "Which is older, the tower of Pisa or the bridge of Avignon?",
    "Which is older: the church in Ulm or the one in the city of Bath?",
    "Which came first the founding of Rome or the birth of Homer?",
    "Is the tower of Pisa taller than the bridge of Avignon?",
    "Were the director of Jaws and a star of Alien of the same nationality?",
    "What is the difference between the old law of Spain and the new law of France?",
    "Are both magazines, the Woman's Viewpoint and Pick Me Up, British?",
    "Which singer is American, Mark King or Nick Hexum?",
    "Who was a painter, the uncle of Degas or Mary Cassatt?",
    "Between Jaws and Alien, which came out first?",
    "Where is the birthplace of the director who made Jaws?",
    "When was the mayor of the city that hosted the 1936 Olympics born?",
    "What is the population of the country whose flag has a cedar?",
]

OPEN = [
    # one fact, one search
    "What is BM25?",
    "Who directed Jaws?",
    "hi, what is the refund policy?",
    "Thanks, and how do I cancel?",
    "Who are you going to call in an emergency?",
    "What can you do about rust on steel?",
    "What is the name of the actor who played Quint?",
    "What is the date of the meeting that we moved?",
    "Does Acme employ more than 500 people?",
    "Are there other options than the basic plan?",
    "Does the warranty cover both parts and labour?",
    "Who do I ask first, the manager or my team?",
    "Who do I ask first, the manager or the head of my team?",
    "Which is the oldest bridge in the city of Avignon?",
    "Who was first, the chicken or the egg?",
    "Which office is in California, Oregon or Washington?",
    "Which offices are near the coast, in Lisbon or elsewhere?",
    "Is a permit needed for the Tower of London?",
    "Is the office in Berlin open later than 8 pm?",
    "Is the library of Ulm open longer than usual?",
    "Does the plan for teams cost more than the other one?",
    "What does the guarantee of the Basic or the Pro plan cover?",
    "Do you have more information on the Basic or the Pro plan?",
    "Are the terms of the lease the same in Spain?",
    "Which is the better place, the shop in Ulm or by Post?",
    "Who do I ask first, the manager or the head of the Berlin team?",
    "Roe vs Wade",
    "ok",
    "yes",
    "help",
    # looked for, not said
    '"hello"',
    "hello.py",
    "hello_world",
    "hello 世界",
    "C++",
    "->",
    "∑",
    # other languages are searched for, greetings included
    "你好",
    "bonjour",
    "Привет!",
    "नमस्ते",
    "Vielen Dank",
    "谁先出生，牛顿还是莱布尼茨？",
]


@pytest.mark.parametrize(
    ("why", "text"), [(why, text) for why, texts in SMALL_TALK.items() for text in texts]
)
def test_small_talk_needs_no_search(why: str, text: str) -> None:
    route = rules(text)
    assert route
    assert (route.kind, route.by, route.why) == ("A", "rules", why)


@pytest.mark.parametrize("text", COMPOSED)
def test_a_question_that_says_it_is_made_of_several_takes_steps(text: str) -> None:
    route = rules(text)
    assert route
    assert (route.kind, route.by) == ("C", "rules")


@pytest.mark.parametrize("text", OPEN)
def test_whatever_is_not_certain_is_left_open(text: str) -> None:
    assert rules(text) is None


def test_line_breaks_do_not_hide_what_a_question_is() -> None:
    route = rules("Compare\nKafka with\nRabbitMQ")
    assert route
    assert route.kind == "C"


def test_a_long_text_is_no_plain_question() -> None:
    assert rules("Compare Kafka with RabbitMQ. " * 11) is None
    assert rules("hello " * 100) is None
    assert rules("hello " * 17) is None


@given(st.text(), st.sampled_from(["what is ", "Wo ist ", "搜索"]))
def test_only_whole_small_talk_is_left_unsearched(text: str, asked: str) -> None:
    route = rules(asked + "xylem " + text)
    assert route is None or route.kind == "C"


@pytest.mark.parametrize(
    "text",
    [
        "which first " + "A or " * 57,
        "Is A" + " older than a" * 22,
        "both A " + "A and " * 48,
        "the a of the b " * 20,
        "which first " + "the a " * 47,
        "Is the a " + "A older than the a " * 15,
        "who is " + "a, the b c A or the " * 14,
        "Were the A" + " and the a b c" * 20,
        "Were A" + " and A" * 47,
        "hi and " * 8 + "x",
        "the " * 74,
    ],
)
def test_hostile_texts_are_read_in_time(text: str) -> None:
    started = time.process_time()
    rules(text)
    assert time.process_time() - started < 0.5
