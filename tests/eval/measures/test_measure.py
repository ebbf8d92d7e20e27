"""Names of measures: read, written, refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures import FAMILIES, Measure, parse
from eval.measures.evaluating import COMPUTE
from rag.errors import BadInput

VALUES = {
    "rel": st.integers(1, 9),
    "gmax": st.integers(1, 9),
    "p": st.floats(0.01, 0.99),
    "judged_only": st.booleans(),
    "dcg": st.sampled_from(["log2", "exp-log2"]),
}


@st.composite
def measures(draw: st.DrawFn) -> Measure:
    name = draw(st.sampled_from(list(FAMILIES)))
    family = FAMILIES[name]
    given = {key: draw(VALUES[key]) for key in family.takes if draw(st.booleans())}
    ks = {"none": st.just(0), "optional": st.integers(0, 99), "required": st.integers(1, 99)}
    return Measure(name, draw(ks[family.cutoff]), **{**family.takes, **given})  # type: ignore[arg-type]  # drawn


@given(measures())
def test_the_name_of_a_measure_is_read_back(measure: Measure) -> None:
    assert parse(str(measure)) == measure


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ndcg@10", "nDCG@10"),
        ("MRR@10", "RR@10"),
        ("MAP", "AP"),
        ("bpref", "Bpref"),
        ("recall@5", "R@5"),
        ("P(rel=1)@5", "P@5"),
        (" RBP ( p = .5 ) ", "RBP(p=0.5)"),
        ('nDCG(dcg="exp-log2",judged_only=true)', "nDCG(dcg='exp-log2',judged_only=True)"),
        ("AP()", "AP"),
    ],
)
def test_names_are_read_in_other_spellings_too(text: str, name: str) -> None:
    assert str(parse(text)) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no measure"),
        ("nDCG@", "is no measure"),
        ("@10", "is no measure"),
        ("nDCG@-1", "is no measure"),
        ("nDGC@10", "unknown measure 'nDGC'. Known: nDCG, AP, RR"),
        ("P", "'P' needs a cutoff of at least 1, such as P@10"),
        ("nDCG@0", "needs a cutoff of at least 1"),
        ("Rprec@5", "Rprec takes no cutoff"),
        ("AP(p=0.5)", "unknown parameter 'p'. Known: rel, judged_only"),
        ("Judged(rel=1)@5", "Known: none"),
        ("AP(rel=0)", "rel is a grade of 1 to 10,000, not 0"),
        ("AP(rel=x)", "rel is a grade"),
        ("RBP(p=1)", "p is a number between 0 and 1, not 1"),
        ("RBP(p=nan)", "p is a number between"),
        ("AP(judged_only=1)", "judged_only is True or False"),
        ("nDCG(dcg='ln')", "dcg is 'log2' or 'exp-log2'"),
        ("AP(rel)", "rel is a grade of 1 to 10,000, not nothing"),
    ],
)
def test_what_is_no_measure_is_refused_with_what_is(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text)
    assert said in str(refused.value)


def test_every_family_is_computed() -> None:
    assert set(FAMILIES) == set(COMPUTE)
