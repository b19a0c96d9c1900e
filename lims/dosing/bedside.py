"""At the bed: the check, the witness, and the one way a dose is given."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import custody, isolation, ledger, people, studies
from lims.core import clock, codes, db, gate, units
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import ItemKind, State
from lims.dosing import permissions as may
from lims.dosing import queries
from lims.dosing.asked import Asked, Present
from lims.dosing.checks import BEDSIDE, validity
from lims.dosing.errors import AlreadyGiven, CheckEnded, VolumesDisagree
from lims.dosing.gathering import facts_of
from lims.dosing.models import Administration, BedsideCheck, CheckState, NotGiven
from lims.ledger.rules import plain

# What the operator enters besides the scans; everything may come later, and is pending until then.
SEEN = frozenset(
    {
        "name_agrees", "birth_date_agrees", "other_trial_asked", "precautions",
        "seal_intact", "cap_matches", "appearance_good", "fully_thawed",
        "label_readable", "label_matches", "device", "device_lot", "device_expires_on",
        "route", "sites_ul", "emergency_kit", "emergency_staff",
    }
)  # fmt: skip
TOLERANCE_UL = 100  # injected + residual + wasted against drawn (domain.md 10.3)


@requires(may.ASK)
def ask(
    actor: Actor,
    *,
    dose: str,
    participant: str,
    band: str | None = None,
    operator: str | None = None,
    witness: str | None = None,
    at: datetime | None = None,
) -> gate.Answer:
    """The bedside answer, recording nothing.

    Args:
        operator, witness: logins of the people who would be there.
        at: the instant to ask about; now, where none is given.

    Raises:
        WrongCheckCharacter: a code was misread.
    """
    with db.reading() as session:
        asked = Asked(
            dose=dose,
            participant=participant,
            band=band,
            operator=_named(session, operator),
            witness=_named(session, witness),
        )
        return BEDSIDE.ask(facts_of(session, asked, now=at), at)


def _named(session: Session, login: str | None) -> Present | None:
    return Present.known(session, people.account_of(session, login).person_id) if login else None


@requires(may.CHECK)
def start_check(
    actor: Actor,
    *,
    dose: str,
    participant: str,
    band: str | None = None,
    seen: Mapping[str, Any] | None = None,
) -> tuple[BedsideCheck, gate.Answer]:
    """Step 1 and 2: band and dose scanned, the gate asked; the answer stays on the record.

    The answer is given whatever it is. A stop is a good answer, and gives nothing.

    Raises:
        ClockBehind: no expiry can be judged, so there is no answer.
    """
    strange = set(seen or {}) - SEEN
    if strange:
        raise BadInput(_("Not asked at the bedside: %(names)s.", names=", ".join(sorted(strange))))
    scanned = codes.parse(dose, "dose")
    with db.transaction() as session:
        ledger.require_clock(session)
        check = BedsideCheck(
            dose=codes.fold(dose),
            participant=participant.strip(),
            band=codes.fold(band) if band else None,
            state=CheckState.OPEN,
            operator_id=actor.person,
            station=actor.station,
            started_at=clock.now(),
            verdict="",
            seen=plain(dict(seen or {})),
            wrong_figures=0,
        )
        facts = facts_of(session, _asked(session, check, Present.of(actor)))
        answer = BEDSIDE.ask(facts)
        check.verdict = answer.verdict.value
        check.valid_until = None if answer.verdict is gate.Verdict.STOP else validity(facts)
        session.add(check)
        session.flush()
        ledger.record(
            actor,
            custody.stream(scanned.code),
            "dosing.checked",
            {"gate": answer.as_record(), "participant": check.participant},
            rows=[check],
        )
        return check, answer


def _asked(
    session: Session,
    check: BedsideCheck,
    operator: Present | None,
    *,
    witness: Present | None = None,
    operator_signed: bool | None = None,
    seen: Mapping[str, Any] | None = None,
) -> Asked:
    joined = witness or Present.known(session, check.witness_id)
    station = operator.station if operator else check.station
    return Asked(
        dose=check.dose,
        participant=check.participant,
        band=check.band,
        seen={**check.seen, **(seen or {})},
        operator=operator,
        witness=joined,
        started_at=check.started_at,
        stations=tuple(dict.fromkeys((check.station, station or check.station))),
        witness_band=check.witness_band,
        witness_dose=check.witness_dose,
        figures_right=check.figures_right,
        wrong_figures=check.wrong_figures,
        operator_signed=operator_signed,
        witness_signed=True if check.witnessed_at else None,
        # A check whose first answer was a stop has no moment from which drawing up was allowed.
        verdict_at=check.started_at if check.valid_until else None,
        interrupted=operator is not None and operator.person != check.operator_id,
    )


def _answer(session: Session, check: BedsideCheck, operator: Present | None) -> gate.Answer:
    return BEDSIDE.ask(facts_of(session, _asked(session, check, operator)))


def verdict_of(actor: Actor, check_id: UUID) -> tuple[BedsideCheck, gate.Answer]:
    """A check and what the gate says of it now."""
    with db.reading() as session:
        check = queries.check_by_id(session, check_id)
        return check, _answer(session, check, Present.known(session, check.operator_id))


def _open(session: Session, check_id: UUID) -> BedsideCheck:
    check = queries.check_by_id(session, check_id, lock=True)
    if check.state is not CheckState.OPEN:
        raise CheckEnded(
            _("This check has ended (%(state)s). Start again at step 1.", state=check.state.value)
        )
    return check


@requires(may.WITNESS)
def witness(
    actor: Actor, *, check_id: UUID, band: str, dose: str, figures: str, password: str
) -> tuple[BedsideCheck, gate.Answer]:
    """Step 3: the second person repeats both scans and types the four figures off the label.

    Args:
        figures: as read from the label in her hand; no page and no answer holds them.

    The gate's answer is given whatever it is: giver and witness are one person, the figures were
    wrong twice, the time is up.

    Raises:
        CheckEnded: it was given or not given already.
        WrongSecret: not her password.
        ClockBehind: no expiry can be judged.
    """
    if len(figures.strip()) != 4 or not codes.fold(figures).isdigit():
        raise BadInput(_("Type the four figures printed large on the label."), field="figures")
    scanned_band, scanned_dose = codes.parse(band, "band"), codes.parse(dose, "dose")
    with db.transaction() as session:
        ledger.require_clock(session)
        check = _open(session, check_id)
        signature = people.signature(actor, meaning="witnessed", password=password)
        item = custody.find(session, check.dose, kinds=[ItemKind.DOSE])
        vial = isolation.vial_of(session, item.id)
        right = isolation.figures_agree(vial, codes.fold(figures))
        check.witness_id = actor.person
        check.witness_band = scanned_band.code
        check.witness_dose = scanned_dose.code
        check.figures_right = right
        check.wrong_figures += 0 if right else 1
        check.witnessed_at = clock.now() if right else None
        session.flush()
        operator = Present.known(session, check.operator_id)
        answer = BEDSIDE.ask(
            facts_of(session, _asked(session, check, operator, witness=Present.of(actor)))
        )
        check.verdict = answer.verdict.value
        custody.touch(
            actor,
            item,
            "dosing.witnessed",
            {"signature": signature, "gate": answer.as_record()},
            rows=[check],
        )
        return check, answer


@requires(may.CHECK)
def given(
    actor: Actor,
    *,
    check_id: UUID,
    started_at: datetime,
    ended_at: datetime,
    sites: Sequence[Quantity],
    residual: Quantity,
    wasted: Quantity,
    drawn_up_at: datetime,
    draw_up_witnessed: bool,
    password: str,
    reason: str = "",
    seen: Mapping[str, Any] | None = None,
) -> Administration:
    """The dose was given. Everything is asked once more, here, in this transaction.

    Args:
        sites: what was delivered at each site.
        residual, wasted: what stayed in device and container, what was lost.
        drawn_up_at: after the verdict, under the witness's eyes.
        reason: why to go on where a row warns; the investigator's word.
        seen: what had not been entered at the first step.

    Raises:
        GateStopped: any row stops, is pending, or warns without a reason.
        AlreadyGiven: this dose, or a dose to her, was given in the meantime.
        VolumesDisagree: given, left and wasted are not what was drawn.
        ClockBehind: no expiry can be judged.
    """
    strange = set(seen or {}) - SEEN
    if strange:
        raise BadInput(_("Not asked at the bedside: %(names)s.", names=", ".join(sorted(strange))))
    with db.transaction() as session:
        ledger.require_clock(session)
        check = _open(session, check_id)
        item = custody.find(session, check.dose, kinds=[ItemKind.DOSE], lock=True, field="dose")
        # Her row is locked too, so that two doses for one woman stand in one line (H31).
        subject = _subject_of(session, check)
        signature = people.signature(actor, meaning="administered", password=password)
        delivered = [each.count("uL", "sites") for each in sites]
        entered = {
            **(seen or {}),
            "sites_ul": delivered,
            "drawn_up_at": clock.text(drawn_up_at),
            "draw_up_witnessed": draw_up_witnessed,
        }
        facts = facts_of(
            session, _asked(session, check, Present.of(actor), operator_signed=True, seen=entered)
        )
        answer = BEDSIDE.ask(facts)
        reasons = dict.fromkeys(answer.ids(gate.Result.WARNED), reason)
        gate.demand(answer, codes=[item.code, subject.number], reasons=reasons)
        _times(started_at, ended_at, check)
        left, lost = residual.count("uL", "residual"), wasted.count("uL", "wasted")
        _balance(item.volume_ul or 0, sum(delivered), left, lost)
        row = Administration(
            item_id=item.id,
            subject_id=subject.id,
            check_id=check.id,
            started_at=started_at,
            ended_at=ended_at,
            sites=list(delivered),
            delivered_ul=sum(delivered),
            residual_ul=left,
            wasted_ul=lost,
            operator_id=actor.person,
            witness_id=check.witness_id,
            recorded_at=clock.now(),
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            raise AlreadyGiven(
                _(
                    "A dose was given already: %(code)s or to %(number)s. Do not give; "
                    "call the investigator.",
                    code=codes.grouped(item.code),
                    number=subject.number,
                )
            ) from None
        check.state = CheckState.GIVEN
        check.seen = plain({**check.seen, **entered})
        check.verdict = answer.verdict.value
        if item.volume_ul:
            custody.take(actor, item, item.volume_ul, purpose="administered")
        custody.set_state(
            actor,
            item,
            State.ADMINISTERED,
            "dosing.given",
            {"signature": signature, "gate": answer.as_record(), "participant": subject.number},
            rows=[row, check],
            reason=reason,
        )
        ledger.record(
            actor,
            studies.stream(subject),
            "dosing.received",
            {"dose": item.code, "delivered_ul": sum(delivered)},
        )
        ledger.seal_soon()
        return row


def _subject_of(session: Session, check: BedsideCheck) -> studies.Subject:
    text = codes.fold(check.participant)
    if text[:1] == "W" and len(text) in (codes.LENGTH, codes.SYMBOL_LENGTH):
        found = studies.subject_by_band(session, codes.expect(check.participant, "W").code)
        number = found[0].number if found else check.participant
    else:
        number = check.participant
    return studies.subject_by_number(session, number, lock=True)


def _times(started_at: datetime, ended_at: datetime, check: BedsideCheck) -> None:
    if not check.started_at <= started_at <= ended_at <= clock.now():
        raise BadInput(
            _("The injection lies between the check and now, and ends after its start."),
            field="started_at",
        )


def _balance(held: int, delivered: int, left: int, lost: int) -> None:
    if left < 0 or lost < 0 or abs(held - delivered - left - lost) > TOLERANCE_UL:
        raise VolumesDisagree(
            _(
                "Given %(given)s, left %(left)s and wasted %(lost)s do not make the %(held)s of "
                "the vial. Correct the volumes.",
                given=units.ml(delivered),
                left=units.ml(left),
                lost=units.ml(lost),
                held=units.ml(held),
            ),
            field="sites",
        )


@requires(may.CHECK)
def not_given(actor: Actor, *, check_id: UUID, reason: str, dose_went: str) -> NotGiven:
    """The check ended without a dose; say why, and where the dose went."""
    if not reason.strip() or not dose_went.strip():
        raise BadInput(_("Say why it was not given and where the dose went."), field="reason")
    with db.transaction() as session:
        check = _open(session, check_id)
        check.state = CheckState.NOT_GIVEN
        row = NotGiven(
            check_id=check.id,
            reason=reason.strip(),
            dose_went=dose_went.strip(),
            recorded_at=clock.now(),
            recorded_by=actor.person,
        )
        session.add(row)
        session.flush()
        ledger.record(
            actor,
            custody.stream(codes.parse(check.dose).code),
            "dosing.not-given",
            rows=[row, check],
            reason=reason,
        )
        return row
