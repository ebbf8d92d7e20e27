"""An NLI model says how likely evidence entails a sentence, as a plain forward pass does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ModelUnavailable
from rag.verify.entailment import Claimed
from rag.verify.nli import BATCH, Nli

pytestmark = pytest.mark.model  # torch and transformers take seconds to import

TEXTS = ["the freezer stays cold", "dogs are not allowed", "a lighthouse", "the pier"]
CLAIMS: list[Claimed] = [
    *(((one, other), third) for one in TEXTS for other in TEXTS for third in TEXTS[:2]),
    ((), "a lighthouse"),
]
LABELS = ("contradiction", "Entailment", "neutral")


def build(folder: Path, labels: tuple[str, ...] = LABELS) -> None:
    """A folder with a tiny BERT of random weights and these labels."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = sorted({word for text in TEXTS for word in text.split()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    vocabulary = {word: i for i, word in enumerate((*special, *words))}
    built = Tokenizer(models.WordLevel(vocabulary, unk_token=special[1]))
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=built,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **names,
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,  # random answers that differ
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).eval().save_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("nli") / "tiny-nli"
    build(made)
    return made


@pytest.fixture(scope="module")
def nli(folder: Path) -> Iterator[Nli]:
    made = Nli(str(folder))
    yield made
    asyncio.run(made.close())


def test_probabilities_are_those_of_a_plain_forward_pass(nli: Nli, folder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    expected = []
    with torch.inference_mode():
        for evidence, sentence in CLAIMS:
            ids = tokenizer([("\n".join(evidence), sentence)], return_tensors="pt")
            expected.append(torch.softmax(network(**ids).logits, dim=1)[0, 1].item())
    assert len(CLAIMS) > BATCH
    found = asyncio.run(nli.entailed(CLAIMS))
    assert found == pytest.approx(expected, abs=1e-4)
    assert max(found) - min(found) > 0.2
    assert asyncio.run(nli.entailed([])) == ()


def test_a_model_that_entails_nothing_is_refused(tmp_path: Path) -> None:
    build(tmp_path, ("bad", "good", "middling"))
    with pytest.raises(ModelUnavailable, match="labels bad, good, middling, none of them says"):
        Nli(str(tmp_path))


def test_a_model_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot load the NLI model"):
        Nli(str(tmp_path / "missing"))
