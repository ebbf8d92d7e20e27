"""The encoder of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.settings import Settings, models_folder

if TYPE_CHECKING:
    from indexers.encoders.dense import DenseEncoder


def open_encoder(settings: Settings) -> DenseEncoder:
    """Return the dense encoder that the settings describe, loaded; exported where that is new.

    Raises:
        ModelUnavailable: it cannot be loaded or exported.
        BadSettings: encoder.precision is none of encoder.runtime's.
    """
    from indexers.encoders.dense import DenseEncoder

    of = settings.encoder
    return DenseEncoder(of.model, of.precision, of.runtime, models_folder(settings))
