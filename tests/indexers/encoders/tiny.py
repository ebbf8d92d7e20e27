"""Tiny sentence-transformers models with random weights, in folders."""

import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

Pooled = Literal["mean", "cls", "max"]

MAX_TOKENS = 64
WORDS = (
    "how long does the sample freezer stay cold without power for nine hours stays",
    "a lighthouse keeper and spaniels are welcome aboard, a lighthouse keeper said",
    "La réunion de jeudi 😀 日本語; 37 of 120 cases changed the outcome?",
)


def tokenizer(side: Literal["right", "left"] = "right") -> PreTrainedTokenizerFast:
    """Return byte-level BPE with the two marks that BERT puts around a text."""
    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    built.decoder = decoders.ByteLevel()
    marks = ["[PAD]", "[CLS]", "[SEP]"]
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=marks,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    built.train_from_iterator(WORDS * 3, trainer)
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=built,
        pad_token="[PAD]",  # noqa: S106 - no password
        cls_token="[CLS]",  # noqa: S106 - no password
        sep_token="[SEP]",  # noqa: S106 - no password
        padding_side=side,
        model_max_length=MAX_TOKENS,
    )


def write(
    folder: Path,
    pooled: Pooled = "mean",
    side: Literal["right", "left"] = "right",
    layers: int = 1,
    spread: float = 0.08,
) -> Path:
    """Write a BERT whose vectors are those of a text's words, the less so the wider `spread`."""
    torch.manual_seed(0)
    cutter = tokenizer(side)
    config = BertConfig(
        vocab_size=len(cutter),
        hidden_size=64,
        num_hidden_layers=layers,
        initializer_range=spread,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=MAX_TOKENS,
        pad_token_id=0,
    )
    bert = BertModel(config)
    torch.nn.init.normal_(bert.embeddings.word_embeddings.weight)
    parts = folder / "parts"
    bert.save_pretrained(parts)
    cutter.save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=MAX_TOKENS)
    made = SentenceTransformer(
        modules=[transformer, Pooling(64, pooling_mode=pooled)],
        device="cpu",
        prompts={"query": "how long: "},
    )
    into = folder / "tiny"
    made.save(str(into))
    return into


@cache
def tiny() -> Path:
    """Return the folder of one that pools by the mean; it goes when the process ends."""
    scratch = tempfile.TemporaryDirectory()
    atexit.register(scratch.cleanup)
    return write(Path(scratch.name))
