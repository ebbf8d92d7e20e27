"""`structure` keeps sections together as far as they fit, and tears nothing that fits."""

import pytest

from tests.indexers.splitting.texts import texts_of


def lines(count: int, form: str = "word word") -> str:
    return "".join(f"{form}\n" for _ in range(count))


def test_a_section_stays_together_with_its_subsections_where_it_fits() -> None:
    left = f"# Left\n\n{lines(3)}\n## Deep\n\n{lines(3)}"
    right = f"# Right\n\n{lines(4)}\n## Deeper\n\n{lines(4)}"
    assert texts_of("structure", left + "\n" + right) == [left.strip(), right.strip()]


def test_one_that_does_not_fit_is_cut_at_its_subsections() -> None:
    deep, deeper = f"## Deep\n\n{lines(10)}", f"## Deeper\n\n{lines(10)}"
    text = f"# Top\n\nword\n\n{deep}\n{deeper}"
    assert texts_of("structure", text) == ["# Top\n\nword", deep.strip(), deeper.strip()]


@pytest.mark.parametrize(
    "block",
    [
        "| a | b |\n|---|---|\n" + "| c | d |\n" * 2,
        "- word word\n- word\n\n  word word\n  - word word word\n",
        "```\nword\n\nword word word word\n\n# word word\n```\n",
        "> word word\n>\n> word word word\n",
    ],
    ids=["table", "list", "code", "quote"],
)
def test_a_block_that_fits_is_not_torn(block: str) -> None:
    before, after = lines(9), lines(9)
    found = texts_of("structure", f"{before}\n{block}\n{after}")
    assert block.strip() in found


def test_a_heading_stays_with_what_follows_it_unless_both_do_not_fit() -> None:
    small, large = lines(9), lines(12)
    assert texts_of("structure", f"{small}\n# Here\n\n{small}")[1].startswith("# Here\n\nword")
    assert texts_of("structure", f"# Here\n\n{large}") == ["# Here", large.strip()]


def test_a_table_that_is_too_long_is_cut_between_rows() -> None:
    found = texts_of("structure", "| a | b |\n|---|---|\n" + "| c | d |\n" * 20)
    assert len(found) > 3
    assert all(
        line.startswith("|") and line.endswith("|") for text in found for line in text.splitlines()
    )


def test_a_list_that_is_too_long_is_cut_between_items_and_they_at_theirs() -> None:
    item = "- word word word word word word word\n"
    found = texts_of("structure", item * 9)
    assert all(text.startswith("- word") and text.endswith("word") for text in found)
    assert len({len(text) for text in found[:-1]}) == 1
    outer = (
        "- word\n  - word word word word word word word\n  - word word word word word word word\n"
    )
    assert texts_of("structure", outer * 3) == [outer.strip()] * 3
    nested = "- word\n" + "  - word word word word word\n" * 9
    assert all(text.startswith("- word") for text in texts_of("structure", nested))


def test_code_that_is_too_long_is_cut_between_lines() -> None:
    found = texts_of("structure", "```\n" + "word word. word word\n" * 12 + "```\n")
    assert len(found) > 2
    assert all(text.startswith(("```", "word word. word word")) for text in found)


def test_a_paragraph_that_is_too_long_is_cut_between_sentences() -> None:
    sentence = "Word word word word word word word."
    found = texts_of("structure", " ".join([sentence] * 9))
    assert all(text.startswith("Word") and text.endswith(".") for text in found)


def test_plain_text_is_cut_between_paragraphs_alone() -> None:
    paragraph = "Word word word. Word word word word."
    found = texts_of("structure", "\n \n".join([paragraph] * 5), "plain")
    assert found == [f"{paragraph}\n \n{paragraph}"] * 2 + [paragraph]
