"""Waiting before another try: longer each time, never in step, never sooner than asked."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from rag.backoff import LONGEST_S, asked_for, wait_s


@given(st.integers(1, 40), st.floats(0.001, 2), st.floats(0, 60))
def test_a_wait_is_within_what_doubles_with_every_try_and_not_sooner_than_asked(
    attempt: int, first_s: float, least_s: float
) -> None:
    most = min(LONGEST_S, first_s * 2.0 ** (attempt - 1))
    assert least_s <= wait_s(attempt, first_s, least_s) <= max(most, least_s)


def test_two_waits_are_not_the_same() -> None:
    assert len({wait_s(5) for _ in range(20)}) > 1


@given(st.text())
def test_whatever_a_server_asks_for_is_a_number_of_seconds(said: str) -> None:
    assert 0 <= asked_for(said) < math.inf


def test_a_date_is_so_many_seconds_from_now() -> None:
    later = datetime.now(UTC) + timedelta(seconds=100)
    assert 98 < asked_for(format_datetime(later, usegmt=True)) <= 100
    assert asked_for("inf") == asked_for("nan") == 0.0
