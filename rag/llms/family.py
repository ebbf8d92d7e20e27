"""Which kind of model one is, read from its name: nobody judges one's own kind."""

import re

FAMILIES = (  # the earliest in a name counts
    *("qwen", "llama", "smollm", "gpt", "mistral", "gemma", "phi", "deepseek"),
    *("claude", "gemini", "granite", "olmo", "falcon"),
)


def family(name: str, architecture: str = "") -> str:
    """Return the family that a model's name tells; else its architecture, or the name's first word.

    The name comes first: many a maker takes the architecture of another.

    >>> family("Qwen/Qwen2.5-0.5B-Instruct"), family("TinyLlama-1.1B"), family("o3-mini")
    ('qwen', 'llama', 'o3')
    >>> family("SmolLM2-135M-Instruct", "llama"), family("our-model", "qwen2")
    ('smollm', 'qwen')
    """
    lowered = name.lower()
    lowered = re.sub("(mix|minis|codes|magis)tral", "mistral", lowered)  # one maker, one kind
    known = sorted((lowered.find(name), name) for name in FAMILIES if name in lowered)
    if known:
        return known[0][1]
    if architecture:
        return family(architecture)
    word = re.search(r"[^\W_]+", lowered.rsplit("/", 1)[-1])
    return word[0] if word else lowered
