"""Routers by name: each a flow that is asked where the rules say nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from rag.errors import BadSettings
from rag.flows import Encode, Encoded, Flow
from rag.route.claims import claims
from rag.route.classifier import Classifier
from rag.route.features import features
from rag.route.log_file import Log, read_log
from rag.route.model_file import read
from rag.route.neighbours import Neighbours, route
from rag.route.routes import Routed, unsure
from rag.values import Frozen, Search, Searched

Router: TypeAlias = Callable[[str], Flow[Routed]]
"""Tells what a question needs that no rule knows."""

_HITS = 10  # chosen: as many scores as the features read


@dataclass(frozen=True, slots=True)
class Method(Frozen):
    """A router, and whether it asks a language model."""

    router: Router
    asks: bool = False


def by_rules(question: str) -> Flow[Routed]:
    """Return that one search is needed: the rules were asked before."""
    del question
    yield from ()
    return Routed(unsure("no rule speaks"))


def by_classifier(classifier: Classifier, question: str) -> Flow[Routed]:
    """Return what a classifier says, which may want the scores of a first search.

    Scores belong to a fusion: the search must be fused as those were that the classifier was
    fitted with, whatever the query itself asks for.
    """
    scores: tuple[float, ...] = ()
    if classifier.fusion:
        (reply,) = yield [Search(question, _HITS)]
        scores = tuple(c.score for c in reply.candidates) if isinstance(reply, Searched) else ()
    return Routed(classifier.route(features(question, scores)))


def by_neighbours(known: Neighbours, question: str) -> Flow[Routed]:
    """Return what the outcomes of the most similar questions say."""
    (reply,) = yield [Encode(question)]
    if not isinstance(reply, Encoded):
        raise TypeError(f"a vector is no {type(reply).__name__}")
    return Routed(route(reply.vector, known))


def by_claims(question: str) -> Flow[Routed]:
    """Return what a model's own answer says, with queries for what it does not know of it."""
    made = yield from claims(question)
    return Routed(made.route, tuple(query for query in made.unknown if query != question))


def routers(
    file: str = "", fusion: str | None = None, encoder: str | None = None
) -> Mapping[str, Method]:
    """Return the routers that there are: that of a file last, and only where one is named.

    Args:
        file: a trained classifier or a log of outcomes; it says itself which.
        fusion: that the searches are fused by; None leaves the file's unchecked.
        encoder: fingerprint of what encodes questions; None leaves the file's unchecked.

    Raises:
        BadSettings: the file is missing or damaged, or was made with another fusion or encoder.
    """
    own = {"rules": Method(by_rules), "claims": Method(by_claims, asks=True)}
    return {**own, **_of_file(Path(file), fusion, encoder)} if file else own


def _of_file(path: Path, fusion: str | None, encoder: str | None) -> Mapping[str, Method]:
    opened = _opened(path)
    if isinstance(opened, Log):
        if encoder not in {None, opened.encoder}:
            raise BadSettings(
                f"{path} was made with the encoder {opened.encoder}, the settings say {encoder}: "
                "set encoder.model back, or log again: firstcite route train --kind neighbours"
            )
        return {"neighbours": Method(partial(by_neighbours, opened.neighbours))}
    if opened.fusion and fusion not in {None, opened.fusion}:
        raise BadSettings(
            f"{path} was trained with scores of {opened.fusion}, the settings fuse by {fusion}: "
            f"set search.fusion to {opened.fusion}, or train it again with scores of {fusion}"
        )
    return {"classifier": Method(partial(by_classifier, opened))}


def _opened(path: Path) -> Classifier | Log:
    """Return what a file holds: a log begins with a brace, a classifier cannot."""
    try:
        with path.open("rb") as file:
            begins = file.read(100)
    except OSError:
        begins = b""  # whoever reads it says what is wrong
    return read_log(path) if begins.removeprefix(b"\xef\xbb\xbf").startswith(b"{") else read(path)
