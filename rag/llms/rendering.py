"""Rendering: a prompt's messages become token ids by the model's own chat template.

What documents and users write never becomes a control token: transformers encodes the control
tokens it finds in messages as plain text (`sanitize_control_tokens`). Older templates mark turns by
plain text ("[INST]"), which no tokenizer can tell from a passage that holds it; such marks are
broken up here. A prompt that ends with a message of the assistant is one that the model continues,
so that a label can be asked for after a forced "[".
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from rag.errors import BadPrompt, ModelUnavailable
from rag.llms.spelling import Spelling
from rag.values import Frozen, Message, Prompt

Turn = Literal["open", "next", "closed"]
"""How a rendered prompt ends: a last message of the assistant is "open", to be continued; or all
messages are finished, and the "next" turn of the assistant begins, or none does ("closed")."""

# For models without a chat template: the contents, a blank line between them.
PLAIN = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if not loop.last or add_generation_prompt %}{{ '\n\n' }}{% endif %}{% endfor %}"
)
_MARK = re.compile(r"\[/?[A-Z_]{3,}\]|<</?[A-Z]+>>|<\|?/?[a-z_]+\|?>")
# What a template, which is a program, can raise.
_FAILS = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_PROBE = "Which of them fits best?"


@dataclass(frozen=True, slots=True)
class _Context(Frozen):
    """How prompts end before a label: a rendered probe, its ids, and those after its question."""

    text: str
    ids: tuple[int, ...]
    header: tuple[int, ...]


class Renderer:
    """Renders prompts with one tokenizer; its methods may be called from any thread.

    Raises:
        ModelUnavailable: the chat template fails on a plain question.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.spelling = Spelling(tokenizer)
        self._tokenizer = tokenizer
        self._template = str(tokenizer.chat_template or PLAIN)
        self._labels: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        self._contexts: dict[str, _Context] = {}
        self._marks: re.Pattern[str] | None = None
        self._takes_system = True
        question = Message("user", _PROBE)
        try:
            written = self.text((question,))
        except BadPrompt as error:
            raise ModelUnavailable(f"a plain question is too much: {error}") from error
        self._takes_system = self._accepts((Message("system", "Be brief."), question))
        marks = set(_MARK.findall(written)) - set(tokenizer.get_added_vocab())
        self._marks = re.compile("|".join(map(re.escape, sorted(marks)))) if marks else None

    @property
    def hash(self) -> str:
        """The first 16 digits of the template's SHA-256."""
        return hashlib.sha256(self._template.encode()).hexdigest()[:16]

    def ids(self, prompt: Prompt, turn: Turn = "open") -> list[int]:
        """Return the prompt's token ids, ready to be continued by the model.

        Where no message of the assistant is last, "open" is "next".

        Raises:
            BadPrompt: the template refuses the order of the roles.
        """
        return list(self._apply(prompt, turn, tokenize=True))

    def text(self, prompt: Prompt) -> str:
        """Return the prompt as the template writes it, for people to read."""
        return str(self._apply(prompt, "open", tokenize=False))

    def continuation(self, text: str) -> list[int]:
        """Return the ids of a text in the middle of a prompt, control tokens in it as plain text.

        SentencePiece puts a space before what it takes for the start of a text; after a line break
        it does not.
        """
        newline, ids = self._plain("\n"), self._plain(f"\n{text}")
        return ids[len(newline) :] if ids[: len(newline)] == newline else self._plain(text)

    def decode(self, ids: list[int]) -> str:
        """Return the text that a model wrote, control tokens left out."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def label_ids(self, prompt: Prompt, labels: tuple[str, ...]) -> tuple[int, ...]:
        """Return the id of each label's token as the very next one after the prompt.

        It is the token that the tokenizer itself would write there: the ids of a prompt that ends
        with the label are those of the prompt and exactly one more, which reads as the label. Where
        nothing is forced before them, all labels may instead have a space before them.

        Raises:
            BadPrompt: a label is not one token there, or two labels are the same token.
        """
        forced = _forced(prompt)
        key = (forced, labels)
        if key not in self._labels:
            self._labels[key] = self._resolve(forced, labels)
        return self._labels[key]

    def ends_as_usual(self, prompt: Prompt, ids: list[int]) -> bool:
        """Whether a rendered prompt ends with the tokens for which its labels were resolved."""
        header = self._context(_forced(prompt)).header
        return not header or tuple(ids[-len(header) :]) == header

    def _resolve(self, forced: str, labels: tuple[str, ...]) -> tuple[int, ...]:
        context = self._context(forced)
        reasons = []
        for space in ("",) if forced else ("", " "):
            found = [self._next(context, space + label) for label in labels]
            ids = tuple(id_ for id_ in found if id_ is not None)
            if len(set(ids)) == len(labels) and all(labels):
                return ids
            bad = [label for label, id_ in zip(labels, found, strict=True) if id_ is None]
            what = f"{', '.join(bad)} not one token" if bad else "two labels are one token"
            reasons.append(f"{what}{' with a space before' if space else ''}")
        raise BadPrompt(
            f"the model cannot choose between these labels after {context.text[-12:]!r}: "
            f"{'; '.join(reasons)}. Take other labels"
        )

    def _next(self, context: _Context, label: str) -> int | None:
        """Return the one id that the label adds to the context, or None."""
        ids = self._ours(context.text + label)
        if len(ids) != len(context.ids) + 1 or tuple(ids[:-1]) != context.ids:
            return None
        # An unknown token is one id, too, but does not read as the label.
        return ids[-1] if str(self._tokenizer.decode(ids)).endswith(label) else None

    def _context(self, forced: str) -> _Context:
        if forced not in self._contexts:
            prompt: Prompt = (Message("user", _PROBE),)
            text = self.text((*prompt, Message("assistant", forced)) if forced else prompt)
            ids = self._ours(text)
            question = self._ours(text[: text.rindex(_PROBE) + len(_PROBE)])
            same = 0
            while same < min(len(ids), len(question)) and ids[same] == question[same]:
                same += 1
            self._contexts[forced] = _Context(text, tuple(ids), tuple(ids[same + 1 :]))
        return self._contexts[forced]

    def _ours(self, text: str) -> list[int]:
        """Return the ids of a text of our own, control tokens read as such."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _plain(self, text: str) -> list[int]:
        """Return the ids of a text of others, control tokens read as text."""
        encode = self._tokenizer.encode
        return list(encode(text, add_special_tokens=False, split_special_tokens=True))

    def _accepts(self, prompt: Prompt) -> bool:
        try:
            self.text(prompt)
        except BadPrompt:
            return False
        return True

    def _apply(self, prompt: Prompt, turn: Turn, *, tokenize: bool) -> Any:  # noqa: ANN401 - str or ids
        continued = turn == "open" and bool(_forced(prompt))
        try:
            return self._tokenizer.apply_chat_template(
                [{"role": m.role, "content": m.content} for m in self._fitting(prompt)],
                chat_template=self._template,
                add_generation_prompt=not continued and turn != "closed",
                continue_final_message=continued,
                enable_thinking=False,  # Qwen3: a label comes after an empty think block
                tokenize=tokenize,
                return_dict=False,
                sanitize_control_tokens=tokenize,
            )
        except _FAILS as error:
            raise BadPrompt(
                f"the model's chat template refuses the prompt: {error}. Let user and assistant "
                "take turns"
            ) from error

    def _fitting(self, prompt: Prompt) -> Prompt:
        """Return the messages with what others wrote harmless, and a system message allowed for."""
        messages = tuple(Message(m.role, self._harmless(m.content)) for m in prompt)
        if messages and messages[-1] == Message("assistant", ""):  # nothing is forced
            messages = messages[:-1]
        if self._takes_system or not messages or messages[0].role != "system":
            return messages
        system, first, *rest = *messages, Message("user", "")
        return (Message(first.role, f"{system.content}\n\n{first.content}"), *rest[:-1])

    def _harmless(self, content: str) -> str:
        """Break up what the template would take for its own mark: "[INST]" becomes "[ INST]"."""
        if self._marks is None:
            return content
        return self._marks.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", content)


def _forced(prompt: Prompt) -> str:
    """Return what the answer is forced to begin with."""
    return prompt[-1].content if prompt and prompt[-1].role == "assistant" else ""
