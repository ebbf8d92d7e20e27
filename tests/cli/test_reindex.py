"""`firstcite reindex` with the packaged encoder."""

from pathlib import Path

import pytest

from tests.cli.outcome import Firstcite

pytestmark = pytest.mark.model


def test_a_collection_is_built_anew_with_the_settings_in_effect(
    tmp_path: Path, firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    for n in range(3):
        text = "\n\n".join(f"Paragraph {i} of text {n} is about freezers." for i in range(20))
        (tmp_path / "docs" / f"{n}.txt").write_text(text)
    assert firstcite("index", "docs").code == 0
    for file in (tmp_path / "docs").iterdir():
        file.unlink()  # they are not needed
    monkeypatch.setenv("FIRSTCITE__INDEX__CHUNK_TOKENS", "32")
    (tmp_path / "more.txt").write_text("More.")
    outcome = firstcite("index", "more.txt")
    assert outcome.code == 1
    assert "firstcite reindex --collection default" in outcome.err
    outcome = firstcite("reindex")
    assert outcome.code == 0
    assert outcome.out.startswith("default: 3 documents, ")
    assert "it is default@2 now\ndefault@1 stays: firstcite collections drop" in outcome.out
    monkeypatch.setenv("FIRSTCITE__SPARSE__K1", "1.5")
    outcome = firstcite("reindex", "--drop-old")
    assert ", 0 of them encoded, " in outcome.out
    assert "default@2 is deleted" in outcome.out
    listed = firstcite("collections", "list").out.splitlines()
    assert [line.split(": ")[0] for line in listed] == [
        "(no name) = default@1",
        "default = default@3",
    ]
    assert firstcite("collections", "verify", "default").code == 0
    assert firstcite("search", "freezers", "-k", "1").out.startswith("  1. ")
