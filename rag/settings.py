"""Settings: defaults ← `firstcite.toml` ← environment (`FIRSTCITE__STORE__URL=…`).

One struct per section; every field has a default and a sentence that `docs/settings.md` repeats
(a test compares them). Unknown keys are refused by name, secrets are masked wherever a settings
value is printed. Nothing here is read at import.
"""

import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from rag.errors import BadSettings

PREFIX = "FIRSTCITE__"
FILE = "firstcite.toml"
MASK = "********"

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]  # what Qdrant takes
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Secret(str):
    """A string that prints as a mask; use it as a string where it is needed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK if len(self) else "")


def _says(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the settings file."""


class StoreSettings(Section, frozen=True):
    """Where the points live."""

    path: Annotated[str, _says("folder of the embedded store, one folder per collection")] = (
        ".firstcite"
    )
    url: Annotated[str, _says("address of a Qdrant server; empty means the embedded store")] = ""
    api_key: Annotated[Secret, _says("key for that server")] = Secret("")
    timeout_s: Annotated[float, msgspec.Meta(gt=0), _says("limit of one call to the server")] = 30.0
    grpc: Annotated[bool, _says("talk gRPC to the server (faster) instead of HTTP")] = True
    grpc_port: Annotated[Annotated[int, msgspec.Meta(ge=1, le=65535)], _says("its gRPC port")] = (
        6334
    )
    shards: Annotated[Positive, _says("shards of a new collection on a cluster")] = 1
    replicas: Annotated[Positive, _says("copies of each shard on a cluster")] = 1


class EncoderSettings(Section, frozen=True):
    """Which dense encoder, and how."""

    model: Annotated[str, _says("folder or hub name; empty means the packaged MiniLM")] = ""
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        _says("auto takes bf16 where the CPU has it and a probe shows that it is safe"),
    ] = "auto"


class SparseSettings(Section, frozen=True):
    """BM25."""

    k1: Annotated[float, msgspec.Meta(ge=0), _says("term-frequency saturation")] = 0.9
    b: Annotated[Share, _says("length normalisation, 0 none, 1 full")] = 0.4
    language: Annotated[str, _says("stop words and stemmer")] = "english"


class IndexSettings(Section, frozen=True):
    """How documents become chunks."""

    splitter: Annotated[
        Literal["recursive", "none"],
        _says("recursive cuts by structure, none keeps documents whole"),
    ] = "recursive"
    chunk_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=16)], _says("largest chunk, in tokens of the encoder")
    ] = 192
    max_line_bytes: Annotated[
        Positive, _says("a line longer than this is reported and skipped")
    ] = 16 * 1024 * 1024


class SearchSettings(Section, frozen=True):
    """How queries find chunks."""

    fusion: Annotated[
        Literal["rrf", "dbsf", "convex"], _says("how the branches' rankings become one")
    ] = "dbsf"
    depth: Annotated[Positive, _says("hits fetched per branch, at least k")] = 100
    rrf_k: Annotated[Positive, _says("the constant of reciprocal rank fusion")] = 60
    dense_weight: Annotated[Share, _says("the dense branch's share; BM25 has the rest")] = 0.5


class AnswerSettings(Section, frozen=True):
    """How answers are made."""

    passages: Annotated[Positive, _says("chunks an answer may cite")] = 5
    sentences: Annotated[Positive, _says("sentences in an answer, at most")] = 3
    floor: Annotated[
        Annotated[float, msgspec.Meta(ge=-1, le=1)],
        _says("cosine of question and sentence below which nothing is quoted"),
    ] = 0.44


