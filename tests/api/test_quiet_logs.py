"""What the server says about itself holds no text of documents or questions, and no key."""

import json
import logging
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import msgspec
import pytest

from api.keys import Keyring
from api.logs import log_config
from rag.sections import LLMSettings, Secret
from tests.api.processes import Process, process
from tests.api.served import fill, settings_over

MARK = "zyxwvmarker"
LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Process, str]]:
    settings = settings_over(tmp_path / "store")
    fill(settings)
    llm = LLMSettings(
        url="http://127.0.0.1:9",
        model=f"{MARK}/model",
        api_key=Secret(f"{MARK}-key"),
        retries=0,
    )
    key, _ = Keyring(Path(settings.server.keys)).add("logs", "admin", "*")
    settings = msgspec.structs.replace(settings, llm=llm)
    with process(settings, tmp_path) as started:
        started.client.headers["authorization"] = f"Bearer {key}"
        yield started, key


def test_nothing_that_was_sent_is_written_into_the_log(server: tuple[Process, str]) -> None:
    asked, key = server
    ask = asked.client
    statuses: set[object] = set()
    rows = [{"id": f"{MARK}.md", "text": f"{MARK} is a word", "title": MARK, MARK: MARK}]
    broken = [{"id": MARK, "text": f"a {MARK} defect"}]
    for body in (rows, broken, [{MARK: MARK}], [MARK]):
        lines = "\n".join(map(json.dumps, body))
        reply = ask.post("/v1/documents", content=lines, headers=LINES)
        statuses.add(json.loads(reply.text.splitlines()[-1])["state"])
    for name, content in (
        (f"{MARK}.md", f"# {MARK}"),
        (f"{MARK}.pdf", f"%PDF-1.4 {MARK}"),
        (f"{MARK}.docx", MARK),
        (f"{MARK}.html", f"<p>{MARK} defect</p>"),
        (f"{MARK}.zyx", MARK),
    ):
        statuses.add(ask.put(f"/v1/files/{name}", content=content).status_code)
    for text in (MARK, f"a {MARK} defect"):
        extras: list[dict[str, object]] = [{}, {"stream": True}, {MARK: MARK}]
        extras += [{"filter": {"metadata.year": MARK}}, {"filter": {MARK: {MARK: MARK}}}]
        mores: list[dict[str, object]] = [{}, {"expand": ["query2doc"]}, {"generator": "inline"}]
        for path, extra, more in product(("/v1/search", "/v1/answer"), extras, mores):
            sent = {"query": text, **extra, **more}
            statuses.add(ask.post(path, json=sent, params={"x": MARK}).status_code)
        chat = {"messages": [{"role": "user", "content": text}]}
        statuses.add(ask.post("/v1/chat/completions", json=chat).status_code)
        statuses.add(ask.post("/v1/chat/completions", json={**chat, "stream": True}).status_code)
        statuses.add(ask.post("/v1/embeddings", json={"input": text}).status_code)
        statuses.add(ask.post("/rerank", json={"query": text, "texts": [MARK]}).status_code)
    for path in ("/v1/documents/", "/v1/collections/", "/v1/jobs/", "/nothing/"):
        statuses.add(ask.get(path + MARK).status_code)
    statuses.add(ask.get("/v1/config", headers={"authorization": f"Bearer {MARK}"}).status_code)
    statuses.add(ask.post("/v1/search", content=b"\xff" + MARK.encode()).status_code)
    with asked.connect() as connection:
        connection.sendall(f"{MARK}\r\n\r\n".encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 400")
    assert {200, 400, 401, 404, 500, "done", "failed"} <= statuses
    said = asked.said.read_text()
    assert "Traceback" in said  # the defects are there, with where they happened
    assert "serving.py" in said
    assert MARK not in said, said[said.index(MARK) - 500 : said.index(MARK) + 100]
    assert key not in said
    assert key.split("_", 2)[2] not in said


def test_a_trace_quotes_messages_only_where_that_is_asked_for() -> None:
    def written(*, texts: bool) -> str:
        made = log_config(texts=texts)["formatters"]["default"]["()"]()
        try:
            try:
                dict[str, str]()[MARK]
            except KeyError as error:
                raise ExceptionGroup(MARK, [ValueError(MARK)]) from error
        except ExceptionGroup:
            raised = sys.exc_info()
            record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), raised)
            told: str = made.format(record)
            return told
        return ""

    quiet = written(texts=False)
    assert MARK not in quiet
    assert quiet.index("KeyError") < quiet.index("ExceptionGroup") < quiet.index("ValueError")
    assert MARK in written(texts=True)
