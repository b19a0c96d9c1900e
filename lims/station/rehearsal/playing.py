"""Playing a study: who comes when, what goes wrong on purpose, and what is left behind."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lims import custody, dosing, isolation, labels, ledger, release, studies
from lims.core import clock, db, mode
from lims.core.errors import BadInput, NotFound
from lims.core.gate import GateStopped
from lims.core.permissions import WORKER, Actor, Role
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.station.rehearsal import enrolling, giving, making, testing
from lims.station.rehearsal.stage import Stage, Walk, Woman, days, hours, minutes
from lims.studies import protocol

D = Decimal
_BEGINS = days(600)  # before now
_ARRIVE_WITHIN = days(180)
Told = Callable[[str], None]


def rehearse(
    first: Actor,
    *,
    study: str,
    participants: int,
    seed: int = 1,
    out: Path | None = None,
    told: Told = lambda _line: None,
) -> dict[str, Any]:
    """Walk synthetic participants from consent to outcome.

    Args:
        first: whoever opens the first accounts: the console.
        out: a folder for labels (PNG, ZPL) and certificates (PDF); nothing is kept without one.
        told: what is going on, for people who wait.

    Returns:
        The document of `lims rehearse --json`.

    Raises:
        BadInput: no such study, or no participants.
        NotForPractice: the database holds live records.
    """
    began = time.monotonic()
    if not 1 <= participants <= 500:
        raise BadInput(_("Between 1 and 500 participants can rehearse."), field="participants")
    document, site = _documents(study)
    with db.transaction() as session:
        mode.declare_practice(session, empty=ledger.entry_count(session) == 0)
    real_now = clock.now()
    set_clock = clock.SetClock(real_now - _BEGINS)
    stage = Stage(study, seed, set_clock)
    folder = (out / "labels") if out else None
    kept = labels.kept_in(folder) if folder else nullcontext()
    with clock.running(set_clock), kept:
        stage.cast(first)
        stage.do("adel", studies.load, document=document, site_document=site)
        _open(stage, real_now)
        women = [enrolling.made_up(stage, index) for index in range(participants)]
        walks = _walks(stage, women, told)
        stage.walk(walks)
        print_labels()
    with db.reading() as session:
        found = ledger.verify(session)
        return {
            "study": study,
            "participants": [woman.as_json() for woman in women],
            "labels": _labels(session, out) if out else [],
            "certificates": _certificates(session, women, out) if out else [],
            "events": found.entries,
            "seconds": round(time.monotonic() - began, 1),
            "ledger": {"ok": found.ok},
        }


def _documents(study: str) -> tuple[str, str]:
    for path in protocol.shipped():
        text = path.read_text(encoding="utf-8")
        if f'"{study}"' in text:
            return text, protocol.demonstration_site_text()
    raise NotFound(
        _("No study %(code)s ships with this version; name one that does.", code=study),
        field="study",
    )


def _open(stage: Stage, until: datetime) -> None:
    """Everything a study needs before its first participant."""
    stage.delegate(until + days(400))
    stage.furnish()
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    if any(arm.dose and arm.dose.unit_confirmed_by_required for arm in read.arms.values()):
        stage.sign("sora", studies.confirm_units, study=stage.study)
    if read.allocation.randomised:
        stage.do("sora", studies.import_list, study=stage.study,
                 content=enrolling.sealed_list(stage))  # fmt: skip


def _walks(stage: Stage, women: list[Woman], told: Told) -> list[tuple[datetime, Walk]]:
    start = stage.clock()
    step = min(days(14), _ARRIVE_WITHIN / len(women))
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    if read.allocation.randomised:
        plan = _Plan(treated_share=2)
        return [
            (start + woman.index * step, _own_cells(stage, woman, plan, told)) for woman in women
        ]
    plan = _Plan(treated_share=1)
    bank = Bank(stage, read, women)
    arms = list(read.arms)
    walks: list[tuple[datetime, Walk]] = [(start, bank.make())]
    for woman in women:
        arm = arms[woman.index % len(arms)]
        ready = start + days(75) + woman.index * step
        walks.append((ready, _from_a_bank(stage, woman, arm, bank, plan, told)))
    return walks


class _Plan:
    """Which treated woman meets which stop: one participant of ten."""

    MISHAPS = ("window", "expired thaw", "wrong dose", "unreleased lot")

    def __init__(self, treated_share: int) -> None:
        self.every = 10 // treated_share
        self.treated = 0
        self.met = 0

    def next(self, kinds: tuple[str, ...] = MISHAPS) -> str | None:
        """The mishap of the next treated woman; mostly none."""
        turn = self.treated % self.every == min(2, self.every - 1)
        self.treated += 1
        if not turn:
            return None
        self.met += 1
        return kinds[(self.met - 1) % len(kinds)]


def print_labels() -> int:
    """Do what the workers would: draw every label that waits."""
    done = 0
    while True:
        with db.reading() as session:
            waiting = labels.requests(session, states=[labels.RequestState.REQUESTED])
        if not waiting:
            return done
        for request in waiting:
            labels.print_label(WORKER, request.id)
            done += 1


# the autologous study


def _own_cells(stage: Stage, woman: Woman, plan: _Plan, told: Told) -> Walk:
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
    yield from testing.test_vesicles(stage, lot)
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
    yield from giving.supply(stage, woman, dose)
    # 47.5 h lie within the silent two hours around 48 h; 30 h do not, and nobody signed for it.
    _transfer(stage, woman, 30 if woman.mishap == "window" else 47.5)
    giving.assess(stage, woman)
    stage.do("clea", dosing.thaw, code=dose, kept="room")
    print_labels()
    yield minutes(61 if woman.mishap == "expired thaw" else 15)
    offered = dose
    if woman.mishap == "wrong dose":
        offered = _another_dose(dose)
    try:
        yield from giving.give(stage, woman, offered, volume_ul, held_ul=held_ul)
    except giving.Stopped:
        stage.do("pari", dosing.destroy, code=dose, reason="not given, thawed")
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


def _another_dose(dose: str) -> str:
    """A dose that is not hers: somebody else's, or one that nobody has."""
    with db.reading() as session:
        mine = custody.find(session, dose)
        others = custody.items_of(
            session, study_id=mine.study_id, kind=custody.ItemKind.DOSE
        )
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
    _outcome(stage, woman, "chemical_pregnancy",
             {"hcg": f"{stage.chance.randint(80, 400) if pregnant else 2} m[IU]/mL",
              "cut_off": "25 m[IU]/mL"})  # fmt: skip
    yield days(21)
    sacs = stage.chance.choice((1, 1, 1, 2)) if pregnant else 0
    if pregnant:
        _outcome(stage, woman, "clinical_pregnancy",
                 {"sacs": str(sacs), "heartbeat": "true", "location": "intrauterine"})  # fmt: skip
    yield days(7)
    _outcome(stage, woman, "implantation_rate", {"sacs": str(sacs), "embryos": "2"})
    if pregnant:
        yield days(98)
        _outcome(stage, woman, "ongoing_pregnancy", {"ongoing": "true"})
        yield days(125)
        _outcome(stage, woman, "live_birth",
                 {"born_on": clock.now().date().isoformat(), "number": str(sacs),
                  "weight": f"{stage.chance.randint(2500, 3900)} g"})  # fmt: skip


