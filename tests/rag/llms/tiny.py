"""Tiny models with random weights, and tokenizers trained on a few sentences."""

import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from rag.llms.local import LocalLLM
from rag.llms.onnx.exported import Precision
from rag.llms.onnx.exporting import export
from rag.llms.onnx.model import Graph, OnnxModel
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.seams import LLMSpec

Kind = Literal["bytes", "pieces"]
Architecture = Literal["llama", "qwen", "gpt2"]

UNKNOWN = "<unk>"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
INST = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ raise_exception('no system role') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '<s>[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + '</s>' }}{% endif %}{% endfor %}"
)
SENTENCES = [
    "Which passage answers the question best? Answer with one letter, A or B, yes or no.",
    "The freezer stays below -60 °C for 9 hours. Water boils at 100 degrees.",
    "Die Fähre legt um acht Uhr ab; le bateau part à huit heures. 北海の灯台",
    "def parse(line): return line.split(',')  # [A] [B] [C] user assistant system",
    *(f"[{letter}] {letter} or {letter.lower()}" for letter in "ABCDEFGHIJKLMNOPQRST"),
]


@cache
def tokenizer(
    kind: Kind = "bytes", template: str | None = CHATML, also: tuple[str, ...] = ()
) -> PreTrainedTokenizerFast:
    """Return a small tokenizer: byte-level BPE, or SentencePiece's way (▁, byte fallback).

    It is trained on further sentences, too, whose words become tokens.
    """
    special = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", UNKNOWN]
    if kind == "bytes":
        built = Tokenizer(models.BPE())
        built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        built.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        built = Tokenizer(models.BPE(byte_fallback=True, unk_token=UNKNOWN))
        built.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
        built.decoder = decoders.Sequence(
            [
                decoders.Replace("▁", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        )
        special += [f"<0x{byte:02X}>" for byte in range(256)]
        alphabet = []
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    built.train_from_iterator([*SENTENCES, *also] * 20, trainer)
    names = {"eos_token": "<|im_end|>", "unk_token": UNKNOWN, "pad_token": "<s>"}
    made = PreTrainedTokenizerFast(tokenizer_object=built, **names)
    made.add_tokens([AddedToken("<|im_start|>", special=True)])
    made.chat_template = template
    return made


def model(
    architecture: Architecture = "llama", vocabulary: int = 1_200, window: int = 512
) -> PreTrainedModel:
    """Return a model of two layers with random weights, fp32; the same for the same."""
    return _model(architecture, vocabulary, window)


@cache
def _model(architecture: Architecture, vocabulary: int, window: int) -> PreTrainedModel:
    torch.manual_seed(len(architecture))
    size: dict[str, int] = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    if architecture != "gpt2":
        size |= {"intermediate_size": 128, "num_key_value_heads": 2}
    kind = {"llama": "llama", "qwen": "qwen2", "gpt2": "gpt2"}[architecture]
    config = AutoConfig.for_model(
        kind, vocab_size=vocabulary, max_position_embeddings=window, **size, bos_token_id=0
    )
    made: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    made.eval()
    return made


def local_llm(
    architecture: Architecture = "llama",
    kind: Kind = "bytes",
    window: int = 512,
    reader: TorchModel | None = None,
    also: tuple[str, ...] = (),
) -> LocalLLM:
    """Return a tiny model behind the seam; nothing ends its completions but their length."""
    reader = reader or TorchModel(model(architecture, window=window))
    renderer = Renderer(tokenizer(kind, also=also))
    spec = LLMSpec(f"tiny-{architecture}", architecture, window, renderer.hash, "fp32", "tiny")
    return LocalLLM(spec, renderer, reader, frozenset())


@cache
def exported(
    architecture: Architecture = "llama", precision: Precision = "fp32", kind: Kind = "bytes"
) -> Path:
    """Return a folder with an exported tiny model; its random answers may change in int8."""
    scratch = tempfile.TemporaryDirectory(prefix="firstcite-test-")
    atexit.register(scratch.cleanup)
    source, into = Path(scratch.name) / "source", Path(scratch.name) / "exported"
    model(architecture).save_pretrained(source)
    tokenizer(kind).save_pretrained(source)
    export(source, into, f"tiny-{architecture}", precision, floor=0)
    return into


def onnx_model(
    architecture: Architecture = "llama", precision: Precision = "fp32", *, reuse: bool = True
) -> OnnxModel:
    """Return a tiny model in ONNX Runtime."""
    return OnnxModel(Graph(exported(architecture, precision) / "model.onnx"), reuse=reuse)
