"""Encoding across machines: windows are encoded by actors of a Ray cluster.

Ray Data gives batches to actors that have the encoder open, starts those anew that die, and gives
their batches to others. Nothing else knows about Ray, and it is imported only here.
"""

import asyncio
import os
import socket
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from indexers.bulk.gathering import Gathering, gathered
from indexers.bulk.windows import Encode, Encoded, Window
from rag.errors import CollectionMismatch, ModelUnavailable, RagError
from rag.lanes import Lane
from rag.seams import Encoder
from rag.settings import QUIET, quiet
from rag.values import Frozen, Vector

TRIES = 3  # chosen: of a batch that fails, of a batch whose actor dies, of opening an encoder
REACH_S = 10.0  # chosen
ONE_CORE = {**QUIET, "OMP_NUM_THREADS": "1"}  # an actor's environment: actors do not fight
_FAILED = "the encoder failed"  # what Ray tries again
_ANNOTATED = "\nFailed to apply UDF transform"  # where Ray adds its own to a message

OpenEncoder: TypeAlias = Callable[[], Encoder]
"""Opens the encoder of the run in any process; it is pickled."""

Batches: TypeAlias = Generator[Mapping[str, Any], None, None]


@dataclass(frozen=True, slots=True)
class Cluster(Frozen):
    """Where to encode: "" starts a cluster on this machine; 0 actors are one for each core.

    `batch` is how many texts an actor is given at a time.
    """

    address: str = ""
    actors: int = 0
    batch: int = 512


def across(open_encoder: OpenEncoder, cluster: Cluster) -> Encode:
    """Return the stage that encodes on a cluster.

    Raises:
        ModelUnavailable: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise ModelUnavailable("the engine ray needs Ray: pip install 'firstcite[ray]'")
    return partial(_encoded, open_encoder=open_encoder, cluster=cluster)


async def _encoded(
    given: AsyncIterator[Window], encoder: Encoder, open_encoder: OpenEncoder, cluster: Cluster
) -> AsyncGenerator[Encoded, None]:
    """Yield the windows with their vectors; a text is encoded once in what is gathered.

    Raises:
        CollectionMismatch: the cluster opens another encoder.
        ModelUnavailable: there is no such cluster, or encoding fails there for good.
    """
    session = _Session(open_encoder, encoder.spec.fingerprint, cluster)
    try:
        async with aclosing(gathered(given)) as lists:
            async for windows in lists:
                async with aclosing(_done(windows, encoder.spec.dimension, session)) as done:
                    async for window in done:
                        yield window
    finally:
        await session.close()


async def _done(
    windows: Sequence[Window], dimension: int, session: "_Session"
) -> AsyncGenerator[Encoded, None]:
    gathering = Gathering(windows, dimension)
    for window in gathering.leaving():
        yield window
    async with aclosing(session.encode(gathering.texts)) as batches:
        async for places, rows in batches:
            gathering.keep(places, rows)
            for window in gathering.leaving():
                yield window
    if gathering.missing:
        raise ModelUnavailable(
            f"Ray gave back {gathering.missing} vectors too few: run again to go on"
        )


class _Session:
    """The connection with a cluster, made when there is something to encode."""

    def __init__(self, open_encoder: OpenEncoder, fingerprint: str, cluster: Cluster) -> None:
        self._actor = (open_encoder, fingerprint)
        self._cluster = cluster
        self._lane = Lane("ray")
        self._ours = False

    async def encode(
        self, texts: Sequence[str]
    ) -> AsyncGenerator[tuple[Sequence[int], Vector], None]:
        """Yield the vectors of the texts, with their places, in the order in which they come."""
        if not texts:
            return
        batches = await self._lane.run(self._begin, texts)
        try:
            while batch := await self._lane.run(_next, batches):
                yield batch
        finally:
            if not self._ours:  # what is ours ends as a whole
                await self._lane.run(batches.close)

    async def close(self) -> None:
        """Leave the cluster, and end it if it was started here; a batch in flight is given up."""
        await self._leave()
        self._lane.close()
        await self._leave()  # where it was just being started

    async def _leave(self) -> None:
        if self._ours:
            import ray

            self._ours = False
            with closing(Lane("ray-end")) as lane:  # ours may be waiting for what this ends
                await lane.run(ray.shutdown)

    def _begin(self, texts: Sequence[str]) -> Batches:
        """Return the batches to come; opens the encoders."""
        self._connect()
        from ray.data import ActorPoolStrategy, DataContext, from_arrow

        size = self._cluster.batch
        tables = [_table(texts, start, size) for start in range(0, len(texts), size)]
        with DataContext.current(_context(DataContext.get_current().copy())):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # max_task_retries is to get another name
                encoded = from_arrow(tables).map_batches(
                    EncodingActor,
                    fn_constructor_args=self._actor,
                    batch_size=size,
                    batch_format="numpy",
                    compute=ActorPoolStrategy(size=min(len(tables), self._actors())),
                    num_cpus=1,
                    runtime_env={"env_vars": ONE_CORE},
                    max_task_retries=TRIES - 1,
                )
            batches: Batches = iter(encoded.iter_batches(batch_size=None, batch_format="numpy"))
            return batches

    def _connect(self) -> None:
        quiet()
        import ray

        if ray.is_initialized():
            return
        address = self._cluster.address
        here = {
            "num_cpus": self._cluster.actors or len(os.sched_getaffinity(0)),
            "include_dashboard": False,
        }
        try:
            _reach(address)
            ray.init(
                address=address or "local",
                logging_level="CRITICAL",
                log_to_driver=False,
                **({} if address else here),
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelUnavailable(
                f"no Ray cluster at '{address}': {_said(error)}. Start one with ray start --head "
                "or leave index.ray_address empty for one on this machine"
            ) from None
        self._ours = True

    def _actors(self) -> int:
        import ray

        return self._cluster.actors or max(1, int(ray.cluster_resources().get("CPU", 1)))


def _reach(address: str) -> None:
    """Connect once, where an address has a port: Ray would try for minutes.

    Raises:
        OSError: nobody answers.
    """
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), REACH_S).close()


class EncodingActor:
    """Has the encoder open, on one core, and encodes batch after batch: runs on the cluster."""

    def __init__(self, open_encoder: OpenEncoder, fingerprint: str) -> None:
        self._runner = asyncio.Runner()
        self._encoder = _opened(open_encoder, fingerprint)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the vectors of the texts, with their places.

        Raises:
            RagError: the encoder could not be opened, is another one, or says why it cannot.
            RuntimeError: the encoder failed.
        """
        if isinstance(self._encoder, RagError):
            raise self._encoder
        try:
            rows = self._runner.run(self._encoder.encode(batch["text"].tolist(), "document"))
        except RagError:
            raise
        except Exception as error:  # noqa: BLE001 - tried again, then told
            raise RuntimeError(f"{_FAILED}: {type(error).__name__}: {error}") from None
        return {"place": batch["place"], "vector": rows}


