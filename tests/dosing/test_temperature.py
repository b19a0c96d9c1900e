"""B16 at the bed: no dose is given while the temperature of a way of it is open (H19, 13.21)."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from lims import custody, dosing, isolation
from lims.core import acts, clock, db
from lims.core.gate import GateStopped, Result
from lims.core.units import Quantity
from lims.custody import Item, Outcome
from tests.bed import Bed
from tests.custody.bench import brought, logger_file
from tests.dosing.test_late import entered, paper_of, record

MINUTES = 4
ml = Quantity


def on_a_way(bed: Bed, code: str, *, receiver: str = "clea", cel: str | None = "5") -> UUID:
    """Send it in a cool box and receive it, with a logger's file or without; its shipment."""
    tara, cyra = bed.actor("tara"), bed.actor("cyra")
    box, theatre = (
        custody.make_place(tara, name=name, kind=kind, temperature_class=warmth).code
        for name, kind, warmth in (
            ("Cool box", "transport", "2-8C"),
            ("Theatre", "ward", "room"),
        )
    )
    custody.move(cyra, code=code, to=box)
    custody.dispatch(cyra, code=box, to=theatre, hours=4, password=bed.stage.passwords["cyra"])
    sent = clock.now()
    bed.clock.forward(minutes=MINUTES)
    readings = [(each * 60, cel or "") for each in range(MINUTES + 1)]
    return custody.receive_shipment(
        bed.actor(receiver),
        code=box,
        seen=[code],
        password=bed.stage.passwords[receiver],
        logger=brought(logger_file(sent, readings)) if cel else None,
    ).shipment


def assess(bed: Bed, shipment: UUID, outcome: Outcome = Outcome.NO_EFFECT) -> None:
    custody.assess(
        bed.actor("quin"), shipment_id=shipment, outcome=outcome, reason="ice was there",
        password=bed.stage.passwords["quin"],
    )  # fmt: skip


def agree(bed: Bed, shipment: UUID) -> None:
    custody.agree(bed.actor("ines"), shipment_id=shipment, password=bed.stage.passwords["ines"])


def asked(bed: Bed) -> dict[str, Result]:
    _check, answer = bed.check(bed.world.first)
    return {each.id: each.result for each in answer.rows}


def test_a_dose_that_came_by_a_whole_record_is_given(bed):
    on_a_way(bed, str(bed.world.first.dose))
    assert asked(bed)["B16"] is Result.PASSED
    check = bed.ready(bed.world.first)
    assert bed.given(check)
    assert bed.state(str(bed.world.first.dose)) == "administered"


def test_a_dose_without_its_logger_is_given_after_two_assessments_and_with_a_reason(bed):
    shipment = on_a_way(bed, str(bed.world.first.dose), cel=None)
    rows = asked(bed)
    assert (rows["B16"], rows["B11"]) == (Result.STOPPED, Result.STOPPED)
    assess(bed, shipment)
    rows = asked(bed)
    assert (rows["B16"], rows["B11"]) == (Result.STOPPED, Result.PASSED)
    agree(bed, shipment)
    check, answer = bed.check(bed.world.first)
    assert (answer.verdict, answer.ids(Result.WARNED)) == ("ask", ["B16"])
    bed.witness(check.id, bed.world.first)
    with pytest.raises(GateStopped):
        bed.given(check.id)
    now = clock.now()
    clea = bed.actor("clea")

    def call() -> str:
        return str(
            dosing.given(
                clea, check_id=check.id, started_at=now, ended_at=now, sites=[ml(1500, "uL")],
                residual=ml(100, "uL"), wasted=ml(0, "uL"), drawn_up_at=now,
                draw_up_witnessed=True, password=bed.stage.passwords["clea"],
                reason="assessment read, postponing is worse",
            ).id
        )  # fmt: skip

    acts.once(clea, uuid4().hex, acts.digest_of("given"), call)
    assert bed.state(str(bed.world.first.dose)) == "administered"


def test_what_quality_found_not_usable_is_never_given(bed):
    shipment = on_a_way(bed, str(bed.world.first.dose), cel="12")
    assess(bed, shipment, Outcome.NOT_USABLE)
    rows = asked(bed)
    assert (rows["B16"], rows["B11"]) == (Result.STOPPED, Result.STOPPED)


