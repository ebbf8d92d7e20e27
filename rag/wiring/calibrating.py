"""Calibrating an engine's answers on labelled questions."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rag.abstain import Calibration, evidence
from rag.calibrate import Fact, calibrate
from rag.packing import pack
from rag.quoting.lines import read
from rag.values import Query
from rag.wiring.engine import Engine


async def calibrated(
    engine: Engine, name: str, labelled: Sequence[tuple[str, bool]], wrong_at_most: float | None
) -> Calibration:
    """Return when to answer, fitted on questions put to a collection; the engine is closed.

    Raises:
        BadInput: as `rag.calibrate.calibrate`.
        RagError: from the engine.
    """
    try:
        path = await engine.collection(name)
        facts: list[Fact] = []
        for question, label in labelled:
            context = pack(await path.search(Query(question)), path.parts.packing)
            found = await read(context, engine.encoder)
            if found.lines:  # without any, nothing is answered, whatever the gate
                facts.append((await evidence(context, found, engine.encoder), label))
        made = datetime.now(UTC).date()
        return calibrate(facts, engine.encoder.spec.fingerprint, made, wrong_at_most)
    finally:
        await engine.close()
