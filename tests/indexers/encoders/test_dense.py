"""The dense encoder says what sentence-transformers says, and refuses what is no model."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelUnavailable
from rag.seams import Encoder
from rag.values import Vector

pytestmark = pytest.mark.model

TEXTS = [
    "How long does the sample freezer stay cold without power?",
    "A lighthouse keeper",
    "?",
    "",
    "freezer " * 700,  # longer than the model reads
    *(f"Section {n} of the contract costs ${n * 3.5} per day" * (n % 7 + 1) for n in range(40)),
]


@pytest.fixture(scope="module")
def fp32() -> Iterator[Encoder]:
    from indexers.encoders.dense import DenseEncoder

    encoder = DenseEncoder(precision="fp32")
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def auto() -> Iterator[Encoder]:
    from indexers.encoders.dense import DenseEncoder

    encoder = DenseEncoder()
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def reference() -> Vector:
    from sentence_transformers import SentenceTransformer

    from indexers.encoders.packaged import packaged_model

    model = SentenceTransformer(str(packaged_model()), device="cpu")
    return np.asarray(model.encode(TEXTS, normalize_embeddings=True), np.float32)


def rows_of(encoder: Encoder, texts: list[str]) -> Vector:
    return asyncio.run(encoder.encode(texts, "document"))


def test_fp32_equals_sentence_transformers(fp32: Encoder, reference: Vector) -> None:
    assert np.abs(rows_of(fp32, TEXTS) - reference).max() < 1e-5


def test_the_chosen_precision_keeps_the_cosine_to_fp32(auto: Encoder, reference: Vector) -> None:
    cosines = np.einsum("nh,nh->n", rows_of(auto, TEXTS), reference)
    assert cosines.mean() > 0.999
    assert cosines.min() > 0.99


def test_the_chosen_precision_has_a_reason(auto: Encoder, fp32: Encoder) -> None:
    from rag.cores import native_bf16

    assert fp32.spec.precision == "fp32"
    assert fp32.spec.why == "set"
    if native_bf16():
        assert "probe cosine mean" in auto.spec.why or "differs" in auto.spec.why
    else:
        assert (auto.spec.precision, auto.spec.why) == ("fp32", "this CPU has no native bf16")


def test_the_spec_is_the_models(fp32: Encoder) -> None:
    assert fp32.spec.name == "all-MiniLM-L6-v2"
    assert (fp32.spec.dimension, fp32.spec.max_tokens) == (384, 256)
    assert fp32.spec.fingerprint.startswith("all-MiniLM-L6-v2@")


def test_the_fingerprint_does_not_depend_on_the_precision(fp32: Encoder) -> None:
    from indexers.encoders.dense import DenseEncoder

    bf16 = DenseEncoder(precision="bf16")
    bf16.close()
    assert bf16.spec.precision == "bf16"
    assert bf16.spec.fingerprint == fp32.spec.fingerprint


def test_tokens_are_those_of_sentence_transformers_without_the_special_ones(fp32: Encoder) -> None:
    from sentence_transformers import SentenceTransformer

    from indexers.encoders.dense import DenseEncoder
    from indexers.encoders.packaged import packaged_model

    assert isinstance(fp32, DenseEncoder)
    texts = TEXTS[:12]
    model = SentenceTransformer(str(packaged_model()), device="cpu")
    found = asyncio.run(fp32.encode_tokens(texts, "document"))
    for text, rows in zip(texts, found, strict=True):
        expected = model.encode(text, output_value="token_embeddings").numpy()[1:-1]
        assert rows.shape == (len(expected), 384)
        if len(expected):
            expected /= np.linalg.norm(expected, axis=1, keepdims=True)
            assert np.abs(rows - expected).max() < 1e-5
    assert found[3].shape == (0, 384)
    assert found[4].shape == (254, 384)
    assert asyncio.run(fp32.encode_tokens([], "query")) == []


def test_an_unknown_word_is_a_token_like_others(fp32: Encoder) -> None:
    from indexers.encoders.dense import DenseEncoder

    assert isinstance(fp32, DenseEncoder)
    (rows,) = asyncio.run(fp32.encode_tokens([f"cold {'x' * 150} day"], "document"))
    assert len(rows) == 3


def test_what_lies_beyond_the_limit_changes_nothing(fp32: Encoder) -> None:
    limit = fp32.spec.max_tokens - 2  # two tokens are the model's own
    long, longer, shorter = rows_of(
        fp32, ["word " * limit, "word " * limit + "lighthouse " * 50, "word " * (limit - 1)]
    )
    assert np.abs(long - longer).max() < 1e-6
    assert np.abs(long - shorter).max() > 1e-5


def test_rows_do_not_depend_on_what_stands_beside_them(fp32: Encoder) -> None:
    shuffled = np.random.default_rng(0).permutation(len(TEXTS))
    rows = rows_of(fp32, TEXTS)
    assert np.abs(rows_of(fp32, [TEXTS[i] for i in shuffled]) - rows[shuffled]).max() < 1e-5


def test_no_text_gives_no_row(fp32: Encoder) -> None:
    assert rows_of(fp32, []).shape == (0, fp32.spec.dimension)


def test_many_batches_and_one_say_the_same(fp32: Encoder) -> None:
    many = [f"{text} {n}" for n in range(8) for text in TEXTS]
    alone = np.concatenate([rows_of(fp32, [text]) for text in many])
    assert np.allclose(rows_of(fp32, many), alone, atol=1e-5)


def test_an_encoder_leaves_the_cores_to_whoever_comes_after() -> None:
    import torch

    from indexers.encoders.dense import DenseEncoder

    before = torch.get_num_threads()
    encoder = DenseEncoder(precision="fp32")
    with ThreadPoolExecutor(1) as new_thread:
        assert new_thread.submit(torch.get_num_threads).result() == before
    assert torch.get_num_threads() == before
    encoder.close()


def test_the_tokenizer_counts_as_the_model_reads(fp32: Encoder) -> None:
    from indexers.encoders.dense import DenseEncoder

    assert isinstance(fp32, DenseEncoder)
    assert fp32.tokenizer.encode("A lighthouse keeper").tokens[1:-1] == [
        "a",
        "lighthouse",
        "keeper",
    ]


def test_another_model_has_another_fingerprint(
    fp32: Encoder, altered: Callable[[Callable[[Path], object]], Path]
) -> None:
    from indexers.encoders.dense import DenseEncoder

    def pool_differently(model: Path) -> None:
        file = model / "1_Pooling" / "config.json"
        pooling = json.loads(file.read_text())
        pooling |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
        pooling.pop("pooling_mode", None)
        file.write_text(json.dumps(pooling))

    def retrain(model: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(model / "model.safetensors")
        weights["embeddings.word_embeddings.weight"] *= 1.5
        save_file(weights, model / "model.safetensors", {"format": "pt"})

    fingerprints = []
    for change in (pool_differently, retrain, Path.exists):  # the last changes nothing
        other = DenseEncoder(str(altered(change)), precision="fp32")
        other.close()
        assert other.spec.name == "altered"
        fingerprints.append(other.spec.fingerprint.partition("@")[2])
    mine = fp32.spec.fingerprint.partition("@")[2]
    assert fingerprints[2] == mine
    assert len({mine, *fingerprints}) == 3


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[Callable[[Path], object]], Path]:
    """Copies the packaged model and changes the copy."""
    from indexers.encoders.packaged import packaged_model

    def copy(change: Callable[[Path], object]) -> Path:
        folder = tmp_path / "altered"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(packaged_model(), folder)
        change(folder)
        return folder

    return copy


def _without_tokenizer(model: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (model / name).unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m: (m / "config.json").write_text("{"), "config"),
        (lambda m: (m / "config.json").write_text('{"model_type": "nope"}'), "nope"),
        (lambda m: (m / "model.safetensors").write_bytes(b"junk"), "header"),
        (lambda m: (m / "modules.json").write_text("[]"), "modules"),
        (lambda m: (m / "modules.json").write_text('[{"idx": 0}]'), "path"),
        (lambda m: (m / "tokenizer.json").write_text("{}"), "altered"),
        (_without_tokenizer, "tokenizer"),
    ],
    ids=["config", "architecture", "weights", "no modules", "modules", "tokenizer", "no tokenizer"],
)
def test_a_damaged_model_is_unavailable(
    altered: Callable[[Callable[[Path], object]], Path],
    damage: Callable[[Path], object],
    message: str,
) -> None:
    from indexers.encoders.dense import DenseEncoder

    with pytest.raises(ModelUnavailable, match=rf"altered'.*{message}|{message}.*altered'"):
        DenseEncoder(str(altered(damage)), precision="fp32")


def test_a_folder_without_a_model_is_unavailable(tmp_path: Path) -> None:
    from indexers.encoders.dense import DenseEncoder

    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ModelUnavailable, match=r"cannot load the encoder '.*encoder\.model"):
            DenseEncoder(str(path))
