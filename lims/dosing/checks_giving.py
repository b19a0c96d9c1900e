"""Bedside rows about the act of giving: volume, device, route, her state today, readiness.

Source: domain.md 10.2 B23-B27; 1.5 #7; 13.4, 13.5, 13.7, 13.8, 13.12.
"""

# ruff: noqa: PLR0911 - a check leaves at its first finding

from lims.core.codes import grouped
from lims.core.gate import Finding, passed, pending, stopped, warned
from lims.core.permissions import Role
from lims.core.units import ml
from lims.core.words import Text
from lims.dosing.checks_words import (
    DO_NOT_GIVE_CALL,
    INVESTIGATOR,
    PHARMACY,
    RESTART,
    instead,
    known_dose,
    known_lot,
    known_participant,
    local_day,
    no_dose_yet,
    no_participant_yet,
    override,
    said,
    same_or_before,
    the_dose,
    the_participant,
)
from lims.dosing.facts import Assessment, BedsideFacts, Plan

_ = Text

_ASSESS = _("Ask the investigator to sign the pre-dose assessment of today.")


def b23_volume(facts: BedsideFacts) -> Finding | None:
    """B23: each site and the sum within plan; the container holds plan and dead volume."""
    dose, plan = known_dose(facts), facts.plan
    if dose is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if plan is None or plan.sites_ul is None:
        return pending(
            what, _("the volumes to be given have not been entered yet"),
            _("Enter the volume for each site."),
        )  # fmt: skip
    if not plan.sites_ul or min(plan.sites_ul) <= 0:
        return stopped(
            what, _("a site has no volume"), _("Enter the volume for each site."), INVESTIGATOR
        )
    total = sum(plan.sites_ul)
    needed = total + (plan.dead_volume_ul or 0)
    if dose.fill_ul < needed:
        return stopped(
            what,
            _(
                "it holds %(fill)s, but %(needed)s are needed with what stays in the device",
                fill=ml(dose.fill_ul),
                needed=ml(needed),
            ),
            instead(facts),
            PHARMACY,
        )
    too_much = total > plan.total_high_ul or (
        plan.site_high_ul is not None and max(plan.sites_ul) > plan.site_high_ul
    )
    if too_much and not override(facts, "B23", Role.INVESTIGATOR):
        return stopped(
            what,
            _("%(total)s in all or at one site is more than the plan allows", total=ml(total)),
            _("Enter no more than the plan allows, or call the investigator."),
            INVESTIGATOR,
        )
    if plan.dead_volume_ul is None:
        return pending(what, _("what stays in the device is not known yet"), _("Scan the device."))
    return _volume_words(plan, total, what, too_much=too_much)


def _volume_words(plan: Plan, total: int, what: Text, *, too_much: bool) -> Finding:
    if too_much:
        why = _("%(total)s is more than planned; the investigator has signed it", total=ml(total))
    elif total < plan.total_low_ul or (
        plan.site_low_ul is not None and min(plan.sites_ul or ()) < plan.site_low_ul
    ):
        why = _("%(total)s in all or at one site is less than planned", total=ml(total))
    elif len(plan.sites_ul or ()) > plan.most_sites:
        why = _("%(count)s sites are more than planned", count=len(plan.sites_ul or ()))
    else:
        return passed(what, _("%(total)s as planned", total=ml(total)))
    return warned(what, why, _("Ask the investigator and write her reason."), INVESTIGATOR)


def b24_device(facts: BedsideFacts) -> Finding | None:
    """B24: the arm's device, with its lot, in date."""
    device, plan = facts.device, facts.plan
    what = _("device")
    if device is None or plan is None:
        return pending(what, _("no device has been scanned yet"), _("Scan the device."))
    what = _("device %(kind)s, lot %(lot)s", kind=device.kind or "-", lot=device.lot or "-")
    if device.kind != plan.device:
        why = _("it is not the device of this procedure: %(device)s", device=plan.device)
    elif not device.lot.strip():
        why = _("its lot is not recorded")
    elif device.expires_at is None:
        why = _("its expiry is not recorded")
    elif same_or_before(device.expires_at, facts.now):
        why = _("it expired at %(time)s", time=said(facts, device.expires_at))
    else:
        return passed(what, _("the right device, in date"))
    return stopped(what, why, _("Take another device of the right kind and scan it."), PHARMACY)


def b25_route(facts: BedsideFacts) -> Finding | None:
    """B25: the protocol's route."""
    what = _("route")
    if facts.route is None or facts.plan is None:
        return pending(what, _("no route has been entered yet"), _("Enter the route."))
    what = _("route: %(route)s", route=facts.route)
    if facts.route != facts.plan.route:
        return stopped(
            what,
            _("the protocol asks for another route: %(route)s", route=facts.plan.route),
            DO_NOT_GIVE_CALL,
            INVESTIGATOR,
        )
    return passed(what, _("the route of the protocol"))


def _assessed(facts: BedsideFacts) -> Assessment | Finding:
    """The signed assessment of today, or why there is none."""
    what = the_participant(facts)
    assessment = facts.assessment
    if assessment is None:
        return pending(what, _("she has no pre-dose assessment of today yet"), _ASSESS)
    if not assessment.signed:
        why = _("the investigator has not signed her pre-dose assessment")
    elif local_day(facts, assessment.at) != local_day(facts, facts.now):
        why = _("her pre-dose assessment is not of today")
    else:
        return assessment
    return stopped(what, why, _ASSESS, INVESTIGATOR)


