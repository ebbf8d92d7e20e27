"""The prompts that every exported model is read with: 152 choices, as rerankers ask them.

They are made of 20 facts of everyday life, each a question and its passage: whether a passage
answers a question (yes or no), which of four does, and which of 20 does.
"""

from dataclasses import dataclass

from rag.errors import BadPrompt
from rag.llms.batching import Row
from rag.llms.rendering import Renderer
from rag.values import Frozen, Message, Prompt

FACTS = (
    ("At what temperature does water boil?", "At sea level, water boils at 100 degrees Celsius."),
    ("What do bees make?", "Bees gather nectar from flowers and turn it into honey."),
    ("How many legs does a spider have?", "Spiders have eight legs; insects have six."),
    ("Where do penguins live?", "Most penguins live in the cold seas around Antarctica."),
    ("When do owls hunt?", "Owls sleep during the day and hunt mice at night."),
    ("What is bread made of?", "Bakers mix flour, water, salt and yeast, and bake the dough."),
    ("Who repairs pipes?", "When a pipe leaks, a plumber comes and repairs it."),
    ("What pulls the tides?", "The moon's gravity raises the tides twice a day."),
    ("How long does a flight to the moon take?", "The crew needed three days to reach the moon."),
    ("Which metal is liquid?", "Mercury is a metal that is liquid at room temperature."),
    ("How is paper made?", "Paper mills press wood pulp into thin sheets and dry them."),
    ("What do cows eat?", "Cows eat grass in summer and hay in winter."),
    ("Why do leaves turn red?", "In autumn, leaves lose their green pigment and turn red."),
    ("What does a compass show?", "The needle of a compass points to the magnetic north."),
    ("How are diamonds formed?", "Diamonds form deep in the earth, under great pressure."),
    ("What keeps a ship afloat?", "A ship floats since it displaces its own weight of water."),
    ("Who wrote Hamlet?", "Hamlet is a tragedy by William Shakespeare."),
    ("What do trees breathe?", "Trees take in carbon dioxide and give off oxygen."),
    ("How fast is light?", "Light travels about 300,000 kilometres in one second."),
    ("What heals a sprained ankle?", "Rest, ice and a tight bandage help a sprained ankle."),
)
LETTERS = tuple("ABCDEFGHIJKLMNOPQRST")
YES_NO = (("yes", "no"), ("Yes", "No"), ("A", "B"))
STRIDES = (0, 1, 3, 6, 10)  # from a question's fact to the passage it is asked of; 0 is its own
ROUNDS = (2, 11)  # first letters by which passages are turned round, so that answers spread


@dataclass(frozen=True, slots=True)
class Probe(Frozen):
    """A prompt, and sets of labels for its answer: the first that the tokenizer can tell apart."""

    prompt: Prompt
    labels: tuple[tuple[str, ...], ...]


def probes() -> tuple[Probe, ...]:
    """Return the probe prompts: 100 of one passage, 20 of four passages, 32 of twenty."""
    n = len(FACTS)
    ones = [_one(i, (i + stride) % n) for i in range(n) for stride in STRIDES]
    fours = [_several(i, [(i + 7 * k + i // 4) % n for k in range(4)]) for i in range(n)]
    twenties = [
        _several(i, [((i + 1) * first + k) % n for k in range(n)])
        for first in ROUNDS
        for i in range(16)
    ]
    return (*ones, *fours, *twenties)


def rows(renderer: Renderer, window: int) -> list[Row]:
    """Return what a model reads: the probes that fit its window and that it has labels for."""
    found = []
    for probe in probes():
        ids = renderer.ids(probe.prompt)
        labels = _labels(renderer, probe)
        if labels and len(ids) < window:
            found.append(Row(tuple(ids), (labels,)))
    return found


def _one(question: int, passage: int) -> Probe:
    text = f"Passage: {FACTS[passage][1]}\nDoes the passage answer the question?"
    return Probe(_asked(question, f"{text} Answer with yes or no."), YES_NO)


def _several(question: int, passages: list[int]) -> Probe:
    letters = LETTERS[: len(passages)]
    listed = "\n".join(f"[{x}] {FACTS[i][1]}" for x, i in zip(letters, passages, strict=True))
    text = f"{listed}\nWhich passage answers the question best? Answer with its letter."
    prompt = (*_asked(question, text), Message("assistant", "["))
    return Probe(prompt, (letters,))


def _asked(question: int, text: str) -> Prompt:
    return (Message("user", f"Question: {FACTS[question][0]}\n{text}"),)


def _labels(renderer: Renderer, probe: Probe) -> tuple[int, ...]:
    """Return the ids of the first labels that the tokenizer can tell apart, or ()."""
    for labels in probe.labels:
        try:
            return renderer.label_ids(probe.prompt, labels)
        except BadPrompt:
            continue
    return ()
