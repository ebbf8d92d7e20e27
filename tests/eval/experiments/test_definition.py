"""An experiment's file: what it says is understood, what nobody understands is refused by name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.experiments.definition import (
    CollectionTable,
    Definition,
    known,
    read_definition,
    settings_of,
)
from eval.experiments.record import Analysis, Price
from rag.errors import BadInput, BadSettings
from rag.sections import LLMSettings
from rag.settings import Settings

LEAST = 'name = "x"\n[[collections]]\npath = "tiny"\n[[systems]]\nname = "bm25"\n'


def read(folder: Path, text: str, collections: Path | None = None) -> Definition:
    file = folder / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    return read_definition(file, collections)


def test_paths_begin_where_the_file_lies_and_name_the_collection(tmp_path: Path) -> None:
    found = read(tmp_path, LEAST)
    assert found.collections == (CollectionTable(path=str(tmp_path / "tiny"), name="tiny"),)
    assert found.analysis == Analysis()


def test_collections_stands_for_the_option(tmp_path: Path) -> None:
    text = LEAST.replace('"tiny"', '"{collections}/tiny"')
    (one,) = read(tmp_path, text, tmp_path / "all").collections
    assert one.path == str(tmp_path / "all" / "tiny")
    with pytest.raises(BadInput, match="say where that is by --collections"):
        read(tmp_path, text)


def test_analysis_and_prices_are_those_of_the_record(tmp_path: Path) -> None:
    text = (
        LEAST + '[analysis]\nbaseline = "bm25"\nmargin = 0.02\nmeasures = ["AP"]\n'
        '[[prices]]\nmodel = "m"\ntokens_in = 1.5\ntokens_out = 2\n'
    )
    found = read(tmp_path, text)
    assert found.analysis == Analysis(measures=("AP",), baseline="bm25", margin=0.02)
    assert found.prices == (Price("m", 1.5, 2.0),)


def test_settings_of_a_system_come_over_those_of_all_over_those_in_effect(tmp_path: Path) -> None:
    text = (
        'name = "x"\nsettings.search.rrf_k = 2\nsettings.index.splitter = "none"\n'
        '[[collections]]\npath = "tiny"\n'
        '[[systems]]\nname = "a"\nsettings.search.rrf_k = 3\n'
        'rerank = {method = "first", depth = 7}\n[[systems]]\nname = "b"\n'
    )
    found, base = read(tmp_path, text), Settings(llm=LLMSettings(model="ours"))
    first, second = (settings_of(base, found, system) for system in found.systems)
    assert (first.search.rrf_k, second.search.rrf_k) == (3, 2)
    assert first.index.splitter == second.index.splitter == "none"
    assert (first.rerank.method, first.rerank.depth, second.rerank.method) == ("first", 7, "")
    assert first.llm.model == "ours"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("name = ", "nome = "), "unknown key 'nome'. Known: name, collections, systems, depth"),
        (("path = ", "paht = "), "unknown key 'paht' of [collections]. Known: path, kind, name"),
        (('"bm25"\n', '"bm25"\nfuse = 1\n'), "unknown key 'fuse' of [systems]. Known: name, br"),
        (
            ('"bm25"\n', '"bm25"\nrerank = {method = "first", deep = 1}\n'),
            "unknown key 'deep' of [systems.rerank]. Known: method, depth",
        ),
        (('"bm25"\n', '"bm25"\n[analysis]\nmargins = 1\n'), "'margins' of [analysis]. Known: me"),
        (('"bm25"\n', '"bm25"\n[[prices]]\nmodel = 1\n'), "Expected `str`, got `int`"),
        (('"bm25"\n', '"b/m"\n'), "'b/m' is no name"),
        (('"bm25"\n', '"a"\n[[systems]]\nname = "a"\n'), "two systems are called 'a'"),
        (('"tiny"\n', '"tiny"\n[[collections]]\npath = "b/tiny"\n'), "two collections are called"),
        (('"bm25"\n', '"bm25"\nbranches = ["bm52"]\n'), "Invalid enum value 'bm52'"),
        (('"bm25"\n', '"bm25"\nexpand = ["magic"]\n'), "unknown expansion 'magic'. Known: rm3"),
        (('"bm25"\n', '"bm25"\niterate = "magic"\n'), "unknown iteration 'magic'. Known: deco"),
        (('"bm25"\n', '"bm25"\ncollections = ["b"]\n'), "unknown collection 'b'. Known: tiny"),
        (
            (
                '"tiny"\n[[systems]]\nname = "bm25"\n',
                (
                    '"tiny"\n[[collections]]\npath = "b"\n[[systems]]\nname = "bm25"\n'
                    'collections = ["tiny"]\n'
                ),
            ),
            "the baseline 'bm25' does not run over 'b': name another one",
        ),
        (('"bm25"\n', '"bm25"\nrun = "x"\nfusion = "rrf"\n'), "'bm25' is a run: it has no plan"),
        (('"bm25"\n', '"bm25"\nshuffles = 2\n'), "'bm25' has shuffles, but no reranker"),
        (('"bm25"\n', '"bm25"\n[analysis]\nbaseline = "b"\n'), "baseline 'b' is no system. Known:"),
        (('"bm25"\n', '"bm25"\nrerank = {method = ""}\n'), "rerank.method is empty"),
        (('[[systems]]\nname = "bm25"\n', ""), "missing required field `systems`"),
        (("name = ", "name "), "not a TOML file"),
    ],
)
def test_what_nobody_understands_is_refused_by_name(
    tmp_path: Path, change: tuple[str, str], why: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, LEAST.replace(*change, 1))
    assert why in str(refused.value)
    assert str(tmp_path / "experiment.toml") in str(refused.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("settings.serach.depth = 1", "unknown field `serach`"),
        ("settings.search.deep = 1", "Known: search.fusion"),
        ("settings.search.depth = 0", "settings: Expected `int` >= 1"),
        ('settings.llm.api_key = "s"', "llm.api_key is a secret: set FIRSTCITE__LLM__API_KEY"),
        ('rerank = {method = "magic"}', "rerank.method is 'magic', which is none"),
        ('rerank = {method = "first", schedule = "x"}', "rerank.schedule is 'x'"),
    ],
)
def test_settings_that_are_none_are_refused(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read(tmp_path, LEAST + line + "\n")
    assert why in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere: No such file"):
        read_definition(tmp_path / "nowhere")


@given(key=st.from_regex("[a-z]{1,9}", fullmatch=True), table=st.sampled_from(["", "analysis"]))
def test_any_unknown_key_is_refused(
    tmp_path_factory: pytest.TempPathFactory, key: str, table: str
) -> None:
    if key in known(table):
        return
    text = f"{LEAST}[analysis]\n{key} = 1\n" if table else f"{key} = 1\n{LEAST}"
    with pytest.raises(BadInput, match=f"unknown key '{key}'"):
        read(tmp_path_factory.mktemp("d"), text)
