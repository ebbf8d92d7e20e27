"""Defaults ← file ← environment; every mistake is named with what would have been right."""

import copy
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from rag.errors import BadSettings
from rag.sections import MASK, LLMSettings, Secret, Section, StoreSettings
from rag.settings import (
    BOUNDED,
    QUIET,
    Settings,
    known_keys,
    load_settings,
    models_folder,
    quiet,
    thread_limit,
)

SECTIONS = msgspec.structs.fields(Settings)
KEYS = [
    (section.name, key)
    for section in SECTIONS
    for key in msgspec.structs.fields(type(section.default))
]


def write(folder: Path, text: str, name: str = "firstcite.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refusal(text: str = "", **environment: str) -> str:
    """Return the message with which settings are refused (in the working folder)."""
    write(Path(), text)
    with pytest.raises(BadSettings) as caught:
        load_settings(environment=environment)
    return str(caught.value)


def test_without_file_and_environment_the_defaults_hold() -> None:
    assert load_settings(environment={}) == Settings()
    assert load_settings(environment={"PATH": "/bin", "FIRSTCITE_OTHER": "x"}) == Settings()


def test_every_setting_has_a_default_and_a_sentence() -> None:
    for section in SECTIONS:
        kind = msgspec.inspect.type_info(type(section.default))
        assert isinstance(kind, msgspec.inspect.StructType)
        for field in kind.fields:
            assert not field.required, f"{section.name}.{field.name} has no default"
            assert isinstance(field.type, msgspec.inspect.Metadata), f"{field.name} says nothing"
            assert (field.type.extra_json_schema or {}).get("description"), field.name


def test_the_file_in_the_working_folder_overrides_the_defaults() -> None:
    write(Path(), '[search]\nfusion = "rrf"\ndepth = 50\n\n[server]\nport = 0\n')
    settings = load_settings(environment={})
    assert (settings.search.fusion, settings.search.depth, settings.server.port) == ("rrf", 50, 0)
    assert settings.search.rrf_k == 60
    assert settings.store == Settings().store


def test_a_named_file_is_read_instead_of_the_one_in_the_working_folder(tmp_path: Path) -> None:
    write(Path(), '[search]\nfusion = "rrf"\n')
    named = write(tmp_path, "[search]\ndepth = 7\n", "mine.toml")
    settings = load_settings(named, {})
    assert (settings.search.fusion, settings.search.depth) == ("dbsf", 7)


def test_the_environment_overrides_the_file() -> None:
    write(Path(), '[store]\nurl = "http://file"\npath = "kept"\n')
    settings = load_settings(environment={"FIRSTCITE__STORE__URL": "http://environment"})
    assert (settings.store.url, settings.store.path) == ("http://environment", "kept")


def test_the_processs_environment_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIRSTCITE__SEARCH__DEPTH", "7")
    assert load_settings().search.depth == 7


def test_the_environment_speaks_text_which_becomes_the_fields_type() -> None:
    settings = load_settings(
        environment={
            "FIRSTCITE__SERVER__PORT": "9000",
            "FIRSTCITE__SPARSE__K1": "1.2",
            "FIRSTCITE__STORE__GRPC": "false",
            "FIRSTCITE__STORE__PATH": "123",
            "FIRSTCITE__LLM__MODEL": "a__b",
            "FIRSTCITE__ANSWER__FLOOR": "-1",
        }
    )
    assert settings.server.port == 9000
    assert settings.sparse.k1 == 1.2
    assert settings.store.grpc is False
    assert settings.store.path == "123"
    assert settings.llm.model == "a__b"
    assert settings.answer.floor == -1.0


def test_names_of_variables_may_be_lower_case_after_the_prefix() -> None:
    assert load_settings(environment={"FIRSTCITE__store__url": "x"}).store.url == "x"


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda part: getattr(part, "name", part))
def test_every_setting_is_set_by_its_variable(section: str, key: msgspec.structs.FieldInfo) -> None:
    default = getattr(getattr(Settings(), section), key.name)
    others = {
        "engine": "ray",
        "fusion": "rrf",
        "precision": "fp32",
        "runtime": "onnx",
        "splitter": "none",
        "widen": "merge",
    }
    others |= {
        "guard": "convex",
        "feedback": "native",
        "demonstrations": "7",
        "merge": "rrf",
        "preset": "fast",
        "route": "claims",
        "order": "middle",
        "generator": "inline",
        "samples": "3",
        "verify": "nli",
        "policy": "mark",
        "scorer": "query-likelihood",
    }
    others |= {"near_duplicates": "link", "near_duplicate_share": "0.9"}
    others |= {"write_ordering": "strong", "read_consistency": "all", "quantisation": "binary"}
    others |= {"superseded": "hide"}
    of_type = {bool: str(not default).lower(), int: "17", float: "0.25"}
    text = others.get(key.name) or of_type.get(type(default), "x")
    settings = load_settings(environment={f"FIRSTCITE__{section}__{key.name}".upper(): text})
    value = getattr(getattr(settings, section), key.name)
    assert value != default
    assert type(value) is type(default)
    assert str(value).lower() == text


