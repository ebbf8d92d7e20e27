"""What local models are made to write: one of given texts, a mixture of prompts, quotes."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from rag.errors import BadPrompt
from rag.llms.decoding import Branching, Tally, greedy
from rag.llms.local import LocalLLM
from rag.llms.reading import Reader
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.seams import LLMSpec
from rag.values import Complete, Completed, Prompt, Score
from tests.rag.llms.test_local import PAIRS, ask
from tests.rag.llms.tiny import (
    SENTENCES,
    Architecture,
    Kind,
    local_llm,
    model,
    onnx_model,
    tokenizer,
)

pytestmark = pytest.mark.model

RUNTIMES = pytest.mark.parametrize("runtime", ["torch", "onnx"])
ENDS = frozenset({1})  # <|im_end|>
PASSAGES = "\n".join(f"[{i}] {text}" for i, text in enumerate(SENTENCES[:4], 1))


def reader(runtime: str) -> Reader:
    return TorchModel(model("llama")) if runtime == "torch" else onnx_model("llama")


def writer(runtime: str, kind: Kind = "bytes", stops: frozenset[int] = ENDS) -> LocalLLM:
    renderer = Renderer(tokenizer(kind))
    return LocalLLM(LLMSpec("tiny", "tiny", 512), renderer, reader(runtime), stops)


def logprobs(session: Branching, ids: Sequence[int]) -> np.ndarray:
    """Return log-probabilities after more tokens, read one by one."""
    row = np.concatenate([session.feed([id_], 1) for id_ in ids])[-1].astype(np.float64)
    return np.asarray(row - np.log(np.exp(row - row.max()).sum()) - row.max())


def walked(llm: LocalLLM, session: Branching, prompt: Prompt, among: Sequence[str]) -> str:
    """Go down the prefix tree of the texts' tokens, a pass for each."""
    found: dict[tuple[int, ...], str] = {}
    for text in among:
        found.setdefault(tuple(llm.renderer.continuation(text)), text)
    row = session.feed(llm.renderer.ids(prompt), 1)[-1]
    written: tuple[int, ...] = ()
    while True:
        alive = [ids for ids in found if ids[: len(written)] == written]
        ways = {ids[len(written)] for ids in alive if ids != written}
        allowed = sorted(ways | (ENDS if written in alive else frozenset()))
        id_ = allowed[int(row[allowed].argmax())]
        if id_ in ENDS:
            return found[written]
        written = (*written, id_)
        row = session.feed([id_], 1)[-1]


# Words that make texts with common beginnings, texts that begin others, and the same text twice.
WORDS = ["The", "freezer", "stays", "below", "<|im_end|>", "[INST]", "é北", "🚢"]
TEXTS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=6,
).map(tuple)


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
@RUNTIMES
def test_one_of_the_texts_is_written_as_decoding_token_by_token_would(
    runtime: str, kind: Kind
) -> None:
    llm = writer(runtime, kind)
    engine = reader(runtime)

    @settings(max_examples=12, deadline=None)
    @given(TEXTS)
    def check(among: tuple[str, ...]) -> None:
        request = Complete(ask("Which?"), max_tokens=1, among=among)
        (reply,) = asyncio.run(llm.complete([request]))
        assert reply.text in among
        assert reply.text == walked(llm, engine.session(), request.prompt, among)
        assert not reply.cut
        assert reply.tokens == len(llm.renderer.continuation(reply.text))

    check()
    asyncio.run(llm.close())


@pytest.mark.anyio
async def test_a_quote_takes_a_pass_per_choice_and_comes_in_pieces() -> None:
    llm = writer("torch")
    request = Complete(ask(PASSAGES), among=tuple(SENTENCES))
    *pieces, last = [piece async for piece in llm.stream(request)]
    assert isinstance(last, Completed)
    assert last.text in SENTENCES
    assert "".join(map(str, pieces)) == last.text
    assert last.usage.passes < len(pieces) <= 4 < last.tokens
    assert last.usage.tokens_in == llm.count_tokens(request.prompt)
    (known,) = await llm.complete([Complete(ask("?"), among=("the same", "the same"))])
    assert (known.text, known.usage.tokens_in, known.usage.passes) == ("the same", 0, 0)
    await llm.close()


