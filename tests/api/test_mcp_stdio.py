"""The tools over standard input and output, by the protocol's own client and a real process."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TextIO

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

from api.app import create_app
from api.keys import Keyring
from rag.settings import Settings
from tests.api.served import Serve, engine_of, wait_until_ready

ROOT = Path(__file__).parents[2]
QUESTION = {"query": "How long does the sample freezer stay cold?"}
COLD = "The sample freezer stays cold for two days without power."
MODULE = "tests.api.mcp_process"


def process(settings: Settings, **options: object) -> StdioServerParameters:
    given = json.dumps({"store": settings.store.path, **options})
    return StdioServerParameters(
        command=sys.executable, args=["-m", MODULE, given], env={"PYTHONPATH": str(ROOT)}, cwd=ROOT
    )


def ask(
    server: StdioServerParameters,
    work: Callable[[Client], Awaitable[None]],
    errors: TextIO = sys.__stderr__,  # type: ignore[assignment]
) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), Client(stdio_client(server, errlog=errors)) as client:
            await work(client)

    asyncio.run(run())


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_the_tools_are_listed_with_schemas_that_bound_their_arguments(filled: Settings) -> None:
    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["search", "answer", "rerank", "get_document"]
        for tool in tools.values():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert tool.description
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == tool.input_schema["type"] == "object"
            assert tool.input_schema["additionalProperties"] is False
        k = tools["search"].input_schema["properties"]["k"]
        assert (k["minimum"], k["maximum"], k["default"]) == (1, 1000, 10)
        assert client.server_info is not None
        assert client.server_info.name == "firstcite"
        assert client.instructions

    ask(process(filled), work)


def test_all_four_tools_tell_values_and_a_text_with_numbers_quotes_and_ids(
    filled: Settings,
) -> None:
    async def work(client: Client) -> None:
        found = await client.call_tool("search", {"query": "freezer", "k": 1})
        assert found.structured_content["results"][0]["document_id"] == "freezer.md"
        assert '[1] document_id "freezer.md", Freezer, /handbook/freezer.md' in text(found)
        assert f"<passage>{COLD} Keep its door shut.</passage>" in text(found)

        told: list[tuple[float, str]] = []

        async def noted(progress: float, total: float | None, message: str | None) -> None:
            assert total is None
            told.append((progress, message or ""))

        answer = await client.call_tool("answer", QUESTION, progress_callback=noted)
        assert answer.structured_content["answer"] == COLD
        assert text(answer).startswith(f"{COLD} [1]\n")
        assert f"<quote>{COLD}</quote> [1] characters 0–57" in text(answer)
        assert told[-1] == (2.0, COLD)
        assert told == sorted(told)

        texts = ["A dog barks.", "The freezer is cold."]
        order = await client.call_tool("rerank", {"query": "freezer", "documents": texts})
        assert [one["index"] for one in order.structured_content["results"]] == [1, 0]
        assert "documents[1], score 0." in text(order)

        whole = await client.call_tool("get_document", {"document_id": "freezer.md"})
        assert whole.structured_content["total"] == 1
        assert f"<chunk>{COLD} Keep its door shut.</chunk>" in text(whole)

    ask(process(filled), work)


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("search", {}, "missing required field `query`"),
    ("search", {"query": "x", "k": 5000}, "<= 1000 - at `$.k`"),
    ("search", {"query": "x", "top": 3}, "unknown field `top`"),
    ("search", {"query": "x", "filter": {"metadata.year": {"near": 1}}}, "near"),
    ("search", {"query": "x", "collection": "nope"}, "firstcite index PATH --collection nope"),
    ("answer", {"query": "x", "preset": "best"}, "best"),
    ("rerank", {"query": "x", "documents": []}, "length >= 1"),
    ("get_document", {"document_id": "nope"}, "no document 'nope'"),
)


def test_a_call_that_cannot_be_done_says_why_and_what_helps(filled: Settings) -> None:
    async def work(client: Client) -> None:
        for tool, given, said in REFUSED:
            result = await client.call_tool(tool, given)
            assert result.is_error
            assert said in text(result)
        with pytest.raises(MCPError, match="no tool 'delete': search, answer"):
            await client.call_tool("delete", {})

    ask(process(filled), work)


def test_it_answers_at_once_and_a_call_waits_for_the_models(filled: Settings) -> None:
    async def work(client: Client) -> None:
        assert (await client.list_tools()).tools
        told: list[str | None] = []

        async def noted(progress: float, total: float | None, message: str | None) -> None:
            assert total is None
            assert progress <= 3
            told.append(message)

        found = await client.call_tool("search", {"query": "freezer"}, progress_callback=noted)
        assert found.structured_content["results"]
        assert told[0] == "the models are loading"

    ask(process(filled, seconds=2), work)


def test_models_that_cannot_be_loaded_are_told_by_every_call(filled: Settings) -> None:
    async def work(client: Client) -> None:
        for _ in range(2):
            result = await client.call_tool("search", {"query": "freezer"})
            assert result.is_error
            assert text(result) == "no model here: firstcite models fetch it"

    ask(process(filled, fails=True), work)


def wait_for(file: Path, line: str) -> None:
    deadline = time.monotonic() + 30
    while line not in file.read_text():
        assert time.monotonic() < deadline, file.read_text()
        time.sleep(0.01)


def test_who_takes_a_call_back_ends_the_work(filled: Settings, tmp_path: Path) -> None:
    said = tmp_path / "said"

    async def work(client: Client) -> None:
        asked = asyncio.create_task(client.call_tool("answer", {"query": "slow"}))
        await asyncio.to_thread(wait_for, said, "slow begun")
        asked.cancel()
        await asyncio.to_thread(wait_for, said, "slow ended")
        assert (await client.call_tool("search", {"query": "freezer"})).structured_content

    with said.open("w") as errors:
        ask(process(filled, slow=True), work, errors)


def test_standard_output_holds_nothing_but_the_protocol(filled: Settings) -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    }
    call = {"name": "search", "arguments": {"query": "freezer"}}
    messages: list[dict[str, object]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ]
    given = json.dumps({"store": filled.store.path})
    with subprocess.Popen(
        [sys.executable, "-m", MODULE, given],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        for message in messages:
            running.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        running.stdin.flush()
        lines = [running.stdout.readline(), running.stdout.readline()]
        running.stdin.close()
        lines += running.stdout.readlines()
        assert [json.loads(line)["id"] for line in lines] == [1, 2]
        assert "no message of the protocol" in running.stderr.read()
    assert running.returncode == 0


def test_a_server_elsewhere_is_asked_with_the_key_of_the_settings(
    filled: Settings, serve: Serve
) -> None:
    key, _ = Keyring(Path(filled.server.keys)).add("mallory's", tenant="mallory")
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    url = str(client.base_url)

    async def keyed(client: Client) -> None:
        found = await client.call_tool("search", {"query": "freezer"})
        assert "ice cream" in text(found)
        assert "two days" not in text(found)
        refused = await client.call_tool("search", {"query": "freezer", "tenant": "lab"})
        assert refused.is_error
        assert "'mallory' alone" in text(refused)

    async def without(client: Client) -> None:
        refused = await client.call_tool("search", {"query": "freezer"})
        assert refused.is_error
        assert "FIRSTCITE__CLIENT__KEY" in text(refused)

    ask(process(filled, url=url, key=key), keyed)
    ask(process(filled, url=url), without)


def test_a_server_that_is_not_there_is_said(filled: Settings) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool("search", {"query": "freezer"})
        assert result.is_error
        assert "no answer from http://127.0.0.1:9" in text(result)
        assert "firstcite serve" in text(result)

    ask(process(filled, url="http://127.0.0.1:9"), work)


def test_keys_count_for_who_works_in_the_process_itself(filled: Settings) -> None:
    key, _ = Keyring(Path(filled.server.keys)).add("ours")

    async def without(client: Client) -> None:
        assert (await client.call_tool("search", {"query": "freezer"})).is_error

    async def keyed(client: Client) -> None:
        assert not (await client.call_tool("search", {"query": "freezer"})).is_error

    ask(process(filled), without)
    ask(process(filled, key=key), keyed)


@pytest.mark.model
def test_the_command_answers_with_the_packaged_models(tmp_path: Path) -> None:
    (tmp_path / "freezer.txt").write_text(f"{COLD} Keep its door shut.\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "rag", "index", "freezer.txt"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr

    async def work(client: Client) -> None:
        assert COLD in text(await client.call_tool("answer", QUESTION))

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "rag", "mcp"],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    ask(server, work)
