"""Refusals are known at the beginning of a query, and anywhere in an answer."""

import pytest

from rag.outside.refusals import gives_up, refuses


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I cannot say who directed the film.",
        "I cannot answer questions about the film.",
        "As an AI, I know nothing of the film.",
        "As an AI language model, I cannot search.",
        "We apologise for that.",
        "My apologies.",
        "Unfortunately, I can’t.",
        "I refuse to write this.",
        "I'm unable to help",
        '"I don’t know."',
        "Es tut mir leid, das weiß ich nicht.",
    ],
)
def test_a_refusal_begins_with_itself(text: str) -> None:
    assert refuses(text)
    assert gives_up(text)


@pytest.mark.parametrize(
    "text", ["What to do if I cannot find my passport?", "The film of which I do not know the end"]
)
def test_a_query_may_speak_of_what_cannot_be_done(text: str) -> None:
    assert not refuses(text)
    assert gives_up(text)


@pytest.mark.parametrize(
    "text", ["The sorry state of the roads", "I know who filmed in the U.S.", "I Robot", "Sorrento"]
)
def test_prose_is_no_refusal(text: str) -> None:
    assert not refuses(text)
    assert not gives_up(text)


@pytest.mark.parametrize(
    "answer",
    ["", " …", "I do not know.", "I don’t know", "Sorry, I can't help with that.", "I'm not sure."],
)
def test_refusals_are_seen(answer: str) -> None:
    assert gives_up(answer)


@pytest.mark.parametrize("answer", ["Paris.", "The song is called 'I Know'.", "巴黎", "42"])
def test_answers_are_no_refusals(answer: str) -> None:
    assert not gives_up(answer)
