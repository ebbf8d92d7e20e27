"""Fitting when to answer, on questions of which it is known whether they can be answered."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from rag.abstain import Calibration
from rag.errors import BadInput
from rag.logistic import Logistic, Term
from rag.route.fitting import Example, fit

Fact: TypeAlias = tuple[Mapping[str, float], bool]
"""Features by name, and whether what they are to tell is so."""

LEAST = 20  # chosen: with fewer, one question is worth more than 5 %
_FOLDS = 5
_L2 = 10.0  # chosen; on CLAP NQ dev 3 to 100 differ by .003 AUC, held out
_SHAPE = '{"question": "…", "answerable": true}'


class _Line(msgspec.Struct):
    """A line of a file of labelled questions, or of the queries of a BEIR folder."""

    question: str = ""
    text: str = ""
    answerable: bool | None = None
    metadata: dict[str, object] = msgspec.field(default_factory=dict)


def read_labelled(path: Path) -> tuple[tuple[str, bool], ...]:
    """Return questions, each with whether it can be answered.

    Args:
        path: JSON lines with `question` and `answerable`, or queries of a BEIR folder whose
            metadata says `answerable`.

    Raises:
        BadInput: the file cannot be read, or a line has no question or no label; it names the line.
    """
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: name a readable file of questions") from None
    return tuple(
        _labelled(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()
    )


def _labelled(line: bytes, where: str) -> tuple[str, bool]:
    try:
        read = msgspec.json.decode(line, type=_Line)
    except ValueError as error:  # of UTF-8, and msgspec's own
        raise BadInput(f"{where}: {error}: write {_SHAPE}") from None
    label = read.metadata.get("answerable") if read.answerable is None else read.answerable
    question = (read.question or read.text).strip()
    if not question or not isinstance(label, bool):
        raise BadInput(f"{where}: a question and whether it can be answered are wanted: {_SHAPE}")
    return question, label


def calibrate(
    facts: Sequence[Fact], encoder: str, made: date, wrong_at_most: float | None = None
) -> Calibration:
    """Return when to answer, fitted on all questions, its threshold on those held out.

    Args:
        facts: the evidence (`rag.abstain.evidence`) of each question, and whether it can be
            answered.
        encoder: fingerprint of the encoder that the evidence was made with.
        made: the date that it will bear.
        wrong_at_most: the largest share of unanswerable questions that may be answered; None
            weighs both kinds of error alike.

    Raises:
        BadInput: fewer than 20 questions, or fewer than five of a kind.
    """
    labels = np.array([label for _, label in facts], bool)
    yes, no = int(labels.sum()), int((~labels).sum())
    if len(facts) < LEAST or min(yes, no) < _FOLDS:
        raise BadInput(
            f"{yes} answerable and {no} unanswerable questions: {LEAST} in all are wanted, and "
            f"{_FOLDS} of each kind"
        )
    likely = held_out(facts, made)
    threshold = _threshold(likely, labels, wrong_at_most)
    return Calibration(
        model=fitted(facts, made),
        threshold=threshold,
        encoder=encoder,
        made=made,
        counts={"answerable": yes, "unanswerable": no},
        held_out={
            "auc": auc(likely[labels], likely[~labels]),
            "right": float((likely[labels] >= threshold).mean()),
            "wrong": float((likely[~labels] >= threshold).mean()),
        },
    )


def fitted(facts: Sequence[Fact], made: date, l2: float = _L2) -> Logistic:
    """Return the model that makes the facts most likely, under a penalty, as the router's is.

    Raises:
        BadInput: as `rag.route.fitting.fit`.
    """
    kinds: Mapping[bool, str] = {False: "A", True: "B"}
    model = fit([Example(x, "B" if label else "A") for x, label in facts], made, l2)
    no, yes = (model.kinds.index(kind) for kind in kinds.values())
    weights = zip(model.weights[yes], model.weights[no], strict=True)
    terms = [
        Term(up - down, mean, scale)
        for (up, down), mean, scale in zip(weights, model.means, model.scales, strict=True)
    ]
    return Logistic(
        model.biases[yes] - model.biases[no], dict(zip(model.features, terms, strict=True))
    )


def held_out(facts: Sequence[Fact], made: date, seed: int = 0) -> npt.NDArray[np.float64]:
    """Return each fact's probability, (n,), by a model that was fitted without its fifth of them.

    The fifths are shuffled, and have as many of each label.
    """
    order = sorted(np.random.default_rng(seed).permutation(len(facts)), key=lambda i: facts[i][1])
    likely = np.zeros(len(facts))
    for fold in range(_FOLDS):
        out = set(order[fold::_FOLDS])
        model = fitted([fact for i, fact in enumerate(facts) if i not in out], made)
        for i in out:
            likely[i] = model.probability(facts[i][0])
    return likely


def auc(yes: npt.NDArray[np.float64], no: npt.NDArray[np.float64]) -> float:
    """Return how often one of the first is above one of the second; ties count half.

    >>> auc(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    above = yes[:, None] - no[None, :]  # (yes, no)
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def _threshold(
    likely: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_], wrong_at_most: float | None
) -> float:
    """Return the threshold with the most right answers, less the wrong ones or under their limit.

    Of several, the highest.
    """

    def worth(threshold: float) -> float:
        right = float((likely[labels] >= threshold).mean())
        wrong = float((likely[~labels] >= threshold).mean())
        if wrong_at_most is None:
            return right - wrong
        return right if wrong <= wrong_at_most else -1.0

    candidates: list[float] = sorted({*likely.tolist(), 1.0}, reverse=True)
    return max(candidates, key=worth)
