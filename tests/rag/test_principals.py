"""Whatever a query does on its way, it learns nothing of documents that it may not read."""

import asyncio
from dataclasses import replace

import pytest

from indexers.bulk import index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from indexers.stores.exact import ExactStore
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.deepen import Deepener
from rag.expand.expand import Expander, ExpansionCache
from rag.expand.methods import EXPANSIONS
from rag.fuse import FUSIONS
from rag.iterate.methods import ITERATIONS
from rag.llms.scripted import ScriptedLLM
from rag.packing import Packing
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import Defaults
from rag.quoting.choosing import Limits
from rag.route.methods import routers
from rag.seams import CollectionSpec
from rag.values import Answer, Document, Handling, Query, Results
from rag.wiring.reranking import MOVES
from rerankers.unchanged import Unchanged

QUESTION = "Who opens the cold freezer when the power is cut, Ada or Bob?"
OPEN = "The cold freezer is opened by nobody when the power is cut."
CLOSED = "The cold freezer xylophone: when the power is cut, Ada opens it with the zither key."
DOCUMENTS = [
    Document("open", OPEN),
    Document("of-ada", CLOSED, metadata={"principals": ["ada"]}),
    Document("of-both", "Bob and Ada may open the freezer.", metadata={"principals": "staff"}),
    Document("other", "The zither xylophone of another tenant.", tenant="other"),
    *(Document(f"{n}", f"Filler number {n} about power and freezers.") for n in range(8)),
]


class World:
    """A collection with secrets, every way to handle a query, and a model that notes prompts."""

    def __init__(self) -> None:
        self.llm = ScriptedLLM(complete=lambda request: request.prompt[-1].content[:300])

    async def opened(self) -> ScriptedLLM:
        return self.llm

    async def holds(self) -> tuple[str, float]:
        return "collection", 8.0

    async def path(self) -> QueryPath:
        encoder, sparse = HashedEncoder(), Bm25Encoder()
        spec = CollectionSpec("hashed", "hashed/64", 64, sparse.spec.fingerprint, "none")
        store = ExactStore(spec)
        await index(DOCUMENTS, whole, encoder, sparse, store)
        ways = tuple(EXPANSIONS), ("", *routers()), tuple(ITERATIONS)
        parts = Parts(
            encoder=encoder,
            sparse=sparse,
            store=store,
            generator=quoting(encoder, Floor(0.05), Limits(3)),
            defaults=Defaults(
                "rrf",
                3,
                tuple(FUSIONS),
                expansions=ways[0],
                routers=ways[1],
                iterations=ways[2],
                generators=("extractive",),
            ),
            fusions=FUSIONS,
            weights={},
            packing=Packing(5),
            reranker=Unchanged(),
            rerank_depth=3,
            move=next(iter(MOVES.values()))(5),
            expander=Expander(EXPANSIONS, self.opened, sparse, self.holds, ExpansionCache()),
            deepener=Deepener(ITERATIONS, self.opened),
        )
        return QueryPath(parts)


async def asked(path: QueryPath, query: Query) -> tuple[Results, Answer]:
    return await path.search(query), await path.answer(query)


HANDLINGS = [
    *(Handling(expand=(name,), calls=40) for name in EXPANSIONS),
    *(Handling(iterate=name, calls=40) for name in ITERATIONS),
]


@pytest.mark.parametrize("handling", HANDLINGS, ids=lambda h: h.iterate or h.expand[0])
def test_no_way_to_handle_a_query_shows_what_may_not_be_read(handling: Handling) -> None:
    """The trusted caller asks first, so that whatever is kept is there to be given away."""

    async def run() -> None:
        world, trusted = World(), Query(QUESTION, handling=handling)
        path = await world.path()
        seen, _ = await asked(path, trusted)
        assert "of-ada" in {c.chunk.document_id for c in seen.candidates}
        world.llm.history.clear()
        found, answer = await asked(path, replace(trusted, principals=("bob", "staff")))
        ids = {c.chunk.document_id for c in found.candidates}
        assert {"open", "of-both"} <= ids
        assert not ids & {"of-ada", "other"}
        for said in map(repr, (found, answer, world.llm.history)):
            assert "xylophone" not in said
            assert "zither" not in said

    asyncio.run(run())


@pytest.mark.parametrize(
    ("principals", "hidden"),
    [
        (None, set()),
        (("ada",), {"of-both"}),
        (("ada", "staff"), set()),
        (("Ada",), {"of-ada", "of-both"}),
        ((), {"of-ada", "of-both"}),
    ],
)
def test_who_asks_sees_what_is_open_and_what_names_them(
    principals: tuple[str, ...] | None, hidden: set[str]
) -> None:
    query = Query(QUESTION, k=50, principals=principals, preset="fast")

    async def search() -> Results:
        return await (await World().path()).search(query)

    found = asyncio.run(search())
    mine = {d.id for d in DOCUMENTS if d.tenant == "default"}
    assert {c.chunk.document_id for c in found.candidates} == mine - hidden