def test_an_unknown_section_is_refused_by_its_name_with_the_known_ones() -> None:
    known = "Known: store, encoder, sparse, index, search, rerank, answer, llm, server, client"
    assert "unknown field `serach`" in refusal("[serach]\ndepth = 3\n")
    assert refusal("[serach]\n").endswith(known)
    assert "unknown field `serach`" in refusal(FIRSTCITE__SERACH__DEPTH="3")


def test_an_unknown_key_is_refused_by_its_name_with_those_of_its_section() -> None:
    known = "search.dense_weight, search.widen, search.window, search.superseded"
    for said in (refusal("[search]\ndeep = 3\n"), refusal(FIRSTCITE__SEARCH__DEEP="3")):
        assert "unknown field `deep` - at `$.search`" in said
        assert said.endswith(known)


def test_a_key_outside_a_section_is_refused() -> None:
    said = refusal('fusion = "rrf"\n')
    assert said.startswith("firstcite.toml: 'fusion' stands outside a section. Known: store, ")
    assert "'store' stands outside a section" in refusal("[[store]]\nurl = 'x'\n")


@pytest.mark.parametrize("name", ["FIRSTCITE__", "FIRSTCITE__STORE", "FIRSTCITE____URL"])
def test_a_variable_without_section_or_key_is_refused(name: str) -> None:
    said = refusal(**{name: "x"})
    assert said.startswith(f"{name}: write FIRSTCITE__SECTION__KEY. Known: store, ")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[search]\ndepth = 'many'\n", "Expected `int`, got `str` - at `$.search.depth`"),
        ("[search]\ndepth = 0\n", "Expected `int` >= 1 - at `$.search.depth`"),
        ("[search]\ndepth = 2.5\n", "Expected `int`, got `float` - at `$.search.depth`"),
        ("[search]\ndepth = true\n", "Expected `int`, got `bool` - at `$.search.depth`"),
        ("[search]\nfusion = 'RRF'\n", "Invalid enum value 'RRF' - at `$.search.fusion`"),
        ("[search]\ndense_weight = 1.1\n", "<= 1.0 - at `$.search.dense_weight`"),
        ("[search]\ndense_weight = nan\n", "at `$.search.dense_weight`"),
        ("[store]\nurl = 5\n", "Expected `str`, got `int` - at `$.store.url`"),
        ("[store]\ntimeout_s = 0\n", "at `$.store.timeout_s`"),
        ("[store]\ngrpc = 'yes'\n", "Expected `bool`, got `str` - at `$.store.grpc`"),
        ("[store]\napi_key = 5\n", "expected Secret, got int - at `$.store.api_key`"),
        ("[server]\nport = 65536\n", "<= 65535 - at `$.server.port`"),
        ("[answer]\nfloor = -1.5\n", ">= -1.0 - at `$.answer.floor`"),
        ("[index]\nchunk_tokens = 15\n", ">= 16 - at `$.index.chunk_tokens`"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(text: str, where: str) -> None:
    said = refusal(text)
    assert where in said
    assert "Known: " in said


@pytest.mark.parametrize("text", ["99999999999999999999999", str(2**31)])
def test_a_count_that_no_store_takes_is_refused(text: str) -> None:
    assert "at `$.search.depth`" in refusal(FIRSTCITE__SEARCH__DEPTH=text)


def test_a_value_of_the_environment_is_judged_like_one_of_the_file() -> None:
    assert "at `$.server.port`" in refusal(FIRSTCITE__SERVER__PORT="eighty")
    assert "at `$.search.dense_weight`" in refusal(FIRSTCITE__SEARCH__DENSE_WEIGHT="nan")
    assert "at `$.search.depth`" in refusal(FIRSTCITE__SEARCH__DEPTH="")


def test_a_named_file_that_is_missing_is_refused() -> None:
    with pytest.raises(BadSettings, match=r"nowhere.toml: No such file .*: name a readable"):
        load_settings(Path("nowhere.toml"), {})


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="name a readable settings file"):
        load_settings(tmp_path, {})
    Path("firstcite.toml").mkdir()
    with pytest.raises(BadSettings, match=r"firstcite.toml: .*name a readable settings file"):
        load_settings(environment={})


