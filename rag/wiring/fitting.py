"""Whether a collection can be searched, or added to, as the settings say."""

from rag.errors import CollectionMismatch
from rag.seams import CollectionSpec


def check(name: str, built: CollectionSpec, mine: CollectionSpec) -> None:
    """Pass where what a collection was built with is what it is to be searched with.

    Raises:
        CollectionMismatch: it is not.
    """
    for what, there, here, back in (
        ("the encoder ", built.encoder_fingerprint, mine.encoder_fingerprint, "encoder.model"),
        ("", built.sparse_fingerprint, mine.sparse_fingerprint, "the sparse section"),
    ):
        if there != here:
            raise CollectionMismatch(
                f"'{name}' was built with {what}{there}, the settings say {here}: set {back} back, "
                f"or build it anew: firstcite reindex --collection {name}"
            )


def check_splitter(name: str, built: CollectionSpec, mine: CollectionSpec) -> None:
    """Pass where documents are split as those of a collection were.

    Raises:
        CollectionMismatch: they are not.
    """
    if built.splitter != mine.splitter:
        raise CollectionMismatch(
            f"'{name}' was split by {built.splitter}, the settings say {mine.splitter}: set "
            "index.splitter, index.chunk_tokens and index.leaf_tokens back, or build it anew: "
            f"firstcite reindex --collection {name}"
        )
