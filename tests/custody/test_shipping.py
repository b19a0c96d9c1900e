"""From site to site: dispatched, received by counting, overdue at the deadline (H65)."""

from datetime import timedelta
from random import Random

import pytest

from lims import custody
from lims.core import clock, codes, db
from lims.core.errors import BadInput, DomainError, NotAllowed
from lims.custody import InTransit
from lims.custody.errors import NotTravelling
from lims.station import waiting
from tests.conftest import SOAK
from tests.custody import bench
from tests.custody.bench import a_place, badge, kinds, row
from tests.laboratory import PASSWORD

SEED = 20261127


@pytest.fixture
def pair(donor):
    """The one who sends and the one who receives."""
    return badge("tara")[0], badge("teo")[0]


def a_box(name: str = "Dry ice 1") -> str:
    return a_place(name=name, kind="transport")


def packed(who, donor, box: str, number: int) -> list[str]:
    """So many things in a box."""
    things = [bench.thing(donor=donor) for _each in range(number)]
    for code in things:
        custody.move(who, code=code, to=box)
    return things


def overdue(who) -> list[str]:
    """Addresses on the list of overdue shipments."""
    (listed,) = [each for each in waiting.LISTS if each.id == "shipments"]
    with db.reading() as session:
        return [each.url for each in listed.find(session, who)]


def cold(hours: int) -> custody.Brought:
    """The logger of a way that ends now and was good."""
    sent = clock.now() - timedelta(hours=hours)
    readings = [(each * 1800, "-78.5") for each in range(hours * 2 + 1)]
    return bench.brought(bench.logger_file(sent, readings))


def where(code: str) -> str | None:
    with db.reading() as session:
        place = custody.place(session, row(code).place_id)
        return place.code if place else None


def test_two_people_sign_and_one_holds_it_all_the_way(donor, pair):
    tara, teo = pair
    box, site = a_box(), a_place(name="Site B")
    one, two = packed(teo, donor, box, 2)
    for hours in (0, 49):
        with pytest.raises(BadInput):
            custody.dispatch(tara, code=box, to=site, hours=hours, password=PASSWORD)
    with pytest.raises(BadInput, match="no transport box"):
        custody.dispatch(tara, code=site, to=box, hours=4, password=PASSWORD)
    with pytest.raises(BadInput, match="Nothing stands"):
        custody.dispatch(tara, code=a_box("Empty"), to=site, hours=4, password=PASSWORD)
    with pytest.raises(DomainError):
        custody.dispatch(tara, code=box, to=site, hours=4, password="not hers")
    custody.dispatch(tara, code=box, to=site, hours=4, password=PASSWORD)
    assert [row(each).holder_id for each in (one, two)] == [tara.person] * 2
    with pytest.raises(NotTravelling, match="already"):
        custody.dispatch(teo, code=box, to=site, hours=4, password=PASSWORD)
    with pytest.raises(NotAllowed, match="another person"):
        custody.receive_shipment(tara, code=box, seen=[one, two], password=PASSWORD)
    custody.receive_shipment(teo, code=box, seen=[one, two], password=PASSWORD, logger=cold(0))
    assert [(row(each).holder_id, where(each)) for each in (one, two)] == [(teo.person, site)] * 2
    with pytest.raises(NotTravelling) as again:
        custody.receive_shipment(teo, code=box, seen=[one, two], password=PASSWORD)
    assert "Teo" in str(again.value.why)
    assert kinds(one)[-2:] == ["custody.dispatched", "custody.shipment-received"]
    assert kinds(box, "place")[-3:] == [
        "custody.dispatched", "custody.temperature-judged", "custody.shipment-received"
    ]  # fmt: skip


def test_nothing_leaves_or_enters_a_box_on_its_way(donor, pair):
    tara, teo = pair
    box, site = a_box(), a_place(name="Site B")
    (code,) = packed(tara, donor, box, 1)
    other = bench.thing(donor=donor)
    custody.dispatch(tara, code=box, to=site, hours=4, password=PASSWORD)
    with pytest.raises(InTransit):
        custody.move(teo, code=code, to=site)
    with pytest.raises(InTransit):
        custody.move(teo, code=other, to=box)
    with pytest.raises(InTransit):
        custody.hand_over(tara, code=code, to=badge("ana")[1])


def test_what_is_offered_is_not_sent(donor, pair):
    tara, _teo = pair
    box, site = a_box(), a_place(name="Site B")
    (code,) = packed(tara, donor, box, 1)
    custody.hand_over(tara, code=code, to=badge("ana")[1])
    with pytest.raises(NotTravelling, match="offered"):
        custody.dispatch(tara, code=box, to=site, hours=4, password=PASSWORD)


def test_H65_every_item_of_a_shipment_is_accounted_for(donor, pair, standing, measured):
    chance = Random(SEED)
    tara, teo = pair
    box, site, shelf = a_box(), a_place(name="Site B"), a_place(name="Shelf")
    shipments, wrong, late = (1_000 if SOAK else 4), 0, 0
    stray = packed(tara, donor, shelf, 3)
    for _each in range(shipments):
        sent = packed(tara, donor, box, chance.randint(1, 4))
        hours = chance.randint(1, 48)
        custody.dispatch(tara, code=box, to=site, hours=hours, password=PASSWORD)
        gone = {code for code in sent if chance.random() < 0.4}
        foreign = {code for code in (*stray, codes.draw("V")) if chance.random() < 0.2}
        came = [code for code in sent if code not in gone]
        broken = [code for code in came if chance.random() < 0.4]
        # The alert: not ten seconds before the deadline, and at it.
        standing.forward(seconds=hours * 3600 - 10)
        wrong += overdue(teo) != []
        standing.forward(seconds=10)
        wrong += overdue(teo) != [f"/places/{box}"]
        late += 1
        answer = custody.receive_shipment(
            teo,
            code=box,
            seen=[*came, *foreign],
            damaged=broken,
            password=PASSWORD,
            logger=cold(hours),
        )
        wrong += overdue(teo) != []
        wrong += set(answer.received) != set(came) - set(broken)
        wrong += set(answer.damaged) != set(broken)
        wrong += set(answer.missing) != gone
        wrong += set(answer.foreign) != foreign
        for code in sent:
            holder = tara.person if code in gone else teo.person
            wrong += row(code).holder_id != holder
            wrong += where(code) != (box if code in gone else site)
            with db.reading() as session:
                held = bool(custody.holds(session, [row(code).id]))
            wrong += held is not (code in gone or code in broken)
        wrong += any(where(code) != shelf for code in stray)
        for code in gone:  # found later, and out of the box
            custody.move(teo, code=code, to=shelf)
    measured("H65", trials=shipments, failures=wrong, seed=SEED, overdue_at_the_second=late)
    assert wrong == 0
