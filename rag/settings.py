"""Settings: defaults ← `firstcite.toml` ← environment (`FIRSTCITE__STORE__URL=…`).

Unknown keys are refused by name, secrets are masked wherever a settings value is printed. Nothing
here is read at import.
"""

import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from rag.errors import BadSettings
from rag.sections import (
    AnswerSettings,
    ClientSettings,
    EncoderSettings,
    IndexSettings,
    LLMSettings,
    RerankSettings,
    SearchSettings,
    Secret,
    Section,
    ServerSettings,
    SparseSettings,
    StoreSettings,
)

PREFIX = "FIRSTCITE__"
FILE = "firstcite.toml"


class Settings(Section, frozen=True):
    """Everything that can be set."""

    store: StoreSettings = StoreSettings()
    encoder: EncoderSettings = EncoderSettings()
    sparse: SparseSettings = SparseSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    rerank: RerankSettings = RerankSettings()
    answer: AnswerSettings = AnswerSettings()
    llm: LLMSettings = LLMSettings()
    server: ServerSettings = ServerSettings()
    client: ClientSettings = ClientSettings()


def models_folder(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of converted models: in the setting's, or in the user's cache folder."""
    return _cache(settings, environment) / "models"


def replies_folder(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of kept replies: in the setting's, or in the user's cache folder."""
    return _cache(settings, environment) / "replies"


def locks_folder(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of locks between processes: in the setting's, or the cache folder."""
    return _cache(settings, environment) / "locks"


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


def changed(settings: Settings, tables: Mapping[str, Mapping[str, object]]) -> Settings:
    """Return the settings with some of them otherwise.

    Args:
        settings: what is in effect.
        tables: values by section and key.

    Raises:
        BadSettings: an unknown section or key, a value of the wrong type or out of range, or a key
            of a server, which belongs into the environment.
    """
    sections = {}
    try:
        others = msgspec.convert(tables, Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise BadSettings(f"settings: {error}. Known: {known_keys(str(error))}") from None
    for name, table in tables.items():
        values = {key: getattr(getattr(others, name), key) for key in table}
        if secret := [key for key, value in values.items() if isinstance(value, Secret)]:
            raise BadSettings(
                f"{name}.{secret[0]} is a secret: set {PREFIX}{name.upper()}__{secret[0].upper()}"
            )
        sections[name] = msgspec.structs.replace(getattr(settings, name), **values)
    return msgspec.structs.replace(settings, **sections)


def known_keys(message: str = "") -> str:
    """Return the keys of the section that an error message points at, or the sections."""
    for section in msgspec.structs.fields(Settings):
        if f"$.{section.name}" in message:
            keys = msgspec.structs.fields(type(section.default))
            return ", ".join(f"{section.name}.{key.name}" for key in keys)
    return ", ".join(section.name for section in msgspec.structs.fields(Settings))


FIGURES = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported

QUIET = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_LOG_LEVEL": "CRITICAL",
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "true",
    "TQDM_DISABLE": "1",
}


BOUNDED = {
    "LRU_CACHE_CAPACITY": "64",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
}
"""What torch and oneDNN keep of each shape they have computed: 1,024 of each unless told.

Batches of queries have many shapes: with 1,024 a server grew from 470 to 1,100 MB under load and
was no faster than with 64, 560 MB (bf16, 2 cores)."""


def quiet() -> None:
    """Switch off what libraries would send, print, start, or keep without need.

    Must run before they are imported; what the user has set stays.
    """
    for name, value in (QUIET | BOUNDED).items():
        os.environ.setdefault(name, value)
    for name in ("haystack", "sentence_transformers", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)


def for_workers(count: int, figures: Path) -> None:
    """Let processes that are started from now on share the cores, and a folder of their figures.

    Threads of several processes that want the same core slow each other down tenfold.

    Args:
        count: how many processes there will be.
        figures: where those of prometheus_client are.
    """
    cores = len(os.sched_getaffinity(0))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // count)))
    os.environ[FIGURES] = str(figures)


def figures_folder() -> Path | None:
    """Return the folder of the figures that processes share, None where this one is alone."""
    said = os.environ.get(FIGURES)
    return Path(said) if said else None


def thread_limit(environment: Mapping[str, str] | None = None) -> int | None:
    """Return how many threads OMP_NUM_THREADS allows for computing; None where it says nothing."""
    said = (os.environ if environment is None else environment).get("OMP_NUM_THREADS", "")
    return int(said) if said.isascii() and said.isdecimal() and int(said) else None


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