def _opened(open_encoder: OpenEncoder, fingerprint: str) -> Encoder | RagError:
    """Return the encoder, or why it cannot serve: Ray tells more of errors in batches."""
    try:
        encoder = open_encoder()
    except RagError as error:
        return error
    if encoder.spec.fingerprint != fingerprint:
        return CollectionMismatch(
            f"a machine of the cluster opens the encoder {encoder.spec.fingerprint}, this one "
            f"{fingerprint}: give all of them the same encoder.model and versions"
        )
    return encoder


def _context(context: Any) -> Any:  # noqa: ANN401 - Ray's DataContext
    """Return the context, quiet, in which what fails is tried again, and not for ever."""
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True
    context.retried_map_errors = [_FAILED]
    context.max_map_retries = TRIES - 1
    context.max_consecutive_actor_init_deaths = TRIES - 1
    return context


def _table(texts: Sequence[str], start: int, size: int) -> pa.Table:
    part = texts[start : start + size]
    return pa.table({"place": np.arange(start, start + len(part)), "text": part})


def _next(batches: Batches) -> tuple[Sequence[int], Vector] | None:
    """Return the next batch that is encoded; None after the last one."""
    try:
        batch = next(batches, None)
    except Exception as error:  # noqa: BLE001 - Ray raises what it wants
        raise _translated(error) from None
    return (batch["place"], batch["vector"]) if batch else None


def _translated(error: Exception) -> RagError:
    cause = getattr(error, "cause", None) or error  # what a task of Ray's failed with
    if isinstance(cause, RagError):
        return type(cause)(_said(cause))
    return ModelUnavailable(
        f"encoding on Ray failed: {_said(cause)}. What is written stays, run again to go on; if an "
        "actor died for want of memory, set index.ray_actors or index.ray_batch lower"
    )


def _said(error: Exception) -> str:
    """Return what an error says, without Ray's notes and the trace in its middle."""
    text = str(error).partition(_ANNOTATED)[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(error, RagError):
        return " ".join(lines)
    return " … ".join(dict.fromkeys([*lines[:1], *lines[-1:]])) or type(error).__name__
