"""Progress: a bar with rate and time left on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from rag.showing import Show

LINE_EVERY_S = 5.0
_SAYS = {
    "rebuild": "rebuilding documents",
    "read": "reading documents",
    "encode": "encoding chunks",
    "reweigh": "renewing BM25 weights",
    "optimize": "building the search index",
    "search": "searching",
    "rerank": "reranking queries",
    "judge": "judging pairs",
    "make": "making training data",
    "train": "training, updates",
}


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def showing(console: Console) -> Iterator[Show]:
    """Give a function to report progress with; writes to the console's stream, never to stdout."""
    if not console.is_terminal:
        yield _plain(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        tasks = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(_SAYS.get(stage, stage), total=total or None)
            progress.update(tasks[stage], completed=done, total=total or None)

        yield show


def _plain(console: Console) -> Show:
    last: dict[str, float] = {}
    began: dict[str, tuple[float, int]] = {}

    def show(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        first, ended = stage not in last, bool(total) and done == total
        since, before = began.setdefault(stage, (now, done))
        if first or ended or now - last[stage] >= LINE_EVERY_S:
            last[stage] = now
            count = f": {done:,}" if done or total else ""
            of = f" of {total:,}" if total else ""
            rate = (done - before) / (now - since) if now > since else 0.0
            left = f", {rate:,.0f}/s, {(total - done) / rate:,.0f} s left" if rate and total else ""
            console.print(
                f"{_SAYS.get(stage, stage)}{count}{of}{left}", highlight=False, markup=False
            )

    return show
