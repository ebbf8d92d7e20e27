"""The ids of labels in a server's vocabulary, asked once per label."""

from rag.llms.remote.shapes import TOKENIZE, Body, TokenIds
from rag.llms.remote.wire import Wire, together

# A label may follow nothing, a space, or a forced beginning, and be another token each time.
_BEFORE = ("", " ", "[")


class Vocabulary:
    """Knows which tokens a label may be, so that a server can be held to them."""

    def __init__(self, wire: Wire, model: str) -> None:
        self._wire = wire
        self._model = model
        self._ids: dict[str, frozenset[int]] = {}

    async def ids(self, labels: tuple[str, ...]) -> list[int]:
        """Return the ids of all labels, sorted; none where a label is never a single token.

        Raises:
            LLMUnavailable: the server does not answer.
        """
        new = [label for label in labels if label not in self._ids]
        found = await together([self._ask(label) for label in new])
        self._ids |= dict(zip(new, found, strict=True))
        ids = [self._ids[label] for label in labels]
        return sorted(frozenset().union(*ids)) if all(ids) else []

    async def _ask(self, label: str) -> frozenset[int]:
        texts = [text for before in _BEFORE for text in (before, before + label) if text]
        cut = dict(zip(texts, await together([self._cut(text) for text in texts]), strict=True))
        found = []
        for before in _BEFORE:
            begun, ids = cut.get(before, ()), cut[before + label]
            if ids and ids[:-1] == begun:
                found.append(ids[-1])
            elif before == " " and len(ids) == 1:  # a space and the label are one token
                found.append(ids[0])
        return frozenset(found)

    async def _cut(self, text: str) -> tuple[int, ...]:
        body: Body = {"model": self._model, "prompt": text, "add_special_tokens": False}
        reply = await self._wire.probe(TokenIds, TOKENIZE, body)
        return reply.tokens if reply else ()
