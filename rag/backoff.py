"""How long to wait before trying again."""

import email.utils
import random
from datetime import UTC, datetime

FIRST_S = 0.25
LONGEST_S = 8.0  # chosen: the most that backing off doubles up to
_JITTER = random.SystemRandom()


def wait_s(attempt: int, first_s: float = FIRST_S, least_s: float = 0.0) -> float:
    """Return the seconds to wait after a failed try, exponential with full jitter.

    AWS Architecture Blog, Brooker 2015: uniform between 0 and what doubles with every try.

    Args:
        attempt: the number of the try that failed, from 1 on.
        first_s: the most to wait after the first one.
        least_s: what the server asked for.
    """
    most = min(LONGEST_S, first_s * 2.0 ** (attempt - 1))
    return max(least_s, _JITTER.uniform(0.0, most))


def asked_for(retry_after: str) -> float:
    """Return the seconds that a Retry-After header asks for: a number or an HTTP date; else 0.

    >>> asked_for("2.5"), asked_for("-1"), asked_for("soon"), asked_for("")
    (2.5, 0.0, 0.0, 0.0)
    >>> asked_for("Wed, 21 Oct 2015 07:28:00 GMT")
    0.0
    """
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            until = email.utils.parsedate_to_datetime(retry_after)
            seconds = (until - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0
