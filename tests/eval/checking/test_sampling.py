"""What is drawn for people to label."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.checking.sampling import allocate, draw, read_sample, write_sample
from rag.errors import BadCollection, BadInput
from tests.eval.checking.judges import judged, labels

QRELS = judged(labels(queries=60, documents=20)[1]).qrels


def test_every_grade_is_drawn_alike_from_many_queries() -> None:
    sample = draw(QRELS, "judge", top=3, pairs=200)
    assert Counter(pair.grade for pair in sample.pairs) == dict.fromkeys(range(4), 50)
    assert sample.queries == 60
    per_query = Counter(pair.query_id for pair in sample.pairs)
    assert max(per_query.values()) <= 8
    assert sum(stratum.size for stratum in sample.strata) == 1200
    for pair in sample.pairs:
        assert QRELS[pair.query_id][pair.document_id] == pair.grade


def test_the_same_seed_draws_the_same_and_another_another() -> None:
    first = draw(QRELS, "judge", top=3, seed=1)
    assert first == draw(QRELS, "judge", top=3, seed=1)
    assert first.pairs != draw(QRELS, "judge", top=3, seed=2).pairs


def test_the_order_tells_nothing_of_grades() -> None:
    grades = [pair.grade for pair in draw(QRELS, "judge", top=3, pairs=200).pairs]
    runs = sum(a != b for a, b in pairwise(grades))
    assert runs > 100  # sorted by grade there were 3


def test_every_pair_of_a_stratum_has_the_same_chance() -> None:
    """One query has nine pairs, nine have one: each is drawn in one of three."""
    qrels = {"big": {f"d{i}": 0 for i in range(9)}, **{f"q{i}": {"d": 0} for i in range(9)}}
    drawn: Counter[tuple[str, str]] = Counter()
    for seed in range(600):
        sample = draw(qrels, "judge", top=3, pairs=6, seed=seed)
        drawn.update((pair.query_id, pair.document_id) for pair in sample.pairs)
    assert len(drawn) == 18
    assert all(150 <= count <= 250 for count in drawn.values())  # 200 ± 4 sd


def test_fewer_pairs_than_wanted_are_all_drawn() -> None:
    sample = draw({"q": {"a": 0, "b": 3}}, "judge", top=3, pairs=200)
    assert len(sample.pairs) == 2


@given(st.dictionaries(st.integers(0, 9), st.integers(1, 50), min_size=1), st.integers(1, 300))
def test_shares_are_as_equal_as_sizes_allow(sizes: dict[int, int], count: int) -> None:
    taken = allocate(sizes, count)
    assert sum(taken.values()) == min(count, sum(sizes.values()))
    short = [taken[key] for key in sizes if taken[key] < sizes[key]]
    assert all(taken[key] <= sizes[key] for key in sizes)
    assert not short or max(taken.values()) - min(short) <= 1


@pytest.mark.parametrize(
    ("qrels", "message"),
    [({"q": {"d": 5}}, "q d has the grade 5: the scale is 0 to 3"), ({}, "grades no pair")],
)
def test_what_cannot_be_sampled_is_refused(qrels: dict[str, dict[str, int]], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        draw(qrels, "judge.tsv", top=3)


def test_a_sample_is_read_as_it_was_written(tmp_path: Path) -> None:
    sample = draw(QRELS, "judge", top=3)
    write_sample(sample, tmp_path / "sample.json")
    assert read_sample(tmp_path / "sample.json") == sample


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"judge":"j","seed":0,"top":3,"strata":[],"pairs":[],"schema":"firstcite-other/9"}',
    ],
)
def test_a_file_that_is_no_sample_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sample.json"
    file.write_text(text)
    with pytest.raises(BadCollection, match=r"sample\.json is "):
        read_sample(file)
