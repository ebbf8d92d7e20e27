"""An encoder that is known is not opened before it is asked to encode."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from indexers.encoders.hashed import HashedEncoder
from indexers.encoders.known import Known, OnDemand, name_of, recall, remember
from rag.errors import ModelUnavailable

pytestmark = pytest.mark.anyio


class Cutting(HashedEncoder):
    """The fake with a tokenizer."""

    tokenizer = Tokenizer(WordLevel({"a": 0, "?": 1}, unk_token="?"))  # noqa: S106


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "deep" / "weights").write_bytes(b"1234")
    return tmp_path / "model"


def test_another_file_setting_or_folder_is_another_name(model: Path) -> None:
    names = [name_of(model, "auto", "torch"), name_of(model, "fp32", "torch")]
    (model / "deep" / "weights").write_bytes(b"12345")
    names.append(name_of(model, "auto", "torch"))
    os.utime(model / "config.json", ns=(1, 1))
    names.append(name_of(model, "auto", "torch"))
    (model / "new").write_bytes(b"")
    names.append(name_of(model, "auto", "torch"))
    model.rename(model.with_name("moved"))
    names.append(name_of(model.with_name("moved"), "auto", "torch"))
    assert len(set(names)) == len(names)
    assert name_of(model.with_name("moved"), "auto", "torch") == names[-1]


def test_what_was_remembered_is_recalled_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "name.json"
    assert recall(file) is None
    remember(file, Cutting(16))
    assert recall(file) == Known(Cutting(16).spec, Cutting.tokenizer.to_str())
    file.write_bytes(file.read_bytes()[:-9])
    assert recall(file) is None
    remember(tmp_path / "folder" / "name.json" / "below a file", Cutting(16))  # no matter


async def test_it_is_opened_once_and_only_to_encode() -> None:
    opened: list[Cutting] = []

    def opening() -> Cutting:
        opened.append(Cutting(16))
        return opened[-1]

    known = Known(Cutting(16).spec, Cutting.tokenizer.to_str())
    encoder = OnDemand(known, opening, pytest.fail)
    assert encoder.spec == Cutting(16).spec
    assert encoder.tokenizer.encode("a").ids == [0]
    assert opened == []
    rows = await encoder.encode(["a b", "c"], "document")
    assert (rows == await Cutting(16).encode(["a b", "c"], "document")).all()
    await encoder.encode(["d"], "query")
    assert len(opened) == 1


async def test_one_that_is_no_longer_what_it_was_is_refused_and_forgotten() -> None:
    forgotten: list[bool] = []
    known = Known(replace(Cutting(16).spec, fingerprint="old"), Cutting.tokenizer.to_str())
    encoder = OnDemand(known, lambda: Cutting(16), lambda: forgotten.append(True))
    with pytest.raises(ModelUnavailable, match=r"no longer what it was .*: run it again"):
        await encoder.encode(["a"], "document")
    assert forgotten == [True]
