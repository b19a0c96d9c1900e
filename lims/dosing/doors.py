"""The doors of dosing: to the shelf, to the bed, and afterwards.

Nothing gives but `POST /bedside-checks/<id>/given`; the pages of the bed (`pages`) call the same
acts.
"""

from datetime import date
from typing import Any
from uuid import UUID

from lims import custody, people, studies
from lims.core import codes, db, gate
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import STATE_NAMES, Item, ItemKind, State
from lims.dosing import (
    bedside,
    downtime,
    late,
    outcomes,
    packing,
    queries,
    schemas,
    schemas_late,
    supplying,
)
from lims.dosing import permissions as may
from lims.dosing import showing as _showing  # noqa: F401  stands on the participant's page
from lims.dosing.models import (
    Administration,
    BedsideCheck,
    NotGiven,
    OutcomeRecord,
    PaperRecord,
    PreDose,
)
from lims.web.doors import Doors

doors = Doors("dosing")


def dose_out(item: Item) -> dict[str, Any]:
    """A dose as its doors answer it."""
    with db.reading() as session:
        assignment = queries.assignment_of(session, item.id)
        meant = studies.subject(session, assignment.subject_id).number if assignment else None
    return {
        "code": item.code,
        "kind": item.kind.value,
        "state": item.state.value,
        "name": item.name,
        "participant": meant,
        "expires_at": item.expires_at,
        "thawed_at": item.thawed_at,
    }


def check_out(answered: tuple[BedsideCheck, gate.Answer]) -> dict[str, Any]:
    """A check and what the gate says of it."""
    check, answer = answered
    return {
        "id": check.id,
        "state": check.state.value,
        **answer.shown(),
        "valid_until": check.valid_until,
    }


def about_dose(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    """What stands beside the forms of a dose."""
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE])
        out = dose_out(item)
        holder = people.name_of(session, item.holder_id) if item.holder_id else "-"
    return [
        (_("Dose"), codes.grouped(item.code)),
        (_("State"), STATE_NAMES[item.state]),
        (_("For participant"), out["participant"] or _("nobody yet")),
        (_("Held by"), holder),
    ]


def about_participant(
    actor: Actor, *, number: str, outcome: str | None = None
) -> list[tuple[Any, Any]]:
    """What stands beside the forms of a participant."""
    with db.reading() as session:
        subject = studies.subject_by_number(session, number)
        read = studies.protocol_of(studies.study(session, subject.study_id))
    shown: list[tuple[Any, Any]] = [
        (_("Participant"), subject.number),
        (_("Study"), read.code),
    ]
    declared = next((each for each in read.outcomes if each.id == outcome), None)
    if declared is not None:
        shown += [
            (_("Outcome"), declared.title),
            (_("When"), declared.time_point),
            (_("How"), declared.method),
        ]
    return shown


def _assess(actor: Actor, *, number: str, allergies: str = "", **entered: Any) -> PreDose:
    entered.setdefault("pregnancy_tested_on", None)
    return supplying.assess(
        actor,
        participant=number,
        allergies=[each for line in allergies.splitlines() for each in line.split(",")],
        **entered,
    )


def _assessment_out(row: PreDose) -> dict[str, Any]:
    with db.reading() as session:
        number = studies.subject(session, row.subject_id).number
    return {"participant": number, "signed_at": row.signed_at}


def _start(
    actor: Actor, *, dose: str, participant: str, band: str | None = None, **seen: Any
) -> tuple[BedsideCheck, gate.Answer]:
    return bedside.start_check(actor, dose=dose, participant=participant, band=band, seen=seen)


def _given(actor: Actor, *, check_id: UUID, **entered: Any) -> dict[str, Any]:
    seen = {name: entered.pop(name) for name in list(entered) if name in bedside.SEEN}
    row = bedside.given(actor, check_id=check_id, seen=seen, **entered)
    return _given_out(row)


