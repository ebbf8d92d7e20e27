"""The report of the example experiment with the packaged models, as the documentation shows it."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from eval.tables import ROOT
from tests.browsing import shoot

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    arguments = ["eval", "run", str(ROOT / "examples" / "experiment.toml"), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "rag", *arguments], check=True, cwd=ROOT)
    return out / "report.html"


def test_the_report_looks_as_the_documentation_shows_it(browser: Browser, file: Path) -> None:
    page = browser.new_page(device_scale_factor=1.5, viewport={"width": 1000, "height": 1150})
    page.goto(file.as_uri())
    assert "dense beats bm25" in page.locator("body").inner_text()
    shoot(page, "report")
    page.close()
