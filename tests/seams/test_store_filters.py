"""Every store applies every condition, and the tenant, on both branches."""

import pytest

from rag.seams import Store
from rag.values import Condition, Metadata
from tests.seams.points import ask, numbers, point

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
]

METADATA: tuple[Metadata, ...] = (
    {},  # chunk 0 has no metadata
    {"kind": "manual", "year": 2020, "score": 0.5, "public": True},  # 1
    {"kind": "report", "year": 2021, "score": 1.5, "public": False},  # 2
    {"kind": "Manual", "year": 2022.0, "score": 2, "public": "true"},  # 3
    {"kind": ["manual", "report"], "year": [1999, 2030], "tags": ["red", "blue"]},  # 4
    {"kind": "", "year": "2020", "tags": [], "public": None},  # 5
    {"deep": {"er": {"x": 1, "tags": ["red"]}}, "a-b": 1, "2020": {"q_1": "x"}},  # 6
    {"serial": 2**53, "deep": "er", "year": True},  # 7
    {"serial": 2**53 + 1, "deep": {"er": [{"x": 1}]}, "a.b": 1},  # 8
    {"kind": "manual ", "serial": -5, "score": -0.5},  # 9
)


def where(name: str, operator: str, value: object) -> Condition:
    return Condition(name, operator, value)  # type: ignore[arg-type]  # the table below is right


CASES = [
    (where("metadata.kind", "eq", "manual"), [1, 4]),
    (where("metadata.kind", "eq", ""), [5]),
    (where("metadata.kind", "eq", "man"), []),
    (where("metadata.kind", "in", ("manual", "report")), [1, 2, 4]),
    (where("metadata.kind", "in", ("nothing",)), []),
    (where("metadata.year", "eq", 2020), [1]),
    (where("metadata.year", "eq", 2022), [3]),
    (where("metadata.year", "eq", "2020"), [5]),
    (where("metadata.year", "eq", 1999), [4]),
    (where("metadata.year", "eq", True), [7]),
    (where("metadata.year", "eq", 1), []),
    (where("metadata.year", "in", (2020, 2021, 2030)), [1, 2, 4]),
    (where("metadata.year", "in", ("2020",)), [5]),
    (where("metadata.year", "gte", 2021), [2, 3, 4]),
    (where("metadata.year", "gt", 2021), [3, 4]),
    (where("metadata.year", "lte", 2020), [1, 4]),
    (where("metadata.year", "lt", 2020), [4]),
    (where("metadata.score", "eq", 0.5), [1]),
    (where("metadata.score", "eq", 2.0), [3]),
    (where("metadata.score", "gte", 0.5), [1, 2, 3]),
    (where("metadata.score", "gt", 0.5), [2, 3]),
    (where("metadata.score", "lte", -0.5), [9]),
    (where("metadata.score", "lt", 1.5), [1, 9]),
    (where("metadata.public", "eq", True), [1]),
    (where("metadata.public", "eq", False), [2]),
    (where("metadata.public", "eq", "true"), [3]),
    (where("metadata.tags", "eq", "red"), [4]),
    (where("metadata.tags", "in", ("blue", "green")), [4]),
    (where("metadata.deep.er.x", "eq", 1), [6]),
    (where("metadata.deep.er.x", "gte", 0), [6]),
    (where("metadata.deep.er.tags", "eq", "red"), [6]),
    (where("metadata.deep", "eq", "er"), [7]),
    (where("metadata.a-b", "eq", 1), [6]),
    (where("metadata.2020.q_1", "eq", "x"), [6]),
    (where("metadata.a.b", "eq", 1), []),
    (where("metadata.serial", "eq", 2**53 + 1), [8]),
    (where("metadata.serial", "in", (2**53 + 1, -5)), [8, 9]),
    (where("metadata.serial", "eq", -5), [9]),
    (where("metadata.serial", "lt", 0), [9]),
    (where("metadata.missing", "eq", "x"), []),
    (where("metadata.missing", "gte", 0), []),
    (where("metadata.missing", "in", ("x",)), []),
    (where("metadata.missing.deeper", "eq", 1), []),
    (where("document_id", "eq", "docs/3.md"), [3]),
    (where("document_id", "in", ("docs/3.md", "docs/5.md", "docs/99.md")), [3, 5]),
    (where("document_id", "eq", "docs"), []),
    (where("source", "eq", "/a b/4.jsonl:4"), [4]),
    (where("title", "eq", "Title 6"), [6]),
    (where("title", "eq", ""), [0]),
    (where("title", "in", ("Title 1", "title 2")), [1]),
]


async def _fill(store: Store) -> None:
    for tenant, offset in (("default", 0), ("other", 100)):
        await store.put(
            [
                point(
                    offset + n,
                    {1: 1.0},
                    document_id=f"docs/{n}.md",
                    source=f"/a b/{n}.jsonl:{n}",
                    title=f"Title {n}" if n else "",
                    tenant=tenant,
                    metadata=metadata,
                )
                for n, metadata in enumerate(METADATA)
            ]
        )


async def test_a_condition_lets_through_what_satisfies_it(store: Store) -> None:
    await _fill(store)
    expected = {repr(case): {"bm25": passing, "dense": passing} for case, passing in CASES}
    found = {}
    for case, _ in CASES:
        rankings = await store.find(ask(where=(case,)))
        found[repr(case)] = {name: numbers(ranking) for name, ranking in rankings.items()}
    assert found == expected


async def test_all_conditions_must_hold(store: Store) -> None:
    await _fill(store)
    from_2021 = where("metadata.year", "gte", 2021)
    found = await store.find(ask(where=(from_2021, where("metadata.year", "lt", 2022))))
    assert numbers(found["bm25"]) == numbers(found["dense"]) == [2, 4]  # 4: one year for each
    found = await store.find(ask(where=(from_2021, where("metadata.kind", "eq", "report"))))
    assert numbers(found["bm25"]) == numbers(found["dense"]) == [2, 4]


async def test_a_filter_never_crosses_tenants(store: Store) -> None:
    await _fill(store)
    manual = where("metadata.kind", "eq", "manual")
    for tenant, expected in {"default": [1, 4], "other": [101, 104], "nobody": []}.items():
        found = await store.find(ask(where=(manual,), tenant=tenant))
        assert numbers(found["bm25"]) == numbers(found["dense"]) == expected


async def test_a_filter_is_applied_before_the_depth_not_after(store: Store) -> None:
    # The only chunk that passes is the worst of 200 on both branches.
    await store.put([point(n, {1: float(300 - n)}, (1, n / 100, 0, 0)) for n in range(1, 200)])
    await store.put([point(500, {1: 0.1}, (-1, 0, 0, 0), metadata={"rare": "yes"})])
    await store.optimize()
    found = await store.find(ask(depth=1, where=(where("metadata.rare", "eq", "yes"),)))
    assert numbers(found["bm25"]) == numbers(found["dense"]) == [500]


async def test_the_filter_does_not_change_the_scores(store: Store) -> None:
    await _fill(store)
    everything = await store.find(ask())
    some = await store.find(ask(where=(where("metadata.kind", "eq", "manual"),)))
    for name in ("bm25", "dense"):
        assert set(some[name]) <= set(everything[name])