def _outcome(stage: Stage, woman: Woman, outcome: str, fields: dict[str, str]) -> None:
    stage.do(
        "clea",
        dosing.record_outcome,
        participant=woman.number,
        outcome=outcome,
        observed_on=clock.now().date(),
        fields=fields,
    )


# the study from a bank


class Bank:
    """Cords, each giving a stretched and a static lot; every woman takes the next free vial."""

    PER_LOT = 12

    def __init__(self, stage: Stage, read: studies.Protocol, women: list[Woman]) -> None:
        self.stage = stage
        self.read = read
        self.per_arm = -(-len(women) // len(read.arms)) + 1
        self.free: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        self.unreleased: dict[bool, str] = {}

    def make(self) -> Walk:
        """Make as many lots as the women need."""
        from datetime import date

        stage = self.stage
        for _cord in range(-(-self.per_arm // self.PER_LOT)):
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
            yield from self._one_cord(donor)

    def _one_cord(self, donor: str) -> Walk:
        stage = self.stage
        blood, cord = making.from_a_donor(stage, donor)
        yield hours(6)
        making.receive(stage, cord, None)
        making.receive(stage, blood, "8")
        yield hours(14)
        making.markers(stage, blood)
        lines: list[list[str]] = []
        for pause in making.grow(stage, cord, route="explant", lines=2):
            if isinstance(pause, timedelta):
                yield pause
            else:
                lines = pause
        making.stretch(stage, lines[0], sister=lines[1][0])
        yield hours(48)
        lots = []
        for mechanical, vessels in ((True, lines[0]), (False, lines[1])):
            pool = making.harvest(stage, vessels)
            yield hours(6)
            lot = making.isolate(stage, pool, str(D("1.6") * self.PER_LOT + D("1.5")))
            yield hours(1)
            vials = making.fill(
                stage, lot, ["1.6"] * self.PER_LOT, qc="0.9", retained="0.5"
            )
            lots.append((mechanical, lot, vials))
        for mechanical, lot, vials in lots:
            self.unreleased[mechanical] = vials[-1]
            yield from testing.test_vesicles(stage, lot)
            testing.sign_off(stage, lot)
            self.free[mechanical] += [(lot, vial) for vial in vials]

    def take(self, mechanical: bool) -> tuple[str, str] | None:
        """The next free vial of a kind, if there is one yet."""
        return self.free[mechanical].pop(0) if self.free[mechanical] else None


def _from_a_bank(
    stage: Stage, woman: Woman, arm: str, bank: Bank, plan: _Plan, told: Told
) -> Walk:
    yield from enrolling.enrol(stage, woman, arm=arm)
    planned = bank.read.arm(arm)
    prp = planned.product is protocol.ProductKind.PRP
    woman.mishap = plan.next(
        ("too old",) if prp else ("cycle day", "expired thaw", "wrong dose")
    )
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


def _cycle(stage: Stage, woman: Woman) -> None:
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
    yield from giving.supply(stage, woman, woman.dose)
    _cycle(stage, woman)
    giving.assess(stage, woman)
    stage.do("clea", dosing.thaw, code=woman.dose, kept="room")
    print_labels()
    yield minutes(61 if woman.mishap == "expired thaw" else 12)
    offered = _another_dose(woman.dose) if woman.mishap == "wrong dose" else woman.dose
    try:
        yield from giving.give(stage, woman, offered, 1500, held_ul=1600)
    except giving.Stopped:
        stage.do("pari", dosing.destroy, code=woman.dose, reason="not given, thawed")
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
    _cycle(stage, woman)
    drawn_at = clock.now()
    yield from making.plasma(stage, woman)
    lot, dose = str(woman.lot), str(woman.dose)
    yield from testing.test_plasma(stage, lot)
    testing.sign_off(stage, lot)
    yield from giving.supply(stage, woman, dose)
    giving.assess(stage, woman)
    print_labels()
    if woman.mishap == "too old":
        yield drawn_at + hours(4) + timedelta(seconds=1) - clock.now()
    else:
        yield minutes(10)
    try:
        yield from giving.give(stage, woman, dose, 1500, held_ul=1700)
    except giving.Stopped:
        stage.do("pari", dosing.destroy, code=dose, reason="not given")
        raise
    woman.outcome = "completed"


def _thickness(stage: Stage, woman: Woman) -> Walk:
    yield days(45)
    fields = {
        each.name: value
        for each in _declared(stage, "endometrial_thickness")
        if (value := _made_up(stage, each)) is not None
    }
    _outcome(stage, woman, "endometrial_thickness", fields)


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


# what is left behind


def _labels(session: Session, out: Path) -> list[dict[str, Any]]:
    with labels.kept_in(out / "labels"):
        return [
            {
                "file": str(each.png.relative_to(out)),
                "code": each.code,
                "copy": each.copy,
                "payload": each.payload,
            }
            for each in labels.drawn_files(session)
            if each.png.is_relative_to(out)
        ]


def _certificates(session: Session, women: list[Woman], out: Path) -> list[str]:
    folder = out / "certificates"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for code in sorted({woman.lot for woman in women if woman.lot}):
        item = custody.find(session, code)
        found = release.certificate_of(session, item.id)
        if found is not None:
            name = isolation.lot_of(session, item.id).name
            path = folder / f"{name}.pdf"
            path.write_bytes(found.pdf)
            written.append(str(path.relative_to(out)))
    return written
