"""Every seam has the shipped fake that the docstring promises."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import eval.data.qrels
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.stores.exact import ExactStore
from rag import seams
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.llms.scripted import ScriptedLLM
from rag.quoting.choosing import Limits
from rag.seams import CollectionSpec
from rerankers.unchanged import Unchanged

ROW = re.compile(r"^([A-Z]\w+) +(\S+\.py) +(\w+)", re.MULTILINE)
ROWS = ROW.findall(seams.__doc__ or "")
FAKES: dict[str, object] = {
    "Encoder": HashedEncoder(),
    "PassageEncoder": HashedEncoder(),
    "Store": ExactStore(CollectionSpec("hashed", "hashed/64", 64, "bm25", "none")),
    "LLM": ScriptedLLM(),
    "Reranker": Unchanged(),
    "Generator": quoting(HashedEncoder(), Floor(0.5), Limits(3)),
    "Judge": eval.data.qrels.QrelsJudge({}),
}


def methods(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


@pytest.mark.parametrize(("seam", "file", "fake"), ROWS, ids=[row[0] for row in ROWS])
def test_the_promised_fake_exists_and_fits(seam: str, file: str, fake: str) -> None:
    root = Path(__file__).parents[2]
    assert (root / file).is_file()
    kind = getattr(import_module(file.removesuffix(".py").replace("/", ".")), fake)
    assert type(FAKES[seam]) is kind
    assert isinstance(FAKES[seam], getattr(seams, seam))


def test_every_seam_stands_in_the_table() -> None:
    protocols = {
        name for name, kind in vars(seams).items() if getattr(kind, "_is_protocol", False)
    } - {"Protocol", "SparseEncoder"}
    assert {row[0] for row in ROWS} == protocols == set(FAKES)


def test_the_sparse_encoder_has_every_method_of_its_seam() -> None:
    assert methods(seams.SparseEncoder) <= set(dir(Bm25Encoder()))
