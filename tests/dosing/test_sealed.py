"""A dose that was given is sealed at once, one that was not given is not in such a hurry (I9)."""

import pytest

from lims import dosing
from lims.core import db, queue


@pytest.fixture
def sent():
    """Every message to the worker, and whether the act was still open."""
    found = []

    class Sender:
        def send_task(self, name, **_more):
            found.append((name, db.in_transaction()))

    queue.use(Sender())
    yield found
    queue.use(None)


def test_a_given_dose_asks_for_its_seal_once_it_is_committed(bed, sent):
    woman = bed.world.first
    check = bed.ready(woman)
    assert ("ledger.seal", False) not in sent

    bed.given(check, key="once")
    bed.given(check, key="once")

    assert [each for each in sent if each[0] == "ledger.seal"] == [("ledger.seal", False)]


def test_a_dose_that_was_not_given_waits_for_the_next_seal(bed, sent):
    found, _answer = bed.check(bed.world.first)
    dosing.not_given(bed.actor("clea"), check_id=found.id, reason="felt ill", dose_went="returned")
    assert [each for each in sent if each[0] == "ledger.seal"] == []
