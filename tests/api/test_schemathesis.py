"""schemathesis asks a live server what the OpenAPI document allows, and much that it does not."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.keys import Keyring
from tests.api.processes import Process, process
from tests.api.served import fill, settings_over

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""Not positive_data_acceptance: a filter, a date, an id or the format of a name is checked beyond
what a schema can say. Not negative_data_rejection: of JSON, unknown fields of other people's
interfaces are passed over by design, and numbers for booleans are taken. Not use_after_free and
ensure_resource_availability: a document that was deleted may come again by the next upload, and one
that is there is only found once its job is done."""

METHODS = {"get", "post", "put", "delete"}
EXAMPLES = int(os.environ.get("FIRSTCITE_TEST_EXAMPLES", "0"))  # for every route; 0 is a short run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("schemathesis")
    settings = settings_over(folder / "store")
    fill(settings)
    key, _ = Keyring(Path(settings.server.keys)).add("schemathesis", "admin", "*")
    with process(settings, folder) as started:
        started.client.headers["authorization"] = f"Bearer {key}"
        yield started


def test_every_reply_is_as_the_document_says(server: Process, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run"),
        f"http://127.0.0.1:{server.port}/schema/openapi.json",
        *("--checks", ",".join(CHECKS), "--seed", "8", "--no-color", "--continue-on-failure"),
        *("--header", f"Authorization: {server.client.headers['authorization']}"),
        *("--suppress-health-check", "all", "--generation-database", "none"),
        *("--max-examples", str(EXAMPLES or 2), "--warnings", "off"),
        *([] if EXAMPLES else ["--phases", "examples,coverage,fuzzing"]),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    paths = server.client.get("/schema/openapi.json").json()["paths"].values()
    every = sum(len(METHODS & path.keys()) for path in paths)
    assert re.search(rf"\b{every}( selected)? ?/ ?{every}\b", done.stdout), (
        done.stdout
    )  # all were asked
    assert "Traceback" not in server.said.read_text()
