"""Test data that training must not see: told by hashes, kept out, and the proof of it."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from rag.errors import BadInput
from rag.training.values import Group, Preference
from rag.values import Frozen

Line = TypeVar("Line", Group, Preference)

_NO_WORD = re.compile(r"[\W_]+")


def fingerprint(text: str) -> str:
    """Return a hash of a text's letters and digits: case, spaces and signs make no other text.

    >>> fingerprint("Who founded  SAP?") == fingerprint("who founded sap")
    True
    """
    plain = _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return hashlib.sha256((plain or text).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Excluded(Frozen):
    """Hashes of queries and documents that training must not see, and what they were taken from.

    `names` are collections with their split; `queries` and `documents` map a hash to the id of what
    has it.
    """

    names: tuple[str, ...] = ()
    queries: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)

    def without(self, line: Line) -> tuple[Line | None, str]:
        """Return what may be trained on of a line, and why it is not all of it ("" where it is).

        A line goes with its query, a group with its last positive, too.
        """
        if any(fingerprint(text) in self.queries for text in _queries(line)):
            return None, "query is test data"
        if not isinstance(line, Group):
            return line, ""
        kept = tuple(p for p in line.passages if fingerprint(p.text) not in self.documents)
        if len(kept) == len(line.passages):
            return line, ""
        left = replace(line, passages=kept)
        return (left if left.positives else None), "passages are test data"

    def prove(self, lines: Sequence[Group] | Sequence[Preference]) -> dict[str, object]:
        """Return the proof, for a manifest, that nothing of this is in the data.

        Raises:
            BadInput: something is.
        """
        queries = {fingerprint(text): text for line in lines for text in _queries(line)}
        documents = {fingerprint(text): text for line in lines for text in _documents(line)}
        for what, found, known in (
            ("query", queries, self.queries),
            ("document", documents, self.documents),
        ):
            if common := sorted(found.keys() & known.keys()):
                raise BadInput(
                    f"{len(common):,} {what} texts of the training data are test data of "
                    f"{', '.join(self.names)}, e.g. '{known[common[0]]}': make the data anew with "
                    "--exclude"
                )
        return {
            "collections": list(self.names),
            "queries": len(self.queries),
            "documents": len(self.documents),
            "compared_queries": len(queries),
            "compared_documents": len(documents),
            "common": 0,
            "sha256": _digest([*self.queries, *self.documents]),
        }


def excluded(
    name: str, queries: Mapping[str, str], documents: Mapping[str, str] | None = None
) -> Excluded:
    """Return the exclusion of queries and documents, texts by id."""
    return Excluded(
        (name,),
        {fingerprint(text): id_ for id_, text in queries.items()},
        {fingerprint(text): id_ for id_, text in (documents or {}).items()},
    )


def together(every: Iterable[Excluded]) -> Excluded:
    """Return several exclusions as one."""
    found = Excluded((), {}, {})
    for one in every:
        found = Excluded(
            (*found.names, *one.names),
            {**found.queries, **one.queries},
            {**found.documents, **one.documents},
        )
    return found


def _queries(line: Group | Preference) -> list[str]:
    if isinstance(line, Group):
        return [line.query, *line.misleading]
    return [line.query]


def _documents(line: Group | Preference) -> list[str]:
    return [p.text for p in line.passages] if isinstance(line, Group) else []


def _digest(hashes: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
