"""`sentences` makes a chunk of every sentence that says something alone."""

from tests.indexers.splitting.texts import texts_of

LONG = "The freezer in the cellar holds its cold for thirty six hours."
LONGER = "Dr. Smith says that 3.5 hours are enough for the samples to thaw."


def test_every_sentence_is_a_chunk() -> None:
    assert texts_of("sentences", f"{LONG} {LONGER}\n\n{LONG}", "plain") == [LONG, LONGER, LONG]


def test_a_short_one_joins_the_next() -> None:
    assert texts_of("sentences", f"Yes. {LONG} No.", "plain") == [f"Yes. {LONG}", "No."]


def test_a_heading_begins_anew_and_joins_what_it_is_over() -> None:
    for heading in ("## Cold", "Cold\n----"):
        text = f"{LONG} No.\n\n{heading}\n\n{LONGER}"
        assert texts_of("sentences", text) == [LONG, "No.", f"{heading}\n\n{LONGER}"]


def test_the_mark_of_an_item_belongs_to_its_sentence() -> None:
    assert texts_of("sentences", f"- {LONG}\n- {LONGER}\n") == [f"- {LONG}", f"- {LONGER}"]

    heading = "# This heading is as long as a whole sentence, word for word"
    assert texts_of("sentences", f"{heading}\n\n- {LONG}") == [heading, f"- {LONG}"]


def test_tables_and_code_are_chunks_of_their_own() -> None:
    table = "| word | word | word |\n|---|---|---|\n| a | b | c |"
    found = texts_of("sentences", f"{LONG}\n\n{table}\n\n{LONG}", most=48)
    assert found == [LONG, table, LONG]


def test_a_sentence_longer_than_a_chunk_is_cut() -> None:
    found = texts_of("sentences", f"{LONG} {'word ' * 60}end. {LONG}", "plain")
    assert len(found) == 5
    assert found[0] == found[-1] == LONG


def test_code_is_cut_as_code() -> None:
    text = "class A:\n    def f(self):\n        return 'One. Two. Three.'\n"
    assert texts_of("sentences", text, "code") == [text.strip()]
