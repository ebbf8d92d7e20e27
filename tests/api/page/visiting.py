"""A browser on the page: what it asked for, what it complained of, and what it must never do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`), true);
"""
PATIENCE_MS = 20_000  # on a machine that does other things too
T = TypeVar("T")


class Look(TypedDict, total=False):
    """What a visitor has."""

    color_scheme: Literal["light", "dark"]
    viewport: ViewportSize
    device_scale_factor: float
    reduced_motion: Literal["reduce"]
    java_script_enabled: bool


class Reply(TypedDict, total=False):
    """What a path is answered with."""

    status: int
    body: str
    json: object
    headers: dict[str, str]
    content_type: str


def apart(does: Callable[[], T]) -> T:
    """Return what a function returns on a thread: beside Playwright's loop no other can run."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(does).result()


@dataclass
class Visit:
    """A page that was opened, with all that it did."""

    context: BrowserContext
    page: Page
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, place: str = "") -> Page:
        """Go to the page, or to a place in it, and wait until it knows what it may offer."""
        self.page.goto(f"{self.origin}/{place}")
        expect(self.page.locator("#collection option").first).to_be_attached()
        return self.page

    def ask(self, question: str) -> None:
        """Ask a question, and wait for the end of its answer."""
        self.page.fill("#question", question)
        self.page.keyboard.press("Enter")
        self.answered()

    def answered(self) -> None:
        """Wait for the end of an answer."""
        expect(
            self.page.locator("#outcome[aria-busy=false] .verdict[data-answerable]")
        ).to_be_visible()

    def check(self) -> None:
        """Nothing was asked of another origin, refused by the policy, or went wrong in a script."""
        assert not self.page.evaluate("window.violations ?? []")
        assert not self.complaints
        assert {f"{u.scheme}://{u.netloc}" for u in map(urlsplit, self.asked)} <= {self.origin}


def visit(browser: Browser, origin: str, **given: Unpack[Look]) -> Visit:
    """Return a visitor in a context of its own."""
    usual: Look = {"viewport": {"width": 1280, "height": 800}}
    look: Look = {**usual, **given}
    context = browser.new_context(**look)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.add_init_script(WATCH)
    page = context.new_page()
    made = Visit(context, page, origin.rstrip("/"))
    page.on("request", lambda request: made.asked.append(request.url))
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("console", lambda message: _heard(made, message.type, message.text))
    return made


def _heard(made: Visit, kind: str, text: str) -> None:
    if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
        made.complaints.append(text)  # a refused request is the server's to judge, not the page's


def replies(page: Page, path: str, **reply: Unpack[Reply]) -> None:
    """Let a path be answered so, whatever the server would say."""
    page.unroute(path)
    page.route(path, lambda route: route.fulfill(**reply))
