"""A dose that was given while the system could not be used, entered afterwards from paper.

Nothing can be stopped any more: whatever the two people did is entered as it was. Every row of the
bedside gate is asked as of the time it was given, and what had not passed becomes a deviation on
the lot; where a row would have stopped, the lot is held. Two things stay impossible: a second dose,
or a dose that was never out.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import custody, isolation, ledger, people, studies
from lims.core import clock, codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.dosing import judging, queries
from lims.dosing import permissions as may
from lims.dosing.asked import Asked, Present
from lims.dosing.bedside import SEEN
from lims.dosing.checks import BEDSIDE
from lims.dosing.errors import AlreadyGiven, NotOut, OnePerson
from lims.dosing.facts_product import Kept
from lims.dosing.gathering_late import facts_then
from lims.dosing.models import (
    Administration,
    Assignment,
    BedsideCheck,
    CheckState,
    PaperRecord,
    Thawing,
)
from lims.ledger.rules import plain

STATION = "paper"
_OUT = (State.ISSUED, State.THAWED, State.BLOCKED)
_SHEETS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@requires(may.PAPER)
def record_from_paper(
    actor: Actor,
    *,
    code: str,
    participant: str,
    operator: str,
    operator_password: str,
    witness: str,
    witness_password: str,
    checked_at: datetime,
    started_at: datetime,
    ended_at: datetime,
    sites: Sequence[Quantity],
    residual: Quantity,
    wasted: Quantity,
    reason: str,
    band: str | None = None,
    witness_band: str | None = None,
    witness_dose: str | None = None,
    figures: str | None = None,
    drawn_up_at: datetime | None = None,
    draw_up_witnessed: bool | None = None,
    thawed_at: datetime | None = None,
    thawed_by: str | None = None,
    kept: Kept | None = None,
    seen: Mapping[str, Any] | None = None,
    sheet: tuple[str, bytes] | None = None,
) -> PaperRecord:
    """Enter a dose that was given on paper; both people sign, each with her own password.

    Args:
        participant: whoever was given it, even where it was meant for another.
        operator, witness: logins of who gave and who stood by; whoever enters it may be either.
        checked_at: when the check on paper began; started_at, ended_at: of the injection.
        band, witness_band, witness_dose: the codes as each of the two wrote them by hand.
        figures: the four figures, read by the second person off the empty container.
        thawed_at, thawed_by, kept: of a thaw that is on paper only.
        reason: why the system could not be used.
        seen: what was ticked on the sheet; keys as at the bedside.
        sheet: name and bytes of the scanned sheet (PDF, PNG or JPEG).

    Raises:
        NotOut: the dose was never issued, or came back, or was given before it was issued.
        AlreadyGiven: this dose, or a dose to her, is on record as given.
        OnePerson: one human being signs twice.
        WrongSecret: a password is not hers; nothing was recorded.
    """
    strange = set(seen or {}) - SEEN
    if strange:
        raise BadInput(_("Not asked at the bedside: %(names)s.", names=", ".join(sorted(strange))))
    if not reason.strip():
        raise BadInput(_("Say why it was not entered at the bedside."), field="reason")
    kind = _sheet_kind(sheet)
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        meant = _out(session, item, started_at)
        subject = studies.subject_by_number(session, participant, lock=True)
        _in_order(checked_at, started_at, ended_at)
        gave, first = people.signature_of(
            operator, meaning="administered, recorded from paper", password=operator_password,
            station=actor.station, address=actor.address,
        )  # fmt: skip
        stood, second = people.signature_of(
            witness, meaning="witnessed, recorded from paper", password=witness_password,
            station=actor.station, address=actor.address,
        )  # fmt: skip
        if gave.person == stood.person:
            raise OnePerson(
                _("Giver and second person are one person; the other one signs herself."),
                field="witness",
            )
        rows: list[Any] = _thaw(session, item, thawed_at, thawed_by, kept)
        delivered = [each.count("uL", "sites") for each in sites]
        left, lost = residual.count("uL", "residual"), wasted.count("uL", "wasted")
        vial = isolation.vial_of(session, item.id)
        right = isolation.figures_agree(vial, codes.fold(figures)) if figures else None
        entered: dict[str, Any] = {**(seen or {}), "sites_ul": delivered}
        if drawn_up_at is not None:
            entered["drawn_up_at"] = clock.text(drawn_up_at)
            entered["draw_up_witnessed"] = bool(draw_up_witnessed)
        check = BedsideCheck(
            dose=item.code,
            participant=subject.number,
            band=codes.parse(band, "band").code if band else None,
            state=CheckState.GIVEN,
            operator_id=gave.person,
            station=STATION,
            started_at=checked_at,
            valid_until=None,
            verdict="",
            seen=plain(entered),
            witness_id=stood.person,
            witness_band=codes.parse(witness_band, "witness_band").code if witness_band else None,
            witness_dose=codes.parse(witness_dose, "witness_dose").code if witness_dose else None,
            figures_right=right,
            wrong_figures=1 if right is False else 0,
            witnessed_at=clock.now(),
        )
        answer = BEDSIDE.ask(
            facts_then(session, _asked(check, gave, stood), subject, item, started_at), started_at
        )
        check.verdict = answer.verdict.value
        failed = judging.failed(answer, item.volume_ul or 0, sum(delivered) + left + lost)
        session.add(check)
        session.flush()
        finding = judging.judge(actor, session, item, failed)
        given = Administration(
            item_id=item.id,
            subject_id=subject.id,
            check_id=check.id,
            started_at=started_at,
            ended_at=ended_at,
            sites=list(delivered),
            delivered_ul=sum(delivered),
            residual_ul=left,
            wasted_ul=lost,
            operator_id=gave.person,
            witness_id=stood.person,
            recorded_at=clock.now(),
        )
        paper = PaperRecord(
            check_id=check.id,
            given_at=started_at,
            recorded_at=clock.now(),
            recorded_by=actor.person,
            reason=reason.strip(),
            failed=failed,
            finding=finding,
            sheet_name=sheet[0] if sheet else None,
            sheet_kind=kind,
            sheet_sha256=hashlib.sha256(sheet[1]).hexdigest() if sheet else None,
            sheet=sheet[1] if sheet else None,
        )
        try:
            with session.begin_nested():
                session.add_all([given, paper])
        except IntegrityError:
            raise _already(item, subject.number) from None
        rows += [given, paper, check]
        if meant.subject_id != subject.id:
            # The dose is gone; whoever it was meant for can be given another.
            meant.ended_at = clock.now()
            rows.append(meant)
        if item.volume_ul:
            custody.take(actor, item, item.volume_ul, purpose="administered")
        custody.set_state(
            actor,
            item,
            State.ADMINISTERED,
            "dosing.given-on-paper",
            {
                "recorded_from_paper": True,
                "given_at": clock.text(started_at),
                "recorded_at": clock.text(paper.recorded_at),
                "participant": subject.number,
                "signatures": [first, second],
                "gate": answer.as_record(),
                "finding": finding or "",
                "sheet": paper.sheet_sha256 or "",
            },
            rows=rows,
            reason=reason.strip(),
        )
        ledger.record(
            actor,
            studies.stream(subject),
            "dosing.received",
            {
                "dose": item.code,
                "delivered_ul": sum(delivered),
                "recorded_from_paper": True,
                "given_at": clock.text(started_at),
                "recorded_at": clock.text(paper.recorded_at),
            },
        )
        return paper


def _sheet_kind(sheet: tuple[str, bytes] | None) -> str | None:
    if sheet is None:
        return None
    kind = next((kind for head, kind in _SHEETS.items() if sheet[1].startswith(head)), None)
    if kind is None:
        raise BadInput(
            _("%(name)s is no PDF, PNG or JPEG; scan the sheet as one of them.", name=sheet[0]),
            field="sheet",
        )
    return kind


def _out(session: Session, item: Item, started_at: datetime) -> Assignment:
    """The assignment under which the dose went out.

    Raises:
        NotOut, AlreadyGiven: see `record_from_paper`.
    """
    if item.state is State.ADMINISTERED:
        raise _already(item, "-")
    meant = queries.assignment_of(session, item.id)
    if item.state not in _OUT or meant is None or meant.issued_at is None:
        raise NotOut(
            _(
                "The dose %(code)s is %(state)s and was not out for giving, so it cannot have "
                "been given. Compare the code with the sheet; call the QC officer.",
                code=codes.grouped(item.code),
                state=custody.STATE_NAMES[item.state],
            ),
            field="code",
        )
    if started_at < meant.issued_at:
        raise NotOut(
            _(
                "The dose %(code)s went out at %(time)s, so it was not given before. "
                "Correct the time of the injection.",
                code=codes.grouped(item.code),
                time=clock.printed(meant.issued_at),
            ),
            field="started_at",
        )
    return meant


def _in_order(checked_at: datetime, started_at: datetime, ended_at: datetime) -> None:
    if not checked_at <= started_at <= ended_at <= clock.now():
        raise BadInput(
            _("The injection comes after its check, ends after its start, and lies before now."),
            field="started_at",
        )


def _already(item: Item, number: str) -> AlreadyGiven:
    return AlreadyGiven(
        _(
            "A dose is on record as given already: %(code)s or to %(number)s. Nothing was "
            "recorded; call the investigator.",
            code=codes.grouped(item.code),
            number=number,
        )
    )


def _thaw(
    session: Session, item: Item, at: datetime | None, by: str | None, kept: Kept | None
) -> list[Any]:
    """A thaw that is on paper only; one that is on record stays as it is."""
    if at is None:
        return []
    if item.thaw_count:
        raise BadInput(
            _(
                "The thaw of %(code)s is on record already; leave it out.",
                code=codes.grouped(item.code),
            ),
            field="thawed_at",
        )
    if not by or kept is None or at > clock.now():
        raise BadInput(
            _("A thaw has its time before now, who thawed it, and how it was kept."),
            field="thawed_at",
        )
    row = Thawing(
        item_id=item.id,
        thawed_at=at,
        thawed_by=people.account_of(session, by).person_id,
        kept=kept.value,
    )
    session.add(row)
    item.thawed_at, item.thaw_count = at, 1
    session.flush()
    return [row]


def _asked(check: BedsideCheck, gave: Actor, stood: Actor) -> Asked:
    operator, witness = Present.of(gave), Present.of(stood)
    if operator is None or witness is None:
        raise RuntimeError("both have signed, so both are people")
    return Asked(
        dose=check.dose,
        participant=check.participant,
        band=check.band,
        seen=check.seen,
        operator=operator,
        witness=witness,
        started_at=check.started_at,
        stations=(STATION,),
        witness_band=check.witness_band,
        witness_dose=check.witness_dose,
        figures_right=check.figures_right,
        wrong_figures=check.wrong_figures,
        operator_signed=True,
        witness_signed=True,
        verdict_at=check.started_at,
    )
