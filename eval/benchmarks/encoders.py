"""How fast each runtime and precision of an encoder is on this machine, and how near to fp32.

Each is measured in processes of its own, in turn: what one has loaded or left warm helps no other,
and the memory is its own. Its fastest pass counts: what else a machine does only ever slows.
"""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from eval.markdown import table
from indexers.encoders.dense import DenseEncoder, Precision, Runtime
from indexers.encoders.probe import FLOORS, PROBE_TEXTS, Agreement, compare
from indexers.reading.run import read_paths
from rag.errors import BadInput, ModelUnavailable
from rag.settings import quiet
from rag.values import Document, Frozen, Vector

T = TypeVar("T")
Way: TypeAlias = tuple[Runtime, Precision]

EXACT: Way = ("torch", "fp32")
WAYS: tuple[Way, ...] = (EXACT, ("torch", "bf16"), ("onnx", "fp32"), ("onnx", "int8"))
TEXTS = 120  # chosen: whose vectors are compared
PASS = 40  # of them in a pass that is timed: short ones fall between what else a machine does
SENTENCES = (1, 2, 4, 8, 16)  # of a made-up text: 10 to 250 tokens
SECONDS = 4.0
ROUNDS = 2  # so that a slow minute does not hit one alone


@dataclass(frozen=True, slots=True)
class Timed(Frozen):
    """What one way of encoding the texts has taken, and the rows it gave."""

    texts_per_s: float
    memory_mb: int
    rows: Vector


@dataclass(frozen=True, slots=True)
class Measured(Frozen):
    """One way, beside fp32 on torch; `why` says why it cannot be taken, "" where it can.

    What could not be measured has no agreement and no speed.
    """

    way: Way
    why: str
    texts_per_s: float = 0.0
    ratio: float = 0.0
    memory_mb: int = 0
    agreement: Agreement | None = None


def made_up(count: int = TEXTS) -> list[str]:
    """Return texts of mixed lengths, always the same.

    >>> made_up(2)[0]
    'A lighthouse keeper was found to change the outcome in 37 of 120 cases'
    """
    return [
        " ".join(PROBE_TEXTS[(7 * i + j) % len(PROBE_TEXTS)] for j in range(size))
        for i, size in ((i, SENTENCES[i % len(SENTENCES)]) for i in range(count))
    ]


def texts_of(folder: Path, count: int = TEXTS) -> list[str]:
    """Return the first texts of a folder's documents.

    Raises:
        BadInput: there are none.
    """
    documents = (item for item in read_paths([folder]) if isinstance(item, Document))
    texts = [f"{one.title} {one.text}" for one in islice(documents, count)]
    if not texts:
        raise BadInput(
            f"{folder} holds no document: name a folder with texts, or leave --texts out"
        )
    return texts


def measured(
    texts: Sequence[str],
    model: str,
    models: Path,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    tell: Callable[[str], object] = lambda _: None,
) -> list[Measured]:
    """Return what every way of `WAYS` takes, fp32 on torch first.

    Args:
        texts: what is encoded.
        model: a folder or hub name; empty means the packaged one.
        models: the folder of exported models.
        seconds: how long each encodes, about, in all rounds.
        rounds: how often each has its turn.
        tell: told what is measured next.

    Raises:
        ModelUnavailable: it cannot be read on torch.
    """
    timed: dict[Way, list[Timed | str]] = {way: [] for way in WAYS}
    for turn in range(rounds):
        for way, times in timed.items():
            tell(f"{' '.join(way)}, round {turn + 1} of {rounds} …")
            if way[0] == "onnx" and not turn:  # what exporting takes is not what reading takes
                _apart(partial(_exported, way, model, models))
            times.append(_apart(partial(_timed, way, model, models, texts, seconds / rounds)))
    best = {way: _best(times) for way, times in timed.items()}
    exact = best[EXACT]
    if isinstance(exact, str):
        raise ModelUnavailable(exact)
    return [
        Measured(way, one) if isinstance(one, str) else _beside(way, one, exact)
        for way, one in best.items()
    ]


def fastest(found: Sequence[Measured]) -> Measured:
    """Return the fastest that can be taken."""
    return max((one for one in found if not one.why), key=lambda one: one.texts_per_s)


