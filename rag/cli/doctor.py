"""`firstcite doctor`: what is in effect, why, what is missing, and the command that installs it."""

import asyncio
import platform
from collections.abc import Callable, Iterator

import click

from rag.cli.root import cli, current_settings
from rag.errors import RagError
from rag.seams import LLMSpec
from rag.settings import Settings, models_folder

Line = tuple[bool, str, str]
"""Whether it is well, what it is about, and what to know."""


@cli.command("doctor")
def doctor_command() -> None:
    """Show versions, the encoder, precision, store and model in effect, and what is missing."""
    settings = current_settings()
    well = True
    for check in (_server,) if settings.client.url else CHECKS:
        for good, subject, text in check(settings):
            well &= good
            click.echo(f"{'ok     ' if good else 'MISSING'} {subject:<10} {text}")
    if not well:
        raise SystemExit(1)


def _versions(_: Settings) -> Iterator[Line]:
    from eval.provenance import cpu_name, versions

    yield True, "python", f"{platform.python_version()} on {cpu_name()}"
    for name, version in versions().items():
        yield version != "not installed", name, version


def _encoder(settings: Settings) -> Iterator[Line]:
    from rag.wiring import open_encoder

    try:
        encoder = open_encoder(settings)
    except RagError as error:
        yield False, "encoder", str(error)
        return
    spec = encoder.spec
    encoder.close()
    yield True, "encoder", f"{spec.name}, {spec.dimension} dimensions, {spec.max_tokens} tokens"
    yield True, "precision", f"{spec.precision} on {settings.encoder.runtime}: {spec.why}"


def _store(settings: Settings) -> Iterator[Line]:
    where = settings.store.url or f"{settings.store.path} (store.url is empty)"
    try:
        names = asyncio.run(_names(settings))
    except RagError as error:
        yield False, "store", f"{settings.store.url}: {error}"
        return
    found = (
        f"collections: {', '.join(names)}" if names else "no collection yet: firstcite index PATH"
    )
    kind = "Qdrant at" if settings.store.url else "Qdrant Edge in"
    yield True, "store", f"{kind} {where}; {found}"


async def _names(settings: Settings) -> list[str]:
    from rag.wiring.naming import catalogue

    place = catalogue(settings.store)
    try:
        return sorted(await place.names())
    finally:
        await place.close()


def _llm(settings: Settings) -> Iterator[Line]:
    from rag.llms import embedded

    if not (settings.llm.url or settings.llm.model):
        try:
            embedded.packaged()
        except RagError as error:
            yield False, "llm", f"{error} (nothing of this version needs it)"
            return
        try:
            embedded.converted(models_folder(settings))
        except RagError as error:
            yield True, "llm", f"{embedded.NAME} is packaged; {error}"
            return
    try:
        spec = asyncio.run(_llm_spec(settings))
    except RagError as error:
        yield False, "llm", str(error)
        return
    yield True, "llm", f"{spec.name} of the family {spec.family}, {spec.context_window:,} tokens"
    yield True, "llm", f"{spec.precision}: {spec.why}" if spec.precision else spec.why


def _answer(settings: Settings) -> Iterator[Line]:
    of = settings.answer
    told = f"{of.generator} (answer.generator)"
    if of.generator == "extractive":
        yield True, "answer", f"{told}: sentences are quoted, no language model is asked"
    else:
        yield True, "answer", f"{told}, at most {of.max_tokens} tokens; {of.verify}, {of.policy}"


def _rerank(settings: Settings) -> Iterator[Line]:
    from rag.wiring.reranking import parse_method

    try:
        tiers = parse_method(settings.rerank)
    except RagError as error:
        yield False, "rerank", str(error)
        return
    if not tiers:
        yield True, "rerank", "off (rerank.method is empty): search results keep their order"
        return
    told = " → ".join(f"{name} over {depth}" for name, depth in tiers)
    yield True, "rerank", f"{told}; guard {settings.rerank.guard}"


async def _llm_spec(settings: Settings) -> LLMSpec:
    from rag.wiring import open_llm

    llm = await open_llm(settings)
    try:
        return llm.spec
    finally:
        await llm.close()


def _server(settings: Settings) -> Iterator[Line]:
    from rag.cli.remote.others import looked_at

    return iter(asyncio.run(looked_at(settings.client)))


CHECKS: tuple[Callable[[Settings], Iterator[Line]], ...] = (
    _versions,
    _encoder,
    _store,
    _rerank,
    _answer,
    _llm,
)