def _names(written: tuple[str, ...]) -> set[str]:
    return {" ".join(each.casefold().replace("_", " ").split()) for each in written}


def b26_allergy(facts: BedsideFacts) -> Finding | None:
    """B26: no allergy to what may be left in the product."""
    lot, plan = known_lot(facts), facts.plan
    if known_participant(facts) is None:
        return no_participant_yet(facts)
    if lot is None:
        return no_dose_yet(facts)
    assessed = _assessed(facts)
    if isinstance(assessed, Finding):
        return assessed
    what = the_participant(facts)
    if plan is None:
        return pending(what, _("the plan of the dose has not been looked up yet"))
    hers, refused = _names(assessed.allergies), _names(plan.refused_allergies)
    matches, antibiotics = hers & _names(lot.residuals), hers & refused
    if plan.allergy_match_stops and matches:
        return stopped(
            what,
            _("she is allergic to what may be in it: %(names)s", names=", ".join(sorted(matches))),
            DO_NOT_GIVE_CALL,
            INVESTIGATOR,
        )
    if antibiotics and lot.antibiotic_clear is not True:
        return stopped(
            what,
            _(
                "she is allergic to %(names)s and the lot is not shown to be free of antibiotic",
                names=", ".join(sorted(antibiotics)),
            ),
            DO_NOT_GIVE_CALL,
            INVESTIGATOR,
        )
    others = matches - antibiotics
    if others:
        return warned(
            what,
            _("she is allergic to what may be in it: %(names)s", names=", ".join(sorted(others))),
            _("Decide whether to give it and write the reason."),
            INVESTIGATOR,
        )
    return passed(what, _("no allergy to what may be in it"))


def b27_today(facts: BedsideFacts) -> Finding | None:
    """B27: no fever, infection or bleeding today; pregnancy test negative and fresh."""
    if known_participant(facts) is None:
        return no_participant_yet(facts)
    assessed = _assessed(facts)
    if isinstance(assessed, Finding):
        return assessed
    what = the_participant(facts)
    if assessed.fever:
        why = _("she has a fever")
    elif assessed.infection:
        why = _("she has a genital or pelvic infection")
    elif assessed.bleeding:
        why = _("she is bleeding")
    elif None in (assessed.fever, assessed.infection, assessed.bleeding):
        why = _("fever, infection and bleeding were not all asked")
    elif assessed.pregnancy_test is None or assessed.pregnancy_tested_on is None:
        why = _("a pregnancy test is missing")
    elif assessed.pregnancy_test != "negative":
        why = _("her pregnancy test is not negative")
    else:
        age = (local_day(facts, facts.now) - assessed.pregnancy_tested_on).days
        if 0 <= age <= facts.limits.pregnancy_test_days:
            return passed(what, _("well today; pregnancy test negative"))
        why = _("her pregnancy test is too old")
    return stopped(what, why, DO_NOT_GIVE_CALL, INVESTIGATOR)


def b32_draw_up(facts: BedsideFacts) -> Finding | None:
    """B32: drawn up after the verdict under the witness's eyes, or a labelled syringe."""
    dose, participant, drawn = known_dose(facts), known_participant(facts), facts.draw_up
    if dose is None:
        return no_dose_yet(facts)
    if participant is None:
        return no_participant_yet(facts)
    what = _("syringe or catheter with dose %(code)s", code=grouped(dose.code))
    if drawn is None or (drawn.drawn_at is None and drawn.syringe_dose is None):
        return pending(
            what,
            _("it has not been drawn up yet"),
            _("Draw it up with the second person watching, or scan the syringe label."),
        )
    discard = _("Put the syringe aside and call the pharmacy: what is in it is not certain.")
    if drawn.syringe_dose is not None:
        if (drawn.syringe_dose, drawn.syringe_participant) != (dose.code, participant.code):
            return stopped(
                what,
                _("the syringe label belongs to another dose or participant"),
                discard,
                PHARMACY,
            )
        return passed(what, _("the syringe label belongs to this dose and participant"))
    if not drawn.witnessed:
        return stopped(what, _("nobody watched the drawing up"), discard, PHARMACY)
    if (
        drawn.drawn_at is None
        or drawn.verdict_at is None
        or not same_or_before(drawn.verdict_at, drawn.drawn_at)
    ):
        return stopped(what, _("it was drawn up before the check had said yes"), discard, PHARMACY)
    if not same_or_before(drawn.drawn_at, facts.now):
        return stopped(what, _("its time of drawing up lies ahead"), RESTART, PHARMACY)
    return passed(what, _("drawn up after the check, with the second person watching"))


def b33_emergency(facts: BedsideFacts) -> Finding | None:
    """B33: emergency kit and trained staff at hand."""
    ready, what = facts.emergency, _("emergency kit and staff")
    if ready.kit is False:
        why = _("no complete emergency kit is at hand")
    elif ready.staff is False:
        why = _("nobody trained for an emergency is at hand")
    elif ready.kit is None or ready.staff is None:
        return pending(
            what,
            _("nobody has looked yet whether they are at hand"),
            _("Look for the emergency kit and trained staff."),
        )
    else:
        return passed(what, _("both at hand"))
    return stopped(
        what, why, _("Bring the emergency kit and trained staff before giving."), INVESTIGATOR
    )
