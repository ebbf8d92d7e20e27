"""The vector of a part is the mean of its tokens, which have seen the whole passage."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.encoders.dense import DenseEncoder
from indexers.encoders.parts import parted
from indexers.encoders.reading import Cut
from rag.errors import BadSettings
from tests.indexers.encoders.tiny import tiny, write

IDS = st.lists(st.integers(10, 99), max_size=6)
MARKS = st.sampled_from([Cut((1, 2), (True, True)), Cut((1,), (True,)), Cut((), ())])
PROMPTED = Cut((1, 55, 56, 2), (True, False, False, True))


@given(IDS, st.lists(IDS.filter(bool), min_size=1, max_size=4), MARKS | st.just(PROMPTED))
def test_all_parts_stand_between_the_marks_where_there_is_room(
    lead: list[int], parts: list[list[int]], marked: Cut
) -> None:
    found = parted([lead, *parts], marked, 1_000)
    assert [found.ids[start:end] for start, end in found.spans] == [tuple(p) for p in parts]
    assert all(a[1] == b[0] for a, b in pairwise(found.spans))
    assert len(found.ids) == len(marked.ids) + len(lead) + sum(map(len, parts))


@given(IDS, st.lists(IDS, min_size=1, max_size=4), MARKS | st.just(PROMPTED), st.integers(5, 20))
def test_what_is_too_long_is_cut_the_lead_first(
    lead: list[int], parts: list[list[int]], marked: Cut, most: int
) -> None:
    found = parted([lead, *parts], marked, most)
    assert len(found.ids) <= most
    assert len(found.spans) == len(parts)
    assert all(0 <= start < end <= len(found.ids) for start, end in found.spans if found.ids)
    if sum(map(len, parts)) + len(marked.ids) <= most:
        kept = [
            found.ids[slice(*span)] for span, part in zip(found.spans, parts, strict=True) if part
        ]
        assert kept == [tuple(part) for part in parts if part]


@pytest.mark.model
@pytest.mark.anyio
async def test_a_part_is_the_mean_of_its_tokens_in_the_whole_text() -> None:
    encoder = DenseEncoder(str(tiny()), "fp32")
    parts = ["the sample freezer", "stays cold for nine hours", "a lighthouse keeper"]
    (rows,) = await encoder.encode_parts([parts])
    reader = encoder._reader
    (whole,) = reader.cut([" ".join(parts)], "document")
    states, _ = reader.states([whole.ids])
    sizes = [len(one.ids) - 2 for one in reader.cut(parts, "document")]
    ends = np.cumsum([1, *sizes])
    assert ends[-1] + 1 == len(whole.ids)
    for row, start, end in zip(rows, ends[1:-1], ends[2:], strict=True):
        mean = states[0][start:end].mean(0)
        assert row == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    encoder.close()


@pytest.mark.model
@pytest.mark.anyio
async def test_an_encoder_that_takes_no_mean_is_refused(tmp_path: Path) -> None:
    encoder = DenseEncoder(str(write(tmp_path, "cls")), "fp32")
    with pytest.raises(BadSettings, match=r"index\.late needs an encoder .* means of its tokens"):
        await encoder.encode_parts([("a", "b")])
    encoder.close()
