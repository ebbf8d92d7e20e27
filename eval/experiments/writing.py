"""What a run leaves behind, written: `eval.experiments.record` says what stands where."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from eval.data.collection import Qrels
from eval.data.runs import write_run
from eval.experiments.definition import Definition
from eval.experiments.headers import asked, cut, header
from eval.experiments.reading import Tested, documents
from eval.experiments.record import (
    CollectionRecord,
    Experiment,
    Lineage,
    Record,
    Snippet,
    SystemRecord,
    open_record,
    write_record,
)
from eval.experiments.running import CollectionRun, SystemRun
from eval.provenance import provenance
from rag.errors import BadCollection
from rag.sections import IndexSettings, Secret
from rag.settings import Settings, changed

SHOWN = 10  # documents of a ranking that have a snippet
SNIPPET_CHARS = 400  # chosen: what is read beside a rank
HUMAN = "human"


def write_experiment(
    out: Path,
    file: Path | None,
    definition: Definition,
    settings: Settings,
    runs: Sequence[CollectionRun],
) -> Record:
    """Write the record of a run into a folder, and return it.

    Qrels of judges that are there stay, as long as the collection is what it was.

    Args:
        out: the folder.
        file: that described the experiment; None where none did.
        definition: the experiment.
        settings: what was in effect beside it.
        runs: what was found.
    """
    before = _before(out)
    said = _provenance(file, definition, settings, runs)
    record = Record(out, _experiment(definition, runs, said, before, out))
    for one in runs:
        _write_collection(record, one, settings.index, said)
    write_record(record)
    return record


def _experiment(
    definition: Definition,
    runs: Sequence[CollectionRun],
    said: Mapping[str, object],
    before: Experiment | None,
    out: Path,
) -> Experiment:
    """Return the record's values; whoever judged before is still named."""
    tables = {one.name: one for one in definition.systems}
    made = {one.system.name: one for of in runs for one in of.systems}
    known = {one.name: one.fingerprint for one in before.collections} if before else {}
    texts = {one.name: one.texts for one in definition.collections}
    collections = []
    judges: dict[str, Lineage] = {}
    for of in runs:
        name, fingerprint = of.tested.name, of.corpus.fingerprint
        sources: tuple[str, ...] = (HUMAN,)
        if before and known.get(name) == fingerprint:
            there = {file.stem for file in (out / "collections" / name / "qrels").glob("*.tsv")}
            sources = (HUMAN, *sorted(there & set(before.judges)))
            judges |= {one: before.judges[one] for one in sources[1:]}
        collections.append(
            CollectionRecord(
                name,
                of.tested.split,
                of.corpus.documents,
                fingerprint,
                sources,
                of.tested.left_out,
                texts[name],
                () if len(of.systems) == len(tables) else tuple(o.system.name for o in of.systems),
            )
        )
    systems = tuple(
        SystemRecord(
            name,
            asked(table),
            made[name].lineage if name in made else (),
            Path(table.run).name,
        )
        for name, table in tables.items()
    )
    return Experiment(
        definition.name,
        tuple(collections),
        systems,
        definition.analysis,
        said,
        judges,
        prices=definition.prices,
        judge_failures={k: v for k, v in before.judge_failures.items() if k in judges}
        if before
        else {},
    )


def _write_collection(
    record: Record, run: CollectionRun, limits: IndexSettings, said: Mapping[str, object]
) -> None:
    tested, folder = run.tested, record.of(run.tested.name)
    for name in ("qrels", "runs", "rows"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = {one.system.name for one in run.systems}
    for file in chain((folder / "runs").iterdir(), (folder / "rows").iterdir()):
        if file.name.removesuffix(".trec.gz").removesuffix(".jsonl") not in names:
            file.unlink()  # of a system that the experiment had before
    queries = ({"_id": id_, "text": text} for id_, text in tested.queries.items())
    _write_lines(folder / "queries.jsonl", queries)
    _write_qrels(folder / "qrels" / f"{HUMAN}.tsv", tested.qrels)
    for one in run.systems:
        name = one.system.name
        comment = header(one, run, said)
        write_run(record.run(tested.name, name), one.ranked, name, comment)
        rows = folder / "rows" / f"{name}.jsonl"
        if one.system.run:
            rows.unlink(missing_ok=True)
        else:
            _write_lines(rows, one.rows)
    _write_lines(folder / "snippets.jsonl", _snippets(tested, run.systems, limits))


def _snippets(
    tested: Tested, systems: Sequence[SystemRun], limits: IndexSettings
) -> Iterable[Snippet]:
    """Yield the beginnings of what stands near the top of a ranking, or is relevant."""
    wanted = {
        one.document_id
        for system in systems
        for ranking in system.ranked.values()
        for one in ranking[:SHOWN]
    }
    wanted |= {id_ for grades in tested.qrels.values() for id_, g in grades.items() if g > 0}
    for document in documents(tested.paths, limits):
        if document.id in wanted:
            text = " ".join(document.text[: 2 * SNIPPET_CHARS].split())[:SNIPPET_CHARS]
            yield Snippet(document.id, document.title, text)


def _write_lines(file: Path, values: Iterable[object]) -> None:
    file.write_bytes(b"".join(msgspec.json.encode(value) + b"\n" for value in values))


def _write_qrels(file: Path, qrels: Qrels) -> None:
    rows = (f"{q}\t{d}\t{grade}\n" for q, grades in qrels.items() for d, grade in grades.items())
    file.write_text("query-id\tcorpus-id\tscore\n" + "".join(rows), encoding="utf-8")


def _before(out: Path) -> Experiment | None:
    """Return what stands in the folder already; None where nothing does."""
    try:
        return open_record(out).experiment
    except BadCollection:
        return None


def _provenance(
    file: Path | None, definition: Definition, settings: Settings, runs: Sequence[CollectionRun]
) -> Mapping[str, object]:
    """Return where the figures come from; no path of this machine."""
    every = [one for of in runs for one in of.systems]
    collections = {
        of.tested.name: {
            "queries": len(of.tested.queries),
            "judgments": sum(map(len, of.tested.qrels.values())),
            "judgments_without_document": of.corpus.lacking(of.tested.qrels),
            "indexes": [
                {key: value for key, value in msgspec.to_builtins(index).items() if key != "name"}
                for index in dict.fromkeys(one.indexed for one in of.systems if one.indexed)
            ],
        }
        for of in runs
    }
    return {
        **provenance(),
        **_described(file),
        "settings": _told(changed(settings, definition.settings)),
        "depth": definition.depth,
        "seed": definition.analysis.seed,
        "concurrency": 1,
        "warm_up": "each stage once, not counted",
        "collections": collections,
        "stages": {
            f"{of.tested.name}, {one.system.name}": dict(one.stages)
            for of in runs
            for one in of.systems
            if one.stages
        },
        "notes": [note for one in every for note in one.notes],
    }


def _described(file: Path | None) -> Mapping[str, object]:
    if file is None:
        return {}
    return {"file": file.name, "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def _told(settings: Settings) -> Mapping[str, object]:
    """Return the settings that decide results and are not the usual ones; no secret is told."""
    usual = Settings()
    return {
        f"{name}.{key}": cut(value)
        for name in ("encoder", "sparse", "index", "search", "rerank", "llm")
        for key, value in msgspec.structs.asdict(getattr(settings, name)).items()
        if value != getattr(getattr(usual, name), key)
        and not isinstance(value, Secret)
        and key not in {"url", "cache"}
    }
