"""What was made is kept item by item, and a run that was ended makes only the rest."""

import asyncio
from pathlib import Path

import pytest

from rag.errors import BadInput
from rag.showing import silent
from rag.training.data.files import Manifest, Source, check, manifest, read, write
from rag.training.data.shelf import Made, Shelf, build
from rag.training.values import Group, Passage, Preference
from rag.values import Message

ITEMS = [(str(i), i) for i in range(6)]


def group(i: int) -> Group:
    return Group(str(i), f"query {i}", (Passage("p", f"text {i}", 1), Passage("n", "no", 0, -0.5)))


def run(folder: Path, asked: list[int], stop: int = 99) -> tuple[list[Group], dict[str, int]]:
    async def make(i: int) -> Made[Group]:
        if i == stop:
            raise KeyboardInterrupt
        asked.append(i)
        return Made((group(i),)) if i % 3 else Made((), "too short")

    return asyncio.run(build(ITEMS, make, Shelf(folder, "recipe", Group), silent))


def test_an_ended_run_goes_on_and_makes_the_same(tmp_path: Path) -> None:
    asked: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", asked, stop=4)
    groups, counts = run(tmp_path / "a", asked)
    assert asked == [0, 1, 2, 3, 4, 5]
    assert groups == run(tmp_path / "b", [])[0] == [group(i) for i in (1, 2, 4, 5)]
    assert counts == {"items": 6, "made": 4, "too short": 2}


def test_a_line_that_was_cut_by_a_kill_is_made_anew(tmp_path: Path) -> None:
    run(tmp_path, [])
    file = tmp_path / "made.jsonl"
    whole = file.read_bytes()
    for cut in (1, 10, 30):
        file.write_bytes(whole[:-cut])
        asked: list[int] = []
        assert run(tmp_path, asked)[0] == [group(i) for i in (1, 2, 4, 5)]
        assert asked == [5]
        assert file.read_bytes() == whole


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    run(tmp_path, [])
    with pytest.raises(BadInput, match="other sources or options"):
        Shelf(tmp_path, "another", Group)


def about() -> Manifest:
    return Manifest((Source("corpus", "ab" * 32, "CC0"),), {"builder": "x"}, {"items": 1}, "d")


def test_data_and_manifest_are_read_as_they_were_written(tmp_path: Path) -> None:
    lines = [group(1), group(2)]
    written = write(tmp_path / "data", lines, about())
    assert read(tmp_path / "data", Group) == lines
    assert manifest(tmp_path / "data") == written
    assert len(written.sha256) == 64
    pairs = [Preference("1", "q", (Message("user", "x"),), "a", "b", (1.0, 0.0))]
    write(tmp_path / "pairs", pairs, about())
    assert read(tmp_path / "pairs", Preference) == pairs


def test_data_that_was_changed_is_not_what_its_manifest_says(tmp_path: Path) -> None:
    write(tmp_path, [group(1)], about())
    file = tmp_path / "groups.jsonl"
    file.write_bytes(file.read_bytes().replace(b"query 1", b"query 9"))
    with pytest.raises(BadInput, match="was changed"):
        read(tmp_path, Group)
    assert read(file, Group)[0].query == "query 9"


def test_nothing_made_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing to train on was made .*1 items"):
        write(tmp_path / "data", [], about())
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "groups.jsonl:1"),
        (b'{"id": "1"}', "missing required field"),
        (b'{"id":"1","query":" ","passages":[{"id":"a","text":"x"}]}', "its query is blank"),
        (b'{"id":"1","query":"q","passages":[]}', "no passages"),
        (b'{"id":"1","query":"q","passages":[{"id":"a","text":""}]}', "a passage is blank"),
        (
            b'{"id":"1","query":"q","passages":[{"id":"a","text":"x"},{"id":"a","text":"y"}]}',
            "stands in it twice",
        ),
        (b'{"id":"1","query":"q","passages":[{"id":"a","text":"x","score":"high"}]}', "float"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: bytes, why: str) -> None:
    (tmp_path / "groups.jsonl").write_bytes(line + b"\n")
    with pytest.raises(BadInput, match=why):
        read(tmp_path, Group)


def test_ids_that_come_twice_no_data_and_missing_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="make it with firstcite train data qrels"):
        read(tmp_path, Group)
    file = tmp_path / "groups.jsonl"
    file.write_bytes(b"\n")
    with pytest.raises(BadInput, match="is empty"):
        read(tmp_path, Group)
    one = b'{"id":"1","query":"q","passages":[{"id":"a","text":"x"}]}\n'
    file.write_bytes(one + one)
    with pytest.raises(BadInput, match=r"groups\.jsonl:2: '1' stands here twice"):
        read(tmp_path, Group)


def test_scores_that_are_no_numbers_are_refused() -> None:
    bad = Group("1", "q", (Passage("a", "x", 1, float("nan")),))
    with pytest.raises(BadInput, match="no number"):
        check(bad, "here")