class LLMSettings(Section, frozen=True):
    """Which language model; the spine needs none."""

    model: Annotated[str, _says("folder or name; empty means the packaged SmolLM2")] = ""
    url: Annotated[str, _says("OpenAI-compatible server; empty means a local model")] = ""
    api_key: Annotated[Secret, _says("key for that server")] = Secret("")
    timeout_s: Annotated[
        Annotated[float, msgspec.Meta(gt=0)], _says("limit of one try of one request to the server")
    ] = 60.0
    concurrency: Annotated[Positive, _says("requests to the server at the same time, at most")] = 16
    retries: Annotated[
        Annotated[int, msgspec.Meta(ge=0)], _says("further tries after a failure that may pass")
    ] = 3
    context_window: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        _says("tokens that prompt and answer may have together; 0 means what the model says"),
    ] = 0
    runtime: Annotated[
        Literal["torch", "onnx"],
        _says("what computes a local model; onnx needs firstcite models export first"),
    ] = "torch"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "int8", "int4"],
        _says(
            "of a local model; torch: auto takes bf16 where the CPU has it and a probe allows; "
            "onnx: auto is fp32, int8 and int4 are stored weights"
        ),
    ] = "auto"
    cache: Annotated[
        str, _says("folder of converted models and kept replies; empty means the user's cache")
    ] = ""
    replies_mb: Annotated[
        Annotated[int, msgspec.Meta(ge=0)],
        _says("most megabytes of kept replies; 0 asks the model every time"),
    ] = 256


class ServerSettings(Section, frozen=True):
    """The HTTP face."""

    host: Annotated[str, _says("address to listen on; loopback only by default")] = "127.0.0.1"
    port: Annotated[Annotated[int, msgspec.Meta(ge=0, le=65535)], _says("0 takes a free one")] = (
        8000
    )
    collection: Annotated[str, _says("collection that requests use when they name none")] = (
        "default"
    )
    max_body_bytes: Annotated[Positive, _says("largest request body")] = 1024 * 1024


class Settings(Section, frozen=True):
    """Everything that can be set."""

    store: StoreSettings = StoreSettings()
    encoder: EncoderSettings = EncoderSettings()
    sparse: SparseSettings = SparseSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()
    llm: LLMSettings = LLMSettings()
    server: ServerSettings = ServerSettings()


def models_folder(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of converted models: in the setting's, or in the user's cache folder."""
    return _cache(settings, environment) / "models"


def replies_folder(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of kept replies: in the setting's, or in the user's cache folder."""
    return _cache(settings, environment) / "replies"


def load_settings(
    file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings in effect.

    Args:
        file: a TOML file; by default `firstcite.toml` in the working folder, where there is one.
        environment: variables; by default the process's.

    Raises:
        BadSettings: an unknown section or key, a value of the wrong type or out of range, a file
            that is named but missing, or no TOML.
    """
    tables = _read(Path(FILE) if file is None else file, required=file is not None)
    for name, value in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(PREFIX):
            _set(tables, name, value)
    try:
        return msgspec.convert(tables, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise BadSettings(f"settings: {error}. Known: {known_keys(str(error))}") from None


def known_keys(message: str = "") -> str:
    """Return the keys of the section that an error message points at, or the sections."""
    for section in msgspec.structs.fields(Settings):
        if f"$.{section.name}" in message:
            keys = msgspec.structs.fields(type(section.default))
            return ", ".join(f"{section.name}.{key.name}" for key in keys)
    return ", ".join(section.name for section in msgspec.structs.fields(Settings))


QUIET = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "true",
    "TQDM_DISABLE": "1",
}


def quiet() -> None:
    """Switch off what libraries would send or print: telemetry, progress bars, chatter.

    Must run before they are imported; what the user has set stays.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in ("haystack", "sentence_transformers", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _cache(settings: Settings, environment: Mapping[str, str] | None) -> Path:
    if settings.llm.cache:
        return Path(settings.llm.cache)
    home = (os.environ if environment is None else environment).get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "firstcite"


def _read(file: Path, *, required: bool) -> dict[str, dict[str, object]]:
    if not required and not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadSettings(f"{file}: {error.strerror}: name a readable settings file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{file}: not a TOML file: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise BadSettings(f"{file}: '{name}' stands outside a section. Known: {known_keys()}")
    return tables


def _set(tables: dict[str, dict[str, object]], name: str, value: str) -> None:
    section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
    if not (section and separator and key):
        raise BadSettings(f"{name}: write {PREFIX}SECTION__KEY. Known: {known_keys()}")
    tables.setdefault(section, {})[key] = value


def _decode(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
