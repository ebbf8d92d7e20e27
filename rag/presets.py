"""Presets: ways to handle queries, by name."""

from collections.abc import Mapping

from rag.values import Handling

PRESETS: Mapping[str, Handling] = {
    "fast": Handling(rerank_depth=0, generator="extractive"),
    "balanced": Handling(standalone=True, calls=4, seconds=10.0),
    "quality": Handling(
        standalone=True,
        route="rules",
        iterate="decompose",
        samples=4,
        calls=40,
        seconds=30.0,
    ),
}
"""`fast` asks no language model; `balanced` only for what it cannot do without; `quality` spends
what it is given, and where answers are written inline takes the best cited of four. None expands:
what that is worth depends on documents and model, and with the packaged ones it lowers the first
ten a little (docs/queries.md)."""
