"""A Qdrant server over loopback that speaks what a store writes and scans, and fails as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """An answer that is none."""

    status: int
    retry_after: str = ""
    says: str = "told to fail"


Act: TypeAlias = Literal["ok", "stall", "drop", "lost", "taken"] | Refused
"""What becomes of a request: done; no answer; the connection is closed before or after it is done;
answered before it is done; refused."""


@dataclass
class FaultyQdrant:
    """One collection "c" of points by id; acts are of the requests in order, then all is well."""

    acts: list[Act] = field(default_factory=list)
    delay_s: float = 0.0
    statuses: list[str] = field(default_factory=lambda: ["green"])
    info: Body = field(default_factory=dict)
    points: dict[str, Body] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    keys: set[str] = field(default_factory=set)
    traceparents: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head)}
            content = await reader.readexactly(int(headers.get("content-length", 0)))
            method, target, _ = head[0].split(" ")
            self.keys.add(headers.get("api-key", ""))
            self.traceparents.append(headers.get("traceparent", ""))
            self.sizes.append(len(content))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            try:
                await self._answer(method, target, json.loads(content or b"{}"), writer)
            finally:
                self.under_way -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, method: str, target: str, body: Body, writer: asyncio.StreamWriter
    ) -> None:
        path, _, query = target.partition("?")
        self.seen.append((method, target))
        act = self.acts.pop(0) if self.acts else "ok"
        await asyncio.sleep(self.delay_s)
        if act == "drop":
            return
        if act == "stall":
            await asyncio.sleep(30)
            return
        if isinstance(act, Refused):
            extra = f"retry-after: {act.retry_after}\r\n" if act.retry_after else ""
            _send(writer, act.status, {"status": {"error": act.says}}, extra)
            return
        if act == "taken":
            _send(writer, 200, _update("acknowledged"))
            return
        result = self._do(method, path, body)
        if "points" in path and "scroll" not in path:
            assert "wait=true" in query or path.endswith(("/points", "/count")), target
        if act != "lost":
            _send(writer, 200, result)

    def _do(self, method: str, path: str, body: Body) -> Body:
        match method, path:
            case "PUT", "/collections/c/points":
                self.points.update({row["id"]: row for row in body["points"]})
                return _update("completed")
            case "POST", "/collections/c/points/delete":
                for id_ in self._chosen(body):
                    self.points.pop(id_, None)
                return _update("completed")
            case "POST", "/collections/c/points/payload":
                for id_ in self._chosen(body):
                    self.points[id_]["payload"].update(body["payload"])
                return _update("completed")
            case "PUT", "/collections/c/points/vectors":
                for row in body["points"]:
                    self.points[row["id"]]["vector"].update(row["vector"])
                return _update("completed")
        return self._told(method, path, body)

    def _told(self, method: str, path: str, body: Body) -> Body:
        match method, path:
            case "POST", "/collections/c/points/scroll":
                return self._scroll(body)
            case "GET", "/collections":
                return {"result": {"collections": [{"name": "c"}]}}
            case "GET", "/collections/c":
                status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
                return {"result": self.info | {"status": status}}
        raise AssertionError(f"not spoken here: {method} {path}")

    def _chosen(self, body: Body) -> Sequence[str]:
        if "points" in body:
            return [id_ for id_ in body["points"] if id_ in self.points]
        return [id_ for id_, row in self.points.items() if _holds(row["payload"], body["filter"])]

    def _scroll(self, body: Body) -> Body:
        self.limits.append(body["limit"])
        ids = [id_ for id_ in sorted(self.points) if id_ >= (body.get("offset") or "")]
        page, rest = ids[: body["limit"]], ids[body["limit"] :]
        rows = [self.points[id_] for id_ in page]
        return {"result": {"points": rows, "next_page_offset": rest[0] if rest else None}}


@asynccontextmanager
async def serving(fake: FaultyQdrant) -> AsyncIterator[str]:
    """Serve on a free loopback port and give the address."""
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _holds(payload: Body, chosen: Body) -> bool:
    tests = [test for test in chosen["must"] if "match" in test]
    return all(
        payload[test["key"]] in test["match"].get("any", [test["match"].get("value")])
        for test in tests
    )


def _update(status: str) -> Body:
    return {"result": {"operation_id": 1, "status": status}, "status": "ok", "time": 0.0}


def _send(writer: asyncio.StreamWriter, status: int, body: Body, extra: str = "") -> None:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} As told\r\ncontent-type: application/json\r\n{extra}"
    writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
