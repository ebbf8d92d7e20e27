"""A cross-encoder scores what a plain forward pass says, on torch and on ONNX Runtime alike."""

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.errors import ModelUnavailable
from rerankers.cross_encoder import CrossEncoderScorer, Runtime

pytestmark = pytest.mark.model  # torch and transformers take seconds to import

QUERY = "how long does the freezer stay cold"
PASSAGES = [
    "the freezer stays cold for nine hours",
    "a lighthouse",
    "",
    "water boils " * 90,  # longer than the model reads
    *(f"section {n} of the contract " * (n % 5 + 1) for n in range(30)),
]
RUNTIMES: tuple[Runtime, ...] = ("torch", "onnx")
EITHER = pytest.mark.parametrize("runtime", RUNTIMES)


def build(folder: Path, labels: int = 1, *, types: bool = True) -> None:
    """A folder with a tiny BERT of random weights, as the hub's cross-encoders look."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = sorted({word for text in (QUERY, *PASSAGES) for word in text.split()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: i for i, word in enumerate((*special, *words))}
    built = Tokenizer(models.WordLevel(vocabulary, unk_token=special[1]))
    built.normalizer = normalizers.Lowercase()
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    inputs = ["input_ids", *["token_type_ids"] * types, "attention_mask"]
    made = PreTrainedTokenizerFast(tokenizer_object=built, model_input_names=inputs, **names)
    made.save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,  # random answers that differ
    )
    config.num_labels = labels
    BertForSequenceClassification(config).eval().save_pretrained(folder)


def to_onnx(folder: Path, file: Path) -> None:
    """Export the model of a folder as torch's exporter does."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager", return_dict=False
    ).eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = torch.ones(2, 5, dtype=torch.long)
    file.parent.mkdir(exist_ok=True)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example, example, torch.zeros_like(example)),
            file,
            dynamo=False,
            input_names=names,
            output_names=["logits"],
            dynamic_axes={name: {0: "n", 1: "t"} for name in names},
            opset_version=18,
        )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cross") / "tiny-cross-encoder"
    build(folder)
    to_onnx(folder, folder / "onnx" / "model.onnx")
    return folder


@pytest.fixture(scope="module")
def scorers(model: Path) -> Iterator[dict[Runtime, CrossEncoderScorer]]:
    made = {runtime: CrossEncoderScorer(str(model), runtime) for runtime in RUNTIMES}
    yield made
    for scorer in made.values():
        asyncio.run(scorer.close())


@pytest.fixture(scope="module")
def reference(model: Path) -> list[float]:
    """One passage at a time, by transformers alone."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForSequenceClassification.from_pretrained(model).eval()
    scores = []
    with torch.inference_mode():
        for passage in PASSAGES:
            pairs = [(QUERY, passage)]
            ids = tokenizer(pairs, truncation=True, max_length=64, return_tensors="pt")
            assert "token_type_ids" in ids
            scores.append(torch.sigmoid(network(**ids).logits).item())
    return scores


Scorers = dict[Runtime, CrossEncoderScorer]


def score(scorer: CrossEncoderScorer, passages: list[str]) -> tuple[float, ...]:
    return asyncio.run(scorer.score(QUERY, passages))


@EITHER
def test_scores_are_the_sigmoid_of_a_plain_forward_pass(
    scorers: Scorers, reference: list[float], runtime: Runtime
) -> None:
    scores = score(scorers[runtime], PASSAGES)
    assert scores == pytest.approx(reference, abs=1e-4)
    assert max(scores) - min(scores) > 0.2
    assert all(0 <= one <= 1 for one in scores)


@EITHER
def test_neither_order_nor_company_changes_a_score(scorers: Scorers, runtime: Runtime) -> None:
    scores = score(scorers[runtime], PASSAGES)
    assert score(scorers[runtime], PASSAGES[::-1]) == pytest.approx(scores[::-1], abs=1e-5)
    alone = [score(scorers[runtime], [passage])[0] for passage in PASSAGES[:6]]
    assert alone == pytest.approx(scores[:6], abs=1e-5)


@EITHER
def test_equal_texts_score_equal_and_nothing_is_nothing(scorers: Scorers, runtime: Runtime) -> None:
    twice = [*PASSAGES, *PASSAGES]
    scores = score(scorers[runtime], twice)
    assert scores[: len(PASSAGES)] == scores[len(PASSAGES) :]
    assert score(scorers[runtime], []) == ()


@EITHER
def test_fewer_tokens_read_less(model: Path, runtime: Runtime) -> None:
    short = CrossEncoderScorer(str(model), runtime, max_tokens=20)
    end, other = "water boils " * 9, "water boils " * 9 + "a lighthouse"
    one, same = score(short, [end, other])
    asyncio.run(short.close())
    assert one == pytest.approx(same, abs=1e-6)


def test_a_tokenizer_without_segments_leaves_them_all_alike(tmp_path: Path) -> None:
    build(tmp_path, types=False)
    to_onnx(tmp_path, tmp_path / "model.onnx")
    torch, onnx = (CrossEncoderScorer(str(tmp_path), runtime) for runtime in RUNTIMES)
    assert score(torch, PASSAGES[:5]) == pytest.approx(score(onnx, PASSAGES[:5]), abs=1e-4)
    for scorer in (torch, onnx):
        asyncio.run(scorer.close())


def test_it_has_the_name_of_its_folder(scorers: Scorers) -> None:
    assert {scorer.name for scorer in scorers.values()} == {"tiny-cross-encoder"}


def test_a_model_without_a_head_is_refused(tmp_path: Path) -> None:
    from transformers import BertForSequenceClassification

    build(tmp_path)
    BertForSequenceClassification.from_pretrained(tmp_path).bert.save_pretrained(tmp_path)
    with pytest.raises(ModelUnavailable, match="is BertModel, which has no head"):
        CrossEncoderScorer(str(tmp_path))


@EITHER
def test_a_classifier_is_refused(tmp_path: Path, runtime: Runtime) -> None:
    build(tmp_path, labels=3)
    to_onnx(tmp_path, tmp_path / "model.onnx")
    with pytest.raises(ModelUnavailable, match=r"gives 3 numbers .* cross-encoder with one label"):
        CrossEncoderScorer(str(tmp_path), runtime)


def _junk(folder: Path) -> None:
    for file in ("model.safetensors", "onnx/model.onnx"):
        (folder / file).write_bytes(b"junk")


def _no_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize("damage", [_junk, _no_config])
@EITHER
def test_a_damaged_model_is_unavailable(
    tmp_path: Path, runtime: Runtime, damage: Callable[[Path], None]
) -> None:
    build(tmp_path)
    (tmp_path / "onnx").mkdir()
    to_onnx(tmp_path, tmp_path / "onnx" / "model.onnx")
    damage(tmp_path)
    with pytest.raises(ModelUnavailable, match="cannot load the cross-encoder"):
        CrossEncoderScorer(str(tmp_path), runtime)


def test_a_model_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"cannot load the cross-encoder '.*missing'"):
        CrossEncoderScorer(str(tmp_path / "missing"))
    with pytest.raises(ModelUnavailable, match=r"no onnx/model\.onnx .* take the runtime torch"):
        CrossEncoderScorer(str(tmp_path), "onnx")
