"""What a judge leaves behind: qrels of its own, and beside them who made them and how.

```
qrels/SOURCE.tsv      BEIR's form; a pair without a valid grade is not in it
qrels/SOURCE.json     `Provenance`
qrels/SOURCE.jsonl    an `Assessment` a line, those without a grade too
```

Human qrels are never written, and never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from eval.experiments.record import Lineage
from eval.judges.judge import Assessment
from rag.errors import BadInput
from rag.values import Frozen

HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Provenance(Frozen):
    """Where the qrels of a source come from.

    Args:
        source: their name.
        judge: name of the judge.
        lineage: who it is.
        fingerprint: of its model.
        parsers: that read its replies, with their versions.
        kind: "labelled" pairs, which people judged too, or the "holes" of runs.
        collection: name of the folder; `split` is that of the human qrels.
        pairs: to be judged; `missing` of them have no valid grade, `again` were asked a second way,
            `shortened` were not read to their end.
        asked: questions to the model in the last run; the others were in the ledger.
        tokens_in: of all questions about these pairs, whenever they were asked.
        seconds: of the last run.
        settings: what else decides the grades.
        provenance: what `eval.provenance` says.
    """

    source: str
    judge: str
    lineage: Lineage
    fingerprint: str
    parsers: tuple[str, ...]
    kind: Literal["labelled", "holes"]
    collection: str
    split: str
    pairs: int
    missing: int
    again: int
    shortened: int
    asked: int
    tokens_in: int
    tokens_out: int
    seconds: float
    settings: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)

    @property
    def failed(self) -> float:
        """The share of pairs without a valid grade."""
        return self.missing / self.pairs if self.pairs else 0.0


def check_source(folder: Path, source: str, lineage: Lineage) -> None:
    """Pass where a source may be written: its qrels are not there, or this very judge's.

    Raises:
        BadInput: it would replace qrels that people, or another judge, made.
    """
    if source == HUMAN or not source or "/" in source or source.startswith("."):
        raise BadInput(f"'{source}' cannot name a judge's qrels: name another --source")
    qrels, said = folder / f"{source}.tsv", folder / f"{source}.json"
    if said.is_file():
        made = read_provenance(said).lineage
        if made != lineage:
            raise BadInput(
                f"{qrels} is by {made.model} with the prompts {made.prompt}, not by "
                f"{lineage.model} with {lineage.prompt}: name another --source"
            )
    elif qrels.exists():
        raise BadInput(f"{qrels} is there and no judge's: name another --source")


def write_source(
    folder: Path, assessments: Sequence[Assessment], provenance: Provenance
) -> tuple[Path, ...]:
    """Write the qrels of a judge with their provenance, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    graded = [one for one in assessments if one.grade is not None]
    rows = [f"{one.query_id}\t{one.document_id}\t{one.grade}\n" for one in graded]
    contents = {
        "tsv": ("query-id\tcorpus-id\tscore\n" + "".join(rows)).encode(),
        "json": msgspec.json.format(msgspec.json.encode(provenance)) + b"\n",
        "jsonl": b"".join(msgspec.json.encode(one) + b"\n" for one in assessments),
    }
    files = []
    for kind, content in contents.items():
        file = folder / f"{provenance.source}.{kind}"
        written = file.with_suffix(f".{kind}.new")
        written.write_bytes(content)
        files.append(written.replace(file))
    return tuple(files)


def read_provenance(file: Path) -> Provenance:
    """Return what a source's JSON file says.

    Raises:
        BadInput: it is missing or damaged.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Provenance)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} says nothing about its qrels: {error}: judge again") from None
