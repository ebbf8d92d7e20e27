"""Which addresses are reachable from this machine only."""

import pytest

from api.hosts import loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_addresses_are_known(host: str) -> None:
    assert loopback(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "", "192.168.1.4", "10.0.0.1", "example.org", "localhost.evil.example"],  # noqa: S104 - the point of the test
)
def test_every_other_address_is_reachable_by_others(host: str) -> None:
    assert not loopback(host)
