"""Tables that Markdown shows as they were meant."""

from eval.markdown import table


def test_a_table_has_its_first_column_left_and_the_others_right() -> None:
    assert table(["a", "b", "c"], [["x", "1", "2"], ["y", "3", "4"]]) == [
        "| a | b | c |",
        "|---|---:|---:|",
        "| x | 1 | 2 |",
        "| y | 3 | 4 |",
    ]


def test_a_bar_in_a_cell_does_not_make_a_column() -> None:
    assert table(["a"], [["x | y"]])[2] == r"| x \| y |"


def test_a_table_without_rows_is_its_head() -> None:
    assert table(["a", "b"], []) == ["| a | b |", "|---|---:|"]
