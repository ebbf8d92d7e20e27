"""Whatever stands in a settings file or in the environment is understood or refused by name."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadSettings
from rag.sections import Secret
from rag.settings import Settings, load_settings

KNOWN = {
    section.name: {key.name for key in msgspec.structs.fields(type(section.default))}
    for section in msgspec.structs.fields(Settings)
}
NAMES = st.from_regex(re.compile(r"[a-z][a-z0-9_]{0,11}"), fullmatch=True).filter(
    lambda name: "__" not in name and not name.endswith("_")
)
PLACES = st.tuples(
    st.sampled_from(sorted(KNOWN)) | NAMES, NAMES | st.sampled_from(["url", "depth"])
)
VALUES = st.text(max_size=20)


@given(PLACES.filter(lambda place: place[1] not in KNOWN.get(place[0], set())), VALUES)
@settings(max_examples=100, deadline=None)
def test_any_unknown_key_is_refused_by_its_name(place: tuple[str, str], value: str) -> None:
    section, key = place
    with pytest.raises(BadSettings) as caught:
        load_settings(environment={f"FIRSTCITE__{section}__{key}".upper(): value})
    assert f"`{key if section in KNOWN else section}`" in str(caught.value)


@given(st.sampled_from([(s, k) for s in sorted(KNOWN) for k in sorted(KNOWN[s])]), VALUES)
@settings(max_examples=100, deadline=None)
def test_any_value_of_a_known_key_is_taken_or_refused_with_its_place(
    place: tuple[str, str], value: str
) -> None:
    section, key = place
    said = ""
    try:
        loaded = load_settings(environment={f"FIRSTCITE__{section}__{key}".upper(): value})
    except BadSettings as refusal:
        said = str(refusal)
    else:
        default = getattr(getattr(Settings(), section), key)
        assert type(getattr(getattr(loaded, section), key)) is type(default)
    assert not said or f"`$.{section}.{key}`" in said


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_secret_shows_in_the_repr(secret: str) -> None:
    loaded = load_settings(environment={"FIRSTCITE__STORE__API_KEY": secret})
    assert loaded.store.api_key == secret
    assert repr(loaded) == repr(
        load_settings(environment={"FIRSTCITE__STORE__API_KEY": "something else"})
    )
    assert repr(Secret(secret)) == repr("********")
