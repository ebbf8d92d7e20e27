"""Labels by file: what a judge said of each pair, or qrels in the form of BEIR or TREC."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eval.checking.labelled import Pair
from eval.data.collection import Qrels, numbered_lines, read_qrels
from eval.data.trec import read_trec_qrels
from eval.experiments.record import Lineage
from eval.judges.sources import read_provenance
from rag.errors import BadCollection
from rag.values import Frozen

_WANTED = 'wanted is {"query_id": "…", "document_id": "…", "grade": 0 to 3, or null}'


class _Line(msgspec.Struct, frozen=True):
    query_id: str
    document_id: str
    grade: int | None


@dataclass(frozen=True, slots=True)
class Judged(Frozen):
    """What a judge said of pairs: valid grades, and the pairs that it failed on.

    `tells` says whether the file knows of failures: qrels hold what went well alone. `lineage` is
    who judged, where the file says so.
    """

    name: str
    grades: Mapping[Pair, int]
    failed: frozenset[Pair]
    tells: bool
    lineage: Lineage | None = None

    @property
    def qrels(self) -> Qrels:
        """The valid grades by query."""
        found: dict[str, dict[str, int]] = {}
        for (query_id, document_id), grade in self.grades.items():
            found.setdefault(query_id, {})[document_id] = grade
        return found


def read_judged(file: Path, top: int) -> Judged:
    """Return a judge's labels, of JSON lines (`eval.judges.sources`) or of qrels.

    A grade that is not on the scale 0 … `top` is a failure like no grade at all. Of a pair that
    stands in JSON lines twice the last one counts: it was judged anew. Beside qrels that `firstcite
    eval judge` wrote lie its JSON lines, which are read instead: they hold the failures too.

    Raises:
        BadCollection: no file, a malformed line, or no label; it names file and line.
    """
    lines, first = file.with_suffix(".jsonl"), _first(file)
    if first.startswith("{"):
        return _lines(file, top)
    if file.suffix == ".tsv" and lines.is_file():
        return _lines(lines, top)
    grades = _pairs(file, first)
    valid = {pair: grade for pair, grade in grades.items() if 0 <= grade <= top}
    return Judged(file.name, valid, frozenset(grades.keys() - valid.keys()), tells=False)


def read_qrels_of_people(file: Path, top: int) -> tuple[Mapping[Pair, int], int]:
    """Return the grades of people in qrels, and how many say "pooled, not judged" (below 0).

    Raises:
        BadCollection: as `read_judged`, or a grade above the scale.
    """
    grades = _pairs(file, _first(file))
    for (query_id, document_id), grade in grades.items():
        if grade > top:
            raise BadCollection(
                f"{file}: {query_id} {document_id} has the grade {grade}: the scale is 0 to {top}; "
                "another is named by --top"
            )
    judged = {pair: grade for pair, grade in grades.items() if grade >= 0}
    return judged, len(grades) - len(judged)


def _first(file: Path) -> str:
    """Return the first line of a file that tells its form."""
    if not file.is_file():
        raise BadCollection(f"{file} is missing: name labels by pair, or qrels")
    _, first = next(iter(numbered_lines(file)), (0, ""))
    if not first:
        raise BadCollection(f"{file} is empty: name labels by pair, or qrels")
    return first.lstrip()


def _lines(file: Path, top: int) -> Judged:
    grades: dict[Pair, int] = {}
    failed: set[Pair] = set()
    for number, text in numbered_lines(file):
        try:
            line = msgspec.json.decode(text, type=_Line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadCollection(f"{file}:{number}: no judgment: {error}; {_WANTED}") from None
        pair = (line.query_id, line.document_id)
        if pair in grades or pair in failed:
            raise BadCollection(f"{file}:{number}: {' '.join(pair)} is judged twice")
        if line.grade is None or not 0 <= line.grade <= top:
            failed.add(pair)
        else:
            grades[pair] = line.grade
    said = file.with_suffix(".json")
    lineage = read_provenance(said).lineage if said.is_file() else None
    name = f"{file.stem} ({lineage.model})" if lineage else file.name
    return Judged(name, grades, frozenset(failed), tells=True, lineage=lineage)


def _pairs(file: Path, first: str) -> dict[Pair, int]:
    """Return the grades of qrels: TREC's have four columns, BEIR's three with tabs between."""
    trec = len(first.split("\t")) != 3 and len(first.split()) == 4
    qrels = read_trec_qrels(file) if trec else read_qrels(file)
    return {(q, d): grade for q, of in qrels.items() for d, grade in of.items()}
