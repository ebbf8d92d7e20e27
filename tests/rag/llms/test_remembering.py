"""What was asked before is answered from disk: the same reply, at no cost."""

import asyncio
import hashlib
import pickle
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import diskcache
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import LLMUnavailable, ModelUnavailable
from rag.ledger import keeping
from rag.llms.accounted import Accounted
from rag.llms.remembering import Kept, Remembering
from rag.llms.replies import Replies, key
from rag.llms.scripted import ScriptedLLM
from rag.llms.shared_replies import SharedReplies
from rag.sharing import connect
from rag.values import Choose, Chosen, Complete, Completed, Message, Score, Scored
from tests.redis_served import served

pytestmark = pytest.mark.anyio

PROMPT = (Message("user", "one two three"),)
CHOOSE, SCORE = Choose(PROMPT, ("A", "B")), Score(PROMPT, "x y")
COMPLETE = Complete(PROMPT, 2)


def size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*"))


class Failing(ScriptedLLM):
    """Fails when it is asked to."""

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        if any("fail" in message.content for r in requests for message in r.prompt):
            raise LLMUnavailable("failed")
        return await super().choose(requests)


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[Replies]:
    made = Replies(tmp_path / "replies", size_mb=10)
    yield made
    await made.close()


@pytest.fixture(params=["disk", "redis"])
async def replies(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    if request.param == "disk":
        made = Replies(tmp_path / "replies", size_mb=10)
        yield made
        await made.close()
        return
    with served(tmp_path) as redis:
        shared = SharedReplies(connect(redis.url))
        yield shared
        await shared.close()


async def test_a_redis_that_is_away_remembers_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as redis:
        model = ScriptedLLM(choose=lambda _: Chosen((-0.25, None)))
        llm = Remembering(model, SharedReplies(connect(redis.url)))
        await llm.choose([CHOOSE])
        redis.stop()
        assert await llm.choose([CHOOSE]) == (Chosen((-0.25, None)),)
        assert len(model.history) == 2
        await llm.close()


async def test_the_second_time_the_model_is_not_asked(replies: Kept) -> None:
    model = ScriptedLLM(choose=lambda _: Chosen((-0.25, None)), score=lambda _: Scored(-1.5, 2))
    llm = Remembering(model, replies)
    first = (await llm.choose([CHOOSE]), await llm.score([SCORE]), await llm.complete([COMPLETE]))
    asked = len(model.history)
    again = (await llm.choose([CHOOSE]), await llm.score([SCORE]), await llm.complete([COMPLETE]))
    assert again == first == ((Chosen((-0.25, None)),), (Scored(-1.5, 2),), (again[2][0],))
    assert len(model.history) == asked == 3
    assert not any(reply.usage.cached for (reply,) in first)
    assert all(reply.usage.cached for (reply,) in again)


async def test_a_batch_asks_only_for_what_is_new_and_only_once(replies: Kept) -> None:
    model = ScriptedLLM(choose=lambda r: Chosen((-float(len(r.prompt[0].content)),)))
    llm = Remembering(model, replies)
    texts = ["a", "bb", "ccc", "bb", "a", "dddd"]
    requests = [Choose((Message("user", text),), ("A",)) for text in texts]
    await llm.choose(requests[:1])
    found = await llm.choose(requests)
    assert [reply.logprobs for reply in found] == [(-float(len(text)),) for text in texts]
    assert model.history == [requests[0], requests[1], requests[2], requests[5]]
    assert [reply.usage.cached for reply in found] == [True, False, False, True, True, False]


async def test_a_stream_is_kept_when_it_was_heard_to_its_end(replies: Kept) -> None:
    model = ScriptedLLM()
    llm = Remembering(model, replies)
    async for _ in llm.stream(COMPLETE):
        break
    first = [piece async for piece in llm.stream(COMPLETE)]
    again = [piece async for piece in llm.stream(COMPLETE)]
    assert first == ["one", " two", Completed("one two", 2, cut=True)]
    assert again == ["one two", Completed("one two", 2, cut=True)]
    assert await llm.complete([COMPLETE]) == (Completed("one two", 2, cut=True),)
    assert len(model.history) == 2


async def test_it_is_kept_beyond_the_process_and_not_for_another_model(tmp_path: Path) -> None:
    for fingerprint, asked in (("one", 1), ("one", 0), ("other", 1)):
        model = ScriptedLLM(fingerprint=fingerprint)
        llm = Remembering(model, Replies(tmp_path, 10))
        await llm.choose([CHOOSE])
        await llm.close()
        assert len(model.history) == asked


async def test_an_error_is_not_kept(replies: Kept) -> None:
    llm = Remembering(Failing(), replies)
    for _ in range(2):
        with pytest.raises(LLMUnavailable):
            await llm.choose([Choose((Message("user", "fail"),), ("A",))])


async def test_the_folder_does_not_outgrow_its_size(tmp_path: Path) -> None:
    replies = Replies(tmp_path, size_mb=2)
    for n in range(600):
        await replies.put({str(n): Completed("x" * 30_000, 1)})
    kept = [n for n in range(600) if (await replies.get([str(n)], Completed))[0]]
    await replies.close()
    assert size_bytes(tmp_path) < 8e6  # of 18; SQLite's log has 4 at most
    assert 20 < len(kept) < 100
    assert max(kept) == 599


async def test_a_cache_that_fails_fails_no_request(on_disk: Replies) -> None:
    model = ScriptedLLM()
    llm = Remembering(model, on_disk)
    on_disk._cache._sql("DROP TABLE Cache")
    assert len(await llm.choose([CHOOSE])) == len(await llm.choose([CHOOSE])) == 1
    assert len(model.history) == 2


async def test_what_another_version_wrote_is_asked_anew(on_disk: Replies, tmp_path: Path) -> None:
    name = key("", CHOOSE)
    for foreign in (b"{", b'{"logprobs": "no"}', b"\xff", "text", 7):
        with diskcache.Cache(tmp_path / "replies") as cache:
            cache[name] = foreign
        assert await on_disk.get([name], Chosen) == [None]


async def test_a_pickle_in_the_folder_is_not_run(on_disk: Replies, tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (ran,)

    assert pickle.dumps(Trap())
    with diskcache.Cache(tmp_path / "replies") as cache:
        cache["trap"] = Trap()
    assert await on_disk.get(["trap"], Chosen) == [None]
    assert not ran.exists()


async def test_a_folder_that_cannot_be_used_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match=r"file.*replies_mb to 0"):
        Replies(tmp_path / "file", 10)
    (tmp_path / "cache.db").write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(ModelUnavailable, match="delete it"):
        Replies(tmp_path, 10)


async def test_two_processes_may_share_a_folder(tmp_path: Path) -> None:
    one, two = Replies(tmp_path, 10), Replies(tmp_path, 10)
    await asyncio.gather(
        *(one.put({f"a{n}": Scored(-1.0, n)}) for n in range(50)),
        *(two.put({f"b{n}": Scored(-2.0, n)}) for n in range(50)),
    )
    found = await one.get([f"b{n}" for n in range(50)], Scored)
    assert found == [Scored(-2.0, n) for n in range(50)]
    await one.close()
    await two.close()
    with sqlite3.connect(tmp_path / "cache.db") as database:
        assert database.execute("SELECT count(*) FROM Cache").fetchone() == (100,)
    database.close()


requests = st.one_of(
    st.builds(Choose, st.just(PROMPT), st.lists(st.text(), max_size=3).map(tuple)),
    st.builds(Score, st.just(PROMPT), st.text()),
    st.builds(
        Complete,
        st.lists(st.builds(Message, st.sampled_from(["user", "system"]), st.text())).map(tuple),
        st.integers(0, 9),
        st.sampled_from([0.0, 0.5]),
        st.integers(0, 3),
        st.lists(st.sampled_from("ab"), max_size=2).map(tuple),
        st.lists(st.just(PROMPT), max_size=2).map(tuple),
        st.lists(st.sampled_from([1.0, 2.0]), max_size=2).map(tuple),
    ),
)


@given(requests, requests, st.sampled_from("ab"), st.sampled_from("ab"))
def test_two_keys_are_equal_exactly_when_model_and_question_are(
    one: Choose | Score | Complete, two: Choose | Score | Complete, a: str, b: str
) -> None:
    assert (key(a, one) == key(b, two)) == ((a, one) == (b, two))


def test_what_was_kept_before_requests_had_further_fields_is_found() -> None:
    fields = '{"prompt":[{"role":"user","content":"one two three"}],"max_tokens":2,'
    plain = f'["tiny","Complete",{fields}"temperature":0.0,"seed":0}}]'
    assert key("tiny", COMPLETE) == hashlib.sha256(plain.encode()).hexdigest()


async def test_a_mixture_is_kept_with_its_shares(
    replies: Replies,
) -> None:
    model = ScriptedLLM()
    llm = Accounted(Remembering(model, replies))
    mixture = replace(COMPLETE, beside=(PROMPT, PROMPT))
    first = await llm.complete([mixture, COMPLETE, replace(COMPLETE, among=("a", "b"))])
    again = await llm.complete([mixture, COMPLETE, replace(COMPLETE, among=("a", "b"))])
    assert first == again
    assert [len(reply.pieces) for reply in again] == [2, 0, 0]
    assert [reply.text for reply in again] == ["one two", "one two", "a"]
    assert len(model.history) == 3


async def test_a_mixture_that_was_left_has_cost_the_tokens_of_all_prompts() -> None:
    with keeping() as ledger:
        stream = Accounted(ScriptedLLM()).stream(replace(COMPLETE, beside=(PROMPT, PROMPT)))
        await anext(stream)
        await stream.aclose()
    assert ledger.tokens_in == 9


async def test_the_ledger_has_every_call_with_its_cost(replies: Kept) -> None:
    llm = Accounted(Remembering(ScriptedLLM(), replies))
    with keeping() as ledger:
        await llm.choose([CHOOSE, CHOOSE])
        await llm.choose([CHOOSE])
        await llm.score([])
        assert [piece async for piece in llm.stream(COMPLETE)]
        async for _ in llm.stream(Complete(PROMPT, 3)):
            break
        await asyncio.sleep(0)
    noted = [(e.operation, e.requests, e.cached) for e in ledger.entries]
    assert noted[:3] == [("choose", 2, 1), ("choose", 1, 1), ("stream", 1, 0)]
    assert all(entry.model == "scripted" and entry.ms >= 0 for entry in ledger.entries)


async def test_a_stream_that_was_left_is_in_the_ledger_with_what_was_seen(
    replies: Replies,
) -> None:
    llm = Accounted(Remembering(ScriptedLLM(), replies))
    with keeping() as ledger:
        stream = llm.stream(COMPLETE)
        assert await anext(stream) == "one"
        await stream.aclose()
    (entry,) = ledger.entries
    assert (entry.operation, entry.tokens_in, entry.tokens_out) == ("stream", 3, 1)
