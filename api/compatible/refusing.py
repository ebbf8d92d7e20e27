"""Errors of the routes that OpenAI's clients ask, in the shape that these read."""

from typing import Any

from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec

from api.model_problems import http_problem, rag_problem, unexpected
from api.model_schemas import Refusal
from api.problems import WHEN
from rag.errors import RagError

HANDLERS: dict[int | type[Exception], Any] = {
    RagError: rag_problem,
    HTTPException: http_problem,
    Exception: unexpected,
}
"""What answers errors of such a route."""


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Return what OpenAPI says about the errors of such a route."""
    return {
        status: ResponseSpec(Refusal, generate_examples=False, description=WHEN[status])
        for status in statuses
    }
