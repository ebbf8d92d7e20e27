import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from eval.reports.blocks import Figure, SideBySide, Table
from eval.reports.html import page
from eval.reports.markdown import document
from eval.reports.schema import Report, read_report
from eval.reports.sections.whole import sections, subtitle
from eval.reports.writing import write_report
from tests.eval.reports.records import record

NUMBER = re.compile(r"[−+]?\d*[.,]?\d+")
TAGS = re.compile(r"<[^>]+>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    write_report(record(tmp_path_factory.mktemp("record")), out)
    return out


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return read_report(folder / "report.json")


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def markdown(folder: Path) -> str:
    return (folder / "report.md").read_text(encoding="utf-8")


class _Cells(HTMLParser):
    """The cells of all tables, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._in = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag in {"td", "th"}:
            self._in = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in = False

    def handle_data(self, data: str) -> None:
        if self._in:
            self.cells[-1] += data


def cells(html: str) -> list[str]:
    parser = _Cells()
    parser.feed(html)
    return [" ".join(cell.split()) for cell in parser.cells]


def test_both_files_are_made_from_the_json_alone(report: Report, html: str, markdown: str) -> None:
    parts = list(sections(report))
    assert page(report.name, subtitle(report), parts) == html
    assert document(report.name, subtitle(report), parts) == markdown


def test_the_markdown_has_the_cells_of_every_table_of_the_html(html: str, markdown: str) -> None:
    made = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    assert cells(made) == cells(html)


def test_every_figure_has_its_table(html: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", html, re.DOTALL)
    assert len(figures) == html.count("<svg") >= 7
    for figure in figures:
        assert figure.count("<table>") == 1
        assert 'role="img" aria-label="' in figure


def test_outside_texts_are_inert_in_the_html(html: str) -> None:
    found: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)
            assert not any(name.startswith("on") or name == "src" for name, _ in attrs)

    Tags().feed(html)
    assert not {"script", "img", "b "} & set(found)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_outside_texts_are_inert_in_the_markdown(markdown: str) -> None:
    made = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    assert not re.search(r"<(script|img|a|code|b)\b", made)
    assert "<script>alert(1)</script> & [x](javascript:alert(2))" in unescape(TAGS.sub("", made))


def test_the_html_fetches_nothing_and_runs_nothing(html: str) -> None:
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|<script|<link|@import|url\(", html)


def test_headings_go_down_one_level_at_a_time(html: str) -> None:
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_numbers_of_the_main_table_are_the_reports(report: Report, markdown: str) -> None:
    (tiny,) = report.collections
    for system in tiny.systems:
        (row,) = re.findall(rf"^\| {re.escape(system.name)} \|.*", markdown, re.MULTILINE)[:1]
        shown = f"{system.means['nDCG@10'].mean:.3f}".removeprefix("0")
        assert shown in row


def test_ten_thousand_queries_make_a_small_page(tmp_path: Path) -> None:
    made = write_report(record(tmp_path / "r", judged=False), tmp_path)
    (tiny,) = made.collections
    many = replace(
        tiny,
        queries=tiny.queries * 300,
        values={m: {s: v * 300 for s, v in of.items()} for m, of in tiny.values.items()},
    )
    parts = list(sections(replace(made, collections=(many,))))
    assert len(page(made.name, "", parts)) < 400_000


def test_every_kind_of_block_stands_in_the_report(report: Report) -> None:
    kinds = {type(block) for section in sections(report) for block in section.blocks}
    assert {Table, Figure, SideBySide} <= kinds
    assert NUMBER.search(subtitle(report))
