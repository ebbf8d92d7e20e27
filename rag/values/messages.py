"""Turns of a conversation, with a language model or with a person."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.values.frozen import Frozen

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message(Frozen):
    """One turn of a prompt."""

    role: Role
    content: str


Prompt: TypeAlias = tuple[Message, ...]
