"""What becomes of the validity of a chunk that a later one contradicts."""

from dataclasses import replace

from rag.values import Validity


def ended(validity: Validity, at: str, by: str) -> Validity:
    """Return a validity that ends when the superseding chunk begins, or ended earlier.

    Of several that supersede the first one counts, ties by id; so their order does not matter.

    >>> ended(Validity("2020-01-01", "2022-01-01", "b"), "2024-01-01", "c").superseded_by
    'b'
    >>> ended(Validity("2020-01-01", "2022-01-01", "b"), "2021-01-01", "c").superseded_by
    'c'
    """
    if validity.valid_to and (validity.valid_to, validity.superseded_by) <= (at, by):
        return validity
    return replace(validity, valid_to=at, superseded_by=by)
