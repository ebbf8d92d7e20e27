"""The engine: collections are opened once, checked against the settings, and released."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import Split, whole
from indexers.splitting.splitters import make_split
from rag.errors import (
    BadCollection,
    BadSettings,
    CollectionMismatch,
    CollectionNotFound,
    StoreLocked,
    StoreUnavailable,
)
from rag.fuse import FUSIONS, rrf
from rag.route.log_file import logged, write_log
from rag.route.model_file import write
from rag.route.silver import Outcome
from rag.sections import (
    AnswerSettings,
    IndexSettings,
    SearchSettings,
    SparseSettings,
    StoreSettings,
)
from rag.settings import Settings
from rag.values import Document, Hit, Query
from rag.wiring import Engine, build, fusions
from tests.indexers.splitting.texts import TOKENIZER
from tests.rag.route.test_classifier import TINY
from tests.rag.route.test_log_file import LOG

CAT = Document("cat", "The cat sleeps on the mat. It dreams of fish.", "Cat")
DOG = Document("dog", "The dog barks at the cat. It dreams of bones.", "Dog")

MakeEngine = Callable[..., Engine]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[MakeEngine]:
    """A function that gives engines over one store; all are closed at the end."""
    engines: list[Engine] = []

    def engine(encoder: str = "hashed", split: Split = whole, **sections: msgspec.Struct) -> Engine:
        base = Settings(
            store=StoreSettings(path=str(tmp_path / "store")),
            index=IndexSettings(splitter="none"),
            answer=AnswerSettings(floor=-1),
        )
        changed = msgspec.structs.replace(base, **sections)
        engines.append(Engine(changed, HashedEncoder(name=encoder), split))
        return engines[-1]

    yield engine
    for each in engines:
        await each.close()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def found(engine: Engine, name: str, text: str = "cat") -> list[str]:
    results = await (await engine.collection(name)).search(Query(text))
    return [candidate.chunk.document_id for candidate in results.candidates]


@pytest.mark.anyio
async def test_what_was_indexed_is_found_and_answers(make: MakeEngine) -> None:
    engine = make()
    report = await engine.index([CAT, DOG], "pets")
    assert (report.documents, report.chunks, report.faults) == (2, 2, ())
    assert await found(engine, "pets", "the cat sleeps") == ["cat", "dog"]
    answer = await (await engine.collection("pets")).answer(Query("Who sleeps on the mat?"))
    assert answer.sentences[0].citations[0].document_id == "cat"


@pytest.mark.anyio
async def test_a_collection_is_opened_once_however_many_ask_at_once(make: MakeEngine) -> None:
    engine = make()
    await engine.index([CAT], "pets")
    await engine.close()
    paths = await asyncio.gather(*(engine.collection("pets") for _ in range(20)))
    assert all(path is paths[0] for path in paths)


@pytest.mark.anyio
async def test_collections_are_apart(make: MakeEngine) -> None:
    engine = make()
    await engine.index([CAT], "cats")
    await engine.index([DOG], "dogs")
    assert await found(engine, "cats") == ["cat"]
    assert await found(engine, "dogs") == ["dog"]


@pytest.mark.anyio
async def test_indexing_into_an_open_collection_is_seen_by_who_has_it_open(
    make: MakeEngine,
) -> None:
    engine = make()
    await engine.index([CAT], "pets")
    path = await engine.collection("pets")
    await engine.index([DOG], "pets")
    results = await path.search(Query("cat"))
    assert {candidate.chunk.document_id for candidate in results.candidates} == {"cat", "dog"}


@pytest.mark.anyio
async def test_what_was_indexed_is_there_for_the_next_engine(make: MakeEngine) -> None:
    first = make()
    await first.index([CAT], "pets")
    await first.close()
    assert await found(make(), "pets") == ["cat"]


@pytest.mark.anyio
async def test_an_unknown_collection_names_the_command_and_creates_nothing(
    make: MakeEngine, tmp_path: Path
) -> None:
    with pytest.raises(CollectionNotFound, match="firstcite index PATH --collection pets"):
        await make().collection("pets")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../pets",
        "a/b",
        "/etc",
        "a\\b",
        ".hidden",
        "-c",
        "a b",
        "ü",
        "a\n",
        "x" * 65,
        "a@1",
    ],
)
@pytest.mark.anyio
async def test_an_impossible_name_is_refused_and_creates_nothing(
    make: MakeEngine, tmp_path: Path, name: str
) -> None:
    engine = make()
    with pytest.raises(BadCollection, match="letters, digits"):
        await engine.collection(name)
    with pytest.raises(BadCollection, match="letters, digits"):
        await engine.index([CAT], name)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["a", "7", "Handbook-2024_v1.2", "x" * 64])
@pytest.mark.anyio
async def test_a_possible_name_is_a_folder_of_the_store(
    make: MakeEngine, tmp_path: Path, name: str
) -> None:
    await make().index([CAT], name)
    assert f"{name}@1" in names_in(tmp_path / "store")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=70) | st.from_regex(r"[./\\a]{1,6}", fullmatch=True))
def test_no_name_leads_out_of_the_store(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "nowhere" / "store"
    engine = Engine(Settings(store=StoreSettings(path=str(root))), HashedEncoder(), whole)
    with pytest.raises((BadCollection, CollectionNotFound)) as error:
        asyncio.run(engine.collection(name))
    if error.type is CollectionNotFound:
        assert (root / name).resolve().parent == root.resolve()


@pytest.mark.anyio
async def test_a_collection_of_another_encoder_is_refused_with_both_and_the_remedy(
    make: MakeEngine,
) -> None:
    first = make()
    await first.index([CAT], "pets")
    await first.close()
    other = make(encoder="other")
    for attempt in (other.collection("pets"), other.index([DOG], "pets")):
        with pytest.raises(CollectionMismatch) as error:
            await attempt
        for part in (
            "'pets'",
            "hashed/64",
            "other/64",
            "encoder.model",
            "reindex --collection pets",
        ):
            assert part in str(error.value)


@pytest.mark.parametrize(
    "sparse", [SparseSettings(k1=1.2), SparseSettings(b=0.75), SparseSettings(language="german")]
)
@pytest.mark.anyio
async def test_a_collection_of_other_bm25_settings_is_refused_with_the_remedy(
    make: MakeEngine, sparse: SparseSettings
) -> None:
    first = make()
    await first.index([CAT], "pets")
    await first.close()
    other = make(sparse=sparse)
    for attempt in (other.collection("pets"), other.index([DOG], "pets")):
        with pytest.raises(CollectionMismatch, match=r"set the sparse section back.* reindex "):
            await attempt


@pytest.mark.anyio
async def test_a_collection_of_sentences_is_found_small_and_read_large(make: MakeEngine) -> None:
    index = IndexSettings(splitter="sentences", chunk_tokens=16)
    engine = make(split=make_split(index, TOKENIZER), index=index)
    text = " ".join(f"The {word} cat sleeps on the mat near me." for word in ("red", "old", "fat"))
    await engine.index([Document("cat", text)], "pets")
    (found,) = (await (await engine.collection("pets")).search(Query("red"))).candidates
    assert found.chunk.text == text
    plain = make(search=SearchSettings(widen="none"))
    await engine.close()
    results = await (await plain.collection("pets")).search(Query("red"))
    assert len(results.candidates) == 3
    assert "widen" not in [stage.name for stage in results.trace]


@pytest.mark.model
@pytest.mark.parametrize(
    ("index", "said"),
    [
        (IndexSettings(chunk_tokens=255), "index.chunk_tokens is 255.*at most 254"),
        (
            IndexSettings(splitter="hierarchical", chunk_tokens=512, leaf_tokens=300),
            "index.leaf_tokens is 300.*at most 254",
        ),
        (IndexSettings(contextual=True), "index.context_tokens is 100.*room for 62: set it or"),
        (IndexSettings(splitter="hierarchical", leaf_tokens=193), "more than index.chunk_tokens"),
    ],
)
def test_chunks_for_which_the_encoder_has_no_room_are_refused(
    index: IndexSettings, said: str
) -> None:
    with pytest.raises(BadSettings, match=said):
        build(Settings(index=index))


@pytest.mark.parametrize("index", [IndexSettings(), IndexSettings(chunk_tokens=64)])
@pytest.mark.anyio
async def test_another_splitter_may_search_a_collection_but_not_add_to_it(
    make: MakeEngine, index: IndexSettings
) -> None:
    first = make()
    await first.index([CAT], "pets")
    await first.close()
    other = make(index=index)
    assert await found(other, "pets") == ["cat"]
    with pytest.raises(CollectionMismatch) as error:
        await other.index([DOG], "pets")
    for part in (
        "split by none",
        f"recursive/{index.chunk_tokens}",
        "index.chunk_tokens",
        "reindex -",
    ):
        assert part in str(error.value)
    assert await found(other, "pets") == ["cat"], "nothing was added"


@pytest.mark.anyio
async def test_a_refused_collection_is_released(make: MakeEngine) -> None:
    first = make()
    await first.index([CAT], "pets")
    await first.close()
    with pytest.raises(CollectionMismatch) as refused:
        await make(encoder="other").collection("pets")
    assert await found(make(), "pets") == ["cat"]
    assert refused.tb is not None, "kept until here: what it refers to was not simply forgotten"


@pytest.mark.anyio
async def test_a_collection_that_another_has_open_is_refused_until_it_closes(
    make: MakeEngine,
) -> None:
    first, second = make(), make()
    await first.index([CAT], "pets")
    with pytest.raises(StoreLocked, match=r"store\.url"):
        await second.collection("pets")
    await first.close()
    assert await found(second, "pets") == ["cat"]


@pytest.mark.anyio
async def test_closing_twice_is_closing_once_and_a_closed_engine_opens_again(
    make: MakeEngine,
) -> None:
    engine = make()
    await engine.close()
    await engine.index([CAT], "pets")
    await engine.close()
    await engine.close()
    assert await found(engine, "pets") == ["cat"]


@pytest.mark.anyio
async def test_a_damaged_collection_is_refused_by_file_and_leaves_the_others_alone(
    make: MakeEngine, tmp_path: Path
) -> None:
    engine = make()
    await engine.index([CAT], "cats")
    await engine.index([DOG], "dogs")
    await engine.close()
    (tmp_path / "store" / "cats@1" / "collection.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match=r"cats@1/collection\.json"):
        await engine.collection("cats")
    assert await found(engine, "dogs") == ["dog"]


@pytest.mark.anyio
async def test_a_store_that_cannot_be_written_names_the_setting(
    make: MakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "store").write_text("a file stands here", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match=r"store\.path"):
        await make().index([CAT], "pets")


@pytest.mark.anyio
async def test_search_settings_reach_the_query_path(make: MakeEngine) -> None:
    engine = make(search=SearchSettings(fusion="rrf", rrf_k=1, dense_weight=0.25, depth=1))
    await engine.index([CAT, DOG], "pets")
    results = await (await engine.collection("pets")).search(Query("cat sleeps mat", k=1))
    (first,) = results.candidates
    # Rank 1 in both branches: dense weighs .25, BM25 .75, each divided by k + rank = 2.
    assert first.score == pytest.approx(0.25 / 2 + 0.75 / 2)
    assert [stage.detail for stage in results.trace][:2] == ["bm25 + dense", "bm25 1, dense 1"]


@pytest.mark.parametrize(("passages", "sentences", "quoted"), [(1, 9, 2), (2, 9, 2), (2, 1, 1)])
@pytest.mark.anyio
async def test_answer_settings_reach_the_query_path(
    make: MakeEngine, passages: int, sentences: int, quoted: int
) -> None:
    engine = make(answer=AnswerSettings(passages=passages, sentences=sentences, floor=-1))
    await engine.index([CAT, DOG], "pets")
    answer = await (await engine.collection("pets")).answer(Query("the cat, it dreams of fish"))
    assert len(answer.sentences) == quoted
    packing = next(stage.detail for stage in answer.trace if stage.name == "pack")
    assert packing.startswith(f"{passages} packed")


@pytest.mark.anyio
async def test_a_floor_that_nothing_reaches_is_an_abstention(make: MakeEngine) -> None:
    engine = make(answer=AnswerSettings(floor=1))
    await engine.index([CAT], "pets")
    answer = await (await engine.collection("pets")).answer(Query("What do dogs eat?"))
    assert answer.abstained
    assert "the floor is 1.00" in answer.reason


def test_an_unknown_language_is_refused_when_the_engine_is_made() -> None:
    with pytest.raises(BadSettings, match="klingon"):
        Engine(Settings(sparse=SparseSettings(language="klingon")), HashedEncoder(), whole)


def test_the_constant_of_rrf_is_the_settings() -> None:
    rankings = {"bm25": (Hit("a", 9.0), Hit("b", 8.0))}
    assert fusions(7)["rrf"](rankings, {}) == rrf(rankings, {}, k=7)
    assert fusions(7)["rrf"](rankings, {}) != rrf(rankings, {})
    assert set(fusions(7)) == set(FUSIONS)


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")  # local mode says so
@pytest.mark.anyio
async def test_store_url_takes_a_qdrant_server_and_writes_no_folder(
    make: MakeEngine, tmp_path: Path
) -> None:
    store = StoreSettings(path=str(tmp_path / "store"), url=":memory:")
    engine = make(store=store)
    with pytest.raises(CollectionNotFound):
        await engine.collection("pets")
    await engine.index([CAT, DOG], "pets")
    assert await found(engine, "pets", "the cat sleeps") == ["cat", "dog"]
    with pytest.raises(BadCollection):
        await engine.collection("../pets")
    assert not (tmp_path / "store").exists()


@pytest.mark.anyio
async def test_a_qdrant_server_that_does_not_answer_is_named(make: MakeEngine) -> None:
    engine = make(store=StoreSettings(url="http://127.0.0.1:9", grpc=False, timeout_s=2))
    for attempt in (engine.collection("pets"), engine.index([CAT], "pets")):
        with pytest.raises(StoreUnavailable, match=r"store\.url"):
            await attempt


def trained(folder: Path, fusion: str) -> Path:
    """Return the file of a classifier that knows the scores of a fusion."""
    write(replace(TINY, fusion=fusion), folder / "route.toml")
    return folder / "route.toml"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("route", "names"),
    [("", ("rules", "claims")), ("rules", ("rules", "claims")), ("claims", ("rules", "claims"))],
)
async def test_presets_route_by_the_rules_or_by_whom_the_settings_name(
    make: MakeEngine, route: Literal["", "rules", "claims"], names: tuple[str, ...]
) -> None:
    engine = make(search=SearchSettings(route=route))
    await engine.index([CAT, DOG], "pets")
    defaults = (await engine.collection("pets")).parts.defaults
    assert defaults.routers == names
    assert {name: handling.route for name, handling in defaults.presets.items()} == {
        "fast": "",
        "balanced": "",
        "quality": route or "rules",
    }


@pytest.mark.anyio
async def test_presets_route_by_the_file_that_is_set(make: MakeEngine, tmp_path: Path) -> None:
    file = trained(tmp_path, "dbsf")
    engine = make(search=SearchSettings(router=str(file)))
    await engine.index([CAT, DOG], "pets")
    defaults = (await engine.collection("pets")).parts.defaults
    assert defaults.presets["quality"].route == "classifier"


@pytest.mark.anyio
async def test_a_log_of_outcomes_routes_by_its_likes(make: MakeEngine, tmp_path: Path) -> None:
    outcomes = [Outcome("what is two and two", {"A": True, "B": False, "C": False})] * 3
    write_log(await logged(outcomes, HashedEncoder()), tmp_path / "log.jsonl")
    engine = make(search=SearchSettings(router=str(tmp_path / "log.jsonl"), preset="quality"))
    await engine.index([CAT, DOG], "pets")
    results = await (await engine.collection("pets")).search(Query("What is two and two?"))
    assert results.candidates == ()
    assert results.trace[1].detail == "A by neighbours: -3 of the 3 nearest, -3 of all 3"


@pytest.mark.anyio
async def test_a_greeting_is_answered_with_why_nothing_is_searched_for(make: MakeEngine) -> None:
    engine = make(search=SearchSettings(preset="quality"))
    await engine.index([CAT, DOG], "pets")
    path = await engine.collection("pets")
    assert (await path.search(Query("Hi!"))).candidates == ()
    assert (await path.answer(Query("Hi!"))).reason == "no search is needed: a greeting"


@pytest.mark.anyio
async def test_a_router_that_does_not_fit_is_refused_when_the_engine_is_made(
    make: MakeEngine, tmp_path: Path
) -> None:
    file = str(trained(tmp_path, "rrf"))
    with pytest.raises(BadSettings, match="trained with scores of rrf, the settings fuse by dbsf"):
        make(search=SearchSettings(router=file))
    make(search=SearchSettings(router=file, fusion="rrf"))
    with pytest.raises(BadSettings, match=r"search\.route is neighbours, but search\.router is no"):
        make(search=SearchSettings(router=file, fusion="rrf", route="neighbours"))
    write_log(LOG, tmp_path / "log.jsonl")
    with pytest.raises(BadSettings, match="made with the encoder tiny/3, the settings say hashed"):
        make(search=SearchSettings(router=str(tmp_path / "log.jsonl")))