def shown(found: Sequence[Measured]) -> str:
    """Return a table of all, the fastest that can be taken, and the settings that take it."""
    heads = ["runtime", "precision", "texts/s", "ratio", "mean cosine", "least", "MB", ""]
    runtime, precision = fastest(found).way
    return "\n".join(
        [
            *table(heads, [_row(one) for one in found]),
            "",
            f"The fastest that is safe is {precision} on {runtime}:",
            "",
            "[encoder]",
            f'runtime = "{runtime}"',
            f'precision = "{precision}"',
        ]
    )


def figures(found: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures for a report."""
    ran = {" ".join(one.way): one for one in found if one.agreement}
    cosines = {" ".join(one.way): one.agreement for one in found if one.agreement}
    best, fp32, int8 = fastest(found), ran.get("onnx fp32"), ran.get("onnx int8")
    return {
        "texts_per_s": {name: round(one.texts_per_s, 1) for name, one in ran.items()},
        "ratio_to_torch_fp32": {name: round(one.ratio, 2) for name, one in ran.items()},
        "mean_cosine": {name: round(one.mean, 5) for name, one in cosines.items()},
        "least_cosine": {name: round(one.least, 5) for name, one in cosines.items()},
        "memory_mb": {name: one.memory_mb for name, one in ran.items()},
        "left_out": {" ".join(one.way): one.why for one in found if one.why},
        "fastest": " ".join(best.way),
        "ratio": round(int8.texts_per_s / fp32.texts_per_s, 2) if fp32 and int8 else "",
        "aim": "int8 over fp32 on ONNX Runtime: > 1, at a mean cosine ≥ .995 to fp32 on torch",
    }


def _best(times: Sequence[Timed | str]) -> Timed | str:
    """Return the fastest, with the most memory; where there is none, why."""
    ran = [one for one in times if isinstance(one, Timed)]
    if not ran:
        return str(times[0])
    fastest = max(ran, key=lambda one: one.texts_per_s)
    return replace(fastest, memory_mb=max(one.memory_mb for one in ran))


def _beside(way: Way, timed: Timed, exact: Timed) -> Measured:
    agreement = compare(exact.rows, timed.rows)
    why = "" if agreement.above(FLOORS[way[1]]) else "its vectors differ too much from fp32's"
    ratio = timed.texts_per_s / exact.texts_per_s
    return Measured(way, why, timed.texts_per_s, ratio, timed.memory_mb, agreement)


def _row(one: Measured) -> list[str]:
    if one.agreement is None:
        return [*one.way, "", "", "", "", "", one.why]
    return [
        *one.way,
        f"{one.texts_per_s:.1f}",
        f"{one.ratio:.2f}",
        f"{one.agreement.mean:.5f}",
        f"{one.agreement.least:.5f}",
        str(one.memory_mb),
        one.why,
    ]


def _apart(call: Callable[[], T]) -> T:
    """Return what a call returns in a new process."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=quiet) as executor:
        return executor.submit(call).result()


def _timed(way: Way, model: str, models: Path, texts: Sequence[str], seconds: float) -> Timed | str:
    """Return what encoding takes, or why it cannot be measured."""
    encoder = _opened(way, model, models)
    if isinstance(encoder, str):
        return encoder
    rows = encoder.encode_now(texts)  # and warm
    passes: list[float] = []
    while not passes or math.fsum(passes) < seconds:
        started = time.perf_counter()
        encoder.encode_now(texts[:PASS])
        passes.append(time.perf_counter() - started)
    encoder.close()
    return Timed(min(len(texts), PASS) / min(passes), _peak_mb(), rows)


def _opened(way: Way, model: str, models: Path) -> DenseEncoder | str:
    """Return the encoder of a way, or why there is none."""
    runtime, precision = way
    if precision == "bf16":
        from rag.cores import native_bf16  # imports torch, which the others' memory is without

        if not native_bf16():
            return "this CPU has no native bf16"
    try:
        encoder = DenseEncoder(model, precision, runtime, models)
    except ModelUnavailable as error:
        return str(error)
    if encoder.spec.precision == precision:
        return encoder
    encoder.close()
    return encoder.spec.why


def _exported(way: Way, model: str, models: Path) -> None:
    """Open an encoder once, which exports it."""
    encoder = _opened(way, model, models)
    if isinstance(encoder, DenseEncoder):
        encoder.close()


def _peak_mb() -> int:
    """Return the most memory that this process has had, 0 where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peaks[0]) // 1_024 if peaks else 0
