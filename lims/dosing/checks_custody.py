"""Bedside rows about where it came from: the ways it went, their temperature, and in whose hands.

Source: domain.md 10.2 B16, B17; 13.21.
"""

from lims.core.gate import Finding, passed, pending, stopped, warned
from lims.core.permissions import Role
from lims.core.words import Text
from lims.dosing.checks_words import (
    PHARMACY,
    QUALITY,
    QUARANTINE_BOX,
    instead,
    known_dose,
    no_dose_yet,
    override,
    the_dose,
)
from lims.dosing.facts import BedsideFacts, Storage, Transport

_ = Text


def b16_temperature(facts: BedsideFacts) -> Finding | None:
    """B16: no excursion is open where it stood or on any way of it; the records are whole.

    A gap is no warning here (13.21). What quality found usable is given only where the
    investigator has agreed as well, and then with a reason.
    """
    if known_dose(facts) is None or facts.transport is None or facts.storage is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if facts.transport.travelling:
        why = _("it or what it was made from is still on its way")
        return stopped(what, why, QUARANTINE_BOX, PHARMACY)
    bad = _bad_way(facts.transport) or _bad_place(facts.storage)
    if bad is not None:
        return stopped(what, bad, instead(facts), QUALITY)
    if facts.transport.agreed or facts.storage.agreed:
        why = (
            _(
                "its temperature on the way was outside of the limits or is not fully recorded; "
                "quality unit and investigator have found it usable"
            )
            if facts.transport.agreed
            else _(
                "the place where it stood was outside of its limits or is not fully recorded; "
                "quality unit and investigator have found it usable"
            )
        )
        return warned(what, why, _("Read the assessment and write the reason."), QUALITY)
    return passed(what, _how_good(facts.transport, facts.storage))


def _how_good(ways: Transport, kept: Storage) -> Text:
    if ways.ways:
        return _("no excursion is open, and the record of every way is complete")
    if kept.measured:
        return _("no excursion is open where it stood, and no reading is missing")
    return _("it was never sent from site to site, and no logger is read where it stood")


def _bad_way(ways: Transport) -> Text | None:
    if ways.unusable:
        return _("its temperature on the way was assessed, and it must not be used")
    if ways.open:
        return _(
            "its temperature on the way was outside of the limits or is not fully recorded, and "
            "nobody has assessed it"
        )
    if ways.unagreed:
        return _("the investigator has not agreed to the assessment of its temperature on the way")
    return None


def _bad_place(kept: Storage) -> Text | None:
    if kept.unusable:
        return _("the temperature of the place where it stood was assessed; it must not be used")
    if kept.open:
        return _(
            "the place where it stood was outside of its limits or is not fully recorded, and "
            "nobody has assessed it"
        )
    if kept.unagreed:
        return _("the investigator has not agreed to the assessment of the place where it stood")
    return None


def b17_custody(facts: BedsideFacts) -> Finding | None:
    """B17: its records hold, every hand-over has giver and receiver, no gap, and it is here."""
    custody = facts.custody
    if known_dose(facts) is None or custody is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if custody.altered:
        why = _(
            "the records of %(what)s were altered outside of this program", what=custody.altered
        )
    elif custody.incomplete:
        why = _("a hand-over has no giver or no receiver")
    elif custody.here is False:
        why = _("it was last handed to another place than this one")
    elif custody.longest_gap:
        minutes = -(-custody.longest_gap.total_seconds() // 60)
        why = _("it was in nobody's hands for %(minutes)s minutes", minutes=int(minutes))
        if (
            custody.longest_gap <= facts.limits.custody_gap
            and facts.inspection.seal_intact is True
            and override(facts, "B17", Role.QC_OFFICER)
        ):
            return warned(
                what, why, _("Write the reason; the quality unit has accepted the gap."), QUALITY
            )
    elif custody.here is None:
        return pending(
            what, _("the place where it is given is not known yet"), _("Sign in at this place.")
        )
    else:
        return passed(what, _("every hand-over is complete; it was handed to this place"))
    return stopped(what, why, QUARANTINE_BOX, QUALITY)
