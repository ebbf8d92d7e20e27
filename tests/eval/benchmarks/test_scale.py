"""The measure of scale: what it indexes, what it draws, and that one small size runs through."""

import asyncio
import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np

from eval.benchmarks.plotting import growth
from eval.benchmarks.scale import chart, measured, to_markdown
from eval.benchmarks.synthetic import CHUNKS, Synthetic, documents, lines, questions


def test_synthetic_documents_are_the_same_every_time_and_make_so_many_chunks() -> None:
    first, again = list(documents(40)), list(documents(40))
    assert first == again
    chunks = list(itertools.chain.from_iterable(lines(first)))
    assert len(chunks) == 40 == CHUNKS * len(first)
    for document, of in zip(first, lines(first), strict=True):
        assert all(document.text[c.start : c.end] == c.text for c in of)
    assert questions(3) == questions(3)
    assert len(set(questions(50))) > 40


def test_synthetic_vectors_are_of_unit_length_and_lie_in_clusters() -> None:
    texts = [f"text {n}" for n in range(300)]
    rows = asyncio.run(Synthetic().encode(texts, "document"))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    again = asyncio.run(Synthetic().encode(texts[:7], "query"))
    assert np.array_equal(again, rows[:7])
    near = np.sort((rows @ rows.T)[np.triu_indices(300, 1)])
    assert near[len(near) // 2] < 0.2
    assert near[-1] > 0.3


def test_one_size_is_measured_and_reported(tmp_path: Path) -> None:
    row = asyncio.run(measured(1_000, tmp_path / "c"))
    assert row["chunks"] == 1_000
    assert row["recall_at_10"] >= 0.99  # rounding decides between neighbours
    assert row["disk_bytes_per_chunk"] > 1_000
    larger = {**row, "chunks": 10_000, "put_s": 10 * row["put_s"]}
    svg = ET.fromstring(chart([row, larger]))  # noqa: S314 - our own
    assert svg.tag.endswith("svg")
    where = {"command": "c", "commit": "", "time": "t", "machine": {"cores": 2, "cpu": "x"}}
    text = to_markdown({"quantisation": "none", "sizes": [row, larger], "provenance": where})
    assert text.count("\n| ") >= 2
    assert "10,000" in text


def test_a_chart_has_a_line_for_each_series_within_its_frame() -> None:
    drawn = growth("T < & >", "x", "y", {"a": [(10, 0.2), (1_000, 300)], "b": [(10, 5), (100, 5)]})
    svg = ET.fromstring(drawn)  # noqa: S314 - our own
    found = [e for e in svg.iter() if e.tag.endswith("polyline")]
    assert len(found) == 2
    for line in found:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 640
            assert 0 <= y <= 360
