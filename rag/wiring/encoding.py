"""The encoder of the settings, and who encodes with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from indexers.bulk.windows import Encode, encoded
from rag.sections import LLMSettings
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


def open_stage(settings: Settings) -> Encode:
    """Return who encodes when documents are indexed: this process, or a cluster.

    Raises:
        ModelUnavailable: a cluster, and Ray is not installed.
    """
    index = settings.index
    if index.engine == "local":
        return encoded
    from indexers.bulk.across import Cluster, across

    # no keys of stores and language models go to the cluster
    needed = Settings(encoder=settings.encoder, llm=LLMSettings(cache=settings.llm.cache))
    cluster = Cluster(index.ray_address, index.ray_actors, index.ray_batch)
    return across(partial(open_encoder, needed), cluster)
