"""The study from a bank: cords, stretched and static lots; and plasma, the same day."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from lims import dosing, studies
from lims.core import clock, db
from lims.station.rehearsal import enrolling, giving, making, testing
from lims.station.rehearsal.leaving import print_labels
from lims.station.rehearsal.mishaps import Mishaps
from lims.station.rehearsal.own_cells import another_dose, record
from lims.station.rehearsal.stage import Stage, Walk, Woman, days, hours, minutes
from lims.studies import protocol

D = Decimal
Told = Callable[[str], None]
Assay = Callable[[Stage, str], Walk]


class Bank:
    """Cords, each giving a stretched and a static lot; every woman takes the next free vial."""

    PER_LOT = 12

    def __init__(
        self,
        stage: Stage,
        read: studies.Protocol,
        women: list[Woman],
        per_lot: int = PER_LOT,
    ) -> None:
        self.stage, self.per_lot = stage, per_lot
        self.read = read
        self.per_arm = -(-len(women) // len(read.arms)) + 1
        self.free: dict[bool, list[tuple[str, str]]] = {True: [], False: []}

    def make(self) -> Walk:
        """Make as many lots as the women need."""
        for _cord in range(-(-self.per_arm // self.per_lot)):
            yield from self.one_cord(testing.assay_vesicles, testing.assay_vesicles)

    def _donor(self) -> str:
        stage = self.stage
        donor = stage.do(
            "clea",
            studies.register,
            study=stage.study,
            name=f"Donor {stage.chance.randint(1000, 9999)}",
            birth_date=date(1994, 5, stage.chance.randint(1, 28)),
            kind=studies.SubjectKind.DONOR,
        )["number"]
        stage.do(
            "clea",
            studies.give_consent,
            number=donor,
            form_version="D-2",
            covers=list(self.read.consent.donor_covers),
            signed_at=clock.now() - minutes(3),
        )
        return str(donor)

    def one_cord(self, *tested: Assay) -> Walk:
        """A cord, and from it a static lot, or a stretched one and its static sister.

        Args:
            tested: how each lot is tested, the stretched one first. What passes everything
                is released and free to be taken.
        """
        stage, donor = self.stage, self._donor()
        blood, cord = making.from_a_donor(stage, donor)
        yield hours(6)
        making.receive(stage, cord, None)
        making.receive(stage, blood, "8")
        yield hours(14)
        making.markers(stage, blood)
        lines: list[list[str]] = []
        for pause in making.grow(stage, cord, route="explant", lines=len(tested)):
            if isinstance(pause, timedelta):
                yield pause
            else:
                lines = pause
        if len(tested) > 1:
            making.stretch(stage, lines[0], sister=lines[1][0])
        yield hours(48)
        lots = []
        for mechanical, vessels in zip((True, False)[-len(tested) :], lines, strict=True):
            pool = making.harvest(stage, vessels)
            yield hours(6)
            lot = making.isolate(stage, pool, str(D("1.6") * self.per_lot + D("1.5")))
            yield hours(1)
            vials = making.fill(stage, lot, ["1.6"] * self.per_lot, qc="0.9", retained="0.5")
            lots.append((mechanical, lot, vials))
        for (mechanical, lot, vials), assay in zip(lots, tested, strict=True):
            yield from assay(stage, lot)
            if assay is testing.assay_vesicles:
                testing.sign_off(stage, lot)
                self.free[mechanical] += [(lot, vial) for vial in vials]

    def take(self, mechanical: bool) -> tuple[str, str] | None:
        """The next free vial of a kind, if there is one yet."""
        return self.free[mechanical].pop(0) if self.free[mechanical] else None


def from_a_bank(
    stage: Stage, woman: Woman, arm: str, bank: Bank, plan: Mishaps, told: Told
) -> Walk:
    yield from enrolling.enrol(stage, woman, arm=arm)
    planned = bank.read.arm(arm)
    prp = planned.product is protocol.ProductKind.PRP
    woman.mishap = plan.next(("too old",) if prp else ("cycle day", "expired thaw", "wrong dose"))
    try:
        if prp:
            yield from _same_day(stage, woman)
        else:
            yield from _thawed(stage, woman, bank, mechanical=bool(planned.mechanical))
    except giving.Stopped as stop:
        woman.outcome = f"stopped:{stop.check}"
        told(f"{woman.number} {woman.outcome}")
        return
    yield from _thickness(stage, woman)
    told(f"{woman.number} {woman.outcome}")


def cycle(stage: Stage, woman: Woman) -> None:
    """The first day of her cycle, so that today lies in the window; or not, on purpose."""
    day = clock.local_date(clock.now(), "Asia/Shanghai")
    shift = 8 if woman.mishap == "cycle day" else stage.chance.randint(3, 5)
    stage.do(
        "clea",
        studies.record_cycle_day_one,
        number=woman.number,
        day=day - days(shift),
        source="natural",
        zone="Asia/Shanghai",
    )


def _thawed(stage: Stage, woman: Woman, bank: Bank, *, mechanical: bool) -> Walk:
    while (taken := bank.take(mechanical)) is None:
        yield days(3)
    woman.lot, woman.dose = taken
    woman.items += [woman.lot, woman.dose]
    yield from giving.by_day(stage)
    yield from giving.supply(stage, woman, woman.dose)
    cycle(stage, woman)
    giving.assess(stage, woman)
    stage.do("clea", dosing.thaw, code=woman.dose, kept="room")
    print_labels()
    yield minutes(61 if woman.mishap == "expired thaw" else 12)
    offered = another_dose(woman.dose) if woman.mishap == "wrong dose" else woman.dose
    try:
        yield from giving.give(stage, woman, offered, 1500, held_ul=1600)
    except giving.Stopped:
        giving.destroy(stage, woman.dose, "not given, thawed")
        raise
    woman.outcome = "completed"


def _same_day(stage: Stage, woman: Woman) -> Walk:
    blood = making.blood_for_tests(stage, woman)
    woman.items.append(blood)
    yield hours(3)
    making.receive(stage, blood, "8")
    yield hours(17)
    making.markers(stage, blood)
    yield days(3)
    yield from giving.by_day(stage, until=15)
    cycle(stage, woman)
    drawn_at = clock.now()
    yield from making.plasma(stage, woman)
    lot, dose = str(woman.lot), str(woman.dose)
    yield from testing.assay_plasma(stage, lot)
    testing.sign_off(stage, lot)
    yield from giving.supply(stage, woman, dose, place="bedside")
    giving.assess(stage, woman)
    print_labels()
    if woman.mishap == "too old":
        yield drawn_at + hours(4) + timedelta(seconds=1) - clock.now()
    else:
        yield minutes(10)
    try:
        yield from giving.give(stage, woman, dose, 1500, held_ul=1700)
    except giving.Stopped:
        giving.destroy(stage, dose, "not given")
        raise
    woman.outcome = "completed"


def _thickness(stage: Stage, woman: Woman) -> Walk:
    yield days(45)
    fields = {
        each.name: value
        for each in _declared(stage, "endometrial_thickness")
        if (value := _made_up(stage, each)) is not None
    }
    record(stage, woman, "endometrial_thickness", fields)


def _declared(stage: Stage, outcome: str) -> tuple[protocol.Field, ...]:
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    return next(each.fields for each in read.outcomes if each.id == outcome)


def _made_up(stage: Stage, field: protocol.Field) -> str | None:
    if field.kind is protocol.FieldKind.QUANTITY:
        return f"{stage.chance.randint(68, 92) / 10:.1f} {field.unit}"
    if field.kind is protocol.FieldKind.CHOICE:
        return field.choices[0]
    return None