@pytest.mark.anyio
async def test_of_texts_that_read_alike_the_first_is_written_as_it_was_given() -> None:
    llm = writer("torch", "pieces")
    alike = ("the▁ship", "the ship")
    assert len({tuple(llm.renderer.continuation(text)) for text in alike}) == 1
    for among in (alike, alike[::-1]):
        (reply,) = await llm.complete([Complete(ask("?"), among=among)])
        assert reply.text == among[0]
    await llm.close()


@pytest.mark.anyio
@PAIRS
async def test_a_mixture_is_what_its_prompts_say_each_read_alone(
    architecture: Architecture, kind: Kind
) -> None:
    llm = local_llm(architecture, kind)
    engine = TorchModel(model(architecture))
    prompts = [ask(text) for text in ("The freezer", SENTENCES[1] * 3, SENTENCES[2])]
    request = Complete(prompts[0], 8, beside=tuple(prompts[1:]), weights=(1, 5, 2))
    (reply,) = await llm.complete([request])
    sessions = [engine.session() for _ in prompts]
    read = [llm.renderer.ids(prompt) for prompt in prompts]
    rows = [logprobs(s, ids) for s, ids in zip(sessions, read, strict=True)]
    written: list[int] = []
    for piece in reply.pieces:
        parts = np.exp(rows) * np.array([[1], [5], [2]]) / 8
        written.append(int(parts.sum(axis=0).argmax()))
        shares = parts[:, written[-1]] / parts[:, written[-1]].sum()
        assert piece.shares == pytest.approx(shares, abs=1e-4)
        rows = [logprobs(session, written[-1:]) for session in sessions]
    assert reply.text == llm.renderer.decode(written) == "".join(p.text for p in reply.pieces)
    assert (reply.tokens, reply.cut, reply.usage.passes) == (8, True, 7)
    assert reply.usage.tokens_in == sum(map(len, read))
    await llm.close()


@RUNTIMES
@pytest.mark.anyio
async def test_a_prompt_alone_or_mixed_with_itself_writes_what_it_writes_without(
    runtime: str,
) -> None:
    llm = writer(runtime, stops=frozenset())
    prompt = ask("Say it again: the freezer stays below -60 °C")
    plain, alone, twice = await llm.complete(
        [
            Complete(prompt, 12),
            Complete(prompt, 12, weights=(0.3,)),
            Complete(prompt, 12, beside=(prompt,)),
        ]
    )
    assert alone.text == twice.text == plain.text
    assert (alone.tokens, twice.tokens) == (12, 12)
    assert all(piece.shares == (1.0,) for piece in alone.pieces)
    assert all(piece.shares == pytest.approx((0.5, 0.5), abs=1e-5) for piece in twice.pieces)
    assert plain.pieces == ()
    await llm.close()


@pytest.mark.anyio
async def test_the_first_shares_are_those_that_scores_give() -> None:
    llm = writer("torch")
    prompts = (ask("A?"), ask("Another, longer question?"))
    drawn = [Complete(prompts[0], 1, 9.0, seed, (), prompts[1:], (1, 3)) for seed in range(40)]
    compared = 0
    for (piece,) in [reply.pieces for reply in await llm.complete(drawn) if reply.pieces]:
        if len(llm.renderer.continuation(piece.text)) == 1 and piece.text.isascii():
            scored = await llm.score([Score(prompt, piece.text) for prompt in prompts])
            first, second = (np.exp(one.logprob) for one in scored)
            share = first / (first + 3 * second)
            assert piece.shares == pytest.approx((share, 1 - share), abs=1e-4)
            compared += 1
    assert compared > 5
    await llm.close()


@RUNTIMES
def test_texts_of_prompts_of_any_lengths_go_on_side_by_side_as_they_would_alone(
    runtime: str,
) -> None:
    side_by_side(reader(runtime))


