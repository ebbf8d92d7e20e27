"""What is loaded for good."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """Load what stays until the process ends: the garbage collector does not look at it.

    Walking through the million objects that importing torch and sentence-transformers makes would
    cost 1 s while they are loaded, 1 ms per search after that, and 1 s when the process ends.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
