"""`hierarchical` makes small leaves that know which larger pieces they are in."""

from itertools import pairwise

from rag.values import Document
from tests.indexers.splitting.texts import LIMIT, TOKENIZER, chunked, words

SENTENCE = "Word word word word word word. "


def test_leaves_know_the_pieces_around_them_from_the_inside_out() -> None:
    text = SENTENCE * 60
    (leaves,) = chunked(words("hierarchical"), [Document("d", text)])
    (pieces,) = chunked(words("recursive"), [Document("d", text)])
    (above,) = chunked(words("recursive", 4 * LIMIT), [Document("d", text)])
    inner = sorted({leaf.family[0] for leaf in leaves if len(leaf.family) == 2})
    outer = sorted({leaf.family[-1] for leaf in leaves})

    def texts(ranges: list[tuple[int, int]]) -> list[str]:
        return [text[leaves[first].start : leaves[last - 1].end] for first, last in ranges]

    assert texts(outer) == [piece.text for piece in above]
    assert [first for first, _ in outer] == [0, *(last for _, last in outer[:-1])]
    assert len(inner) > len(outer) > 1
    assert set(texts(inner)) <= {piece.text for piece in pieces}
    assert all(len(TOKENIZER.encode(one).ids) <= LIMIT for one in texts(inner))
    assert all(a <= c < d <= b for leaf in leaves for (c, d), (a, b) in pairwise(leaf.family))


def test_a_piece_of_one_leaf_is_no_family() -> None:
    (leaves,) = chunked(words("hierarchical"), [Document("d", "word " * 20)])
    assert [leaf.family for leaf in leaves] == [((0, 2),), ((0, 2),)]
    ((leaf,),) = chunked(words("hierarchical"), [Document("d", "word")])
    assert leaf.family == ()
