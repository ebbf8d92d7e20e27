"""`firstcite search` and `firstcite ask`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rag.cli.asking import asks
from rag.cli.root import cli, collection_option, current_settings, json_option, run
from rag.cli.verify import verify
from rag.plan import make_plan
from rag.settings import Settings
from rag.values import Answer, Query, Results, Sentence, Trace

if TYPE_CHECKING:
    from rag.pipeline import QueryPath

_SNIPPET_CHARS = 240


@cli.command("search")
@click.argument("text")
@click.option("--branch", "branches", multiple=True, help="bm25, dense; by default both.")
@click.option("--fusion", default="", help="rrf, dbsf or convex; by default search.fusion.")
@asks
@collection_option
@json_option
def search_command(
    text: str,
    branches: tuple[str, ...],
    fusion: str,
    explain: bool,
    collection: str | None,
    as_json: bool,
    query: Query,
) -> None:
    """Find the k best chunks for TEXT."""
    settings = current_settings()
    query = _planned(replace(query, text=text, branches=branches, fusion=fusion), settings)
    results = run(_search(settings, collection, query))
    if as_json:
        from api.replies import search_response

        click.echo(_json(search_response(results)))
        return
    for rank, candidate in enumerate(results.candidates, start=1):
        chunk = candidate.chunk
        ranks = ", ".join(f"{name} {r}" for name, r in sorted(candidate.ranks.items()))
        head = chunk.context or chunk.title or chunk.document_id
        click.echo(f"{rank:>3}. {head}  [{candidate.score:.4f}; {ranks}]")
        click.echo(f"     {_place(chunk.source, chunk.start, chunk.end)}{_until(chunk.valid_to)}")
        click.echo(f"     {_snippet(chunk.text)}\n")
    if not results.candidates:
        click.echo("nothing found")
    _warn(results.trace)
    if explain:
        _explain(results.trace)


@cli.command("ask")
@click.argument("question")
@asks
@collection_option
@click.option(
    "--generator",
    default="",
    help="Who writes: extractive, inline, attribute-first, quote-first, ensemble.",
)
@click.option("--samples", default=0, help="Answers that inline writes; the best cited is given.")
@click.option("--stream", is_flag=True, help="Print events as they happen, a JSON object a line.")
@click.option("--verify", "verifying", is_flag=True, help="Look every quote up in its file.")
@json_option
def ask_command(
    question: str,
    explain: bool,
    collection: str | None,
    generator: str,
    samples: int,
    stream: bool,
    verifying: bool,
    as_json: bool,
    query: Query,
) -> None:
    """Answer QUESTION from the documents, every sentence with its source.

    With --verify the exit code is 1 when a file no longer says a quote at the cited span.
    """
    settings = current_settings()
    given = {"generator": generator, "samples": samples}
    changes = {**query.changes, **{name: value for name, value in given.items() if value}}
    query = _planned(replace(query, text=question, changes=changes), settings)
    answer = run(_ask(settings, collection, query, stream))
    if not stream:
        click.echo(_as_json(answer) if as_json else render(answer))
        _warn(answer.trace)
    if explain and not as_json:
        _explain(answer.trace)
    if verifying and not _verified(answer):
        raise SystemExit(1)


def _verified(answer: Answer) -> bool:
    """Say for each reference whether its file still holds the quotes; return whether all do."""
    good = True
    for ref, document_id, holds in verify(answer):
        said = "every quote stands in the file" if holds else "the file has changed or is gone"
        click.echo(f"[{ref}] {document_id}: {said}", err=True)
        good &= holds
    return good


def render(answer: Answer) -> str:
    """Return an answer as text: sentences with [n], then the sources with the quoted spans."""
    if answer.abstained:
        return f"No answer: {answer.reason}."
    lines = [" ".join(map(_cited, answer.sentences)), ""]
    if answer.reason:
        lines += [f"In part: {answer.reason}.", ""]
    for pair in answer.contradictions:
        said = " against ".join(f"“{one.quote}” [{one.ref}]" for one in (pair.one, pair.other))
        lines += [f"Sources contradict each other ({pair.kind}): {said}", ""]
    for reference in answer.references:
        cited = [c for s in answer.sentences for c in s.citations if c.ref == reference.ref]
        spans = ", ".join(dict.fromkeys(f"{c.start}–{c.end}" for c in cited))
        pages = ", ".join(dict.fromkeys(str(c.page) for c in cited if c.page))
        title = reference.title or reference.document_id
        place = (f", page {pages}" if pages else "") + (f", characters {spans}" if spans else "")
        lines.append(f"[{reference.ref}] {title}, {_shown(reference.source)}{place}")
    return "\n".join(lines)


def _until(superseded: str) -> str:
    return f" (superseded on {superseded})" if superseded else ""


def _cited(sentence: Sentence) -> str:
    """Return a sentence with its numbers; one that nothing carries, or nothing new, says so."""
    refs = dict.fromkeys(citation.ref for citation in sentence.citations)
    doubt = " (not found in the sources)" if sentence.support == "none" else ""
    until = [citation.superseded for citation in sentence.citations]
    doubt += _until(max(until)) if until and all(until) else ""
    return f"{sentence.text} {''.join(f'[{ref}]' for ref in refs)}{doubt}"


def _warn(trace: Trace) -> None:
    """Say on standard error what could not be done as it was asked."""
    for stage in trace:
        if stage.status in {"failed", "cut short"}:
            click.echo(f"{stage.name} {stage.status}: {stage.detail}", err=True)


def _explain(trace: Trace) -> None:
    for stage in trace:
        cost = f" [{stage.cost}]" if str(stage.cost) else ""
        click.echo(f"{stage.ms:8.1f} ms  {stage.name}, {stage.status}: {stage.detail}{cost}")


async def _search(settings: Settings, name: str | None, query: Query) -> Results:
    if settings.client.url:
        from rag.cli.remote.asking import search

        return await search(settings.client, name, query)
    from rag.wiring import build

    engine = build(settings)
    try:
        return await (await engine.collection(name or settings.server.collection)).search(query)
    finally:
        await engine.close()


async def _ask(settings: Settings, name: str | None, query: Query, stream: bool) -> Answer:
    if settings.client.url:
        from rag.cli.remote.asking import ask

        return await ask(settings.client, name, query, _tell if stream else None)
    from rag.wiring import build

    engine = build(settings)
    try:
        path = await engine.collection(name or settings.server.collection)
        return await (_told(path, query) if stream else path.answer(query))
    finally:
        await engine.close()


async def _told(path: QueryPath, query: Query) -> Answer:
    """Print the events of an answer while it is made, and return it."""
    from api.streaming import body_of
    from rag.citing.events import NAMES, Final

    answer: Answer | None = None
    async for event in path.stream(query):
        _tell(NAMES[type(event)], body_of(event))
        answer = event.answer if isinstance(event, Final) else answer
    assert answer is not None  # noqa: S101 - a stream that ends has told its answer
    return answer


def _tell(name: str, data: object) -> None:
    click.echo(msgspec.json.encode({"event": name, "data": data}).decode())


def _planned(query: Query, settings: Settings) -> Query:
    """Return the query; one that cannot be planned is refused before a model is loaded.

    What a server can plan it says itself.
    """
    if settings.client.url:
        return query
    from rag.wiring.querying import defaults, routers_of

    make_plan(query, defaults(settings, routers_of(settings)))
    return query


def _as_json(answer: Answer) -> str:
    from api.replies import answer_response

    return _json(answer_response(answer))


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _place(source: str, start: int, end: int) -> str:
    return f"{_shown(source)}, characters {start}–{end}" if source else f"characters {start}–{end}"


def _shown(source: str) -> str:
    """Return a path below the working folder without that folder's name."""
    path = Path(source)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else source


def _snippet(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SNIPPET_CHARS else f"{flat[:_SNIPPET_CHARS].rstrip()} …"
