"""What may leave a vessel, be put together, thaw once more: the limits, at their edges."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.core.gate import Result
from lims.custody import ItemKind, State, amounts, rules
from tests.site_limits import LIMITS

PASSED, WARNED, STOPPED = Result.PASSED, Result.WARNED, Result.STOPPED


@pytest.mark.parametrize(
    ("parent", "children", "rest", "result"),
    [
        (10_000, [2500, 2500, 2500], (1000, 1000, 500), Result.PASSED),
        (10_000, [10_200], (0, 0, 0), Result.PASSED),
        (10_000, [10_201], (0, 0, 0), Result.STOPPED),
        (10_000, [10_000], (100, 100, 1), Result.STOPPED),
        (10_000, [9000], (0, 0, 0), Result.PASSED),
        (10_000, [8999], (0, 0, 0), Result.WARNED),
        (10_000, [8000], (500, 250, 250), Result.PASSED),
        (10_000, [], (0, 0, 0), Result.WARNED),
        (10_000, [5000, -1], (0, 0, 4000), Result.STOPPED),
        (-1, [], (0, 0, 0), Result.STOPPED),
        (0, [], (0, 0, 0), Result.PASSED),
        (0, [1], (0, 0, 0), Result.STOPPED),
    ],
)
def test_the_balance_of_a_split(parent, children, rest, result):
    qc, retained, waste = rest
    balance = amounts.mass_balance(parent, children_ul=children, qc_ul=qc, retained_ul=retained,
                                 waste_ul=waste, limits=LIMITS)  # fmt: skip
    assert balance.row.result is result
    assert balance.in_ul == balance.out_ul + balance.loss_ul


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 10**6), st.lists(st.integers(0, 10**5), max_size=8), st.integers(0, 10**5))
def test_the_balance_never_lets_more_out_than_its_limit(parent, children, waste):
    balance = amounts.mass_balance(parent, children_ul=children, waste_ul=waste, limits=LIMITS)
    out = sum(children) + waste
    if 100 * out > 102 * parent:
        assert balance.row.result is Result.STOPPED
    elif 10 * (parent - out) > parent:
        assert balance.row.result is Result.WARNED
    else:
        assert balance.row.result is Result.PASSED


def test_donors_are_never_pooled_for_an_autologous_product():
    for autologous, approved, donors in product((True, False), (True, False), (["A"], ["A", "B"])):
        row = amounts.judge_pool(donors, autologous=autologous, approved=approved, limits=LIMITS)
        if len(donors) == 1:
            assert row.result is PASSED
        elif autologous or not approved:
            assert row.result is STOPPED
        else:
            assert row.result is WARNED
    same = amounts.judge_pool(["A", "A"], autologous=True, approved=False, limits=LIMITS)
    assert same.result is PASSED


@pytest.mark.parametrize(
    ("kind", "thaws", "wanted"),
    [
        (ItemKind.FLASK, 1, PASSED), (ItemKind.FLASK, 2, STOPPED),
        (ItemKind.QC_SAMPLE, 1, PASSED), (ItemKind.QC_SAMPLE, 2, WARNED),
        (ItemKind.RETAINED, 2, WARNED), (ItemKind.SPECIMEN, 9, PASSED),
    ],
)  # fmt: skip
def test_each_kind_has_its_own_limit_of_thaws(kind, thaws, wanted):
    assert amounts.judge_thaws(kind, thaws, LIMITS).result is wanted


def test_every_way_to_an_end_is_a_way_of_the_published_table():
    for kind, now, to in product(ItemKind, State, (State.EXHAUSTED, State.DESTROYED)):
        steps = rules.leaving_to(kind, now, to)
        for then in steps:
            assert rules.may_become(kind, now, then)
            now = then
        assert not steps or now is to
    for kind, end in product(ItemKind, rules.FINAL):
        assert not any(rules.may_become(kind, end, each) for each in State), (kind, end)
