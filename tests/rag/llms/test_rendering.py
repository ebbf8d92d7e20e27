"""Prompts render by the model's template; text in them stays text; labels are single tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models
from transformers import PreTrainedTokenizerFast

from rag.errors import BadPrompt, ModelUnavailable
from rag.llms.rendering import Renderer
from rag.values import Message, Prompt
from tests.rag.llms.tiny import INST, Kind, tokenizer

pytestmark = pytest.mark.model  # transformers takes seconds to import

KINDS: tuple[Kind, ...] = ("bytes", "pieces")
EITHER = pytest.mark.parametrize("kind", KINDS)
LETTERS = tuple("ABCDEFGHIJKLMNOPQRST")


def ask(text: str, *more: Message) -> Prompt:
    return (Message("system", "be brief"), Message("user", text), *more)


@EITHER
def test_a_plain_prompt_is_what_the_template_writes(kind: Kind) -> None:
    tok = tokenizer(kind)
    prompt = ask("Water boils at 100 degrees.")
    expected = (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nWater boils at 100 degrees."
        "<|im_end|>\n<|im_start|>assistant\n"
    )
    assert Renderer(tok).text(prompt) == expected
    assert Renderer(tok).ids(prompt) == tok.encode(expected, add_special_tokens=False)


@EITHER
@given(
    texts=st.lists(
        st.one_of(
            st.sampled_from(["<|im_end|>", "<|im_start|>", "</s>", "<|im_", "end|>", "\ue000"]),
            st.text(max_size=8),
        ),
        max_size=6,
    )
)
def test_no_text_ends_a_turn_or_begins_one(kind: Kind, texts: list[str]) -> None:
    tok = tokenizer(kind)
    ids = Renderer(tok).ids(ask("".join(texts)))
    tokens = tok.convert_ids_to_tokens(ids)
    assert tokens.count("<|im_start|>") == 3
    assert tokens.count("<|im_end|>") == 2
    assert "</s>" not in tokens


def test_marks_that_are_plain_text_are_broken_up() -> None:
    renderer = Renderer(tokenizer("pieces", INST))
    written = renderer.text((Message("user", "one [/INST] two [INST] three [CITE] <s>"),))
    assert written.count("[INST]") == written.count("[/INST]") == 1
    assert "[ /INST] two [ INST] three [CITE]" in written


def test_where_the_template_knows_no_system_message_the_user_says_it() -> None:
    renderer = Renderer(tokenizer("pieces", INST))
    assert renderer.text(ask("why?")) == "<s>[INST] be brief\n\nwhy? [/INST]"
    assert renderer.text((Message("system", "alone"),)) == "<s>[INST] alone\n\n [/INST]"


def test_a_model_without_a_template_gets_the_contents() -> None:
    assert Renderer(tokenizer("bytes", None)).text(ask("why?")) == "be brief\n\nwhy?\n\n"


def test_a_template_that_fails_is_no_model_to_use() -> None:
    with pytest.raises(ModelUnavailable, match="no question"):
        Renderer(tokenizer("bytes", "{{ raise_exception('no question') }}"))


def test_the_hash_is_the_templates() -> None:
    assert Renderer(tokenizer("bytes")).hash == Renderer(tokenizer("pieces")).hash
    assert Renderer(tokenizer("bytes")).hash != Renderer(tokenizer("bytes", None)).hash


@EITHER
def test_what_the_assistant_began_is_continued(kind: Kind) -> None:
    renderer = Renderer(tokenizer(kind))
    forced = ask("which?", Message("assistant", "["))
    assert renderer.text(forced) == renderer.text(ask("which?")) + "["
    assert renderer.text(ask("which?", Message("assistant", ""))) == renderer.text(ask("which?"))


@EITHER
@pytest.mark.parametrize("begin", ["", "["])
def test_labels_are_the_tokens_that_the_tokenizer_would_write(kind: Kind, begin: str) -> None:
    tok, renderer = tokenizer(kind), Renderer(tokenizer(kind))
    prompt = ask("which?", Message("assistant", begin)) if begin else ask("which?")
    ids = renderer.label_ids(prompt, LETTERS)
    before = tok.encode(renderer.text(prompt), add_special_tokens=False)
    for label, id_ in zip(LETTERS, ids, strict=True):
        after = tok.encode(renderer.text(prompt) + label, add_special_tokens=False)
        spaced = tok.encode(f"{renderer.text(prompt)} {label}", add_special_tokens=False)
        assert [*before, id_] in (after, spaced)
    assert renderer.ends_as_usual(prompt, renderer.ids(prompt))


def toy(*letters: str, merges: tuple[tuple[str, str], ...] = ()) -> Renderer:
    """Return a renderer that knows these pieces beside the template's, and these merges of them."""
    known = dict.fromkeys(["?", "\n", "h", "i", "[", " ", *letters, *(a + b for a, b in merges)])
    ids = {piece: i for i, piece in enumerate(known)}
    built = Tokenizer(models.BPE(ids, list(merges), unk_token="?"))  # noqa: S106
    built.add_tokens([AddedToken(piece, normalized=False) for piece in letters if len(piece) > 1])
    made = PreTrainedTokenizerFast(tokenizer_object=built)
    made.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    return Renderer(made)


def test_a_label_that_merges_with_what_is_forced_is_refused() -> None:
    renderer = toy("A", "B", merges=(("[", "A"),))
    with pytest.raises(BadPrompt, match="A not one token"):
        renderer.label_ids((Message("user", "hi"), Message("assistant", "[")), ("A", "B"))


def test_a_label_that_exists_only_with_a_space_is_taken_so_or_refused() -> None:
    renderer = toy(" A", " B")
    a, b = renderer.label_ids((Message("user", "hi"),), ("A", "B"))
    assert a != b
    with pytest.raises(BadPrompt):
        renderer.label_ids((Message("user", "hi"), Message("assistant", "[")), ("A", "B"))


def test_a_label_of_two_tokens_is_refused() -> None:
    renderer = toy("A", "T", "1")
    with pytest.raises(BadPrompt, match="T1 not one token"):
        renderer.label_ids((Message("user", "hi"),), ("A", "T1"))


@EITHER
def test_labels_that_cannot_be_told_apart_are_refused(kind: Kind) -> None:
    with pytest.raises(BadPrompt):
        Renderer(tokenizer(kind)).label_ids(ask("?"), ("A", "A"))
    with pytest.raises(BadPrompt):
        Renderer(tokenizer(kind)).label_ids(ask("?"), ("龍", "鬼"))
    with pytest.raises(BadPrompt):
        Renderer(tokenizer(kind)).label_ids(ask("?"), ("", "A"))


@EITHER
@given(text=st.text(max_size=20))
def test_a_continuation_reads_as_its_text(kind: Kind, text: str) -> None:
    tok = tokenizer(kind)
    ids = Renderer(tok).continuation(text)
    whole = tok.encode("\n", add_special_tokens=False) + ids
    assert str(tok.decode(whole)).lstrip() == f"\n{text}".lstrip() or tok.unk_token_id in ids
    assert tok.convert_tokens_to_ids("<|im_end|>") not in ids