def test_an_excursion_that_shows_after_the_verdict_stops_the_giving(bed):
    dose = str(bed.world.first.dose)
    shipment = on_a_way(bed, dose)
    sent = clock.now() - timedelta(minutes=MINUTES)
    check = bed.ready(bed.world.first)
    late = logger_file(sent, [(0, "5"), (60, "19"), (120, "5"), (240, "5")])
    custody.read_logger(bed.actor("cyra"), shipment_id=shipment, file=late, zone="UTC",
                 unit="Cel")  # fmt: skip
    with pytest.raises(GateStopped) as stopped:
        bed.given(check)
    assert {"B11", "B16"} <= set(stopped.value.answer.ids(Result.STOPPED))
    assert bed.state(dose) == "thawed"


def test_a_way_of_what_it_was_made_from_stops_until_quality_has_assessed(bed):
    with db.reading() as session:
        dose = session.scalar(select(Item).where(Item.code == bed.world.first.dose))
        lot = custody.item(session, isolation.vial_of(session, dose.id).lot_id)
    shipment = on_a_way(bed, lot.code, receiver="tara", cel=None)
    assert asked(bed)["B16"] is Result.STOPPED
    assess(bed, shipment)
    assert asked(bed)["B16"] is Result.PASSED


@pytest.mark.parametrize("agreed", [True, False])
def test_a_dose_from_paper_is_judged_by_the_record_as_it_stood_then(bed, agreed):
    dose = str(bed.world.first.dose)
    shipment = on_a_way(bed, dose, cel=None)
    if agreed:
        assess(bed, shipment)
        agree(bed, shipment)
    bed.clock.forward(minutes=7)
    sheet = entered(bed)
    bed.clock.forward(hours=5)
    if not agreed:
        assess(bed, shipment)
        agree(bed, shipment)
    record(bed, sheet)
    failed = {each["id"]: each["result"] for each in paper_of(dose).failed}
    assert failed["B16"] == ("warned" if agreed else "stopped")
    assert ("B11" in failed) is not agreed


# Where it stood


def warmed(bed: Bed, code: str, cels: tuple[str | None, ...]) -> UUID | None:
    """It stands in a measured refrigerator, a reading every ten minutes; the last episode there."""
    tara, clea = bed.actor("tara"), bed.actor("clea")
    fridge, theatre = (
        custody.make_place(tara, name=name, kind=kind, temperature_class=warmth).code
        for name, kind, warmth in (
            ("Refrigerator 7", "fridge", "2-8C"),
            ("Theatre", "ward", "room"),
        )
    )
    custody.monitoring.link(tara, code=fridge, serial="TT-7", minutes=1)
    custody.move(clea, code=code, to=fridge)
    for cel in cels:
        if cel is not None:
            reading = custody.excursions.Read(clock.now(), Decimal(cel))
            custody.monitoring.deliver(tara, code=fridge, readings=[reading])
        bed.clock.forward(seconds=20)
    custody.move(clea, code=code, to=theatre)
    with db.reading() as session:
        found = [each.id for place, each in custody.monitoring.to_assess(session)]
    return found[-1] if found else None


def test_H19_a_dose_that_stood_too_warm_is_given_only_after_two_signatures(bed, measured):
    dose = str(bed.world.first.dose)
    episode = warmed(bed, dose, ("5", "26", "5"))
    assert episode is not None
    rows = asked(bed)
    assert (rows["B16"], rows["B11"]) == (Result.STOPPED, Result.STOPPED)
    custody.monitoring.assess(
        bed.actor("quin"), episode_id=episode, outcome=Outcome.NO_EFFECT, reason="seconds only",
        password=bed.stage.passwords["quin"],
    )  # fmt: skip
    rows = asked(bed)
    assert (rows["B16"], rows["B11"]) == (Result.STOPPED, Result.PASSED)
    custody.monitoring.agree(
        bed.actor("ines"), episode_id=episode, password=bed.stage.passwords["ines"]
    )
    _check, answer = bed.check(bed.world.first)
    assert (answer.verdict, answer.ids(Result.WARNED)) == ("ask", ["B16"])
    measured("H19", trials=3, failures=0)


def test_a_dose_that_stood_where_a_logger_found_nothing_passes(bed):
    assert warmed(bed, str(bed.world.first.dose), ("5", "5.2", "7.9")) is None
    rows = asked(bed)
    assert (rows["B16"], rows["B11"]) == (Result.PASSED, Result.PASSED)
