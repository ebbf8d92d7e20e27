"""What the document says of figures and names is what the program has."""

from eval.answers.axes import METRICS
from eval.answers.ragas import RAGAS
from eval.tables import ROOT

PAGE = (ROOT / "docs" / "answer-evaluation.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """Return the cells of the table under a head."""
    table = PAGE.split(f"{head}\n")[1].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_every_figure_stands_in_the_table_with_its_axis() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("| figure | axis | is |")}
    assert told == {name: metric.axis for name, metric in METRICS.items()}
    assert list(told) == list(METRICS)


def test_the_names_of_ragas_are_those_of_the_table() -> None:
    told = {row[0].strip("`"): row[1:] for row in rows("| RAGAS 0.4 | here | differs |")}
    assert told == {
        name: [", ".join(f"`{one}`" for one in alias.ours) or "–", alias.differs]
        for name, alias in RAGAS.items()
    }
