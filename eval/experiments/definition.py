"""An experiment as its TOML file describes it: parsed into values, unknown keys refused by name."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta

from eval.experiments.record import Analysis, Price
from rag.errors import BadInput
from rag.expand.methods import EXPANSIONS
from rag.iterate.methods import ITERATIONS
from rag.sections.basics import Seconds, Section, says
from rag.settings import Settings, changed
from rag.values import Kind
from rag.wiring.reranking import parse_method

PATIENCE_S = 600.0  # for what is asked about a query: an experiment leaves nothing out for slowness
COLLECTIONS = "{collections}"

_NAME = re.compile(r"[A-Za-z0-9][\w.+=,@-]*")
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=1_000)]


class CollectionTable(Section, frozen=True):
    """A collection of queries and grades, and where it lies."""

    path: Annotated[
        str, says("beir: the folder; qa: the file of questions, a JSON object a line")
    ] = ""
    kind: Annotated[Literal["beir", "trec", "qa"], says("what lies there")] = "beir"
    name: Annotated[str, says("what it is called; empty is the name of folder or file")] = ""
    split: Annotated[str, says("beir: `qrels/<split>.tsv`; of others only a name")] = "test"
    corpus: Annotated[tuple[str, ...], says("trec, qa: files and folders of documents")] = ()
    topics: Annotated[str, says("trec: the file of topics")] = ""
    qrels: Annotated[str, says("trec: the file of qrels, of four columns")] = ""
    queries: Annotated[Count, says("the first so many of the judged queries; 0 is all")] = 0
    texts: Annotated[
        bool, says("whether reports show queries and beginnings of documents, or ids alone")
    ] = True
    grades: Annotated[
        tuple[int, int] | None, says("lowest and highest grade; others are refused")
    ] = None


class RerankTable(Section, frozen=True):
    """How what was found is put in a better order."""

    method: Annotated[str, says("as `rerank.method`, a cascade too")]
    depth: Annotated[Positive, says("candidates that are reranked")] = 50
    schedule: Annotated[str, says("as `rerank.schedule`")] = ""
    guard: Annotated[Literal["pool", "rrf", "convex", "none"], says("as `rerank.guard`")] = "pool"
    seconds: Annotated[Seconds, says("as `rerank.seconds`")] = PATIENCE_S


class SystemTable(Section, frozen=True):
    """A way to answer queries, or a run that somebody else made."""

    name: Annotated[str, says("what it is called")]
    branches: Annotated[tuple[Kind, ...], says("how it looks; empty is with all")] = ()
    fusion: Annotated[Literal["", "rrf", "dbsf", "convex"], says("empty is `search.fusion`")] = ""
    expand: Annotated[tuple[str, ...], says("expansions of the query")] = ()
    iterate: Annotated[str, says("how evidence is gathered in several steps; empty is not")] = ""
    calls: Annotated[Count, says("most requests for expansions and steps, by query")] = 40
    rerank: Annotated[RerankTable | None, says("a table as below; none leaves the order")] = None
    shuffles: Annotated[
        Count, says("how often the reranker is asked again with its candidates in another order")
    ] = 0
    collections: Annotated[tuple[str, ...], says("where it is run; empty is everywhere")] = ()
    settings: Annotated[dict[str, Any], says("any setting, for this system alone")] = msgspec.field(
        default_factory=dict
    )
    run: Annotated[
        str, says("a TREC run that is read instead; `{collection}` stands for the name")
    ] = ""


class Definition(Section, frozen=True):
    """Collections × systems, and how their figures are compared."""

    name: Annotated[str, says("what the experiment is called")]
    collections: Annotated[tuple[CollectionTable, ...], Meta(min_length=1)]
    systems: Annotated[tuple[SystemTable, ...], Meta(min_length=1)]
    depth: Annotated[Positive, says("documents that a system returns")] = 100
    analysis: Analysis = Analysis()
    prices: tuple[Price, ...] = ()
    settings: Annotated[dict[str, Any], says("any setting, for all systems")] = msgspec.field(
        default_factory=dict
    )


TABLES: Mapping[str, type] = {
    "": Definition,
    "collections": CollectionTable,
    "systems": SystemTable,
    "systems.rerank": RerankTable,
    "analysis": Analysis,
    "prices": Price,
}
"""What each table of the file may hold."""


def read_definition(file: Path, collections: Path | None = None) -> Definition:
    """Return what a file describes, its paths made absolute.

    Args:
        file: TOML; paths in it begin where it lies.
        collections: what `{collections}` stands for in paths.

    Raises:
        BadInput: it cannot be read, holds an unknown key or name, or describes no experiment.
        BadSettings: its settings are none.
    """
    tables = read_tables(file)
    check_keys(file, TABLES, "", tables)
    try:
        found = msgspec.convert(tables, Definition)
    except msgspec.ValidationError as error:
        raise BadInput(f"{file}: {error}: see docs/experiments.md") from None
    _check(file, found)
    return placed(file, found, collections)


def read_tables(file: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}: name an experiment's TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: not a TOML file: {error}") from None


def settings_of(base: Settings, definition: Definition, system: SystemTable) -> Settings:
    """Return the settings that a system is run with.

    Raises:
        BadSettings: one of the overrides is none.
    """
    common = changed(base, definition.settings)
    if of := system.rerank:
        section = {name: getattr(of, name) for name in of.__struct_fields__}
        common = changed(common, {"rerank": section})
    else:
        common = changed(common, {"rerank": {"method": ""}})
    return changed(common, system.settings)


def known(table: str, tables: Mapping[str, type] = TABLES) -> tuple[str, ...]:
    """Return the keys that a table may hold."""
    return tuple(get_type_hints(tables[table]))


def check_keys(
    file: Path, tables: Mapping[str, type], table: str, value: Mapping[str, Any]
) -> None:
    """Pass where a table of a file, and those below it, hold only what `tables` lets them.

    Raises:
        BadInput: a key is unknown.
    """
    keys = known(table, tables)
    for key, held in value.items():
        if key not in keys:
            where = f" of [{table}]" if table else ""
            raise BadInput(f"{file}: unknown key '{key}'{where}. Known: {', '.join(keys)}")
        below = f"{table}.{key}".removeprefix(".")
        if below in tables:
            for one in held if isinstance(held, list) else [held]:
                if isinstance(one, dict):
                    check_keys(file, tables, below, one)


def _check(file: Path, found: Definition) -> None:
    """Raise for names that are unknown, impossible or there twice."""
    names = [one.name for one in found.systems]
    for name in [*names, *(c.name for c in found.collections if c.name)]:
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"{file}: '{name}' is no name: begin with a letter or digit, then letters, digits "
                "and . _ + - = , @"
            )
    _once(file, "systems", names)
    for system in found.systems:
        _check_system(file, system)
    if (wanted := found.analysis.baseline) and wanted not in names:
        raise BadInput(f"{file}: the baseline '{wanted}' is no system. Known: {', '.join(names)}")


def _check_system(file: Path, system: SystemTable) -> None:
    plain = SystemTable(system.name, collections=system.collections, run=system.run)
    if system.run and system != plain:
        raise BadInput(f"{file}: system '{system.name}' is a run: it has no plan beside `run`")
    if system.shuffles and not system.rerank:
        raise BadInput(f"{file}: system '{system.name}' has shuffles, but no reranker: add rerank")
    for name in system.expand:
        if name not in EXPANSIONS:
            raise BadInput(
                f"{file}: system '{system.name}': unknown expansion '{name}'. "
                f"Known: {', '.join(EXPANSIONS)}"
            )
    if system.iterate and system.iterate not in ITERATIONS:
        raise BadInput(
            f"{file}: system '{system.name}': unknown iteration '{system.iterate}'. "
            f"Known: {', '.join(ITERATIONS)}"
        )
    if system.rerank and not system.rerank.method:
        raise BadInput(f"{file}: system '{system.name}': rerank.method is empty: name one")
    parse_method(settings_of(Settings(), EMPTY, system).rerank)


EMPTY = Definition("", (), ())


def _once(file: Path, what: str, names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(f"{file}: two {what} are called '{twice[0]}': give each its own name")


def placed(file: Path, found: Definition, collections: Path | None) -> Definition:
    """Return the definition with absolute paths, and a name for every collection.

    Raises:
        BadInput: `{collections}` stands in a path and is not said, a name is there twice, a
            system's collection is unknown, or the baseline does not run over all of them.
    """

    def at(text: str) -> str:
        if COLLECTIONS in text and collections is None:
            raise BadInput(
                f"{file}: '{text}' is below {COLLECTIONS}: say where that is by --collections"
            )
        text = text.replace(COLLECTIONS, str(collections and collections.absolute()))
        return str(file.absolute().parent / text) if text else ""

    tested = tuple(
        msgspec.structs.replace(
            one,
            path=at(one.path),
            corpus=tuple(map(at, one.corpus)),
            topics=at(one.topics),
            qrels=at(one.qrels),
            name=one.name or called(at(one.path or one.topics)),
        )
        for one in found.collections
    )
    names = [one.name for one in tested]
    _once(file, "collections", names)
    for system in found.systems:
        if unknown := [name for name in system.collections if name not in names]:
            raise BadInput(
                f"{file}: system '{system.name}': unknown collection '{unknown[0]}'. "
                f"Known: {', '.join(names)}"
            )
    wanted = found.analysis.baseline
    baseline = next(
        (one for one in found.systems if wanted in {"", one.name}), None
    )  # or the first
    over = baseline.collections if baseline else ()
    if baseline and over and (lacking := [name for name in names if name not in over]):
        raise BadInput(
            f"{file}: the baseline '{baseline.name}' does not run over '{lacking[0]}': name "
            "another one, by analysis.baseline"
        )
    systems = tuple(msgspec.structs.replace(one, run=at(one.run)) for one in found.systems)
    return msgspec.structs.replace(found, collections=tested, systems=systems)


def called(path: str) -> str:
    """Return the name of a folder, or of a file without its ending; "" of nothing."""
    if not path:
        return ""
    resolved = Path(path).resolve()
    return resolved.name if resolved.is_dir() else resolved.name.partition(".")[0]