def _given_out(row: Administration) -> dict[str, Any]:
    with db.reading() as session:
        return {
            "id": row.check_id,
            "state": "given",
            "dose": custody.item(session, row.item_id).code,
            "participant": studies.subject(session, row.subject_id).number,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
            "delivered_ul": row.delivered_ul,
            "residual_ul": row.residual_ul,
            "wasted_ul": row.wasted_ul,
        }


def _not_given_out(row: NotGiven) -> dict[str, Any]:
    return {"id": row.check_id, "state": "not-given", "dose_went": row.dose_went}


def _outcome(
    actor: Actor, *, number: str, outcome: str, observed_on: date, **entered: Any
) -> OutcomeRecord:
    return outcomes.record_outcome(
        actor,
        participant=number,
        outcome=outcome,
        observed_on=observed_on,
        fields=schemas.as_text(entered),
    )


def _outcome_out(row: OutcomeRecord) -> dict[str, Any]:
    with db.reading() as session:
        number = studies.subject(session, row.subject_id).number
    return {
        "participant": number,
        "outcome": row.outcome,
        "observed_on": row.observed_on,
        "fields": row.fields,
    }


def _paper(actor: Actor, *, code: str, **entered: Any) -> PaperRecord:
    seen = {name: entered.pop(name) for name in list(entered) if name in bedside.SEEN}
    return late.record_from_paper(actor, code=code, seen=seen, **entered)


def paper_out(row: PaperRecord) -> dict[str, Any]:
    """A dose entered from paper: both its times, and what had not passed."""
    with db.reading() as session:
        item, given = queries.given_in(session, row.check_id)
        number = studies.subject(session, given.subject_id).number
    return {
        "code": item.code,
        "state": item.state.value,
        "participant": number,
        "recorded_from_paper": True,
        "given_at": row.given_at,
        "recorded_at": row.recorded_at,
        "failed": row.failed,
        "finding": row.finding,
        "sheet_sha256": row.sheet_sha256,
    }


def _paper_said(answer: dict[str, Any]) -> Any:
    if answer["finding"] is None:
        return _("Entered from paper; every check had passed.")
    return _(
        "Entered from paper. Checks that had not passed: %(count)s; the deviation "
        "%(reference)s is open.",
        count=len(answer["failed"]),
        reference=answer["finding"],
    )


