"""How texts become vectors."""

from typing import Annotated, Literal

import msgspec

from rag.sections.basics import Section, Share, says


class EncoderSettings(Section, frozen=True):
    """Which dense encoder, and how."""

    model: Annotated[str, says("folder or hub name; empty means the packaged MiniLM")] = ""
    runtime: Annotated[
        Literal["torch", "onnx"],
        says("what computes it; onnx exports it once; firstcite models bench-encoder compares"),
    ] = "torch"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "int8"],
        says(
            "torch: auto takes bf16 where the CPU has it and a probe shows that it is safe; onnx: "
            "auto takes int8 where a probe does"
        ),
    ] = "auto"


class SparseSettings(Section, frozen=True):
    """BM25."""

    k1: Annotated[float, msgspec.Meta(ge=0), says("term-frequency saturation")] = 0.9
    b: Annotated[Share, says("length normalisation, 0 none, 1 full")] = 0.4
    language: Annotated[str, says("stop words and stemmer")] = "english"
