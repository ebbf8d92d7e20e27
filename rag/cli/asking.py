"""What `firstcite search` and `firstcite ask` have in common: who asks, and how it is handled."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, BinaryIO

import click

from rag.cli.history import read_history
from rag.cli.root import filter_option, principal_option, tenant_option
from rag.errors import BadFilter
from rag.filters import parse_where
from rag.plan import TREATMENTS
from rag.values import Query, Superseded, Where

_OPTIONS = (
    click.option("-k", default=10, show_default=True, help="How many chunks."),
    click.option(
        "--preset", default="", help="fast, balanced or quality; by default search.preset."
    ),
    click.option(
        "--expand", multiple=True, help="An expansion, such as rocchio; may be given several times."
    ),
    click.option("--route", help="Who decides whether it is searched for: rules, claims, …."),
    click.option("--iterate", help="How several steps are taken: decompose, ircot, …."),
    click.option(
        "--history",
        type=click.File("rb"),
        metavar="FILE",
        help='What was said before: lines {"role": "user", "content": "…"}; - is standard input.',
    ),
    click.option(
        "--explain", is_flag=True, help="Say what every stage did and what each branch looked for."
    ),
    click.option(
        "--superseded",
        type=click.Choice(TREATMENTS),
        help="What becomes of superseded passages; by default search.superseded.",
    ),
    click.option("--as-of", metavar="DATE", help="Find only what held at this ISO date."),
    tenant_option,
    principal_option,
    filter_option,
)


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options, and give the command the `query` that they describe, without its text."""

    @wraps(command)
    def asked(
        k: int,
        preset: str,
        history: BinaryIO | None,
        tenant: str,
        principals: tuple[str, ...],
        filters: str | None,
        superseded: Superseded | None,
        as_of: str | None,
        **others: Any,  # noqa: ANN401 - what the command itself takes
    ) -> None:
        given = {name: others.pop(name) for name in ("expand", "route", "iterate")}
        query = Query(
            "",
            k,
            where_of(filters),
            tenant,
            history=read_history(history) if history else (),
            preset=preset,
            changes={name: value for name, value in given.items() if value},
            principals=principals or None,
            superseded=superseded or "",
            as_of=as_of or "",
        )
        command(query=query, **others)

    whole: Callable[..., None] = asked
    for option in reversed(_OPTIONS):
        whole = option(whole)
    return whole


def where_of(filters: str | None) -> Where:
    """Return the conditions of `--filter`.

    Raises:
        BadFilter: it cannot be read.
    """
    if filters is None:
        return ()
    try:
        decoded = json.loads(filters)
    except (ValueError, RecursionError) as error:
        raise BadFilter(f'--filter is not JSON ({error}): e.g. {{"metadata.kind": "x"}}') from None
    return parse_where(decoded)
