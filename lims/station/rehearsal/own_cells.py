"""The autologous study: her own cells, her own vesicles, 48 h before her embryo transfer."""

from collections.abc import Callable
from datetime import timedelta

from lims import custody, dosing, studies
from lims.core import clock, db
from lims.station.rehearsal import enrolling, giving, making, testing
from lims.station.rehearsal.leaving import print_labels
from lims.station.rehearsal.mishaps import Mishaps
from lims.station.rehearsal.stage import Stage, Walk, Woman, days, hours, minutes

Told = Callable[[str], None]


def own_cells(stage: Stage, woman: Woman, plan: Mishaps, told: Told) -> Walk:
    yield from enrolling.enrol(stage, woman)
    with db.reading() as session:
        arm = studies.protocol_of(studies.study_by_code(session, stage.study)).arm(woman.arm)
    if arm.product is None:
        yield from _control(stage, woman)
        told(f"{woman.number} {woman.outcome}")
        return
    woman.mishap = plan.next()
    yield from making.cup(stage, woman)
    tube = woman.items[1]
    vessels: list[list[str]] = []
    for pause in making.grow(stage, tube, route="density-gradient"):
        if isinstance(pause, timedelta):
            yield pause
        else:
            vessels = pause
    yield hours(48)
    pool = making.harvest(stage, vessels[0])
    yield hours(6)
    lot = making.isolate(stage, pool, "3.25")
    yield hours(1)
    (dose,) = making.fill(stage, lot, ["2.08"], qc="0.8", retained="0.3")
    woman.items += [*vessels[0], pool, lot, dose]
    woman.lot, woman.dose = lot, dose
    yield hours(2)
    yield from testing.assay_vesicles(stage, lot)
    try:
        yield from _to_her_bed(stage, woman, volume_ul=2000, held_ul=2080)
    except giving.Stopped as stop:
        woman.outcome = f"stopped:{stop.check}"
        told(f"{woman.number} {woman.outcome}")
        return
    yield from _pregnancy(stage, woman)
    told(f"{woman.number} {woman.outcome}")


def _transfer(stage: Stage, woman: Woman, lead_h: float) -> None:
    stage.do(
        "ines",
        studies.plan_transfer,
        number=woman.number,
        planned_at=clock.now() + hours(lead_h),
        zone="Asia/Tehran",
    )
    stage.do("ines", studies.confirm_transfer, number=woman.number)


def _to_her_bed(stage: Stage, woman: Woman, *, volume_ul: int, held_ul: int) -> Walk:
    """Released, planned, supplied, given; or the stop that was meant to come."""
    lot, dose = str(woman.lot), str(woman.dose)
    if woman.mishap == "unreleased lot":
        yield from _offer_unreleased(stage, woman, dose, volume_ul)
    testing.sign_off(stage, lot)
    yield days(1)
    yield from giving.by_day(stage)
    yield from giving.supply(stage, woman, dose)
    # 47.5 h lie within the silent two hours around 48 h; 30 h do not, and nobody signed for it.
    _transfer(stage, woman, 30 if woman.mishap == "window" else 47.5)
    giving.assess(stage, woman)
    stage.do("clea", dosing.thaw, code=dose, kept="room")
    print_labels()
    yield minutes(61 if woman.mishap == "expired thaw" else 15)
    offered = dose
    if woman.mishap == "wrong dose":
        offered = another_dose(dose)
    try:
        yield from giving.give(stage, woman, offered, volume_ul, held_ul=held_ul)
    except giving.Stopped:
        giving.destroy(stage, dose, "not given, thawed")
        raise
    woman.outcome = "completed"


def _offer_unreleased(stage: Stage, woman: Woman, dose: str, volume_ul: int) -> Walk:
    giving.assess(stage, woman)
    number, verdict = giving.check(stage, woman, dose, volume_ul)
    if verdict == "ok":
        raise AssertionError("a dose of an unreleased lot was not stopped")
    stage.do(
        "clea",
        dosing.not_given,
        check_id=giving.check_id(number),
        reason="its lot is not released",
        dose_went="back to the freezer",
    )
    woman.dose = None
    yield minutes(1)
    raise giving.Stopped("B11")


def another_dose(dose: str) -> str:
    """A dose that is not hers: somebody else's, or one that nobody has."""
    with db.reading() as session:
        mine = custody.find(session, dose)
        others = custody.items_of(session, study_id=mine.study_id, kind=custody.ItemKind.DOSE)
        return next((each.code for each in reversed(others) if each.id != mine.id), dose)


def _control(stage: Stage, woman: Woman) -> Walk:
    yield days(60)
    _transfer(stage, woman, 48)
    yield from _pregnancy(stage, woman)
    woman.outcome = "control"


def _pregnancy(stage: Stage, woman: Woman) -> Walk:
    """The transfer and what became of it."""
    yield days(2)
    stage.do(
        "clea", studies.record_transfer, number=woman.number, done_at=clock.now() - minutes(30)
    )
    pregnant = stage.chance.random() < 0.45
    yield days(14)
    record(stage, woman, "chemical_pregnancy",
             {"hcg": f"{stage.chance.randint(80, 400) if pregnant else 2} m[IU]/mL",
              "cut_off": "25 m[IU]/mL"})  # fmt: skip
    yield days(21)
    sacs = stage.chance.choice((1, 1, 1, 2)) if pregnant else 0
    if pregnant:
        record(stage, woman, "clinical_pregnancy",
                 {"sacs": str(sacs), "heartbeat": "true", "location": "intrauterine"})  # fmt: skip
    yield days(7)
    record(stage, woman, "implantation_rate", {"sacs": str(sacs), "embryos": "2"})
    if pregnant:
        yield days(98)
        record(stage, woman, "ongoing_pregnancy", {"ongoing": "true"})
        yield days(125)
        record(stage, woman, "live_birth",
                 {"born_on": clock.now().date().isoformat(), "number": str(sacs),
                  "weight": f"{stage.chance.randint(2500, 3900)} g"})  # fmt: skip


def record(stage: Stage, woman: Woman, outcome: str, fields: dict[str, str]) -> None:
    stage.do(
        "clea",
        dosing.record_outcome,
        participant=woman.number,
        outcome=outcome,
        observed_on=clock.now().date(),
        fields=fields,
    )
