"""Prompts are files: `NAME.txt` in this folder, our own wording, with a hash.

A file holds turns, each under a line `### user`, `### system` or `### assistant`, and names what is
filled in as `$name`. What is filled in is never read for names or turns again, so a text from
outside cannot change a prompt's structure.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import get_args

from rag.values import Frozen, Message, Prompt, Role

_TURN = re.compile(r"^### (\w+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PromptFile(Frozen):
    """A prompt as it stands in its file."""

    name: str
    turns: Prompt

    @property
    def hash(self) -> str:
        """The first 16 digits of the turns' SHA-256."""
        return hashlib.sha256(repr(self.turns).encode()).hexdigest()[:16]

    def fill(self, **texts: str) -> Prompt:
        """Return the prompt with the texts in their places.

        Raises:
            KeyError: a text is missing.
        """
        return tuple(Message(m.role, Template(m.content).substitute(texts)) for m in self.turns)


@cache
def prompt(name: str, package: str = "rag.prompts") -> PromptFile:
    """Return the prompt of that name, of this package or of another one that holds prompts.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it has no turns, or one of a role that is none.
    """
    text = (files(package) / f"{name}.txt").read_text("utf-8")
    return PromptFile(name, parse(text))


@cache
def all_prompts() -> str:
    """Return one hash of all prompts; what was made with other prompts has another."""
    names = sorted(file.name for file in files(__package__).iterdir() if file.name.endswith(".txt"))
    digest = hashlib.sha256("".join(prompt(n.removesuffix(".txt")).hash for n in names).encode())
    return digest.hexdigest()[:16]


def parse(text: str) -> Prompt:
    r"""Return the turns of a prompt's text, without the line breaks around each.

    Raises:
        ValueError: as `prompt`.

    >>> parse("### user\nWho is $name?\n### assistant\n[")
    (Message(role='user', content='Who is $name?'), Message(role='assistant', content='['))
    """
    before, *parts = _TURN.split(text)
    if before.strip() or not parts:
        raise ValueError("a prompt begins with a line such as '### user'")
    return tuple(
        Message(_role(role), content.strip("\n"))
        for role, content in zip(parts[::2], parts[1::2], strict=True)
    )


def _role(name: str) -> Role:
    for role in get_args(Role):
        if name == role:
            found: Role = role
            return found
    raise ValueError(f"'{name}' is no role: {', '.join(get_args(Role))}")
