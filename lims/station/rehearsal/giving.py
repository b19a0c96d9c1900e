"""At the bed: assigned, issued, accepted, thawed, assessed, checked by two, given; and after."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from lims import custody, dosing, labels, studies
from lims.core import clock, db
from lims.core.units import Quantity
from lims.dosing import CheckState
from lims.station.rehearsal.stage import Stage, Walk, Woman, hours, minutes

# The check that each mishap is made to meet; others may stop beside it.
MEANT = {
    "window": "B21",
    "cycle day": "B22",
    "expired thaw": "B14",
    "wrong dose": "B07",
    "unreleased lot": "B11",
    "too old": "B15",
}


_MORNING, _EVENING = 7, 20  # hours of the clinic's day


class Stopped(Exception):
    """A gate said no, on purpose; the walk ends there."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


def by_day(stage: Stage, until: int = _EVENING) -> Walk:
    """Wait for the morning where it is night: a clinic confirms and gives on one day.

    Args:
        until: the hour from which on it begins nothing of this kind any more.
    """
    zone = ZoneInfo(_zone(stage))
    here = clock.now().astimezone(zone)
    if not _MORNING <= here.hour < until:
        morning = here.replace(hour=_MORNING + 1, minute=0, second=0, microsecond=0)
        yield (morning if here.hour < _MORNING else morning + timedelta(days=1)) - here


def symbol(code: str) -> str:
    """What a scanner reads off the live label."""
    with db.reading() as session:
        return labels.live_symbol(session, code)


def supply(stage: Stage, woman: Woman, dose: str, *, place: str = "theatre") -> Walk:
    """From the freezer into the hands of the clinician, on dry ice unless it is never frozen."""
    stage.do("pari", dosing.assign, code=dose, participant=woman.number)
    yield minutes(20)
    stage.do("pari", dosing.issue, code=dose, to=stage.badges["clea"], place=stage.places[place])
    yield minutes(10)
    stage.do("clea", custody.accept, code=dose, condition="cold, seal intact")


def assess(stage: Stage, woman: Woman) -> None:
    """Her state of the day."""
    stage.sign(
        "ines",
        dosing.assess,
        participant=woman.number,
        allergies=[],
        fever=False,
        infection=False,
        bleeding=False,
        pregnancy_test="negative",
        pregnancy_tested_on=_today(stage),
    )


def _today(stage: Stage) -> Any:
    return clock.local_date(clock.now(), _zone(stage))


def _zone(stage: Stage) -> str:
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    return str(read.document["site"]["time_zone"])


def seen(stage: Stage, woman: Woman, volume_ul: int) -> dict[str, Any]:
    """What the operator looks at before the verdict."""
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    arm = read.arm(woman.arm)
    return {
        "name_agrees": True,
        "birth_date_agrees": True,
        "other_trial_asked": True,
        "precautions": True,
        "seal_intact": True,
        "cap_matches": True,
        "appearance_good": True,
        "fully_thawed": True,
        "label_readable": True,
        "label_matches": True,
        "device": arm.device,
        "device_lot": "DEV-4410",
        "device_expires_on": (clock.now() + timedelta(days=300)).date().isoformat(),
        "route": arm.route,
        "sites_ul": [volume_ul],
        "emergency_kit": True,
        "emergency_staff": True,
    }


def check(stage: Stage, woman: Woman, dose: str, volume_ul: int) -> tuple[str, str]:
    """The first two scans; the check's id and what the gate said."""
    answer = stage.do(
        "clea",
        dosing.start_check,
        dose=symbol(dose),
        participant=woman.number,
        band=symbol(woman.band),
        seen=seen(stage, woman, volume_ul),
    )
    return answer[0]["id"], answer[1]["verdict"]


def give(stage: Stage, woman: Woman, dose: str, volume_ul: int, *, held_ul: int) -> Walk:
    """Both people at the bed, and the dose given.

    Raises:
        Stopped: the gate said no at the first step.
    """
    number, verdict = check(stage, woman, dose, volume_ul)
    if verdict != "ok":
        stopped = _stops(stage, number)
        stage.do(
            "clea",
            dosing.not_given,
            check_id=check_id(number),
            reason="the bedside check said stop",
            dose_went="red tray",
        )
        meant = MEANT.get(woman.mishap or "", "")
        raise Stopped(meant if meant in stopped else (stopped or [verdict])[0])
    yield minutes(3)
    stage.sign(
        "cyra",
        dosing.witness,
        check_id=check_id(number),
        band=symbol(woman.band),
        dose=symbol(dose),
        figures=figures_on(dose),
    )
    yield minutes(5)
    now = clock.now()
    stage.sign(
        "clea",
        dosing.given,
        check_id=check_id(number),
        started_at=now - minutes(2),
        ended_at=now - minutes(1),
        sites=[Quantity(volume_ul, "uL")],
        residual=Quantity(held_ul - volume_ul, "uL"),
        wasted=Quantity(0, "uL"),
        drawn_up_at=now - minutes(3),
        draw_up_witnessed=True,
    )
    yield hours(1)


def check_id(number: str) -> UUID:
    """A check's id, from what the door answered."""
    return UUID(number)


def _stops(stage: Stage, number: str) -> list[str]:
    found, answer = dosing.verdict_of(stage.actors["clea"], check_id(number))
    assert found.state is CheckState.OPEN  # noqa: S101
    return [row.id for row in answer.rows if row.result.value == "stopped"]


def figures_on(dose: str) -> str:
    """The four figures, read off the printed label as the witness reads them off the vial."""
    with db.reading() as session:
        copy = labels.live_copy(session, dose) or 0
        printed = next(
            each.zpl.read_text()
            for each in labels.drawn_files(session)
            if (each.code, each.copy) == (dose, copy)
        )
    found = re.search(r"\^FD(\d{4})\^FS", printed)
    assert found is not None  # noqa: S101 - every dose label has them
    return found[1]


def destroy(stage: Stage, dose: str | None, reason: str) -> None:
    """A dose that is not given is destroyed; the clinician sees it and signs."""
    stage.do(
        "pari",
        dosing.destroy,
        code=dose,
        reason=reason,
        witness=stage.logins["clea"],
        witness_password=stage.passwords["clea"],
    )
