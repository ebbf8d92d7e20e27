"""Planted tasks: which passage is right can be seen from its words, and from nothing else."""

import copy
import random
from functools import cache

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from rag.llms.tuition import Tuition
from rag.training.values import Group, Passage
from rerankers.first import SYSTEM, ranking_turn
from rerankers.training.exercises import Limits
from tests.rag.llms import tiny

RIGHT = ("red", "blue", "green", "black", "white")
WRONG = ("brown", "pink", "grey", "gold", "teal")
WORDS = (*RIGHT, *WRONG)
LIMITS = Limits(lambda text: len(text.split()), 8, 8)

_SPELLED = (*WORDS, "yes", "Yes", "no", "No", "Query", "Passage")
_PROMPTS = (SYSTEM, ranking_turn("red", "AB", ("blue", "green"), "Rank all {n} passages above."))
# What stands in prompts becomes few tokens, so that windows are short and the tests quick.
ALSO = (*(f" {word}\n{word} {word}" for word in _SPELLED), *_PROMPTS)


@cache
def _model() -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        "llama",
        vocab_size=1_200,
        max_position_embeddings=1_024,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=128,
        initializer_range=0.1,  # with transformers' .02 nothing is found in time
        bos_token_id=0,
    )
    made: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    return made


def pupil() -> Tuition:
    """Return a small model that knows nothing, ready to learn."""
    return Tuition(copy.deepcopy(_model()), tiny.tokenizer(also=ALSO), 1, 1_024, tokens=8_192)


def groups(count: int, size: int, seed: int, *, scored: bool = False) -> list[Group]:
    """Return groups with one right passage each; `scored` by one who knows."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    return [_group(i, size, chance, scored=scored) for i in range(count)]


def _group(i: int, size: int, chance: random.Random, *, scored: bool) -> Group:
    pairs = [f"{one} {other}" for one in WRONG for other in WRONG if one != other]
    texts = [f"{chance.choice(WRONG)} {chance.choice(RIGHT)}", *chance.sample(pairs, size - 1)]
    passages = [
        Passage(f"{i}-{j}", text, int(j == 0), float(j == 0) if scored else None)
        for j, text in enumerate(texts)
    ]
    if scored:
        chance.shuffle(passages)
    return Group(str(i), "Which of them is right?", tuple(passages))
