"""What the settings say is what collections are made with and searched with."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexers.stores.edge import EdgeStore, create_edge, open_edge
from indexers.stores.server import connect, create_collection
from indexers.stores.server_config import to_consistency, to_params
from indexers.stores.server_query import to_filter, to_request
from rag.errors import StoreUnavailable
from rag.sections import StoreSettings
from rag.values import Lookup, Point, Probe
from tests.indexers.stores.faulty import Body, FaultyQdrant, Refused, serving
from tests.seams.points import SPEC, ask, point

pytestmark = pytest.mark.anyio
CHOSEN = StoreSettings(
    shards=3,
    replicas=2,
    write_consistency=2,
    quantisation="binary",
    vectors_on_disk=True,
    payload_on_disk=True,
    hnsw_m=24,
    hnsw_ef_construct=77,
    hnsw_ef=99,
    indexing_threshold_kb=123,
)


class Making(FaultyQdrant):
    """Keeps what collections and indexes are made with."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, Body] = {}

    def _told(self, method: str, path: str, body: Body) -> Body:
        assert method == "PUT"
        if path == "/collections/c":
            self.made["collection"] = body
            return {"result": True}
        assert path == "/collections/c/index"
        self.made[body["field_name"]] = body["field_schema"]
        return {"result": {"operation_id": 1, "status": "completed"}}


async def made_with(settings: dict[str, Any]) -> dict[str, Any]:
    fake = Making()
    async with serving(fake) as url:
        connection = connect(StoreSettings(**settings | {"url": url, "grpc": False}))
        await create_collection(connection, "c", SPEC)
        await connection.close()
    return fake.made


async def test_a_collection_on_a_server_is_made_as_set() -> None:
    names = CHOSEN.__struct_fields__
    made = await made_with({name: getattr(CHOSEN, name) for name in names})
    body = made["collection"]
    assert (body["shard_number"], body["replication_factor"]) == (3, 2)
    assert body["write_consistency_factor"] == 2
    assert body["quantization_config"] == {"binary": {"memory": "pinned"}}
    assert body["vectors"]["dense"]["memory"] == body["payload"]["memory"] == "cold"
    assert body["hnsw_config"] == {"m": 24, "ef_construct": 77, "memory": "cold"}
    assert body["optimizers_config"]["indexing_threshold"] == 123


async def test_by_default_the_server_decides_and_the_tenant_is_indexed_as_one() -> None:
    made = await made_with({})
    body = made.pop("collection")
    assert body["vectors"]["dense"] == {"size": 4, "distance": "Cosine", "memory": "cached"}
    assert "quantization_config" not in body
    assert body["hnsw_config"] == {}
    assert "indexing_threshold" not in body["optimizers_config"]
    plain = {name: schema for name, schema in made.items() if isinstance(schema, str)}
    assert plain == {"ordinal": "integer", "valid_from": "datetime", "valid_to": "datetime"}
    keywords = {name: made[name]["is_tenant"] for name in set(made) - set(plain)}
    assert {name for name, tenant in keywords.items() if tenant} == {"tenant"}
    assert set(keywords) == {"tenant", "document_id", "metadata.principals", "state"}


async def test_making_is_not_tried_again_as_the_second_would_find_the_first() -> None:
    fake = FaultyQdrant([Refused(503)])
    async with serving(fake) as url:
        connection = connect(StoreSettings(url=url, grpc=False))
        with pytest.raises(StoreUnavailable, match="503"):
            await create_collection(connection, "c", SPEC)
        await connection.close()
    assert len(fake.seen) == 1


def test_every_search_names_its_tenant_and_a_dense_one_how_it_is_searched() -> None:
    lookup = ask(tenant="mine")
    chosen = to_filter(lookup)
    requests = {probe.name: to_request(probe, chosen, to_params(CHOSEN)) for probe in lookup.probes}
    for request in requests.values():
        assert request.filter is not None
        told = request.filter.model_dump(exclude_none=True)["must"][0]
        assert told == {"key": "tenant", "match": {"value": "mine"}}
    assert requests["bm25"].params is None
    params = requests["dense"].params
    assert params is not None
    assert params.model_dump(exclude_unset=True, exclude_none=True) == {
        "hnsw_ef": 99,
        "quantization": {"rescore": True, "oversampling": 8.0},
    }
    assert to_params(StoreSettings()) is None


def test_copies_are_asked_as_set() -> None:
    assert to_consistency(StoreSettings()) is None
    assert str(to_consistency(StoreSettings(read_consistency="quorum"))) == "quorum"


async def test_an_embedded_collection_is_made_as_set(tmp_path: Path) -> None:
    await create_edge(tmp_path / "c", SPEC, CHOSEN).close()
    kept = json.loads((tmp_path / "c" / "points" / "edge_config.json").read_text())
    assert kept["quantization_config"] == {"binary": {"memory": "pinned"}}
    assert kept["vectors"]["dense"]["memory"] == kept["payload_memory"] == "cold"
    graph = kept["hnsw_config"]
    assert (graph["m"], graph["ef_construct"], graph["memory"]) == (24, 77, "cold")
    assert kept["optimizers"]["indexing_threshold"] == 123


@pytest.mark.parametrize("kind", ["scalar", "binary"])
async def test_small_vectors_choose_and_whole_ones_score(tmp_path: Path, kind: str) -> None:
    points = _points(400)
    chosen = StoreSettings(quantisation=kind, indexing_threshold_kb=50)  # type: ignore[arg-type]
    matrix = np.stack([p.dense for p in points])
    async with _filled(tmp_path, points, chosen) as store:
        for query in matrix[::100]:
            found = (await store.find(Lookup((Probe("dense", query, 20),))))["dense"]
            exact = sorted((matrix @ query).tolist(), reverse=True)[:20]
            assert [hit.score for hit in found][:10] == pytest.approx(exact[:10], abs=1e-5)
            assert len(found) == 20


@asynccontextmanager
async def _filled(
    folder: Path, points: list[Point], chosen: StoreSettings
) -> AsyncIterator[EdgeStore]:
    """Made, filled and optimised as set, then opened again."""
    made = create_edge(folder / "c", replace(SPEC, dimension=48), chosen)
    await made.put(points)
    await made.optimize()
    await made.close()
    store = open_edge(folder / "c", chosen)
    yield store
    await store.close()


def _points(count: int) -> list[Point]:
    dice = np.random.default_rng(1)
    centres = dice.normal(size=(20, 48))
    near = centres[dice.integers(20, size=count)] + 0.6 * dice.normal(size=(count, 48))
    return [point(n, {}, dense.tolist()) for n, dense in enumerate(near)]
