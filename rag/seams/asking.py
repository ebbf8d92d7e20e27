"""What is asked: language models."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rag.values import Choose, Chosen, Complete, Completed, Frozen, Prompt, Score, Scored


@dataclass(frozen=True, slots=True)
class LLMSpec(Frozen):
    """Which model answers; `family` guards against judging one's own kind.

    `template` is the hash of the chat template, "" where a server keeps it to itself. `why` says
    how the precision was chosen, or what the server was found able to do. Replies of two models may
    stand for each other only when `fingerprint` is equal and not empty. `continues` says whether a
    turn of the assistant can be begun for it, such as a forced "[", `constrains` whether it can be
    held to given texts (`Complete.among`), `mixes` whether it can mix prompts (`Complete.beside`).
    """

    name: str
    family: str
    context_window: int
    template: str = ""
    precision: str = ""
    why: str = ""
    fingerprint: str = ""
    continues: bool = True
    constrains: bool = False
    mixes: bool = False


@runtime_checkable
class LLM(Protocol):
    """A language model, asked in batches; replies come in the order of the requests.

    Text in prompts is never read as a control token. A caller that is cancelled frees its work.

    Raises (every method):
        BadPrompt: a prompt is longer than the context window, labels are not single tokens, or the
            model does not do what is asked of it (`spec`).
        LLMUnavailable: the model's server fails, beyond what retrying mends.
        DeadlineExceeded: the time of `rag.deadline.within` is over.
    """

    @property
    def spec(self) -> LLMSpec:
        """What this model is."""
        ...

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token."""
        ...

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count."""
        ...

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request."""
        ...

    def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed` itself, last and exactly once.

        Leaving the loop stops the decoding.
        """
        ...

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the prompt's length in this model's tokens, template included."""
        ...

    async def close(self) -> None:
        """Release threads, memory and connections; the model is not asked afterwards."""
        ...
