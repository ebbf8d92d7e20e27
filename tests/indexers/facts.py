"""Small facts that change, a store that holds them, and a model that knows which contradict."""

import math
import re
from collections.abc import Callable, Iterable, Mapping

from indexers.bulk import index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.exact import ExactStore
from indexers.updating import Limits, Updates, update
from indexers.updating.judging import CONTRADICT
from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM, CollectionSpec, Store
from rag.values import Choose, Chosen, Chunk, Document, Json
from tests.indexers.runs import lines

ENCODER, BM25 = HashedEncoder(64), Bm25Encoder()
SPEC = CollectionSpec("hashed", "hashed/64", 64, BM25.spec.fingerprint, "lines")
TODAY = "2026-01-31"
_TEXTS = re.compile(r"<(first|second)>\n(.*)\n</\1>")


def fact(who: str, of: str = "Port Ellis") -> str:
    """Who the harbour master is: two that name others for one harbour contradict each other."""
    return f"The present harbour master of the old town of {of} is called {who}."


def document(
    id_: str, date: str = "", text: str = "", tenant: str = "default", **metadata: Json
) -> Document:
    """A document of one chunk per line, by default a fact that only it tells."""
    about: dict[str, Json] = {"date": date, **metadata} if date else metadata
    return Document(id_, text or fact(id_), source=f"/{id_}", metadata=about, tenant=tenant)


def contradict(one: str, other: str) -> bool:
    """What the scripted model knows."""
    (mine, my_name), (theirs, their_name) = (text.split(" is called ") for text in (one, other))
    return mine == theirs and my_name != their_name


def judge(request: Choose) -> Chosen:
    """Say so, under whatever letter it stands; of what is no fact, "neither"."""
    asked = request.prompt[-1].content
    first, second = (text for _, text in _TEXTS.findall(asked))
    facts = " is called " in first and " is called " in second
    letters = {line[3:]: line[0] for line in asked.splitlines() if line[1:3] == ": "}
    said = letters[CONTRADICT]
    if not (facts and contradict(first, second)):
        said = next(letter for text, letter in letters.items() if text.startswith("Neither"))
    return Chosen(tuple(math.log(0.9 if label == said else 0.05) for label in request.labels))


def asking(choose: Callable[[Choose], Chosen] = judge) -> ScriptedLLM:
    """A model that answers by a function."""
    return ScriptedLLM(choose)


async def new_store() -> Store:
    return ExactStore(SPEC)


async def put(store: Store, documents: Iterable[Document]) -> None:
    """Index documents as a run does."""
    await index(documents, lines, ENCODER, BM25, store)


async def updated(
    store: Store,
    documents: Iterable[Document] = (),
    llm: LLM | None = None,
    limits: Limits = Limits(),  # noqa: B008 - a value that never changes
    today: str = TODAY,
) -> Updates:
    """Index documents, then compare what is new."""
    await put(store, documents)
    model = llm or asking()

    async def opened() -> LLM:
        return model

    return await update(store, opened, today, limits)


async def chunks(store: Store) -> Mapping[str, Chunk]:
    """Every chunk, by its document and line."""
    found = [point.chunk async for page in store.scan() for point in page]
    return {f"{chunk.tenant}/{chunk.document_id}:{chunk.start}": chunk for chunk in found}


async def ends(store: Store) -> dict[str, tuple[str, str]]:
    """Until when each superseded document holds, and the document that superseded it."""
    held = await chunks(store)
    whose = {chunk.id: chunk.document_id for chunk in held.values()}
    return {
        chunk.document_id: (chunk.valid_to, whose[chunk.superseded_by])
        for chunk in held.values()
        if chunk.valid_to
    }
