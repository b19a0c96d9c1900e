"""`lims demo`: practice data of both studies, people for every role, and a dose that can be given.

Twelve women stand at all stages of the journey, because each began at another time and all stop at
now. The data is kept when the demonstration runs again; each start brings one more dose to issue.
"""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import isolation, studies
from lims.core import clock, db, mode
from lims.core.permissions import Actor
from lims.custody import ItemKind, Place, State, items_of
from lims.station.rehearsal import enrolling, giving
from lims.station.rehearsal.bank import Bank, cycle, from_a_bank
from lims.station.rehearsal.leaving import print_labels
from lims.station.rehearsal.mishaps import Mishaps
from lims.station.rehearsal.own_cells import own_cells
from lims.station.rehearsal.playing import documents, open_study
from lims.station.rehearsal.stage import CAST, Stage, Walk, days

OWN, BANKED = "IRCT20210228050535N2", "TANGDU-ME-UCMSC"
# How many days ago each woman began, so that today one of them stands at each stage: an outcome
# known, a control, a lot that awaits review, one in testing, cells growing, a kit on its way.
_BEGAN_OWN = (190, 120, 78, 54.6, 40, 16, 12, 9, 7)
_BEGAN_BANKED = (60, 25, 1)
_BANK_BEGAN = 120
_SEED = 43  # its list gives the exosomes to those of them whose stage shows it
Told = Callable[[str], None]


def prepare(first: Actor, home: Path, told: Told) -> bool:
    """Make the practice data, where there is none yet.

    Returns:
        Whether it was made now.
    """
    with db.reading() as session:
        there = bool(studies.studies(session))
    if there:
        return False
    told(str(_announce()))
    now = clock.now()
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    set_clock = clock.SetClock(now - days(max(*_BEGAN_OWN, _BANK_BEGAN) + 1))
    own, banked = Stage(OWN, _SEED, set_clock), Stage(BANKED, _SEED + 1, set_clock)
    with clock.running(set_clock):
        own.cast(first)
        banked.join(own)
        for stage in (own, banked):
            document, site = documents(stage.study)
            stage.do("adel", studies.load, document=document, site_document=site)
            open_study(stage, now)
        own.walk(_walks(own, banked, now, told), until=now)
        print_labels()
    _keep_people(own, home)
    return True


def _announce() -> str:
    return "making practice data of two studies (about a minute)"


def _walks(own: Stage, banked: Stage, now: Any, told: Told) -> list[tuple[Any, Walk]]:
    plan = Mishaps(treated_share=2)
    walks: list[tuple[Any, Walk]] = []
    for index, ago in enumerate(_BEGAN_OWN):
        woman = enrolling.made_up(own, index)
        walks.append((now - days(ago), own_cells(own, woman, plan, told)))
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, BANKED))
    women = [enrolling.made_up(banked, index + 20) for index in range(len(_BEGAN_BANKED))]
    bank = Bank(banked, read, women)
    walks.append((now - days(_BANK_BEGAN), bank.make()))
    never = Mishaps(treated_share=1)
    arms = list(read.arms)
    for index, (woman, ago) in enumerate(zip(women, _BEGAN_BANKED, strict=True)):
        arm = arms[index % len(arms)]
        walks.append((now - days(ago), from_a_bank(banked, woman, arm, bank, never, told)))
    return walks


def _keep_people(stage: Stage, home: Path) -> None:
    listed = [
        {
            "user": login,
            "name": name,
            "role": role.value,
            "badge": stage.badges[login],
            "pin": stage.pins[login],
            "password": stage.passwords[login],
        }
        for login, name, role in CAST
    ]
    path = home / "people.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"people": listed}, file, indent=1, ensure_ascii=False)


def one_more_dose(home: Path) -> dict[str, str] | None:
    """Bring a dose to issue, so that something can be given now.

    Returns:
        The woman's number, her band and the dose; None where the bank is empty.
    """
    stage = Stage(BANKED, clock.now().microsecond, clock.SetClock(clock.now()))
    listed = json.loads((home / "people.json").read_text(encoding="utf-8"))["people"]
    for person in listed:
        stage.passwords[person["user"]] = person["password"]
        stage.meet(person["user"], person["user"])
    with db.reading() as session:
        study = studies.study_by_code(session, BANKED)
        read = studies.protocol_of(study)
        free = [
            item
            for item in items_of(session, study_id=study.id, kind=ItemKind.DOSE)
            if item.state is State.AVAILABLE and item.product != "prp"
            and (item.expires_at is None or item.expires_at > clock.now() + timedelta(days=1))
        ]  # fmt: skip
        if not free:
            return None
        dose = free[0]
        mechanical = _mechanical(session, dose.id)
        stage.places["theatre"] = _theatre(session)
        arm = next(each for each in read.arms.values() if each.mechanical is mechanical)
        index = len(studies.subjects(session, study.id)) + 40
    woman = enrolling.made_up(stage, index)
    # At once, not over days: what the clock says is now.
    for _pause in enrolling.enrol(stage, woman, arm=arm.code):
        pass
    for _pause in giving.supply(stage, woman, dose.code):
        pass
    cycle(stage, woman)
    return {"participant": woman.number, "band": woman.band, "dose": dose.code}


def _mechanical(session: Session, dose_id: Any) -> bool | None:
    return isolation.lot_of(session, isolation.vial_of(session, dose_id).lot_id).mechanical


def _theatre(session: Session) -> str:
    """The box on dry ice, where the practice data has one."""
    wards = select(Place.code).where(Place.kind == "ward")
    return str(session.scalar(wards.order_by(Place.temperature_class != "-80C").limit(1)))
