"""The scripted model says what the script says and remembers what it was asked."""

import pytest

from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM, LLMSpec
from rag.values import Choose, Chosen, Complete, Completed, Message, Piece, Score, Scored

PROMPT = (Message("system", "be brief"), Message("user", "one two three four"))


def test_it_is_an_llm() -> None:
    assert isinstance(ScriptedLLM(), LLM)
    assert ScriptedLLM(context_window=7).spec == LLMSpec(
        "scripted", "scripted", 7, fingerprint="scripted", constrains=True, mixes=True
    )


@pytest.mark.anyio
async def test_replies_come_in_the_order_of_the_requests() -> None:
    llm = ScriptedLLM(
        choose=lambda r: Chosen(tuple(-float(ord(label)) for label in r.labels)),
        score=lambda r: Scored(-1.0, len(r.continuation)),
    )
    assert await llm.choose([Choose(PROMPT, ("A", "B")), Choose(PROMPT, ("C",))]) == (
        Chosen((-65.0, -66.0)),
        Chosen((-67.0,)),
    )
    assert await llm.score([Score(PROMPT, "xy"), Score(PROMPT, "")]) == (
        Scored(-1.0, 2),
        Scored(-1.0, 0),
    )


@pytest.mark.anyio
async def test_without_a_script_it_echoes_the_last_message() -> None:
    llm = ScriptedLLM()
    assert await llm.complete([Complete(PROMPT)]) == (Completed("one two three four", 4),)
    assert await llm.choose([Choose(PROMPT, ("A", "B"))]) == (Chosen((0.0, 0.0)),)
    assert await llm.score([Score(PROMPT, "a b c")]) == (Scored(0.0, 3),)


@pytest.mark.anyio
async def test_a_completion_is_cut_at_max_tokens_words() -> None:
    llm = ScriptedLLM()
    assert await llm.complete([Complete(PROMPT, 2), Complete(PROMPT, 0)]) == (
        Completed("one two", 2, cut=True),
        Completed("", 0, cut=True),
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "most", "written"),
    [
        ("a b\n- c\n", 9, Completed("a b\n- c\n", 4)),
        ("a b\n- c\n", 4, Completed("a b\n- c\n", 4)),
        ("a b\n- c\n", 3, Completed("a b\n-", 3, cut=True)),
        ("\n\n a", 1, Completed("\n\n a", 1)),
        ("\n", 1, Completed("", 0)),
    ],
)
async def test_a_completion_keeps_its_white_space(text: str, most: int, written: Completed) -> None:
    llm = ScriptedLLM(complete=lambda _: text)
    assert await llm.complete([Complete(PROMPT, most)]) == (written,)
    *pieces, last = [piece async for piece in llm.stream(Complete(PROMPT, most))]
    assert "".join(str(piece) for piece in pieces) == written.text
    assert last == written


@pytest.mark.anyio
async def test_the_pieces_of_a_stream_are_the_completion() -> None:
    llm = ScriptedLLM()
    pieces = [piece async for piece in llm.stream(Complete(PROMPT, 3))]
    (completed,) = await llm.complete([Complete(PROMPT, 3)])
    assert pieces == ["one", " two", " three", completed]


@pytest.mark.anyio
async def test_the_history_holds_every_request_in_order() -> None:
    llm = ScriptedLLM()
    choose, score, complete = Choose(PROMPT, ("A",)), Score(PROMPT, "x"), Complete(PROMPT)
    await llm.choose([choose])
    await llm.complete([complete, complete])
    await llm.score([score])
    assert [piece async for piece in llm.stream(complete)]
    assert llm.history == [choose, complete, complete, score, complete]


def test_tokens_are_the_words_of_all_messages() -> None:
    assert ScriptedLLM().count_tokens(PROMPT) == 2 + 4
    assert ScriptedLLM().count_tokens(()) == 0


@pytest.mark.anyio
async def test_among_given_texts_the_script_decides_and_else_it_is_the_first() -> None:
    llm = ScriptedLLM(complete=lambda r: "b c" if len(r.prompt) == 1 else "something else")
    texts = ("a", "b", "b c", " ")
    requests = [Complete(PROMPT[1:], 1, among=texts), Complete(PROMPT, among=texts)]
    assert await llm.complete(requests) == (Completed("b c", 2), Completed("a", 1))
    blank = Complete(PROMPT, among=(" ",))
    assert [piece async for piece in llm.stream(blank)] == [" ", Completed(" ", 1)]


@pytest.mark.anyio
async def test_a_mixture_has_equal_shares_in_every_word() -> None:
    pieces = (Piece("one", (0.5, 0.5)), Piece(" two", (0.5, 0.5)))
    (reply,) = await ScriptedLLM().complete([Complete(PROMPT, 2, beside=(PROMPT,), weights=(1, 9))])
    assert reply == Completed("one two", 2, cut=True, pieces=pieces)
