"""Playing a study: who comes when, and what is left behind."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from lims import labels, ledger, qc, studies
from lims.core import clock, db, mode
from lims.core.errors import BadInput, Conflict, NotFound
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.station.rehearsal import enrolling
from lims.station.rehearsal.bank import Bank, from_a_bank
from lims.station.rehearsal.leaving import certificates, drawn_labels, print_labels
from lims.station.rehearsal.mishaps import Mishaps
from lims.station.rehearsal.own_cells import own_cells
from lims.station.rehearsal.stage import Stage, Walk, Woman, days
from lims.studies import protocol

_BEGINS = days(600)  # before now
_ARRIVE_WITHIN = days(180)
Told = Callable[[str], None]
Dossiers = Callable[[list[str], Path], list[str]]


def rehearse(
    first: Actor,
    *,
    study: str,
    participants: int,
    seed: int = 1,
    out: Path | None = None,
    told: Told = lambda _line: None,
    dossiers: Dossiers | None = None,
) -> dict[str, Any]:
    """Walk synthetic participants from consent to outcome.

    Args:
        first: whoever opens the first accounts: the console.
        out: a folder for labels (PNG, ZPL), certificates (PDF) and dossiers; nothing is kept
            without one.
        told: what is going on, for people who wait.
        dossiers: writes the dossiers of these doses into a folder; stands above this package.

    Returns:
        The document of `lims rehearse --json`.

    Raises:
        BadInput: no such study, or no participants.
        NotForPractice: the database holds live records.
    """
    began = time.monotonic()
    if not 1 <= participants <= 500:
        raise BadInput(_("Between 1 and 500 participants can rehearse."), field="participants")
    document, site = documents(study)
    with db.transaction() as session:
        mode.declare_practice(session, empty=ledger.entry_count(session) == 0)
    real_now = clock.now()
    set_clock = clock.SetClock(real_now - _BEGINS)
    stage = Stage(study, seed, set_clock)
    folder = (out / "labels") if out else None
    kept = labels.kept_in(folder) if folder else nullcontext()
    with clock.running(set_clock), kept:
        _go_back(first)
        stage.cast(first)
        approve_designs(stage)
        stage.do("adel", studies.load, document=document, site_document=site)
        open_study(stage, real_now)
        women = [enrolling.made_up(stage, index) for index in range(participants)]
        walks = _walks(stage, women, told)
        stage.walk(walks)
        print_labels()
    left: list[str] = []
    if out and dossiers:
        left = dossiers(sorted({str(each.dose) for each in women if each.dose}), out / "dossiers")
    with db.reading() as session:
        found = ledger.verify(session)
        return {
            "study": study,
            "participants": [woman.as_json() for woman in women],
            "labels": drawn_labels(session, out) if out else [],
            "certificates": certificates(session, women, out) if out else [],
            "dossiers": [f"dossiers/{each}" for each in left],
            "events": found.entries,
            "seconds": round(time.monotonic() - began, 1),
            "ledger": {"ok": found.ok},
        }


def _go_back(first: Actor) -> None:
    """A rehearsal begins before what an earlier one left; its virtual clock is the right one."""
    with db.reading() as session:
        if not ledger.behind(session):
            return
    ledger.trust_clock(first, "a rehearsal begins on its virtual clock")


def documents(study: str) -> tuple[str, str]:
    for path in protocol.shipped():
        text = path.read_text(encoding="utf-8")
        if f'"{study}"' in text:
            return text, protocol.demonstration_site_text()
    raise NotFound(
        _("No study %(code)s ships with this version; name one that does.", code=study),
        field="study",
    )


def approve_designs(stage: Stage) -> None:
    """Two quality control officers look at the labels and sign; what is in force stays."""
    for officer in ("quin", "rosa"):
        if any(each["waits_for_me"] for each in labels.designs_now(stage.actors[officer])):
            stage.sign(officer, qc.approve_designs)


def open_study(stage: Stage, until: datetime) -> None:
    """Everything a study needs before its first participant."""
    stage.delegate(until + days(400))
    stage.furnish()
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    if any(arm.dose and arm.dose.unit_confirmed_by_required for arm in read.arms.values()):
        stage.sign("sora", studies.confirm_units, study=stage.study)
    if read.allocation.randomised:
        while True:
            drawn = enrolling.sealed_list(stage)
            try:
                stage.do("sora", studies.import_list, study=stage.study, content=drawn)
            except Conflict:
                continue  # a rehearsal with this seed left the same list; chance makes another
            break


def _walks(stage: Stage, women: list[Woman], told: Told) -> list[tuple[datetime, Walk]]:
    start = stage.clock()
    step = min(days(14), _ARRIVE_WITHIN / len(women))
    with db.reading() as session:
        read = studies.protocol_of(studies.study_by_code(session, stage.study))
    if read.allocation.randomised:
        plan = Mishaps(treated_share=2)
        return [
            (start + woman.index * step, own_cells(stage, woman, plan, told)) for woman in women
        ]
    plan = Mishaps(treated_share=1)
    bank = Bank(stage, read, women)
    arms = list(read.arms)
    walks: list[tuple[datetime, Walk]] = [(start, bank.make())]
    for woman in women:
        arm = arms[woman.index % len(arms)]
        ready = start + days(75) + woman.index * step
        walks.append((ready, from_a_bank(stage, woman, arm, bank, plan, told)))
    return walks
