"""A remote model over the model server says what the local one says, which is behind both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rag.errors import BadPrompt, ModelUnavailable
from rag.llms import embedded
from rag.llms.loading import load
from rag.llms.local import LocalLLM
from rag.llms.remote import RemoteLLM
from rag.settings import load_settings, models_folder
from rag.values import Choose, Complete, Completed, Message, Prompt, Score
from tests.api.model_served import behind_server
from tests.rag.llms.tiny import Architecture, Kind, local_llm

pytestmark = [pytest.mark.model, pytest.mark.anyio]

PAIRS = pytest.mark.parametrize(
    ("architecture", "kind"), [("llama", "bytes"), ("gpt2", "pieces"), ("qwen", "bytes")]
)


def ask(text: str, *more: Message) -> Prompt:
    return (Message("system", "Answer with one letter."), Message("user", text), *more)


@asynccontextmanager
async def both(architecture: Architecture, kind: Kind) -> AsyncIterator[tuple[LocalLLM, RemoteLLM]]:
    llm = local_llm(architecture, kind)
    async with behind_server(llm) as remote:
        yield llm, remote
    await llm.close()


async def distinct_labels(llm: LocalLLM, prompt: Prompt) -> tuple[str, ...]:
    """Labels whose token for the local model is among its top 20, and which are told apart."""
    render = llm.renderer
    (place,) = [p async for p in llm.write(Complete(prompt, 1), render.ids(prompt), 20)]
    texts = [render.spelling.text(id_) for id_, _ in place.top]
    bare = [text.lstrip() for text in texts]
    fitting = []
    for (id_, _), text in zip(place.top, texts, strict=True):
        if text.strip() == text and bare.count(text) == 1:
            try:
                found = render.label_ids(prompt, (text,))
            except BadPrompt:
                continue
            fitting += [text] if found == (id_,) else []
    return tuple(fitting)


@PAIRS
async def test_a_remote_model_finds_out_what_the_server_can(
    architecture: Architecture, kind: Kind
) -> None:
    async with both(architecture, kind) as (llm, remote):
        assert (remote.spec.name, remote.spec.context_window) == (llm.spec.name, 512)
        able = remote.abilities
        assert able.top_logprobs == 20
        assert able.continue_final_message
        assert able.prompt_logprobs
        assert able.tokenize
        wrongly = ("continues", "allowed_token_ids", "echo_scores", "unthinking")
        assert not any(getattr(able, name) for name in wrongly)


@PAIRS
@pytest.mark.parametrize("forced", ["", "["])
async def test_labels_get_the_same_log_probabilities_through_the_server(
    architecture: Architecture, kind: Kind, forced: str
) -> None:
    more = (Message("assistant", forced),) if forced else ()
    async with both(architecture, kind) as (llm, remote):
        compared = 0
        for n in range(6):
            prompt = ask("Which? " + "passage " * n + str(n), *more)
            labels = await distinct_labels(llm, prompt)
            if len(labels) < 2:
                continue
            (here,) = await llm.choose([Choose(prompt, labels)])
            (there,) = await remote.choose([Choose(prompt, labels)])
            assert there.missing == 0
            assert there.logprobs == pytest.approx(here.logprobs, abs=1e-3)
            assert ordered(labels, there.logprobs) == ordered(labels, here.logprobs)
            assert there.usage.tokens_in == here.usage.tokens_in
            compared += len(labels)
        assert compared >= 12


def ordered(labels: tuple[str, ...], logprobs: tuple[float | None, ...]) -> list[str]:
    found = {label: p for label, p in zip(labels, logprobs, strict=True) if p is not None}
    return sorted(found, key=lambda label: -found[label])


@PAIRS
async def test_scores_are_the_same_through_the_server(
    architecture: Architecture, kind: Kind
) -> None:
    async with both(architecture, kind) as (llm, remote):
        requests = [
            Score(ask(f"{'passage ' * n}?"), text)
            for n in (1, 20, 60)
            for text in ("Water boils at 100 degrees.", "B", "the freezer")
        ]
        here, there = await llm.score(requests), await remote.score(requests)
        for a, b in zip(here, there, strict=True):
            assert b.logprob == pytest.approx(a.logprob, abs=1e-3)
            assert b.tokens == a.tokens


@PAIRS
@pytest.mark.parametrize("temperature", [0.0, 0.8])
async def test_completions_and_streams_are_the_same_through_the_server(
    architecture: Architecture, kind: Kind, temperature: float
) -> None:
    forced = Message("assistant", "The freezer")
    async with both(architecture, kind) as (llm, remote):
        for prompt in (ask("Say: stays below -60 °C, stays below"), ask("Say", forced)):
            for most in (1, 12):
                request = Complete(prompt, most, temperature, seed=7)
                (here,), (there,) = await llm.complete([request]), await remote.complete([request])
                assert there == here
                assert there.usage.tokens_in == here.usage.tokens_in
                assert there.usage.tokens_out == here.usage.tokens_out == here.tokens
                *pieces, last = [piece async for piece in remote.stream(request)]
                assert last == here
                assert "".join(map(str, pieces)) == here.text
                assert isinstance(last, Completed)
                assert last.usage.tokens_in == here.usage.tokens_in


async def test_a_text_that_the_model_ends_is_the_same_through_the_server() -> None:
    free = local_llm()
    prompt = ask("go on")
    ids = free.renderer.ids(prompt)
    written = [place.id async for place in free.write(Complete(prompt, 9), ids)]
    for stop in {written[0], written[-1]}:
        llm = LocalLLM(free.spec, free.renderer, free._reader, frozenset({stop}))
        async with behind_server(llm) as remote:
            for most in (1, 20):
                (here,) = await llm.complete([Complete(prompt, most)])
                (there,) = await remote.complete([Complete(prompt, most)])
                assert there == here
                assert there.tokens == min(most, written.index(stop))
            labels = await distinct_labels(llm, prompt)
            (chosen,) = await remote.choose([Choose(prompt, labels)])
            assert labels
            assert chosen.missing == 0, "the likeliest token may be the one that ends the text"
        await llm.close()
    await free.close()


@pytest.mark.filterwarnings("ignore:a prompt of about")
async def test_a_prompt_that_is_too_long_is_a_bad_prompt_for_the_client_too() -> None:
    async with both("llama", "bytes") as (_, remote):
        for refused in (
            remote.complete([Complete(ask("passage " * 600), 1)]),
            remote.choose([Choose(ask("passage " * 600), ("A", "B"))]),
            remote.complete([Complete(ask("short"), 500)]),
        ):
            with pytest.raises(BadPrompt, match="maximum context length of tiny-llama is 512"):
                await refused


# ── With the embedded model ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def smollm() -> LocalLLM:
    """The embedded model, or a skip that names what is missing."""
    try:
        embedded.packaged()
        folder = embedded.converted(models_folder(load_settings()))
    except ModelUnavailable as missing:
        pytest.skip(str(missing))
    return load(folder, embedded.NAME, examine=False)


ROUNDED = 0.1  # in bf16, log-probabilities depend on the rows that are read together (up to 0.05)
QUESTIONS = (
    ("The freezer stays cold for two days.", "The canteen opens at noon.", "How long is it cold?"),
    ("Paris is the capital of France.", "Bread is baked in ovens.", "What is the capital?"),
    ("Dogs bark at night.", "Ships sail to Oslo.", "Which animal barks?"),
    ("Badges cost nothing.", "Water boils at 100 degrees.", "When does water boil?"),
    ("The ferry leaves at eight.", "The report is due on Monday.", "When does the ferry leave?"),
    ("Lost keys go to the desk.", "Snow falls in winter.", "Where do lost keys go?"),
)


async def test_the_embedded_model_ranks_the_same_through_the_server(smollm: LocalLLM) -> None:
    prompts = [
        (Message("user", f"[A] {a}\n[B] {b}\nWhich passage answers: {q} Say A or B."), *forced)
        for first, second, q in QUESTIONS
        for a, b in ((first, second), (second, first))
        for forced in ((), (Message("assistant", "["),))
    ]
    requests = [Choose(prompt, ("A", "B")) for prompt in prompts]
    assert len(requests) >= 20
    async with behind_server(smollm) as remote:
        here, there = await smollm.choose(requests), await remote.choose(requests)
    for a, b in zip(here, there, strict=True):
        assert b.missing == 0
        assert b.logprobs == pytest.approx(a.logprobs, abs=ROUNDED)
        assert ordered(("A", "B"), b.logprobs) == ordered(("A", "B"), a.logprobs)
        assert b.usage.tokens_in == a.usage.tokens_in
