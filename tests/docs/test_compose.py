"""compose.yaml fits its specification, the program, and itself."""

import itertools
import json
import re
import shlex
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest

from api.app import create_app
from api.guarding import OPEN
from rag.settings import PREFIX, Settings, load_settings
from rag.wiring import Engine
from tests.docs.deployment import (
    DEPLOY,
    ROOT,
    SNIPPETS,
    active,
    combinations,
    compose,
    mounts,
    page,
    profiles,
    reached_as,
    snippet,
    variables,
)
from tests.docs.test_documents import parse, shell_lines

SERVICES = compose()["services"]
EVERY = list(itertools.chain(*(itertools.combinations(SNIPPETS, n) for n in range(4))))


def settings_with(*snippets: str) -> Settings:
    """The settings of the api with these snippets in .env."""
    given = snippet(*snippets)
    api = compose(given)["services"]["api"]
    ours = {**given, **{name: str(value) for name, value in api["environment"].items()}}
    return load_settings(None, {k: v for k, v in ours.items() if k.startswith(PREFIX)})


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


@pytest.mark.parametrize("snippets", EVERY, ids=lambda names: " + ".join(names) or "none")
def test_it_fits_the_specification(snippets: tuple[str, ...]) -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    jsonschema.validate(compose(snippet(*snippets)), schema)
    broken = compose()
    broken["services"]["api"]["healthchek"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


@pytest.mark.parametrize("snippets", EVERY, ids=lambda names: " + ".join(names) or "none")
def test_every_setting_is_one_of_the_programs(snippets: tuple[str, ...]) -> None:
    told = settings_with(*snippets)
    assert told.store.url == "http://store:6333"
    given = snippet(*snippets)
    for name in (name for name in given if name.startswith(PREFIX)):
        section, key = name.removeprefix(PREFIX).lower().split("__")
        usual = getattr(getattr(Settings(), section), key)
        if name != "FIRSTCITE__STORE__READ_CONSISTENCY":  # named, though it is the usual one
            assert getattr(getattr(told, section), key) != usual, f"{name} changes nothing"


def test_what_the_snippets_are_for() -> None:
    cluster = settings_with("cluster.env").store
    assert (cluster.replicas, cluster.write_consistency) == (2, 2)
    assert cluster.shards % 3 == 0
    assert settings_with("observability.env").server.otlp == "http://jaeger:4318"
    assert settings_with("llm.env").llm.url == "http://llm:8000/v1"
    enabled = [
        compose(given)["services"][name]["environment"]["QDRANT__CLUSTER__ENABLED"]
        for given in ({}, snippet("cluster.env"))
        for name in ("qdrant", "qdrant-2", "qdrant-3")
    ]
    assert enabled == ["false"] * 3 + ["true"] * 3


def test_the_api_is_served_where_the_others_look() -> None:
    def never() -> Engine:
        raise AssertionError

    app = create_app(Settings(), never)
    api = SERVICES["api"]
    parse(shlex.join(["firstcite", *api["command"]]))
    port = option(api["command"], "--port")
    (asked,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", api["healthcheck"]["test"][-1])
    opened = {
        handler.opt.get(OPEN) and path
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for path in handler.paths
    }
    assert asked[0] == port
    assert asked[1] in opened
    assert api["ports"] == [f"127.0.0.1:8000:{port}"]


@pytest.mark.parametrize("chosen", combinations(), ids=lambda names: " ".join(names) or "none")
def test_what_runs_needs_nothing_that_does_not(chosen: tuple[str, ...]) -> None:
    whole = compose()
    running = active(chosen)
    for service in running.values():
        depends = service.get("depends_on", ())
        assert set(depends) <= set(running)
        for name, how in depends.items() if isinstance(depends, dict) else ():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in running[name]
        assert set(service["networks"]) <= set(whole["networks"])
        for source, _ in mounts(service):
            assert source in whole["volumes"] or source.startswith("./")


def test_every_volume_is_used_by_one_service_alone_and_every_file_is_there() -> None:
    sources = [source for service in SERVICES.values() for source, _ in mounts(service)]
    named = [source for source in sources if not source.startswith("./")]
    assert sorted(named) == sorted(compose()["volumes"])
    for source in sources:
        if source.startswith("./.firstcite/secrets/"):  # made by whoever deploys
            assert Path(source).name in page("docs/deploying.md")
        elif source.startswith("./"):
            assert (ROOT / source).is_file()
    told = page("docs/deploying.md")
    for file in DEPLOY.iterdir():
        assert file.name in told, f"docs/deploying.md says nothing of {file.name}"


def test_addresses_lead_to_services() -> None:
    names = reached_as(SERVICES)
    assert names["store"] == ["qdrant", "qdrant-2", "qdrant-3"]
    assert names["llm"] == ["vllm", "llama"]
    llm = urlsplit(settings_with("llm.env").llm.url)
    for name in names[str(llm.hostname)]:
        assert option(SERVICES[name]["command"], "--port") == str(llm.port)
        assert f"127.0.0.1:{llm.port}/health" in SERVICES[name]["healthcheck"]["test"][-1]
    otlp = urlsplit(settings_with("observability.env").server.otlp)
    assert (names[str(otlp.hostname)], otlp.port) == (["jaeger"], 4318)
    redis = urlsplit(settings_with("replicas.env").server.redis)
    assert (redis.scheme, names[str(redis.hostname)], redis.port) == ("redis", ["redis"], 6379)
    assert set(SERVICES["redis"]["networks"]) & set(SERVICES["api"]["networks"])
    for number, name in enumerate(names["store"], 1):
        command = SERVICES[name]["command"]
        assert option(command, "--uri") == f"http://{name}:6335"
        if number > 1:
            assert option(command, "--bootstrap") == option(SERVICES["qdrant"]["command"], "--uri")
            assert SERVICES[name]["profiles"] == ["cluster"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_may_do_little_and_take_a_bounded_share(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert not service.get("privileged")
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert bool(service.get("read_only")) == (name != "vllm")
    image = service["image"]
    assert re.search(r":(v|server-b)?\d+(\.\d+\.\d+)?(-\w+)?$", image), image
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), f"{name} is published beyond this machine: {port}"
    if name != "jaeger":
        assert service["healthcheck"]["test"][0] == "CMD"
    for key, value in service.get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|KEY|TOKEN", key):
            assert value == "" or value.startswith("/run/secrets/"), f"{name}: {key}"


def test_only_stores_and_who_asks_them_are_in_their_network() -> None:
    assert compose()["networks"]["data"] == {"internal": True}
    inside = {name for name, service in SERVICES.items() if "data" in service["networks"]}
    stores = {"qdrant", "qdrant-2", "qdrant-3", "redis"}
    assert inside == {"api", "prometheus"} | stores
    for name in stores:
        assert set(SERVICES[name]["networks"]) == {"data"}
        assert "ports" not in SERVICES[name]


def test_every_variable_is_explained() -> None:
    told = page("docs/deploying.md") + "".join(page(f"docs/deploy/{name}") for name in SNIPPETS)
    for name in variables(page("compose.yaml")):
        assert name in told, f"docs/deploying.md says nothing of {name}"


def test_what_is_secret_stays_out_of_git_and_of_the_image() -> None:
    assert {"/.env", "/.firstcite/"} <= set(page(".gitignore").splitlines())
    assert {".env", ".firstcite", ".git"} <= set(page(".dockerignore").splitlines())


DOCKER = [line for _, line in shell_lines() if line.startswith("docker ")]
HEAD = [line[4:] for line in page("compose.yaml").splitlines() if line.startswith("#   docker")]
TAKING = {"--volume", "--user", "--env", "--entrypoint", "--cap-add"}


@pytest.mark.parametrize("line", [*DOCKER, *HEAD])
def test_every_docker_command_names_services_profiles_and_commands_that_exist(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0].partition(" | ")[0])
    assert words[:2] == ["docker", "compose"]
    words = words[2:]
    while words[0] == "--profile":
        assert words[1] in profiles()
        words = words[2:]
    verb, *rest = words
    if verb == "run":
        while rest[0].startswith("--"):
            rest = rest[2:] if rest[0] in TAKING else rest[1:]
        assert rest[0] in SERVICES
        if rest[0] == "api":
            parse(shlex.join(["firstcite", *rest[1:]]))
    else:
        assert verb in {"up", "down", "build", "pull", "logs", "ps", "restart", "stop", "config"}
        named = {word.partition("=")[0] for word in rest if not word.startswith("--")}
        assert named <= set(SERVICES)  # as it is, or as --scale says how many


def test_there_are_docker_commands_to_check() -> None:
    assert len(DOCKER) >= 8
    assert HEAD