def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"firstcite.toml: not a TOML file: .*line 2"):
        load_settings(write(tmp_path, "[store]\nurl: x\n"), {})
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSettings, match=r"binary.toml: not a TOML file: .*utf-8"):
        load_settings(binary, {})


def test_the_byte_order_mark_that_some_editors_write_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "bom.toml"
    file.write_bytes(b'\xef\xbb\xbf[store]\nurl = "x"\n')
    assert load_settings(file, {}).store.url == "x"


@pytest.mark.parametrize("section", ["store", "llm"])
def test_secrets_are_masked_wherever_settings_are_printed(section: str) -> None:
    settings = load_settings(environment={f"FIRSTCITE__{section.upper()}__API_KEY": "hush-hush"})
    table = getattr(settings, section)
    assert table.api_key == "hush-hush"  # usable as the string it is
    for shown in (repr(settings), str(settings), f"{table}", f"{table.api_key!r}", repr([table])):
        assert "hush" not in shown
        assert MASK in shown
    assert "hush" not in repr(copy.deepcopy(settings))


def test_an_empty_secret_shows_that_it_is_empty() -> None:
    assert repr(Secret("")) == "''"
    assert "api_key=''" in repr(Settings())


def test_a_secret_is_not_written_out_by_a_serialiser() -> None:
    with pytest.raises(TypeError, match="Secret"):
        msgspec.json.encode(StoreSettings(api_key=Secret("hush-hush")))


def test_a_wrong_secret_is_not_repeated_in_the_refusal() -> None:
    assert "hush" not in refusal("[store]\napi_key = ['hush-hush']\n")
    assert "hush" not in refusal("[store]\napi_keys = 'hush-hush'\n")


def test_settings_do_not_change() -> None:
    settings = Settings()
    with pytest.raises(AttributeError, match="immutable"):
        settings.store.url = "x"  # type: ignore[misc]  # that is the point
    assert all(isinstance(getattr(settings, section.name), Section) for section in SECTIONS)


def test_known_keys_are_those_of_the_section_a_message_points_at() -> None:
    assert known_keys("… - at `$.encoder.precision`") == (
        "encoder.model, encoder.runtime, encoder.precision"
    )
    assert known_keys() == ", ".join(section.name for section in SECTIONS)


def test_quiet_switches_off_telemetry_and_leaves_what_the_user_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HAYSTACK_TELEMETRY_ENABLED")
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "info")
    quiet()
    assert os.environ["HAYSTACK_TELEMETRY_ENABLED"] == "False"
    assert os.environ["TRANSFORMERS_VERBOSITY"] == "info"
    assert all(name in os.environ for name in QUIET | BOUNDED)
    assert logging.getLogger("haystack").level == logging.ERROR


def test_importing_the_settings_reads_nothing_and_sets_nothing() -> None:
    code = "import os; before = dict(os.environ); import rag.settings; assert before == os.environ"
    bad = {"FIRSTCITE__NOPE__X": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=bad, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_environment_is_read_in_the_settings_and_nowhere_else() -> None:
    root = Path(__file__).parents[2]
    readers = [
        file.relative_to(root).as_posix()
        for folder in ("rag", "indexers", "rerankers", "api", "eval")
        for file in (root / folder).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b", file.read_text(encoding="utf-8"))
    ]
    assert readers == ["rag/settings.py"]


@pytest.mark.parametrize(
    ("said", "limit"), [("2", 2), ("", None), ("0", None), ("4,2", None), ("²", None)]
)
def test_threads_are_limited_where_the_environment_names_a_number(
    said: str, limit: int | None
) -> None:
    assert thread_limit({"OMP_NUM_THREADS": said}) == limit
    assert thread_limit({}) is None


def test_models_lie_in_the_settings_folder_or_the_users_cache() -> None:
    mine = Settings(llm=LLMSettings(cache="mine"))
    assert models_folder(mine, {"XDG_CACHE_HOME": "/somewhere"}) == Path("mine/models")
    home = models_folder(Settings(), {"XDG_CACHE_HOME": "/somewhere"})
    assert home == Path("/somewhere/firstcite/models")
    assert models_folder(Settings(), {}) == Path.home() / ".cache" / "firstcite" / "models"
