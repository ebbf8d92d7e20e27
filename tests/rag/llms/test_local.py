"""A model of this process answers as a brute-force reading of its logits would."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from rag.errors import BadPrompt
from rag.llms.local import LocalLLM
from rag.llms.torch_model import TorchModel, TorchSession, TorchTexts
from rag.values import Choose, Complete, Completed, Message, Prompt, Score
from tests.rag.llms.tiny import CHATML, Architecture, Kind, local_llm, model, tokenizer

pytestmark = [pytest.mark.model, pytest.mark.anyio]

PAIRS = pytest.mark.parametrize(
    ("architecture", "kind"),
    [("llama", "bytes"), ("llama", "pieces"), ("qwen", "bytes"), ("gpt2", "pieces")],
)
LETTERS = tuple("ABCDEFGHIJ")


def ask(text: str, *more: Message) -> Prompt:
    return (Message("system", "Answer with one letter."), Message("user", text), *more)


def logits(architecture: Architecture, ids: list[int]) -> np.ndarray:
    """Return log-probabilities after every token, by one plain forward pass."""
    with torch.inference_mode():
        raw = model(architecture)(input_ids=torch.tensor([ids])).logits[0].double()
    return np.asarray(torch.log_softmax(raw, dim=-1).numpy())


def rendered(prompt: Prompt) -> str:
    """Write a prompt by hand, as CHATML says."""
    assert "<|im_start|>" in CHATML
    *turns, last = prompt
    forced = last.content if last.role == "assistant" else ""
    turns = turns if forced else list(prompt)
    text = "".join(f"<|im_start|>{m.role}\n{m.content}<|im_end|>\n" for m in turns)
    return f"{text}<|im_start|>assistant\n{forced}"


@PAIRS
@pytest.mark.parametrize("forced", ["", "["])
async def test_labels_get_what_the_full_logits_say(
    architecture: Architecture, kind: Kind, forced: str
) -> None:
    tok, llm = tokenizer(kind), local_llm(architecture, kind)
    more = (Message("assistant", forced),) if forced else ()
    prompts = [ask("Which? " + "passage " * (n % 7) + str(n), *more) for n in range(30)]
    replies = await llm.choose([Choose(prompt, LETTERS) for prompt in prompts])
    for prompt, reply in zip(prompts, replies, strict=True):
        text = rendered(prompt)
        ids = tok.encode(text, add_special_tokens=False)
        table = logits(architecture, ids)[-1]
        expected = []
        for letter in LETTERS:
            written = tok.encode(text + letter, add_special_tokens=False)
            if len(written) != len(ids) + 1:
                written = tok.encode(f"{text} {letter}", add_special_tokens=False)
            expected.append(table[written[-1]])
        assert reply.missing == 0
        assert np.abs(np.array(reply.logprobs) - expected).max() <= 1e-4
        assert reply.usage.tokens_in == len(ids)
        assert reply.usage.batch == 30
    await llm.close()


@PAIRS
async def test_a_continuation_gets_the_sum_of_its_tokens(
    architecture: Architecture, kind: Kind
) -> None:
    tok, llm = tokenizer(kind), local_llm(architecture, kind)
    texts = ["Water boils at 100 degrees.", "B", "the freezer"]
    prompts = [ask(f"{'passage ' * n}?") for n in (1, 20)]
    asked = [Score(prompt, text) for prompt in prompts for text in texts]
    for request, reply in zip(asked, await llm.score(asked), strict=True):
        before = tok.encode(rendered(request.prompt), add_special_tokens=False)
        after = llm._renderer.continuation(request.continuation)
        table = logits(architecture, [*before, *after])
        expected = sum(table[len(before) - 1 + i, id_] for i, id_ in enumerate(after))
        assert reply.tokens == len(after)
        assert reply.logprob == pytest.approx(expected, abs=1e-3)
    await llm.close()


@PAIRS
async def test_a_completion_is_what_plain_greedy_decoding_writes(
    architecture: Architecture, kind: Kind
) -> None:
    tok, llm = tokenizer(kind), local_llm(architecture, kind)
    prompt = ask("Say it again: the freezer stays below -60 °C, the freezer stays below")
    ids = tok.encode(rendered(prompt), add_special_tokens=False)
    written: list[int] = []
    for _ in range(40):
        written.append(int(logits(architecture, [*ids, *written])[-1].argmax()))
    (reply,) = await llm.complete([Complete(prompt, max_tokens=40)])
    assert reply.text == tok.decode(written, skip_special_tokens=True)
    assert (reply.tokens, reply.cut, reply.usage.tokens_in) == (40, True, len(ids))
    *pieces, last = [piece async for piece in llm.stream(Complete(prompt, max_tokens=40))]
    assert "".join(map(str, pieces)) == reply.text
    assert last == reply
    assert isinstance(last, Completed)
    assert 0 < last.usage.passes < 40
    await llm.close()


@PAIRS
@pytest.mark.parametrize(("most", "temperature"), [(40, 0.0), (1, 0.0), (10, 0.9)])
async def test_every_written_token_comes_with_its_place(
    architecture: Architecture, kind: Kind, most: int, temperature: float
) -> None:
    llm = local_llm(architecture, kind)
    request = Complete(ask("Say it again: stays below -60 °C, stays below"), most, temperature, 3)
    ids = llm.renderer.ids(request.prompt)
    places = [place async for place in llm.write(request, ids, 5)]
    written = [place.id for place in places]
    assert llm.renderer.decode(written) == (await llm.complete([request]))[0].text
    assert len(places) == most
    table = logits(architecture, [*ids, *written])
    for i, place in enumerate(places, len(ids) - 1):
        assert place.logprob == pytest.approx(table[i, place.id], abs=1e-4)
        likelier = int((table[i] > table[i, place.id]).sum())
        assert abs(place.rank - 1 - likelier) <= 3  # neighbours are as near as rounding
        assert [p for _, p in place.top] == pytest.approx(np.sort(table[i])[:-6:-1], abs=1e-4)
    rated = await llm.rate([*ids, *written], piece=7)
    assert [place.id for place in rated] == [*ids[1:], *written]
    expected = [table[i, place.id] for i, place in enumerate(rated)]
    assert [place.logprob for place in rated] == pytest.approx(expected, abs=1e-3)
    await llm.close()


@pytest.mark.parametrize("most", [1, 9])
async def test_the_token_that_ends_a_text_has_its_place_too(most: int) -> None:
    free = local_llm()
    prompt = ask("go on")
    ids = free.renderer.ids(prompt)
    written = [p.id async for p in free.write(Complete(prompt, 9), ids)]
    for stop in {written[0], written[-1]}:
        llm = LocalLLM(free.spec, free.renderer, free._reader, frozenset({stop}))
        places = [place async for place in llm.write(Complete(prompt, most), ids, 2)]
        before = min(written.index(stop), most)
        assert [place.id for place in places] == written[: before + 1][:most]
        assert [place.ends for place in places] == ([False] * before + [True])[:most]
        (completed,) = await llm.complete([Complete(prompt, most)])
        assert completed.tokens == before
        await llm.close()
    await free.close()


async def test_leaving_a_stream_stops_the_decoding() -> None:
    llm = local_llm()
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    hook = model("llama").register_forward_hook(count)
    try:
        async for _ in llm.stream(Complete(ask("go on"), max_tokens=400)):
            break
        after = passes
        await asyncio.sleep(0.2)
        assert passes == after < 20
    finally:
        hook.remove()
        await llm.close()


async def test_what_does_not_fit_the_window_is_refused() -> None:
    llm = local_llm()
    long = ask("passage " * 600)
    for refused in (
        llm.choose([Choose(long, LETTERS)]),
        llm.score([Score(long, "A")]),
        llm.complete([Complete(long)]),
        llm.complete([Complete(ask("short"), max_tokens=500)]),
    ):
        with pytest.raises(BadPrompt, match="512"):
            await refused
    with pytest.raises(BadPrompt, match="empty"):
        await llm.score([Score(ask("?"), "")])
    with pytest.raises(BadPrompt, match="not one token"):
        await llm.choose([Choose(ask("?"), ("A", "no such single token"))])
    await llm.close()


async def test_a_large_request_leaves_turns_to_others() -> None:
    llm = local_llm()
    large = [Choose(ask(f"{n} " + "passage " * 200), ("A", "B")) for n in range(200)]
    waiting = asyncio.create_task(llm.choose(large))
    await asyncio.sleep(0.05)
    await llm.choose([Choose(ask("short?"), ("A", "B"))])
    await llm.complete([Complete(ask("short?"), max_tokens=3)])
    assert not waiting.done()
    replies = await waiting
    assert max(reply.usage.batch for reply in replies) < 100
    for request, reply in list(zip(large, replies, strict=True))[::50]:
        (alone,) = await llm.choose([request])
        assert reply.logprobs == pytest.approx(alone.logprobs, abs=1e-4)
    await llm.close()


async def test_a_thousand_callers_are_all_answered_and_those_who_left_are_not_computed() -> None:
    llm: LocalLLM = local_llm()
    seen = 0

    def count(_module: object, inputs: tuple[torch.Tensor, ...], _output: object) -> None:
        nonlocal seen
        seen += inputs[0].shape[0]

    async def one(n: int) -> tuple[float | None, ...]:
        (reply,) = await llm.choose([Choose(ask(f"number {n}?"), ("A", "B"))])
        return reply.logprobs

    hook = model("llama").get_input_embeddings().register_forward_hook(count)
    try:
        tasks = [asyncio.create_task(one(n)) for n in range(1_000)]
        await asyncio.sleep(0)
        for task in tasks[1::2]:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        hook.remove()
    assert all(isinstance(reply, asyncio.CancelledError) for reply in found[1::2])
    assert all(isinstance(reply, tuple) for reply in found[::2])
    assert seen < 800  # 500 rows, some beginnings, and the batch that was under way
    await llm.close()


@PAIRS
async def test_texts_drawn_from_one_prompt_side_by_side_are_those_drawn_one_by_one(
    architecture: Architecture, kind: Kind
) -> None:
    llm = local_llm(architecture, kind)
    prompt = ask("Say something about the freezer.")
    draws = [Complete(prompt, 12, 0.9, seed) for seed in (3, 1, 4, 1, 5, 9)]
    other = Complete(ask("Say it."), 5, 0.9, 3)
    greedy = Complete(prompt, 6)
    mixed = [draws[0], greedy, *draws[1:], other, greedy]
    together = await llm.complete(mixed)
    alone = [(await llm.complete([request]))[0] for request in mixed]
    assert together == tuple(alone)
    assert together[0].usage.batch == 6
    assert [reply.usage.passes for reply in together] == [reply.usage.passes for reply in alone]
    await llm.close()


@PAIRS
async def test_likeliest_texts_of_several_prompts_are_those_written_one_by_one(
    architecture: Architecture, kind: Kind
) -> None:
    llm = local_llm(architecture, kind)
    requests = [Complete(ask("Say it. " * (n % 5) + str(n)), 12) for n in range(13)]
    requests += [Complete(ask(f"Say {n}."), 3) for n in range(2)]
    together = await llm.complete(requests)
    alone = [(await llm.complete([request]))[0] for request in requests]
    assert together == tuple(alone)
    assert max(reply.usage.batch for reply in together) == 10
    assert together[-1].usage.batch == 1  # two are too few
    await llm.close()


async def test_long_texts_stand_side_by_side_only_as_far_as_memory_goes() -> None:
    llm = local_llm(window=2_048)
    long = [Complete(ask("Say it. " * 130 + str(n)), 2) for n in range(6)]
    tokens = llm.count_tokens(long[0].prompt) + 2
    assert 4_096 / 6 < tokens < 4_096 / 4
    found = await llm.complete(long)
    together = 4_096 // tokens
    assert [reply.usage.batch for reply in found] == [together] * together + [1] * (6 - together)
    assert found == tuple([(await llm.complete([one]))[0] for one in long])
    await llm.close()


class Stateful(TorchModel):
    """A model that remembers more than keys and values."""

    def session(self) -> TorchSession:
        return StatefulSession(self.model, self.writer)


class StatefulSession(TorchSession):
    def join(self, others: Sequence[TorchSession]) -> TorchTexts:
        raise BadPrompt(f"{1 + len(others)} prompts cannot be mixed")


async def test_a_model_that_cannot_stand_side_by_side_writes_one_by_one() -> None:
    usual, stateful = local_llm(), local_llm(reader=Stateful(model("llama")))
    requests = [Complete(ask(f"Say {n}."), 8) for n in range(6)]
    found = await stateful.complete(requests)
    assert found == await usual.complete(requests)
    assert {reply.usage.batch for reply in found} == {1}
    await stateful.close()
    await usual.close()
