"""Provenance in the order of PRIMAD, as ir_metadata has it (Breuer et al., SIGIR 2022)."""

from collections.abc import Iterator, Mapping

from eval.experiments.record import Experiment
from eval.reports.figures import count
from eval.reports.schema import Part

PARTS = ("platform", "research goal", "implementation", "method", "actor", "data")
_PLATFORM = ("machine", "versions")
_IMPLEMENTATION = ("commit", "command", "time")


def primad(experiment: Experiment) -> tuple[Part, ...]:
    """Return platform, research goal, implementation, method, actor and data of an experiment."""
    where = experiment.provenance
    analysis = experiment.analysis
    known = {*_PLATFORM, *_IMPLEMENTATION}
    rows: Mapping[str, list[tuple[str, str]]] = {
        "platform": list(_flat({key: where[key] for key in _PLATFORM if key in where})),
        "research goal": [
            ("compared", f"{count(len(experiment.systems))} systems"),
            ("measures", ", ".join(analysis.measures)),
            ("baseline", analysis.baseline or "none"),
            ("decided by", analysis.measures[0]),
        ],
        "implementation": [
            *_flat({key: where[key] for key in _IMPLEMENTATION if key in where}),
            *_flat({key: value for key, value in where.items() if key not in known}),
        ],
        "method": list(_method(experiment)),
        "actor": [("made by", "firstcite eval, without a person")],
        "data": list(_data(experiment)),
    }
    return tuple(Part(name, tuple(rows[name])) for name in PARTS if rows[name])


def _method(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for system in experiment.systems:
        asked = ", ".join(f"{key} {value}" for key, value in _flat(dict(system.asked)))
        yield system.name, f"run file {system.foreign}" if system.foreign else asked or "as named"
        for lineage in system.lineage:
            prompt = f", prompt {lineage.prompt[:12]}" if lineage.prompt else ""
            yield f"{system.name}: {lineage.role}", f"{lineage.model} ({lineage.family}){prompt}"
    analysis = experiment.analysis
    yield "test", f"{analysis.test}, corrected by {analysis.correction}, α {analysis.alpha}"
    yield "draws", f"{count(analysis.draws)}, seed {analysis.seed}"


def _data(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for collection in experiment.collections:
        size = f"split {collection.split}, {count(collection.documents)} documents"
        judged = f"judged by {', '.join(collection.sources)}"
        yield collection.name, f"{size}, SHA-256 {collection.fingerprint[:16]}, {judged}"


def _flat(given: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested values by their dotted names."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", str(value)
