"""The encoder of the settings, and who encodes with it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from indexers.bulk.windows import Encode, encoded
from indexers.encoders.known import Cutting, OnDemand, name_of, recall, remember
from indexers.encoders.packaged import packaged_model
from rag.errors import BadSettings
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


def encoder_on_demand(settings: Settings) -> Cutting:
    """Return the encoder that the settings describe; loaded to encode, where it is known.

    Raises:
        ModelUnavailable, BadSettings: as `open_encoder`.
    """
    of = settings.encoder
    model = Path(of.model) if of.model else packaged_model()
    if not model.is_dir():  # a hub name: what it stands for may change
        return open_encoder(settings)
    name = name_of(model, of.precision, of.runtime)
    file = models_folder(settings) / "encoders" / f"{name}.json"
    if known := recall(file):
        return OnDemand(known, lambda: open_encoder(settings), lambda: file.unlink(missing_ok=True))
    encoder = open_encoder(settings)
    remember(file, encoder)
    return encoder


def open_stage(settings: Settings) -> Encode:
    """Return who encodes when documents are indexed: this process, or a cluster.

    Raises:
        ModelUnavailable: a cluster, and Ray is not installed.
        BadSettings: a cluster, and chunks are to be read with their neighbours.
    """
    index = settings.index
    if index.engine == "local":
        return encoded
    if index.late:
        raise BadSettings("index.late is not for a cluster: set index.engine to local")
    from indexers.bulk.across import Cluster, across

    # no keys of stores and language models go to the cluster
    needed = Settings(encoder=settings.encoder, llm=LLMSettings(cache=settings.llm.cache))
    cluster = Cluster(index.ray_address, index.ray_actors, index.ray_batch)
    return across(partial(open_encoder, needed), cluster)
