"""Asking a language model, and the store on its behalf: requests and their replies."""

from dataclasses import dataclass, field

from rag.values.finding import Candidate
from rag.values.frozen import Frozen
from rag.values.messages import Prompt
from rag.values.queries import Kind


@dataclass(frozen=True, slots=True)
class Usage(Frozen):
    """What one request cost.

    `ms` is the wall time of the call that the request was part of, together with `batch` requests
    in all. `passes` counts those of the model while it wrote, 0 where that is not known. A reply
    from the cache says what it had cost, and `cached`.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    ms: float = 0.0
    batch: int = 1
    passes: int = 0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Choose(Frozen):
    """Ask for the log-probability of each label as the very next token.

    After a message of the assistant, that is the token which continues it: ("[", label "A") asks
    for the A of "[A".
    """

    prompt: Prompt
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen(Frozen):
    """Log-probabilities in the order of the labels; None where the backend reported none."""

    logprobs: tuple[float | None, ...]
    usage: Usage = field(default=Usage(), compare=False)

    @property
    def missing(self) -> int:
        """Return how many labels the backend did not report."""
        return self.logprobs.count(None)


@dataclass(frozen=True, slots=True)
class Score(Frozen):
    """Ask for the log-probability of a continuation."""

    prompt: Prompt
    continuation: str


@dataclass(frozen=True, slots=True)
class Scored(Frozen):
    """Summed log-probability of a continuation, and its number of tokens."""

    logprob: float
    tokens: int
    usage: Usage = field(default=Usage(), compare=False)


@dataclass(frozen=True, slots=True)
class Complete(Frozen):
    """Ask for a completion of at most `max_tokens` tokens, greedy at temperature 0.

    Above, `seed` says which of the possible texts: the same seed, the same text, where the backend
    can promise that.

    Two requests are special; a model may do neither (`LLMSpec.constrains`, `LLMSpec.mixes`):

    `among` are the only texts that may be written: the completion is exactly one of them, the one
    that greedy decoding over their prefix tree reaches. A text that is the beginning of another one
    is written where the model ends its turn there. `max_tokens` does not cut it.

    `beside` are further prompts: each token is drawn from the mixture of what comes next after
    `prompt` and after each of them, Σ λ·p(token), with the `weights` λ, `prompt`'s first; they need
    not sum to 1, and none at all are equal ones.
    """

    prompt: Prompt
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0
    among: tuple[str, ...] = ()
    beside: tuple[Prompt, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def is_mixture(self) -> bool:
        """Whether the prompt is one of several, or weighted as one of several would be."""
        return bool(self.beside or self.weights)

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """All prompts, in the order of the weights."""
        return (self.prompt, *self.beside)


@dataclass(frozen=True, slots=True)
class Search(Frozen):
    """Ask for the k best chunks for a text, under the tenant and conditions of the query at hand.

    `branches` are names of plain branches; none means the usual ones.
    """

    text: str
    k: int = 10
    branches: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Searched(Frozen):
    """What was found, best first."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Piece(Frozen):
    """A token of a mixture, as text, and the share that each prompt had in it.

    The share is the posterior λ·p(token) / Σ λ·p(token), in the order of the weights; shares sum to
    1. A token that is only a part of a character is "", and the character comes with its last part.
    """

    text: str
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Completed(Frozen):
    """A completion and its number of tokens; `cut` where it ended for want of more of them.

    `pieces` are those of a mixture, in order; together they are the text.
    """

    text: str
    tokens: int
    cut: bool = False
    usage: Usage = field(default=Usage(), compare=False)
    pieces: tuple[Piece, ...] = ()