def _pack(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    return {"code": code, "pack": packing.label_pack(actor, code=code, **given).code}


def _was_out(item: Item) -> bool:
    with db.reading() as session:
        meant = queries.assignment_of(session, item.id)
        return meant is not None and meant.issued_at is not None


def _verdict(actor: Actor, *, check_id: UUID) -> tuple[BedsideCheck, gate.Answer]:
    return bedside.verdict_of(actor, check_id)


doors.act(
    "/doses/<code>/assignment",
    supplying.assign,
    takes=schemas.AssignIn,
    gives=dose_out,
    name="assign",
    title=_("Assign a dose"),
    on="V",
    when=(State.AVAILABLE, State.RETURNED),
    about=about_dose,
)
doors.act(
    "/doses/<code>/issue",
    supplying.issue,
    takes=schemas.IssueIn,
    gives=dose_out,
    name="issue",
    title=_("Issue a dose"),
    intro=_("The person who gives it accepts it with a scan of her own."),
    on="V",
    when=(State.ALLOCATED,),
    about=about_dose,
)
doors.act(
    "/doses/<code>/pack",
    _pack,
    permission=may.PACK,
    takes=schemas.pack_of,
    name="label-pack",
    title=_("Print the label of its pack"),
    intro=_(
        "It goes on the pack around the vial, never on the vial, and has a code of its own: at the "
        "bed the vial itself is scanned. The label of the vial stays as it is."
    ),
    on="V",
    when=packing.PACKED,
    about=about_dose,
    after=lambda answer: f"/items/{answer['code']}",
    said=lambda answer: _(
        "The label %(code)s is being printed.", code=codes.grouped(answer["pack"])
    ),
    order=60,
)
doors.act(
    "/doses/<code>/thaw",
    supplying.thaw,
    takes=schemas.ThawIn,
    gives=dose_out,
    name="thaw",
    title=_("Thaw a dose"),
    intro=_("A dose is thawed once and never frozen again."),
    on="V",
    when=(State.ISSUED,),
    about=about_dose,
)
doors.act(
    "/doses/<code>/return",
    supplying.return_dose,
    takes=schemas.ReasonIn,
    gives=dose_out,
    name="return-dose",
    title=_("Return a dose"),
    intro=_("Only a dose that was never thawed goes back."),
    on="V",
    when=(State.ISSUED,),
    about=about_dose,
)
doors.act(
    "/doses/<code>/destruction",
    supplying.destroy,
    takes=schemas.DestroyIn,
    gives=dose_out,
    name="destroy-dose",
    title=_("Destroy a dose"),
    intro=_("Before a second person, who signs with her own password. This is final."),
    on="V",
    when=(
        State.FILLED,
        State.AVAILABLE,
        State.ALLOCATED,
        State.ISSUED,
        State.THAWED,
        State.RETURNED,
        State.BLOCKED,
    ),
    about=about_dose,
)
doors.act(
    "/doses/<code>/paper-record",
    _paper,
    permission=may.PAPER,
    takes=schemas_late.paper_of,
    gives=paper_out,
    name="paper-record",
    title=_("Enter from paper"),
    intro=_(
        "Only for a dose that was given while this system could not be used. Every check is "
        "made afterwards, as of the time it was given."
    ),
    on="V",
    when=(State.ISSUED, State.THAWED, State.BLOCKED),
    about=about_dose,
    said=_paper_said,
    order=95,
    fits=_was_out,
)
doors.read(
    "/doses/<code>/downtime-sheet",
    downtime.sheet,
    name="downtime-sheet",
    title=_("Downtime sheet"),
    letters={"code": "V"},
)
doors.read(
    "/doses/<code>/paper-record/sheet",
    downtime.scanned,
    name="paper-sheet",
    title=_("The sheet a dose was entered from"),
    letters={"code": "V"},
)
doors.act(
    "/participants/<number>/assessment",
    _assess,
    permission=may.ASSESS,
    takes=schemas.AssessmentIn,
    gives=_assessment_out,
    name="assess",
    title=_("Sign the assessment of today"),
    intro=_("Before a dose, on the day it is given."),
    on="participant",
    when=(studies.SubjectState.ALLOCATED,),
    about=about_participant,
)
doors.act(
    "/participants/<number>/outcomes/<outcome>",
    _outcome,
    permission=may.OUTCOME,
    takes=schemas.outcome_of,
    gives=_outcome_out,
    name="outcome",
    title=_("Record an outcome"),
    about=about_participant,
    after=lambda answer: f"/participants/{answer['participant']}",
)
check = doors.act(
    "/bedside-checks",
    _start,
    permission=may.CHECK,
    takes=schemas.CheckIn,
    gives=check_out,
    name="check",
    title=_("Check at the bedside"),
    page=False,
)
witness = doors.act(
    "/bedside-checks/<uuid:check_id>/witness",
    bedside.witness,
    takes=schemas.WitnessIn,
    gives=check_out,
    name="witness",
    title=_("Confirm as the second person"),
    page=False,
)
given = doors.act(
    "/bedside-checks/<uuid:check_id>/given",
    _given,
    permission=may.CHECK,
    takes=schemas.GivenIn,
    gives=dict,
    name="given",
    title=_("Given"),
    page=False,
)
not_given = doors.act(
    "/bedside-checks/<uuid:check_id>/not-given",
    bedside.not_given,
    takes=schemas.NotGivenIn,
    gives=_not_given_out,
    name="not-given",
    title=_("Not given"),
    page=False,
)
doors.read(
    "/bedside-checks/<uuid:check_id>",
    _verdict,
    permission=may.CHECK,
    gives=check_out,
    name="verdict",
    title=_("A bedside check"),
)
