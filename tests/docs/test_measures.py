"""The table of measures is the program's."""

from pathlib import Path

from eval.measures import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs/measures.md").read_text(encoding="utf-8")


def test_every_measure_stands_in_the_table_with_its_parameters_and_definition() -> None:
    expected = [
        f"| `{name}` | {', '.join(f'`{key}={value!r}`' for key, value in family.takes.items())} | "
        f"{family.cutoff} | {family.line} |"
        for name, family in FAMILIES.items()
    ]
    table = PAGE.partition("<!-- measures -->\n")[2].partition("<!-- /measures -->")[0]
    assert table.splitlines()[2:] == expected