def side_by_side(engine: Reader) -> None:
    prompts = [[5, 6, 7, 8], [9], [5, 6, 7, 8, 9, 10, 11]]
    sessions, alone = ([engine.session() for _ in prompts] for _ in range(2))
    for both in (sessions, alone):
        for session, ids in zip(both, prompts, strict=True):
            session.feed(ids, 1)
    texts = sessions[0].join(sessions[1:])
    for ids in ([1, 2, 3], [4, 4, 4], [5, 6, 7]):
        rows = [session.feed([id_], 1)[0] for session, id_ in zip(alone, ids, strict=True)]
        np.testing.assert_allclose(texts.feed(ids), rows, atol=1e-4)
    texts.keep([0, 2])
    for ids in ([7, 8], [1, 1], [2, 3]):
        rows = [alone[0].feed(ids[:1], 1)[0], alone[2].feed(ids[1:], 1)[0]]
        np.testing.assert_allclose(texts.feed(ids), rows, atol=1e-4)


@pytest.mark.anyio
async def test_a_character_of_several_tokens_comes_with_the_last() -> None:
    llm = local_llm("llama", "bytes")
    prompts = (ask("北海の灯台"), ask("Die Fähre legt um acht Uhr ab"))
    requests = [Complete(prompts[0], 20, 5.0, seed, beside=prompts[1:]) for seed in range(3)]
    for request in requests:
        *pieces, last = [piece async for piece in llm.stream(request)]
        assert isinstance(last, Completed)
        assert "".join(map(str, pieces)) == last.text == "".join(p.text for p in last.pieces)
        assert len(last.pieces) == last.tokens
        assert (last,) == await llm.complete([request])
    assert await llm.complete(requests) == tuple(
        [(await llm.complete([request]))[0] for request in requests]
    )
    await llm.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Complete(ask("?"), among=("a", "")), "empty"),
        (Complete(ask("?"), temperature=0.5, among=("a", "b")), "temperature 0"),
        (Complete(ask("?"), among=("a", "b"), beside=(ask("!"),)), "leave out beside"),
        (Complete(ask("?"), among=("a", "passage " * 600)), "512"),
        (Complete(ask("?"), beside=(ask("!"),), weights=(1.0,)), "1 weights for 2 prompts"),
        (Complete(ask("?"), weights=(1.0, 1.0)), "2 weights for 1 prompts"),
        (Complete(ask("?"), beside=(ask("!"),), weights=(1.0, 0.0)), "above 0"),
        (Complete(ask("?"), weights=(float("nan"),)), "above 0"),
        (Complete(ask("?"), weights=(float("inf"),)), "above 0"),
        (Complete(ask("?"), beside=(ask("passage " * 600),)), "512"),
    ],
)
async def test_what_nobody_could_write_is_refused(request_: Complete, why: str) -> None:
    llm = local_llm()
    with pytest.raises(BadPrompt, match=why):
        await llm.complete([request_])
    with pytest.raises(BadPrompt, match=why):
        _ = [piece async for piece in llm.stream(request_)]
    await llm.close()


@RUNTIMES
@pytest.mark.anyio
async def test_an_answer_from_passages_is_drafted_and_is_what_plain_decoding_writes(
    runtime: str,
) -> None:
    llm = writer(runtime, stops=frozenset())
    prompts = [ask(f"{PASSAGES}\n\nQuote what answers: {text[:20]}") for text in SENTENCES[:2]]
    replies = await llm.complete([Complete(prompt, 120) for prompt in prompts])
    for prompt, reply in zip(prompts, replies, strict=True):
        ids, tally = llm.renderer.ids(prompt), Tally()
        plain = list(greedy(reader(runtime).session(), ids, 120, frozenset(), tally, drafts=()))
        assert reply.text == llm.renderer.decode(plain)
        assert reply.tokens == len(plain) == 120
    assert sum(reply.usage.passes for reply in replies) < 2 * 119
    await llm.close()


def sliding() -> TorchModel:
    """Return a model whose layers let go of all but the last six tokens."""
    torch.manual_seed(1)
    size = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    config = AutoConfig.for_model("mistral", vocab_size=90, sliding_window=6, **size, **heads)
    return TorchModel(AutoModelForCausalLM.from_config(config))


def test_a_model_that_lets_go_of_what_is_long_past_is_drafted_too() -> None:
    prompt = [*range(12), *range(12), 0]
    plain = list(greedy(sliding().session(), prompt, 60, frozenset(), Tally(), drafts=()))
    assert list(greedy(sliding().session(), prompt, 60, frozenset(), Tally())) == plain


def test_a_model_that_lets_go_of_what_is_long_past_mixes_too() -> None:
    side_by_side(sliding())
