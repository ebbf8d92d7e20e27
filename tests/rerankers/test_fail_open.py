"""A server that is killed, slowed or garbled in mid-ranking: every id, in time, and the reason."""

import asyncio
import time
from dataclasses import dataclass

import pytest

from rag.deadline import within
from rag.llms.remote import connect
from rag.seams import Reranked
from rag.sections import Secret
from rag.values import Candidate, Chunk
from rerankers.choices import Choices
from rerankers.guard import Guard
from rerankers.methods import asking
from rerankers.reranker import Guarded
from tests.rag.llms.upstream import Asked, Step, Upstream, Write, reset, serving, stall, status

N = 45
GIVEN_S = 3.0
LETTERS = [(letter, -1.0 - i / 10) for i, letter in enumerate("TSRQPONMLKJIHGFEDCBA")]
FAULTS: dict[str, Step] = {
    "killed": reset,
    "busy": status(503, b"busy"),
    "broken": status(500, {"error": {"message": "out of memory"}}),
    "garbled": status(200, b"<html>proxy</html>"),
    "refused": status(401, {"error": {"message": "key expired"}}),
}
RANKINGS = [
    ("first", "sliding"),
    ("first", "tourrank"),
    ("listwise", "sliding"),
    ("setwise", "heap"),
    ("pairwise", "sliding"),
    ("query-likelihood", ""),
    ("yes-no", ""),
]


@dataclass
class Failing(Upstream):
    """Answers so many requests well, then none."""

    well: int = 0
    fault: Step = reset

    async def answer(self, asked: Asked, write: Write) -> None:
        chats = sum(one.path.endswith("chat/completions") for one in self.asked)
        if asked.path.endswith("chat/completions") and chats > self.well:
            await self.fault(asked, write)
        else:
            await super().answer(asked, write)


async def reranked(up: Failing, method: str, schedule: str, well: int) -> Reranked:
    """Rerank over the server, which begins to fail after so many good answers."""
    async with serving(up):
        llm = await connect(up.url, "", Secret(""), 5.0, 4, 1, 0, 0.01)
        up.asked.clear()
        up.well = well
        ready = asking(method, llm, Choices(), schedule, 30)
        texts = [f"passage number {i}" for i in range(N)]
        candidates = [
            Candidate(Chunk(f"c{i}", f"d{i}", text, 0, len(text)), 9.0 - i / 9, {})
            for i, text in enumerate(texts)
        ]
        try:
            async with within(GIVEN_S):
                return await Guarded(ready, Guard()).rerank("which number?", candidates)
        finally:
            await llm.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("method", "schedule"), RANKINGS)
def test_every_candidate_comes_back_inside_the_deadline_with_the_reason(
    method: str, schedule: str, fault: str
) -> None:
    well = 2 if schedule else 0
    up = Failing(top=LETTERS, well=10_000, fault=FAULTS[fault])
    whole_but_degraded(asyncio.run(reranked(up, method, schedule, well)))


def test_so_it_does_from_a_server_that_answers_no_more() -> None:
    async def ask() -> list[Reranked]:
        ups = [Failing(top=LETTERS, well=10_000, fault=stall) for _ in RANKINGS]
        pairs = zip(ups, RANKINGS, strict=True)
        return await asyncio.gather(*(reranked(up, *ranking, 2) for up, ranking in pairs))

    began = time.monotonic()
    for found in asyncio.run(ask()):
        whole_but_degraded(found)
        assert "not done within" in found.stage.detail
    assert time.monotonic() - began < GIVEN_S + 10


def whole_but_degraded(found: Reranked) -> None:
    assert sorted(c.chunk.id for c in found.candidates) == sorted(f"c{i}" for i in range(N))
    assert found.status == "degraded"
    assert found.stage.status in {"failed", "cut short"}
    assert found.stage.detail.split(": ", 1)[1]
    scores = [c.score for c in found.candidates]
    assert scores == sorted(scores, reverse=True)


def test_missing_labels_are_counted_and_the_ranking_goes_on() -> None:
    up = Failing(top=LETTERS[:6], well=10_000)
    found = asyncio.run(reranked(up, "first", "sliding", 10_000))
    assert found.status == "ok"
    assert found.missing > 0
    assert len({c.chunk.id for c in found.candidates}) == N
