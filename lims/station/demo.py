"""`lims demo`: practice data of both studies, people for every role, and a dose that can be given.

Twelve women stand at all stages of the journey, because each began at another time and all stop at
now. Two sites, three cords beside the women's own cells, and lots that ended in every way:
released, in review, out of specification, rejected, expired, recalled. Vials travelled between the
sites in the last forty days; one way was too warm and one logger was silent for a while. Loggers
measure the cold places, and go on while the demonstration runs. The data is kept when it runs
again; each start brings one more dose to issue.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import isolation, labels, release, studies
from lims.core import clock, db, mode
from lims.core.errors import Conflict
from lims.core.permissions import Actor, Role
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, Place, State, holds, items_of
from lims.station.rehearsal import (
    enrolling,
    furnishing,
    giving,
    keeping_cold,
    testing,
    travelling,
)
from lims.station.rehearsal.bank import Assay, Bank, cycle, from_a_bank
from lims.station.rehearsal.leaving import print_labels
from lims.station.rehearsal.mishaps import Mishaps
from lims.station.rehearsal.own_cells import own_cells
from lims.station.rehearsal.playing import approve_designs, documents, open_study
from lims.station.rehearsal.stage import CAST, Stage, Walk, days, minutes

OWN, BANKED = "IRCT20210228050535N2", "TANGDU-ME-UCMSC"
# How many days ago each woman began, so that today one of them stands at each stage: an outcome
# known, a control, a lot that awaits review, one in testing, cells growing, a kit on its way.
_BEGAN_OWN = (190, 120, 78, 54.6, 40, 16, 12, 9, 7)
_BEGAN_BANKED = (60, 25, 1)
# Days ago: the cord whose lots expired or were rejected, the one that is used, the latest.
_CORDS = (300, 120, 72)
_PER_LOT = 32
_RECALLED = 3
LEARNER = ("nima", "Nima Sadri", Role.TECHNICIAN)
_WAYS = (
    (40, travelling.good),
    (27, travelling.warm),
    (14, travelling.silent),
    (4, travelling.good),
)
_PER_WAY = 2
_DELIVERS_S = 60
_ended = threading.Event()
log = logging.getLogger(__name__)
_SEED = 43  # its list gives the exosomes to those of them whose stage shows it
Told = Callable[[str], None]


class Unfinished(Conflict):
    """The practice data is there in part."""

    code = "practice_unfinished"


def prepare(first: Actor, home: Path, told: Told) -> bool:
    """Make the practice data, where there is none yet.

    Returns:
        Whether it was made now.

    Raises:
        Unfinished: an earlier start died while it was made.
    """
    with db.reading() as session:
        there = bool(studies.studies(session))
    if there:
        if not (home / "people.json").exists():
            raise Unfinished(
                _("The practice data was left unfinished. Run make demo-reset, then make demo.")
            )
        return False
    told("making practice data of two studies (less than half a minute)")
    with db.hurrying(db.current()):
        own = _make(first, told)
    _keep_people(own, home)  # last, and so the mark that everything is there
    return True


def _make(first: Actor, told: Told) -> Stage:
    now = clock.now()
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    set_clock = clock.SetClock(now - days(max(*_BEGAN_OWN, *_CORDS) + 1))
    own, banked = Stage(OWN, _SEED, set_clock), Stage(BANKED, _SEED + 1, set_clock)
    with clock.running(set_clock):
        own.cast(first)
        approve_designs(own)
        banked.join(own)
        furnishing.furnish(own, "Sari", freezer="F1", boxes=2)
        furnishing.furnish(banked, "Xi'an", freezer="F2", boxes=6)
        furnishing.furnish_more(own, "Sari")
        for stage in (own, banked):
            document, site = documents(stage.study)
            stage.do("adel", studies.load, document=document, site_document=site)
            open_study(stage, now)
        own.walk(_walks(own, banked, now, told), until=now)
        set_clock.set(now)
        for stage in (own, banked):
            keeping_cold.measure(stage, now)
        keeping_cold.judge(own)
        _learner(first, (own, banked))
        _replace(own)
        print_labels()
    return own


def _replace(stage: Stage) -> None:
    """Labels and bands that another took the place of: what lies about of them must be refused."""
    with db.reading() as session:
        women = studies.subjects(session, studies.study_by_code(session, OWN).id)
        wearing = [each.number for each in women if studies.live_band(session, each.id)][:3]
        vials = select(Item.code).where(
            Item.kind == ItemKind.DOSE, Item.state == State.AVAILABLE, Item.expires_at > clock.now()
        )
        vial = str(session.scalar(vials.order_by(Item.name.desc()).limit(1)))
    for number in wearing:
        stage.do("clea", studies.issue_wristband, number=number, reason="the first one got wet")
    stage.do("tara", labels.reprint, code=vial, reason="smudged")
    print_labels()
    stage.do("tara", labels.stick, scanned=giving.symbol(vial))


def _learner(first: Actor, stages: Sequence[Stage]) -> None:
    """Somebody who may do every task of practice: she works at the bench and at the bed."""
    own = stages[0]
    own.open(first, *LEARNER, Role.CLINICIAN)
    for stage in stages:
        stage.delegate_to(LEARNER[0], Role.CLINICIAN, until=stage.clock() + days(400))


def _walks(own: Stage, banked: Stage, now: Any, told: Told) -> list[tuple[Any, Walk]]:
    plan = Mishaps(treated_share=2)
    walks: list[tuple[Any, Walk]] = []
    for index, ago in enumerate(_BEGAN_OWN):
        woman = enrolling.made_up(own, index)
        walks.append((now - days(ago), own_cells(own, woman, plan, told)))
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, BANKED))
    women = [enrolling.made_up(banked, index + 20) for index in range(len(_BEGAN_BANKED))]
    bank = Bank(banked, read, women, _PER_LOT)
    old = Bank(banked, read, women, _PER_LOT)
    rejected = partial(testing.assay_unsterile, rejected=True)
    suspected = partial(testing.assay_unsterile, rejected=False)
    good = testing.assay_vesicles
    cords: list[tuple[Bank, tuple[Assay, ...]]] = [
        (old, (good, rejected)),
        (bank, (good, good)),
        (bank, (suspected,)),
    ]
    for ago, (its, tested) in zip(_CORDS, cords, strict=True):
        walks.append((now - days(ago), its.one_cord(*tested)))
    walks.append((now - days(_RECALLED), _recall(banked, bank)))
    for ago, how in _WAYS:
        # The newest vials travel: whoever is treated takes the first.
        vials = partial(_last, bank, _PER_WAY)
        walks.append(
            (now - days(ago), travelling.travel(banked, vials, own.places["freezer"], how))
        )
    never = Mishaps(treated_share=1)
    arms = list(read.arms)
    for index, (woman, ago) in enumerate(zip(women, _BEGAN_BANKED, strict=True)):
        arm = arms[index % len(arms)]
        walks.append((now - days(ago), from_a_bank(banked, woman, arm, bank, never, told)))
    return walks


def _last(bank: Bank, number: int) -> list[str]:
    return [bank.free[True].pop()[1] for _each in range(number)]


def _recall(stage: Stage, bank: Bank) -> Walk:
    """The static lot: one woman has had a dose of it."""
    lot, _vial = bank.free[False][0]
    reason = "the maker recalls the medium MED-2291"
    stage.do("quin", release.recall, what=lot, reason=reason, whole=False)
    bank.free[False].clear()
    yield minutes(1)


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
        for login, name, role in (*CAST, LEARNER)
    ]
    path = home / "people.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"people": listed}, file, indent=1, ensure_ascii=False)


def loggers_go_on(first: Actor) -> None:
    """Deliver what the loggers have measured meanwhile, and go on doing so while this runs."""

    def deliver() -> None:
        while not _ended.wait(_DELIVERS_S):
            try:
                keeping_cold.deliver_due(first)
            except Exception as failure:  # the demonstration goes on, and so does the next minute
                log.warning("the loggers could not deliver: %s", type(failure).__name__)

    keeping_cold.deliver_due(first)
    threading.Thread(target=deliver, name="loggers", daemon=True).start()


def loggers_end() -> None:
    """No more readings; the demonstration ends."""
    _ended.set()


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
            and not holds(session, [item.id])
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
    """The box on dry ice at the site of the bank."""
    wards = select(Place.code).where(Place.kind == "ward", Place.temperature_class == "-80C")
    return str(session.scalar(wards.order_by(Place.name.desc()).limit(1)))
