"""Which language model."""

from typing import Annotated, Literal

import msgspec

from rag.sections.basics import Positive, Seconds, Secret, Section, says


class LLMSettings(Section, frozen=True):
    """Which language model; the spine needs none."""

    model: Annotated[str, says("folder or name; empty means the packaged SmolLM2")] = ""
    url: Annotated[str, says("OpenAI-compatible server; empty means a local model")] = ""
    api_key: Annotated[Secret, says("key for that server")] = Secret("")
    timeout_s: Annotated[Seconds, says("limit of one try of one request to the server")] = 60.0
    concurrency: Annotated[Positive, says("requests to the server at the same time, at most")] = 16
    retries: Annotated[
        Annotated[int, msgspec.Meta(ge=0)], says("further tries after a failure that may pass")
    ] = 3
    context_window: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        says("tokens that prompt and answer may have together; 0 means what the model says"),
    ] = 0
    runtime: Annotated[
        Literal["torch", "onnx"],
        says("what computes a local model; onnx needs firstcite models export first"),
    ] = "torch"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "int8", "int4"],
        says(
            "of a local model; torch: auto takes bf16 where the CPU has it and a probe allows; "
            "onnx: auto is fp32, int8 and int4 are stored weights"
        ),
    ] = "auto"
    cache: Annotated[
        str, says("folder of converted models and kept replies; empty means the user's cache")
    ] = ""
    replies_mb: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        says("most megabytes of kept replies; 0 asks the model every time"),
    ] = 256
