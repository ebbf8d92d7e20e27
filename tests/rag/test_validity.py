"""Instants are told in one form, whose letters sort as they do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.values import Validity, instant, now

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=ZONES).filter(lambda moment: 1 < moment.year < 9999)


@given(MOMENTS, MOMENTS)
def test_letters_sort_as_instants_do_whatever_their_zones(one: datetime, other: datetime) -> None:
    told = [instant(moment.isoformat()) for moment in (one, other)]
    seconds = [moment.astimezone(UTC).replace(microsecond=0) for moment in (one, other)]
    assert (told[0] < told[1], told[0] == told[1]) == (
        seconds[0] < seconds[1],
        seconds[0] == seconds[1],
    )


@given(MOMENTS)
def test_an_instant_is_told_as_it_is_and_can_be_read_again(moment: datetime) -> None:
    told = instant(moment.isoformat())
    assert instant(told) == told
    read = datetime.fromisoformat(told)
    assert (read if read.tzinfo else read.replace(tzinfo=UTC)) == moment.replace(microsecond=0)


@given(st.text(max_size=30))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    assert instant(instant(text)) == instant(text)


@pytest.mark.parametrize(
    "text", ["", "May 2024", "2024-13", "2024-02-30", "24", "0001-01-01T00:00+12:00", "2024-05-"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert instant(text) == ""


def test_the_present_is_an_instant_without_a_gap_to_what_was_and_will_be() -> None:
    present = now()
    assert instant(present) == present
    assert Validity("2000-01-01", "9999-01-01").holds(now())
    assert Validity().holds(now())
