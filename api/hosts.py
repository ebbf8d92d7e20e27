"""Addresses that lead to this machine and no further."""

import ipaddress


def loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only.

    >>> loopback("127.0.0.1"), loopback("localhost"), loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
