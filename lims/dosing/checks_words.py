"""What the bedside checks share: whose dose it is, time arithmetic, and lines said often."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from lims.core.clock import utc
from lims.core.codes import grouped
from lims.core.gate import Finding, pending
from lims.core.permissions import Role
from lims.core.words import Text
from lims.dosing.facts import BedsideFacts, Donor, Dose, Lot, Override, Participant

_ = Text

PHARMACY = _("trial pharmacy")
INVESTIGATOR = _("investigator")
QUALITY = _("quality unit")

DO_NOT_GIVE_CALL = _("Do not give. Call the investigator.")
QUARANTINE_BOX = _("Do not give. Put it in the quarantine box and call the pharmacy.")
RESTART = _("Start again at step 1: scan the band on the arm.")
OTHER_PERSON = _("Ask another trained person to do this step.")


def same_or_before(first: datetime, second: datetime) -> bool:
    """Order of two instants, whatever their zones and daylight-saving time."""
    return utc(first) <= utc(second)


def between(start: datetime, end: datetime) -> timedelta:
    """True elapsed time. Plain subtraction inside one zone forgets daylight-saving time."""
    return utc(end) - utc(start)


def local_day(facts: BedsideFacts, instant: datetime) -> date:
    """The site's calendar day of an instant."""
    return utc(instant).astimezone(ZoneInfo(facts.time_zone)).date()


def said(facts: BedsideFacts, instant: datetime) -> str:
    """An instant as the site's clock shows it, with its offset."""
    return utc(instant).astimezone(ZoneInfo(facts.time_zone)).strftime("%Y-%m-%d %H:%M %z")


def known_dose(facts: BedsideFacts) -> Dose | None:
    """The dose, where one was scanned and its code is known."""
    return facts.dose if facts.dose and facts.dose.found else None


def known_lot(facts: BedsideFacts) -> Lot | None:
    """Its lot."""
    return facts.lot if known_dose(facts) else None


def known_participant(facts: BedsideFacts) -> Participant | None:
    """The participant, where one was named and is known."""
    return facts.participant if facts.participant and facts.participant.found else None


def own_material(facts: BedsideFacts) -> bool:
    """Whether arm or product say that donor and recipient are one."""
    lot = known_lot(facts)
    return Donor.RECIPIENT in (
        facts.allocation.donor if facts.allocation else None,
        lot.donor if lot else None,
    )


def others_material(facts: BedsideFacts) -> bool:
    """Whether arm or product say that the donor is somebody else."""
    lot = known_lot(facts)
    return Donor.OTHER in (
        facts.allocation.donor if facts.allocation else None,
        lot.donor if lot else None,
    )


def override(
    facts: BedsideFacts, check: str, role: Role, *, deviation: bool = False
) -> Override | None:
    """The signed act that lets a stopped row go on: right role, two people, its deviation."""
    for each in facts.overrides:
        two_people = bool(each.by) and bool(each.second) and each.by != each.second
        if each.check == check and each.role == role and two_people:
            if deviation and not each.deviation.strip():
                continue
            return each
    return None


def the_dose(facts: BedsideFacts) -> Text:
    """WHAT, for a row about the dose."""
    if facts.dose is None:
        return _("dose")
    return _("dose %(code)s", code=grouped(facts.dose.code))


def the_lot(facts: BedsideFacts) -> Text:
    """WHAT, for a row about the lot; the dose in hand comes first."""
    lot = known_lot(facts)
    if lot is None:
        return the_dose(facts)
    return _("dose %(code)s, lot %(lot)s", code=grouped(facts.dose.code if facts.dose else ""),
             lot=lot.name)  # fmt: skip


def the_participant(facts: BedsideFacts) -> Text:
    """WHAT, for a row about the participant."""
    if facts.participant is None:
        return _("participant")
    return _("participant %(code)s", code=facts.participant.code)


def instead(facts: BedsideFacts) -> Text:
    """DO NOW when this dose cannot be given: her own material has no other (13.13)."""
    if others_material(facts) and not own_material(facts):
        return _("Do not give. Take another dose issued to her and start again at step 2.")
    return _("Do not give. Call the pharmacy: only a dose issued to her.")


def right_one(facts: BedsideFacts) -> Text:
    """DO NOW when the dose is another's."""
    if others_material(facts) and not own_material(facts):
        return _(
            "Put the dose aside and take the dose named for %(code)s.",
            code=facts.participant.code if facts.participant else "-",
        )
    return _("Put the dose aside and call the pharmacy: only a dose issued to her.")


def no_dose_yet(facts: BedsideFacts) -> Finding:
    """Pending: no dose, or none that is known."""
    if facts.dose is None:
        return pending(the_dose(facts), _("the dose has not been scanned yet"), _("Scan the dose."))
    return pending(the_dose(facts), _("nothing is known of it, so this was not checked"))


def no_participant_yet(facts: BedsideFacts) -> Finding:
    """Pending: no participant, or none that is known."""
    if facts.participant is None:
        return pending(
            the_participant(facts),
            _("the participant is not known yet"),
            _("Scan the band on the arm."),
        )
    return pending(the_participant(facts), _("no record was found, so this was not checked"))
