"""How answers are made, from the settings."""

from pathlib import Path

from rag.abstain import Calibrated, Floor
from rag.calibration_file import read_calibration
from rag.generate.choosing import Limits
from rag.generate.extractive import Extractive, Gate
from rag.packing import Packing
from rag.seams import Encoder
from rag.sections import AnswerSettings


def extractive(answer: AnswerSettings, encoder: Encoder) -> Extractive:
    """Return the generator that quotes.

    Raises:
        BadSettings: the file of `answer.calibration` is missing, damaged, or of another encoder.
    """
    gate: Gate = Floor(answer.floor)
    if answer.calibration:
        fingerprint = encoder.spec.fingerprint
        gate = Calibrated(read_calibration(Path(answer.calibration), fingerprint), encoder)
    return Extractive(encoder, gate, Limits(answer.sentences, answer.words))


def packing(answer: AnswerSettings) -> Packing:
    """Return what may be packed for an answer."""
    return Packing(
        answer.passages, answer.tokens, answer.per_document, answer.passage_floor, answer.order
    )
