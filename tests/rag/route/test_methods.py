"""Routers by name: the file says what it is, and is refused where it does not fit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import BadSettings
from rag.route.log_file import write_log
from rag.route.methods import routers
from rag.route.model_file import write
from tests.rag.route.test_classifier import TINY
from tests.rag.route.test_log_file import LOG


def classifier(path: Path) -> None:
    write(replace(TINY, fusion="rrf"), path)


def log(path: Path) -> None:
    write_log(LOG, path)


def test_without_a_file_the_rules_and_a_models_claims_are_there() -> None:
    assert {name: method.asks for name, method in routers().items()} == {
        "rules": False,
        "claims": True,
    }


@pytest.mark.parametrize(("made", "name"), [(classifier, "classifier"), (log, "neighbours")])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_says_itself_what_it_is(
    tmp_path: Path, made: Callable[[Path], None], name: str, mark: bytes
) -> None:
    file = tmp_path / "router"
    made(file)
    file.write_bytes(mark + file.read_bytes())
    assert list(routers(str(file))) == ["rules", "claims", name]
    assert list(routers(str(file), "rrf", "tiny/3")) == ["rules", "claims", name]


def test_scores_of_another_fusion_are_refused_with_both_remedies(tmp_path: Path) -> None:
    classifier(tmp_path / "route.toml")
    with pytest.raises(BadSettings, match=r"set search\.fusion to rrf, or train it again"):
        routers(str(tmp_path / "route.toml"), "dbsf")
    write(TINY, tmp_path / "route.toml")  # it knows no scores
    assert "classifier" in routers(str(tmp_path / "route.toml"), "dbsf")


def test_vectors_of_another_encoder_are_refused_with_both_remedies(tmp_path: Path) -> None:
    log(tmp_path / "log")
    with pytest.raises(BadSettings, match=r"tiny/3, .*other/9: set encoder.model back, or log"):
        routers(str(tmp_path / "log"), None, "other/9")


def test_a_file_that_is_missing_or_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("<html>")
    for name in ("none", "junk"):
        with pytest.raises(BadSettings, match=name):
            routers(str(tmp_path / name))
