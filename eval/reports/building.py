"""From a record to a report."""

from collections.abc import Mapping, Sequence

import numpy as np

from eval.checking.record import JudgeCheck
from eval.experiments.record import Analysis, CollectionRecord, Record
from eval.reports.comparing import Named, Values, against, front, means, p95, pairs, steps
from eval.reports.diagnoses import Example, Sources
from eval.reports.examples import chosen, examples
from eval.reports.notices import JUDGED_AT, notices
from eval.reports.primad import primad
from eval.reports.reordering import overlap
from eval.reports.schema import CollectionReport, Mean, Report, Rung, System
from eval.reports.scoring import TOP, Graded, Scored, graded, scored
from eval.reports.sources import uniques
from eval.reports.wording import verdicts
from rag.errors import BadInput


def build(record: Record, judge_check: JudgeCheck | None = None) -> Report:
    """Return the report of a record.

    Raises:
        BadInput: it holds no system or collection, or a baseline that is none of its systems.
        BadCollection: a file of it is missing or damaged.
    """
    experiment = record.experiment
    names = [system.name for system in experiment.systems]
    if not names or not experiment.collections:
        raise BadInput(
            f"{record.folder} holds no run: name a record with a system and a collection"
        )
    baseline = experiment.analysis.baseline or names[0]
    if baseline not in names:
        raise BadInput(f"baseline '{baseline}' is none of the systems: {', '.join(names)}")
    collections = tuple(_collection(record, of, baseline) for of in experiment.collections)
    return Report(
        name=experiment.name,
        analysis=experiment.analysis,
        baseline=baseline,
        notices=notices(experiment, collections),
        collections=collections,
        provenance=primad(experiment),
        judges=experiment.judges,
        judge_failures=experiment.judge_failures,
        prices=experiment.prices,
        judge_check=judge_check,
    )


def _collection(record: Record, of: CollectionRecord, baseline: str) -> CollectionReport:
    experiment, analysis = record.experiment, record.experiment.analysis
    judged = graded(record, of.name, of.sources)
    if not judged.queries:
        raise BadInput(f"{of.name}: no query has a relevant document: nothing can be measured")
    measures = list(dict.fromkeys([*analysis.measures, JUDGED_AT]))
    prices = {price.model: price for price in experiment.prices}
    found = [
        scored(record, of.name, system, judged, measures, prices)
        for system in record.systems(of.name)
    ]
    if baseline not in (each.record.name for each in found):
        raise BadInput(f"{of.name}: the baseline '{baseline}' was not run over it: name another")
    values: Named = {each.record.name: each.values for each in found}
    primary = measures[0]
    table = means(values, measures, analysis)
    quality = {name: row[primary] for name, row in table.items()}
    compared = against(values, baseline, measures, analysis)
    first = [c for c in compared if c.measure == primary]
    tukey = pairs(values, primary, analysis)
    featured = max((c.system for c in first), key=lambda name: quality[name].mean, default="")
    costs = {each.record.name: each.cost for each in found}
    prices_of = {n: c.price for n, c in costs.items() if c is not None and c.price is not None}
    return CollectionReport(
        name=of.name,
        split=of.split,
        documents=of.documents,
        fingerprint=of.fingerprint,
        source=judged.source,
        qrels=judged.fingerprints,
        judgments=sum(map(len, judged.qrels.values())),
        without_relevant=len(judged.qrels) - len(judged.queries),
        left_out=of.left_out,
        depth=max(each.depth for each in found),
        verdicts=verdicts(first, featured, analysis.alpha, analysis.correction)
        or (f"{baseline} is the only system: nothing is compared.",),
        systems=tuple(_system(each, table[each.record.name]) for each in found),
        comparisons=tuple(compared),
        pairs=tukey,
        ladder=_ladder(found, values, primary, analysis),
        by_latency=front(quality, {n: v for n, c in costs.items() if (v := p95(c)) is not None}),
        by_price=front(quality, prices_of) if any(prices_of.values()) else (),
        queries=judged.queries,
        values={m: {name: _kept(row[m]) for name, row in values.items()} for m in measures},
        featured=featured,
        examples=_examples(record, of, judged, found, (featured, baseline), primary),
        reordering=tuple(each.reordering for each in found if each.reordering is not None),
        shuffled=tuple(each.shuffled for each in found if each.shuffled is not None),
        overlap=overlap({each.record.name: each.tops for each in found}, TOP),
        sources=Sources(
            tuple(row for each in found for row in each.filled),
            uniques({each.record.name: each.tops for each in found}, judged.queries, judged.qrels),
        ),
    )


def _system(found: Scored, means: Mapping[str, Mean]) -> System:
    return System(
        name=found.record.name,
        means=means,
        unanswered=found.unanswered,
        failed=found.failed,
        malformed=found.malformed,
        missing=found.missing,
        cost=found.cost,
        foreign=found.record.foreign,
    )


def _ladder(
    found: Sequence[Scored], values: Named, primary: str, analysis: Analysis
) -> tuple[Rung, ...]:
    rungs = []
    for compared, before, each in zip(
        steps(values, primary, analysis), found, found[1:], strict=False
    ):
        prices = [None if of.cost is None else of.cost.price for of in (each, before)]
        rungs.append(
            Rung(
                compared,
                _less(p95(each.cost), p95(before.cost)),
                _less(*prices),
                each.ceiling,
                each.oracle,
            )
        )
    return tuple(rungs)


def _kept(values: Values) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(v) else v for v in values.round(6).tolist())


def _less(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else round(now - before, 6)


def _examples(
    record: Record,
    of: CollectionRecord,
    judged: Graded,
    found: Sequence[Scored],
    names: tuple[str, str],
    primary: str,
) -> tuple[Example, ...]:
    both = {each.record.name: each for each in found}
    if names[0] not in both:
        return ()
    ours, theirs = both[names[0]], both[names[1]]
    differences = np.nan_to_num(ours.values[primary] - theirs.values[primary]).tolist()
    return examples(
        chosen(differences),
        differences,
        judged.queries,
        record.queries(of.name) if of.texts else {},
        {names[0]: ours.tops, names[1]: theirs.tops},
        judged.qrels,
        record.snippets(of.name) if of.texts else (),
    )
