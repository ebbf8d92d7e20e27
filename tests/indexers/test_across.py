"""A run whose encoders are actors of a Ray cluster leaves the store that a plain run leaves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from indexers.bulk import IndexReport, index
from indexers.bulk.across import TRIES, Cluster, EncodingActor, OpenEncoder, across
from indexers.encoders.hashed import HashedEncoder
from indexers.reading import read_paths
from indexers.stores.edge import open_edge
from indexers.stores.exact import ExactStore
from rag.errors import CollectionMismatch, ModelUnavailable
from rag.seams import Store
from rag.sections import EncoderSettings, IndexSettings, StoreSettings
from rag.settings import Settings, quiet
from rag.values import Document, Point
from rag.wiring import build
from tests.indexers.faltering import Dying, Failing
from tests.indexers.runs import BM25, ENCODER, SPEC, lines, run

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Ray's own
]

MISSING = "pip install 'firstcite[ray]'"
ROOT = Path(__file__).parents[2]
SETTINGS = {
    "FIRSTCITE__ENCODER__PRECISION": "fp32",
    "FIRSTCITE__INDEX__CHUNK_TOKENS": "64",
    "FIRSTCITE__INDEX__RAY_ACTORS": "2",
    "FIRSTCITE__INDEX__RAY_BATCH": "32",
}
MANY = [Document(f"d{n}", f"freezer {n}\ncold power {n % 7}") for n in range(300)]


@pytest.fixture(scope="module")
def _cluster() -> Iterator[None]:
    """Two cores of this machine, for all tests here."""
    if find_spec("ray") is None:
        pytest.skip(MISSING)
    quiet()
    import ray

    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="CRITICAL",
    )
    yield
    assert ray.is_initialized()  # a run leaves alone what it did not start
    ray.shutdown()


async def spread(store: Store, open_encoder: OpenEncoder) -> IndexReport:
    stage = across(open_encoder, Cluster(batch=32))
    return await index(MANY, lines, ENCODER, BM25, store, encode=stage)


async def points(store: Store) -> dict[str, Point]:
    return {point.chunk.id: point async for page in store.scan() for point in page}


async def equal(one: Store, other: Store) -> bool:
    """Whether two stores hold the same, point by point and record by record."""
    mine, theirs = await points(one), await points(other)
    records = [[r async for page in store.survey() for r in page] for store in (one, other)]
    return (
        records[0] == records[1]
        and await one.info() == await other.info()
        and mine.keys() == theirs.keys()
        and all(
            (p.chunk, p.sparse, p.length) == (q.chunk, q.sparse, q.length)
            and np.array_equal(p.dense, q.dense)
            for p, q in ((mine[id_], theirs[id_]) for id_ in mine)
        )
    )


async def test_where_all_vectors_are_there_no_cluster_is_needed() -> None:
    store = ExactStore(SPEC)
    await run(store, MANY)
    changed = [replace(document, metadata={"year": 2024}) for document in MANY]
    stage = across(partial(HashedEncoder, 16), Cluster("127.0.0.1:1"))
    report = await index(changed, lines, ENCODER, BM25, store, encode=stage)
    assert (report.revised, report.encoded) == (300, 0)


def test_an_actor_that_opens_another_encoder_refuses_every_batch() -> None:
    actor = EncodingActor(partial(HashedEncoder, 16, "other"), ENCODER.spec.fingerprint)
    batch = {"place": np.arange(1), "text": np.array(["cold"], object)}
    for _ in range(2):
        with pytest.raises(CollectionMismatch, match="encoder other/16, this one hashed/16"):
            actor(batch)


@pytest.mark.model
@pytest.mark.skipif(find_spec("ray") is None, reason=MISSING)
async def test_a_cluster_that_does_not_answer_is_named_with_the_remedy() -> None:
    stage = across(partial(HashedEncoder, 16), Cluster("127.0.0.1:1"))
    with pytest.raises(ModelUnavailable, match=r"no Ray cluster at '127.0.0.1:1': .*ray start"):
        await index(MANY, lines, ENCODER, BM25, ExactStore(SPEC), encode=stage)


def test_without_ray_the_engine_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'firstcite\[ray\]'"):
        across(partial(HashedEncoder, 16), Cluster())


@pytest.mark.model
@pytest.mark.skipif(find_spec("ray") is None, reason=MISSING)
async def test_the_packaged_encoder_gives_the_same_collection_by_the_command(
    tmp_path: Path,
) -> None:
    """In processes as a user has them: the cluster is started, and ended, by the command."""
    files = [ROOT / "docs" / "indexing.md", ROOT / "docs" / "searching.md"]
    settings = Settings(
        store=StoreSettings(path=str(tmp_path / "local")),
        encoder=EncoderSettings(precision="fp32"),
        index=IndexSettings(chunk_tokens=64),
    )
    engine = build(settings)
    await engine.index(read_paths(files), "default")
    await engine.close()
    done = firstcite(tmp_path / "ray", "index", *map(str, files), "--engine", "ray")
    assert done.returncode == 0, done.stderr
    plain, spread_out = [await points_of(tmp_path / by / "default@1") for by in ("local", "ray")]
    assert plain.keys() == spread_out.keys()
    assert len(plain) > 100
    for id_, point in plain.items():
        other = spread_out[id_]
        assert replace(other, dense=point.dense) == point
        assert np.abs(other.dense - point.dense).max() < 1e-6  # another batch, another rounding


def firstcite(store: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "rag", *arguments],
        env=os.environ | SETTINGS | {"FIRSTCITE__STORE__PATH": str(store)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def points_of(folder: Path) -> dict[str, Point]:
    store = open_edge(folder)
    found = await points(store)
    await store.close()
    return found


@pytest.mark.model
@pytest.mark.usefixtures("_cluster")
async def test_the_store_is_that_of_a_plain_run_also_where_an_actor_is_killed(
    tmp_path: Path,
) -> None:
    plain, store = ExactStore(SPEC), ExactStore(SPEC)
    await run(plain, MANY)
    report = await spread(store, partial(Dying, tmp_path / "died"))
    assert (tmp_path / "died").exists()
    assert report.encoded == 307  # each text once
    assert await equal(store, plain)


@pytest.mark.model
@pytest.mark.usefixtures("_cluster")
async def test_an_encoder_that_keeps_failing_is_told_and_a_later_run_finishes(
    tmp_path: Path,
) -> None:
    plain, store = ExactStore(SPEC), ExactStore(SPEC)
    with pytest.raises(ModelUnavailable, match=r"the encoder failed: MemoryError: too much\. What"):
        await spread(store, partial(Failing, tmp_path / "notes"))
    tried = (tmp_path / "notes").read_text().splitlines()
    assert max(map(tried.count, tried)) == TRIES
    assert await store.count() == 0
    await run(store, MANY)
    await run(plain, MANY)
    assert await equal(store, plain)
