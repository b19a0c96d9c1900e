"""What a scan means with what is in hand, and the commands: no database."""

import pytest

from lims.core import codes
from lims.station import grammar, orders
from lims.station.grammar import Mode, Step, Thing


@pytest.mark.parametrize(
    ("mode", "thing", "hand", "aim", "wanted"),
    [
        (Mode.SINGLE, Thing("V1"), None, "", Step.TAKE),
        (Mode.SINGLE, Thing("E1", moves=False), Thing("V1"), "", Step.SHOW),
        (Mode.SINGLE, Thing("A1", "slot"), Thing("V1"), "", Step.PUT),
        (Mode.SINGLE, Thing("A1", "slot"), Thing("A2", "box"), "", Step.REFUSE),
        (Mode.SINGLE, Thing("A1", "shelf"), Thing("A2", "rack"), "", Step.CARRY),
        (Mode.SINGLE, Thing("A1", "site"), Thing("A2", "freezer"), "", Step.REFUSE),
        (Mode.SINGLE, Thing("V1"), Thing("V1"), "", Step.TAKE),
        (Mode.BATCH, Thing("V1"), None, "", Step.NEEDS_PLACE),
        (Mode.BATCH, Thing("A1", "box"), None, "", Step.AIM),
        (Mode.BATCH, Thing("A1", "box"), None, "A2", Step.HAS_PLACE),
        (Mode.BATCH, Thing("V1"), None, "A2", Step.PUT),
        (Mode.LOOK, Thing("A1", "box"), Thing("V1"), "", Step.SHOW),
    ],
)
def test_the_grammar(mode, thing, hand, aim, wanted):
    assert grammar.step(mode, thing, hand=hand, aim=aim) is wanted


def test_every_command_is_known_by_code_and_by_word():
    seen = set()
    for name, order in orders.ORDERS.items():
        for practice in (False, True):
            code = orders.code_of(name, practice=practice)
            assert codes.parse(code).letter == "X"
            assert codes.parse(code).practice is practice
            seen.add(code)
            assert orders.ordered(codes.symbol(code, 1), practice=practice) is order
            assert orders.ordered(code, practice=not practice) is None
        for language in ("en", "fa", "zh"):
            assert orders.ordered(f" {order.title.spoken(language)} ", practice=False) is order
    assert len(seen) == 2 * len(orders.ORDERS)
