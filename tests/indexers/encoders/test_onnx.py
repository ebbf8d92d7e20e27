"""An encoder on ONNX Runtime says what it says on torch, and is exported whole and once."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexers.encoders.dense import DenseEncoder
from rag.errors import BadSettings, ModelUnavailable
from rag.values import Vector

Precision = Literal["auto", "fp32", "int8"]

TEXTS = [
    "how long does the freezer stay cold",
    "",
    "?",
    "word " * 600,
    "La réunion de jeudi 😀 \x00 日本語",
    "[CLS] a lighthouse [SEP] [PAD] keeper",
]
LEAST = {"fp32": 0.9999, "int8": 0.98}

OPEN = """
import sys
from pathlib import Path
if sys.argv[3] == "without torch":
    sys.modules["torch"] = None  # importing it raises, as where it is not installed
from indexers.encoders.dense import DenseEncoder
encoder = DenseEncoder(sys.argv[1], "auto", "onnx", Path(sys.argv[2]))
print(encoder.spec.precision, *encoder.encode_now(["a lighthouse keeper"])[0][:4])
encoder.close()
assert sys.argv[3] == "with torch" or "transformers" not in sys.modules
"""


def opened(model: Path, models: Path, precision: Precision = "auto") -> DenseEncoder:
    return DenseEncoder(str(model), precision, "onnx", models)


def said(encoder: DenseEncoder, texts: list[str] = TEXTS) -> Vector:
    """Return the rows of the texts; the encoder is closed."""
    try:
        return encoder.encode_now(texts)
    finally:
        encoder.close()


def cosines(one: Vector, other: Vector) -> Vector:
    found: Vector = np.einsum("nh,nh->n", one, other)
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tiny model that a test may change."""
    from tests.indexers.encoders.tiny import tiny

    return Path(shutil.copytree(tiny(), tmp_path / "mine"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of exported models that tests share."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def exact() -> Iterator[DenseEncoder]:
    from tests.indexers.encoders.tiny import tiny

    encoder = DenseEncoder(str(tiny()), "fp32")
    yield encoder
    encoder.close()


@pytest.fixture(scope="module", params=["fp32", "int8"])
def encoder(request: pytest.FixtureRequest, models: Path) -> Iterator[DenseEncoder]:
    from tests.indexers.encoders.tiny import tiny

    encoder = opened(tiny(), models, request.param)
    yield encoder
    encoder.close()


def export_of(models: Path) -> Path:
    (folder,) = models.glob("*-encoder-onnx")
    return folder


@pytest.mark.parametrize(
    ("runtime", "precision", "message"),
    [
        ("torch", "int8", "torch does not compute: set encoder.runtime to onnx"),
        ("onnx", "bf16", "not exported: set it to auto, fp32 or int8, or encoder.runtime to torch"),
    ],
)
def test_a_precision_that_the_runtime_has_not_is_refused_before_anything_is_loaded(
    runtime: Literal["torch", "onnx"],
    precision: Literal["int8", "bf16"],
    message: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(BadSettings, match=message):
        DenseEncoder("nothing", precision, runtime, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.model
def test_random_texts_say_what_they_say_on_torch(
    encoder: DenseEncoder, exact: DenseEncoder
) -> None:
    texts = st.lists(st.text(max_size=80) | st.sampled_from(TEXTS), min_size=1, max_size=4)

    @given(texts, st.sampled_from(["query", "document"]))
    @settings(
        max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    def agree(texts: list[str], kind: Literal["query", "document"]) -> None:
        found, expected = encoder.encode_now(texts, kind), exact.encode_now(texts, kind)
        assert cosines(found, expected).min() >= LEAST[encoder.spec.precision]

    agree()


@pytest.mark.model
def test_it_is_the_same_encoder_as_on_torch(encoder: DenseEncoder, exact: DenseEncoder) -> None:
    mine, theirs = encoder.spec, exact.spec
    assert mine.fingerprint == theirs.fingerprint
    assert (mine.name, mine.dimension, mine.max_tokens) == ("tiny", 64, 64)
    assert "probe cosine mean" in mine.why
    text = "a lighthouse keeper"
    assert encoder.tokenizer.encode(text).tokens == exact.tokenizer.encode(text).tokens


@pytest.mark.model
def test_tokens_say_what_they_say_on_torch(encoder: DenseEncoder, exact: DenseEncoder) -> None:
    found = asyncio.run(encoder.encode_tokens(TEXTS, "document"))
    expected = asyncio.run(exact.encode_tokens(TEXTS, "document"))
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.shape == theirs.shape
        if len(mine):
            assert cosines(mine, theirs).mean() >= LEAST[encoder.spec.precision]
    assert found[1].shape == (0, 64)


@pytest.mark.model
def test_what_stands_beside_a_text_does_not_reach_its_row(encoder: DenseEncoder) -> None:
    together = encoder.encode_now(TEXTS)
    alone = np.concatenate([encoder.encode_now([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5


@pytest.mark.model
@pytest.mark.parametrize("pooled", ["mean", "cls", "max"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_every_pooling_and_padding_is_the_models(
    pooled: Literal["mean", "cls", "max"], side: Literal["left", "right"], tmp_path: Path
) -> None:
    from tests.indexers.encoders.tiny import write

    model = write(tmp_path, pooled, side)
    exact = said(DenseEncoder(str(model), "fp32"))
    assert cosines(said(opened(model, tmp_path / "models", "fp32")), exact).min() > 0.9999


@pytest.mark.model
@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_int8_that_differs_too_much_is_not_kept_and_fp32_says_why(
    tmp_path: Path, precision: Literal["auto", "int8"]
) -> None:
    from tests.indexers.encoders.tiny import write

    model = write(tmp_path, "cls", layers=2, spread=0.3)
    for _ in ("exported", "opened again"):
        encoder = opened(model, tmp_path / "models", precision)
        encoder.close()
        assert encoder.spec.precision == "fp32"
        assert encoder.spec.why.startswith("int8 differs too much: probe cosine mean 0.9")
    assert not (export_of(tmp_path / "models") / "int8.onnx").exists()


@pytest.mark.model
def test_an_exported_encoder_is_opened_without_torch(model: Path, tmp_path: Path) -> None:
    expected = said(opened(model, tmp_path / "models"), ["a lighthouse keeper"])[0][:4]
    manifest = export_of(tmp_path / "models") / "firstcite.json"
    written = manifest.stat().st_mtime_ns
    command = [sys.executable, "-c", OPEN, str(model), str(tmp_path / "models"), "without torch"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    precision, *numbers = done.stdout.split()
    assert precision == "int8"
    assert np.allclose(np.array(numbers, float), expected, atol=1e-5)
    assert manifest.stat().st_mtime_ns == written


@pytest.mark.model
def test_without_torch_what_is_not_exported_is_an_error_that_says_so(
    model: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", OPEN, str(model), str(tmp_path / "models"), "without torch"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not exported yet, which needs torch" in done.stderr


@pytest.mark.model
def test_a_changed_model_is_exported_anew(model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    first = opened(model, tmp_path / "models")
    weights = load_file(model / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] *= 1.5
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    second = opened(model, tmp_path / "models")
    assert first.spec.fingerprint != second.spec.fingerprint
    torch = DenseEncoder(str(model), "fp32")
    assert second.spec.fingerprint == torch.spec.fingerprint
    assert cosines(said(second), said(torch)).min() > LEAST["int8"]
    first.close()
    assert export_of(tmp_path / "models").is_dir()  # and nothing beside it


@pytest.mark.model
def test_a_killed_export_is_not_taken_for_a_finished_one(model: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    command = [sys.executable, "-c", OPEN, str(model), str(models), "with torch"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as exporting:
        while not list(models.glob("converting-*/model/*")):
            time.sleep(0.001)
            assert exporting.poll() is None
        os.kill(exporting.pid, signal.SIGKILL)
    assert not list(models.glob("*-encoder-onnx"))
    assert np.isfinite(said(opened(model, models))).all()


@pytest.mark.model
@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "firstcite.json").unlink(),
        lambda folder: (folder / "firstcite.json").write_text("{"),
        lambda folder: (folder / "tokenizer.json").unlink(),
        lambda folder: os.truncate(folder / "weights.data", 1_000),
    ],
    ids=["no manifest", "manifest", "no tokenizer", "weights"],
)
def test_an_export_that_is_not_whole_is_written_anew(
    damage: Callable[[Path], object], model: Path, tmp_path: Path
) -> None:
    expected = said(opened(model, tmp_path / "models"))
    damage(export_of(tmp_path / "models"))
    assert np.array_equal(said(opened(model, tmp_path / "models")), expected)


def overwritten(file: Path) -> None:
    """Write over the second half of a file, its size staying as it was."""
    size = file.stat().st_size
    with file.open("r+b") as opened_:
        opened_.seek(size // 2)
        opened_.write(b"\x7f" * (size - size // 2))


@pytest.mark.model
@pytest.mark.parametrize(
    "name", ["weights.data", "tokenizer.json", "fp32.onnx", "int8.onnx", "exact.npy"]
)
def test_an_export_that_is_damaged_is_an_error_that_names_the_folder(
    name: str, model: Path, tmp_path: Path
) -> None:
    expected = said(opened(model, tmp_path / "models"))
    folder = export_of(tmp_path / "models")
    overwritten(folder / name)
    with pytest.raises(ModelUnavailable, match=f"Delete {folder}: it is written anew"):
        opened(model, tmp_path / "models", "int8" if name == "int8.onnx" else "fp32")
    shutil.rmtree(folder)
    assert np.array_equal(said(opened(model, tmp_path / "models")), expected)


@pytest.mark.model
def test_a_folder_that_cannot_be_written_is_an_error(model: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelUnavailable, match="cannot write"):
        opened(model, tmp_path / "models")


@pytest.mark.model
def test_a_model_that_is_no_transformer_is_refused(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    from tests.indexers.encoders.tiny import tokenizer

    words = StaticEmbedding(tokenizer().backend_tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path / "static"))
    with pytest.raises(ModelUnavailable, match=r"begins with StaticEmbedding.*encoder\.model"):
        opened(tmp_path / "static", tmp_path / "models")
    with pytest.raises(ModelUnavailable, match="cannot load the encoder"):
        opened(tmp_path / "nothing", tmp_path / "models")
