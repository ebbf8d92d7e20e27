"""A Chromium of this machine, for tests of pages."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from shutil import which

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
RENEW = "FIRSTCITE_RENEW_SCREENSHOTS"
MOST_BYTES = 150_000
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window, for the tests of a file."""
    program = next(filter(None, map(which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program)
        yield started
        started.close()


def shoot(page: Page, name: str) -> None:
    """Keep what is seen in docs/images, in 256 colours, where that is asked for."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(200)  # fonts and transitions
    taken = page.screenshot(animations="disabled", caret="hide")
    if not os.environ.get(RENEW):
        return
    IMAGES.mkdir(exist_ok=True)
    picture = Image.open(BytesIO(taken)).convert("RGB")
    file = IMAGES / f"{name}.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    assert file.stat().st_size <= MOST_BYTES, f"{name}.png is larger than {MOST_BYTES:,} bytes"
