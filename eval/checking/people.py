"""What people said, from the files that they said it in."""

from collections.abc import Sequence
from pathlib import Path

from eval.checking.judged import read_qrels_of_people
from eval.checking.labelled import read_sheet
from eval.checking.report import People
from eval.checking.sampling import read_sample
from rag.errors import BadCollection, BadInput

SHEETS = (".csv",)


def read_people(files: Sequence[Path], sample_file: Path | None, top: int) -> People:
    """Return the labels of each file, which is named for who gave them.

    Raises:
        BadInput: sheets and qrels at once, two files of one name, or another scale than the
            sample's.
        BadCollection: a file that cannot be used; the message names it, and the line.
    """
    names = [file.stem for file in files]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"two files are named {name}: name each for the person who labelled it")
    if not any(file.suffix.lower() in SHEETS for file in files):
        found = {file.stem: read_qrels_of_people(file, top) for file in files}
        return People(
            {name: labels for name, (labels, _) in found.items()},
            {name: unjudged for name, (_, unjudged) in found.items()},
            whole=True,
        )
    if not all(file.suffix.lower() in SHEETS for file in files):
        raise BadInput("--people takes CSV files or qrels, not both: check the judge by each")
    sample_file = sample_file or files[0].with_name("sample.json")
    if not sample_file.is_file():
        raise BadCollection(
            f"{sample_file} is missing: name the sample.json that was drawn with {files[0]} by "
            "--sample"
        )
    sample = read_sample(sample_file)
    if sample.top != top:
        raise BadInput(
            f"{sample_file} was drawn for grades 0 to {sample.top}: give --top {sample.top}"
        )
    rows = {file.stem: read_sheet(file, sample) for file in files}
    return People(
        {n: {r.pair: r.grade for r in of if r.grade is not None} for n, of in rows.items()},
        {n: len(sample.pairs) - sum(r.grade is not None for r in of) for n, of in rows.items()},
        sample,
    )
