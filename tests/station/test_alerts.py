"""Alerts that are computed: a dose that went out and of which nobody says what became of it."""

from datetime import timedelta
from random import Random

import pytest

from lims import custody, dosing, people
from lims.core import clock, console, db
from lims.core.permissions import Role
from lims.station import waiting
from lims.station.rehearsal import giving
from tests.bed import Bed
from tests.conftest import SOAK
from tests.dosing.test_doors import Tablet, web  # noqa: F401

SEED = 20261126
MOMENTS = 500 if SOAK else 25


def listed(bed: Bed, login: str = "pari") -> list[str]:
    """The doses that are told to be out and not confirmed."""
    with db.reading() as session:
        (chosen,) = (each for each in waiting.LISTS if each.id == "unconfirmed")
        return [line.code for line in chosen.find(session, bed.actor(login))]


def issued_at(code: str):
    with db.reading() as session:
        row = dosing.assignment_of(session, custody.find(session, code).id)
        assert row is not None
        return row.issued_at


def test_H29_a_dose_that_is_out_for_an_hour_is_told(bed, measured):
    chance, failures = Random(SEED), 0
    doses = [str(bed.world.first.dose), str(bed.world.second.dose)]
    went = {code: issued_at(code) for code in doses}
    limit = timedelta(minutes=60)
    # Both sides of the hour to the second, and anywhere in the two hours around it.
    edges = [limit, limit - timedelta(seconds=1), limit + timedelta(seconds=1)]
    spans = [*edges, *(timedelta(seconds=chance.randint(0, 7200)) for _each in range(MOMENTS))]
    for code in doses:
        for span in spans:
            bed.clock.set(went[code] + span)
            due = {each for each in doses if clock.now() - went[each] >= limit}
            failures += set(listed(bed)) != due
    measured("H29", trials=len(doses) * len(spans), failures=failures, seed=SEED)
    assert failures == 0


@pytest.mark.parametrize("end", ["given", "returned", "destroyed"])
def test_H29_the_alert_ends_with_the_dose_and_not_before(bed, end):
    woman = bed.world.first
    dose = str(woman.dose)
    if end == "given":
        bed.given(bed.ready(woman))
    elif end == "destroyed":
        giving.destroy(bed.stage, dose, "not given")
    else:
        with db.reading() as session:
            free = [
                each.code
                for each in custody.items_of(session, kind=custody.ItemKind.DOSE)
                if each.state is custody.State.AVAILABLE and each.product != "prp"
            ]
        # The one that is thawed cannot come back; another is assigned in its place.
        giving.destroy(bed.stage, dose, "not given")
        dose = free[0]
        dosing.assign(bed.actor("pari"), code=dose, participant=woman.number)
        dosing.issue(bed.actor("pari"), code=dose, to=bed.stage.badges["clea"])
        bed.clock.forward(minutes=61)
        assert dose in listed(bed)
        dosing.return_dose(bed.actor("pari"), code=dose, reason="not needed")
    bed.clock.forward(hours=2)
    assert dose not in listed(bed)
    assert str(bed.world.second.dose) in listed(bed)


def test_another_pharmacist_is_told_as_well_after_whoever_issued_it(bed):
    people.add_user(
        console.actor(),
        login="petra",
        name="Petra",
        roles=[Role.PHARMACIST],
        password="amber kettle walks north",
    )
    bed.stage.meet("petra", "petra")
    bed.clock.forward(hours=2)
    assert set(listed(bed, "petra")) == set(listed(bed)) != set()


def test_the_start_page_of_the_pharmacist_shows_it(web, bed):  # noqa: F811
    bed.clock.forward(hours=1)
    tablet = Tablet(web, bed, "pari")
    tablet.get("/")
    assert "Doses out and not confirmed" in tablet.text
    assert f'data-line="{bed.world.first.dose}"' in tablet.text
    assert "find it, then record it as given, returned or destroyed" in tablet.text
