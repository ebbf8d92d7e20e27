"""What is said of an experiment on the command line: before it, and what was left out."""

from collections.abc import Sequence

from eval.experiments.definition import Definition, settings_of
from eval.experiments.reading import read_tested
from eval.experiments.running import CollectionRun
from eval.markdown import table
from rag.settings import Settings


def listing(definition: Definition, settings: Settings) -> str:
    """Return what would be run: collections, and the stages of every system."""
    tested = [read_tested(one) for one in definition.collections]
    rows = [
        [one.name, one.split, f"{len(one.queries):,}", f"{sum(map(len, one.qrels.values())):,}"]
        for one in tested
    ]
    systems = []
    for system in definition.systems:
        of = settings_of(settings, definition, system)
        found = [f"find {'+'.join(system.branches) or 'bm25+dense'}"]
        found += [f"expand {'+'.join(system.expand)}"] if system.expand else []
        found += [f"fuse {system.fusion or of.search.fusion}"]
        found += [f"iterate {system.iterate}"] if system.iterate else []
        found += [f"rerank {of.rerank.method} @{of.rerank.depth}"] if of.rerank.method else []
        stages = "a run" if system.run else " → ".join(found)
        systems.append([system.name, stages, ", ".join(system.collections) or "all"])
    lines = [
        f"# {definition.name}",
        "",
        *table(["collection", "split", "queries", "judgments"], rows),
        "",
        *table(["system", "stages", "collections"], systems),
    ]
    return "\n".join(lines)


def notes(runs: Sequence[CollectionRun]) -> list[str]:
    """Return what is worth knowing about runs that were read, a line each."""
    return [note for of in runs for one in of.systems for note in one.notes]


def troubles(runs: Sequence[CollectionRun]) -> list[str]:
    """Return what was left out, a line each: documents, queries that failed or were degraded."""
    found = []
    for of in runs:
        name = of.tested.name
        faults = {fault for one in of.systems if one.indexed for fault in one.indexed.faults}
        found += [f"{name}: skipped {fault}" for fault in sorted(faults)]
        for one in of.systems:
            failed = [row for row in one.rows if row.error]
            if failed:
                found.append(
                    f"{name}, {one.system.name}: {len(failed):,} queries failed and count 0, e.g. "
                    f"{failed[0].query_id}: {failed[0].error}; run again to try them again"
                )
            degraded = sum(any(c.status == "failed" for c in row.stages) for row in one.rows)
            if degraded:
                found.append(f"{name}, {one.system.name}: a stage failed for {degraded:,} queries")
    return found
