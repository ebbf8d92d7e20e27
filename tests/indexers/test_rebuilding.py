"""A store gives back the documents that were put into it, to the last character."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from indexers.bulk import index
from indexers.rebuilding import documents
from indexers.splitting.pieces import Split, whole
from indexers.splitting.splitters import make_split
from indexers.stores.edge import create_edge
from indexers.stores.exact import ExactStore
from rag.errors import StoreUnavailable
from rag.seams import Store
from rag.sections import IndexSettings
from rag.values import Document, Json
from tests.indexers.lossless import by_line
from tests.indexers.runs import BM25, ENCODER, GUIDE, NOTES, SPEC

TOKENIZER = Tokenizer(models.WordLevel({"[UNK]": 0, "word": 1}, unk_token="[UNK]"))  # noqa: S106
TOKENIZER.pre_tokenizer = pre_tokenizers.Whitespace()
SPLITS: list[Split] = [whole, make_split(IndexSettings(chunk_tokens=16), TOKENIZER), by_line]

PIECES = (
    *("word ", "Freezer. ", "é", "日本語", "👩\u200d👧", "e\u0301", "\x00", "a" * 300),
    *("\n", "\n\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\x0c", " ", "\t", "\u00a0", "\ufeff"),
    *("\n" * 300, "# ", "## A\n", "Title\n===\n", "- ", "> ", "```\n", "| a | b |\n", "\\"),
)
TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
NAMES = st.text(min_size=1, max_size=5)
JSON: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    NAMES, st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
)


@st.composite
def any_documents(draw: st.DrawFn) -> list[Document]:
    """Documents of several tenants, some of them with pages."""
    keys = draw(st.lists(st.tuples(st.sampled_from("ab"), NAMES), max_size=4, unique=True))
    found = []
    for tenant, id_ in keys:
        text = draw(TEXTS)
        later = draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3))
        found.append(
            Document(
                id_,
                text,
                draw(st.text(max_size=20)),
                draw(st.sampled_from(["", "/a/b.md", "/a/c.jsonl:7"])),
                draw(JSON),
                tenant,
                draw(st.sampled_from(["plain", "markdown"])),
                draw(st.sampled_from(["", "python"])),
                (0, *sorted(later)) if later and text else (),
            )
        )
    return found


def key(document: Document) -> tuple[str, str]:
    return document.tenant, document.id


async def rebuilt(store: Store) -> list[Document]:
    return sorted([document async for document in documents(store)], key=key)


@pytest.mark.parametrize("split", SPLITS, ids=["none", "recursive", "lines"])
@given(given_=any_documents())
@settings(max_examples=60, deadline=None)
def test_what_is_rebuilt_is_what_was_indexed(split: Split, given_: list[Document]) -> None:
    async def stored() -> list[Document]:
        store = ExactStore(SPEC)
        report = await index(given_, split, ENCODER, BM25, store)
        assert report.faults == ()
        return await rebuilt(store)

    assert asyncio.run(stored()) == sorted(given_, key=key)


@pytest.mark.anyio
async def test_the_embedded_store_gives_documents_back_too(tmp_path: Path) -> None:
    given_ = [
        Document("a", " \n".join(PIECES), "Title", "/a.md:3", {"k": [1, 2.5, None]}, "t"),
        Document("b", "\n\nfreezer\n\ncold\n", pages=(0, 3), markup="markdown"),
        Document("c", "", "only a title"),
    ]
    store = create_edge(tmp_path / "c", SPEC)
    await index(given_, SPLITS[1], ENCODER, BM25, store)
    assert await rebuilt(store) == sorted(given_, key=key)
    await store.close()


@pytest.mark.anyio
async def test_of_a_document_that_a_run_left_half_written_the_version_before_counts() -> None:
    store = ExactStore(SPEC)
    await index([GUIDE, NOTES], by_line, ENCODER, BM25, store)
    (guide,) = await store.records("default", ["guide"])
    (other,) = by_line([replace(GUIDE, text="another\nversion")])
    ((point,),) = [[p async for page in store.scan(guide) for p in page][:1]]
    await store.put([replace(point, chunk=chunk) for chunk in other])
    adding = tuple(chunk.id for chunk in other)
    await store.record([replace(guide, state="written", adding=adding)])
    await store.record([replace(guide, document_id="half", digest="", state="written")])
    assert await rebuilt(store) == [GUIDE, NOTES]
    await store.record([replace(guide, state="cleaned", stale=adding)])
    assert await rebuilt(store) == [GUIDE, NOTES]


@pytest.mark.anyio
async def test_a_damaged_document_is_named_with_the_remedy() -> None:
    store = ExactStore(SPEC)
    guide = replace(GUIDE, source="/docs/guide.md")
    await index([guide], by_line, ENCODER, BM25, store)
    points = [point async for page in store.scan() for point in page]
    await store.remove([points[0].chunk.id])
    with pytest.raises(StoreUnavailable, match=r"'guide'.*firstcite index /docs/guide\.md"):
        await rebuilt(store)
