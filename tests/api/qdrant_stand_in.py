"""A Qdrant server for searches: qdrant-client's local mode behind Qdrant's own routes."""

import asyncio
import json
import socket
import threading
import time
from typing import Any

import uvicorn
from pydantic import BaseModel
from qdrant_client import AsyncQdrantClient, models

from rag.settings import Settings
from tests.api.served import DOCUMENTS, engine_of

HOW: dict[str, Any] = {"lifespan": "off", "interface": "asgi3", "access_log": False}


class StandIn:
    """A server that can be stopped, and started again on the same port with what it held.

    Args:
        settings: with `store.url` ":memory:"; the documents are indexed into their collection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer."""
        config = uvicorn.Config(self._answer, port=self.port, log_config=None, **HOW)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(self._server,))
        self._thread.start()
        ends = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < ends, "the stand-in does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Close every connection, and answer no more."""
        if self._server and self._thread:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(10)
            self._server = None

    def _run(self, server: uvicorn.Server) -> None:
        async def run() -> None:
            engine = engine_of(self._settings)
            await engine.index(DOCUMENTS, "handbook")
            self._client: AsyncQdrantClient = engine.collections.catalogue()._server.client  # type: ignore[attr-defined]
            await server.serve()
            await engine.close()

        asyncio.run(run())

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        result = await self._result(scope["path"].strip("/").split("/"), json.loads(body or b"{}"))
        told = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": told})

    async def _result(self, path: list[str], body: dict[str, Any]) -> object:
        client = self._client
        match path:
            case ["aliases"]:
                return _plain(await client.get_aliases())
            case ["collections"]:
                return _plain(await client.get_collections())
            case ["collections", name]:
                return _plain(await client.get_collection(name))
            case ["collections", name, "exists"]:
                return {"exists": await client.collection_exists(name)}
            case ["collections", name, "points", *rest]:
                return await self._points(name, "/".join(rest), body)
        raise AssertionError(f"no stand-in for {path}")

    async def _points(self, name: str, asks: str, body: dict[str, Any]) -> object:
        client = self._client
        match asks:
            case "query/batch":
                asked = models.QueryRequestBatch.model_validate(body).searches
                return [_plain(one) for one in await client.query_batch_points(name, asked)]
            case "count":
                wanted = models.CountRequest.model_validate(body)
                return _plain(await client.count(name, wanted.filter, exact=True))
            case "":
                points = models.PointRequest.model_validate(body)
                found = await client.retrieve(name, points.ids, with_payload=True)
                return [_plain(one) for one in found]
            case "scroll":
                page = models.ScrollRequest.model_validate(body)
                rows, after = await client.scroll(
                    name, page.filter, limit=page.limit or 10, offset=page.offset
                )
                return {"points": [_plain(row) for row in rows], "next_page_offset": after}
        raise AssertionError(f"no stand-in for points/{asks}")


def _plain(model: BaseModel) -> object:
    return model.model_dump(mode="json", exclude_none=True)
