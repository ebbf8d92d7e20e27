"""What is watched is what the server tells."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.metering import Meter
from rag.settings import Settings
from rag.values import Answer, Cost, Query, Stage
from rag.wiring import Engine
from tests.docs.deployment import DEPLOY, active, compose, mounts, reached_as

DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
PANELS: dict[str, Any] = {panel["title"]: panel for panel in DASHBOARD["panels"]}
EXPRESSIONS = [target["expr"] for panel in PANELS.values() for target in panel["targets"]]
METRIC = re.compile(r"(firstcite_\w+)(\{[^}]*\})?")


def told() -> dict[str, set[str]]:
    """The labels of every sample that a server tells when everything has happened once."""
    meter = Meter()
    stage = Stage("find", 1.0, cost=Cost(calls=2, depth=1, tokens_in=1, tokens_out=1, cached=1))
    meter.began()
    meter.ended("/v1/search", "POST", 200, 0.1)
    meter.answer(Answer(Query("?"), "", (), (), "", (stage,), "no"))
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(meter.exposed().decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("title", PANELS)
def test_every_figure_of_a_panel_is_told_with_its_labels(title: str) -> None:
    known = told()
    for target in PANELS[title]["targets"]:
        expression = target["expr"]
        found = METRIC.findall(expression)
        assert found, expression
        for name, selector in found:
            assert name in known, f"{name} is told by nobody"
            chosen = set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", selector))
            grouped = {
                label.strip()
                for labels in re.findall(r"by \(([^)]*)\)", expression)
                for label in labels.split(",")
            }
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert chosen | grouped <= known[name]
            assert shown <= grouped
        assert expression.count("(") == expression.count(")")


def test_the_dashboard_shows_all_that_is_told() -> None:
    shown = {name for name, _ in METRIC.findall(" ".join(EXPRESSIONS))}
    families = {re.sub(r"_(bucket|count|sum|total|created)$", "", name) for name in told()}
    assert {re.sub(r"_(bucket|count|total)$", "", name) for name in shown} == families


def test_stages_are_watched_by_statuses_that_there_are() -> None:
    (target,) = PANELS["Stages that failed or were cut short"]["targets"]
    (chosen,) = re.findall(r'status=~"([^"]*)"', target["expr"])
    assert set(chosen.split("|")) < set(get_args(get_type_hints(Stage)["status"]))


def test_panels_lie_side_by_side_and_ask_the_provisioned_source() -> None:
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in PANELS.values()]
    assert len(set(places)) == len(places) == len(DASHBOARD["panels"])
    assert len({panel["id"] for panel in PANELS.values()}) == len(PANELS)
    sources = yaml.safe_load((DEPLOY / "grafana-datasources.yaml").read_text())["datasources"]
    known = {source["uid"] for source in sources}
    assert {panel["datasource"]["uid"] for panel in PANELS.values()} <= known
    for source in sources:
        host, port = source["url"].removeprefix("http://").split(":")
        assert host in active(("observability",))
        published = compose()["services"][host]["ports"][0]
        assert published.endswith(f":{port}")


def test_grafana_finds_the_dashboard_where_it_is_mounted() -> None:
    (provider,) = yaml.safe_load((DEPLOY / "grafana-dashboards.yaml").read_text())["providers"]
    targets = [target for _, target in mounts(compose()["services"]["grafana"])]
    assert f"{provider['options']['path']}/firstcite.json" in targets
    for kind in ("datasources", "dashboards"):
        assert f"/etc/grafana/provisioning/{kind}/firstcite.yaml" in targets


def test_prometheus_asks_whom_it_should_with_the_key_that_it_has() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    assert set(config) == {"global", "scrape_configs"}
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    names = reached_as(active(("observability",)))
    for job in jobs.values():
        assert set(job) <= {"job_name", "authorization", "dns_sd_configs"}
        (looked_up,) = job["dns_sd_configs"]
        assert looked_up["type"] == "A"
        assert set(looked_up["names"]) <= set(names)
    assert jobs["firstcite"]["dns_sd_configs"][0]["port"] == 8000
    prometheus = compose()["services"]["prometheus"]
    targets = {target for _, target in mounts(prometheus)}
    assert jobs["firstcite"]["authorization"]["credentials_file"] in targets
    assert "--config.file=/etc/prometheus/prometheus.yml" in prometheus["command"]
    assert "/etc/prometheus/prometheus.yml" in targets

    def never() -> Engine:
        raise AssertionError

    app = create_app(Settings(), never)
    assert "/metrics" in {route.path for route in app.routes}  # where Prometheus looks unless told


@pytest.fixture
def promtool() -> str:
    """Prometheus's own checker."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def test_prometheus_itself_finds_nothing_wrong(promtool: str, tmp_path: Path) -> None:
    def check(*arguments: str) -> None:
        checked = subprocess.run(
            [promtool, "check", *arguments], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr

    check("config", "--syntax-only", str(DEPLOY / "prometheus.yml"))
    filled = [one.replace("$__rate_interval", "5m").replace("$route", ".*") for one in EXPRESSIONS]
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(filled)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    check("rules", str(file))
