"""The tools: what each is for, what it takes, and which route does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from api.client_loop import AsyncClient
from api.compatible.reranking import RerankReply
from api.documents import DocumentBody
from api.mcp import arguments, texts
from api.replies import AnswerResponse, SearchResponse
from api.streaming import CitationEvent, DeltaEvent, SearchResultsEvent
from rag.errors import BadInput, Unavailable
from rag.outside.harmless import harmless
from rag.values import Frozen

Report: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Is told how much was done, a number that only grows, and what that was."""

Done: TypeAlias = tuple[Struct, str]
"""What came of it, and the same as a model reads it."""


@dataclass(frozen=True, slots=True)
class Tool(Frozen):
    """A tool."""

    name: str
    title: str
    description: str
    takes: type[Struct]
    gives: type[Struct]
    call: Callable[[AsyncClient, Any, Report], Awaitable[Done]]

    async def use(self, client: AsyncClient, given: Mapping[str, Any], report: Report) -> Done:
        """Do it.

        Raises:
            BadInput: it cannot be given that.
            RagError: as the client.
        """
        try:
            taken = msgspec.convert(given, self.takes)
        except msgspec.ValidationError as error:
            known = ", ".join(field.name for field in msgspec.structs.fields(self.takes))
            raise BadInput(f"{error}. The tool {self.name} takes {known}") from None
        return await self.call(client, taken, report)


def schema(of: type[Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a struct, an object at its root."""
    whole = msgspec.json.schema(of)
    root: dict[str, Any] = whole["$defs"].pop(of.__name__)
    return {**root, "$defs": whole["$defs"]} if whole["$defs"] else root


async def _search(client: AsyncClient, given: arguments.Search, _: Report) -> Done:
    found = await client.search(**msgspec.to_builtins(given))
    return found, texts.of_search(found)


async def _answer(client: AsyncClient, given: arguments.Answer, report: Report) -> Done:
    """Tell every sentence when it is complete."""
    told, answer = "", None
    async for event in client.stream(**msgspec.to_builtins(given)):
        match event:
            case SearchResultsEvent(references):
                await report(1, f"{len(references)} documents found")
            case DeltaEvent(text):
                told += text
            case CitationEvent(sentence, start, end):
                await report(sentence + 2, harmless(told[start:end]))
            case AnswerResponse():
                answer = event
            case _:
                pass
    if answer is None:
        raise Unavailable("the answer ended before it was whole: ask again")
    return answer, texts.of_answer(answer)


async def _rerank(client: AsyncClient, given: arguments.Rerank, _: Report) -> Done:
    how = {"model": given.method or None, "top_n": given.top_n}
    reply = await client.rerank(given.query, given.documents, **how)
    return reply, texts.of_rerank(reply, given.documents)


async def _get_document(client: AsyncClient, given: arguments.GetDocument, _: Report) -> Done:
    found = await client.document(**msgspec.to_builtins(given))
    return found, texts.of_document(found)


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "search",
            "Search documents",
            "Find the passages of the indexed documents that fit a query best, by words and by "
            "meaning. Use it to look for evidence, or to see what there is. Every passage comes "
            "with its document_id and its place in that document.",
            arguments.Search,
            SearchResponse,
            _search,
        ),
        Tool(
            "answer",
            "Answer with citations",
            "Answer a question from the indexed documents alone. Every sentence has the numbers of "
            "its sources as [1], and every source is quoted word for word. Where the documents do "
            "not say it, there is no answer but the reason. Ask one question in full sentences.",
            arguments.Answer,
            AnswerResponse,
            _answer,
        ),
        Tool(
            "rerank",
            "Put texts in order",
            "Put given texts in order by how well they answer a query, best first, with scores "
            "between 0 and 1. The texts need not be indexed.",
            arguments.Rerank,
            RerankReply,
            _rerank,
        ),
        Tool(
            "get_document",
            "Read a document",
            "Read an indexed document by its document_id, as search and answer name it: its chunks "
            "in order, with their places. Long documents come in parts (offset, limit).",
            arguments.GetDocument,
            DocumentBody,
            _get_document,
        ),
    )
}
