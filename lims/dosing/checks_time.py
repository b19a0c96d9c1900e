"""Bedside rows about time, exact to the second, and how long a verdict lives.

Source: domain.md 10.2 B13-B15, B21, B22; 1.4, 3.4, 6.8; 13.1, 13.2, 13.6, 13.17.
"""

# ruff: noqa: PLR0911 - a check leaves at its first finding

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from lims.core.clock import utc
from lims.core.gate import Finding, passed, pending, stopped, warned
from lims.core.permissions import Role
from lims.core.words import Text
from lims.dosing.checks_words import (
    DO_NOT_GIVE_CALL,
    INVESTIGATOR,
    PHARMACY,
    QUARANTINE_BOX,
    between,
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
from lims.dosing.facts import BedsideFacts, CycleWindow, Kept, TransferWindow
from lims.dosing.facts_product import Thaw

_ = Text

_WARM = frozenset({"issued", "thawed", "administered"})  # a given one is B28's to stop
_FRESH = frozenset({"ready-for-use", "issued", "administered"})


def expiry(facts: BedsideFacts) -> datetime | None:
    """Earliest expiry of lot and container; None where none is on record."""
    lot, dose = known_lot(facts), known_dose(facts)
    known = [
        utc(each)
        for each in (lot.expires_at if lot else None, dose.expires_at if dose else None)
        if each is not None
    ]
    return min(known, default=None)


def thaw_limit(facts: BedsideFacts) -> timedelta:
    """How long it may be used after the thaw; unknown storage counts as the warmer one."""
    cold = facts.thaw is not None and facts.thaw.kept is Kept.COLD
    return facts.limits.thaw_cold if cold else facts.limits.thaw_room


def b13_expiry(facts: BedsideFacts) -> Finding | None:
    """B13: now < expiry."""
    if known_lot(facts) is None:
        return no_dose_yet(facts)
    what, ends = the_dose(facts), expiry(facts)
    if ends is None:
        return stopped(what, _("no expiry is on record"), QUARANTINE_BOX, PHARMACY)
    if same_or_before(ends, facts.now):
        return stopped(
            what,
            _("it expired at %(time)s", time=said(facts, ends)),
            instead(facts),
            PHARMACY,
        )
    return passed(what, _("in date until %(time)s", time=said(facts, ends)))


def b14_thaw(facts: BedsideFacts) -> Finding | None:
    """B14: issued and thawed once, never refrozen, within the thaw time; PRP: never frozen."""
    lot, dose = known_lot(facts), known_dose(facts)
    if lot is None or dose is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if dose.state not in (_FRESH if lot.prp else _WARM):
        return stopped(
            what,
            _("it has not been issued for giving; its state is %(state)s", state=dose.state or "-"),
            QUARANTINE_BOX,
            PHARMACY,
        )
    thaw = facts.thaw
    if lot.prp:
        if thaw is not None and (thaw.at is not None or thaw.count or thaw.refrozen):
            return stopped(
                what, _("it was frozen, which this product must never be"), instead(facts),
                PHARMACY,
            )  # fmt: skip
        return passed(what, _("fresh; never frozen"))
    if thaw is None or (thaw.at is None and not thaw.refrozen and not thaw.count):
        return pending(what, _("no thaw is on record yet"), _("Thaw it and scan it."))
    if thaw.refrozen:
        return stopped(what, _("it was frozen again after a thaw"), instead(facts), PHARMACY)
    if thaw.count > facts.limits.thaws:
        return stopped(
            what,
            _("it was thawed %(count)s times", count=thaw.count),
            instead(facts),
            PHARMACY,
        )
    if thaw.at is None:
        return stopped(what, _("it was thawed, but nobody wrote when"), instead(facts), PHARMACY)
    if between(thaw.at, facts.now) < timedelta(0):
        return stopped(what, _("its time of thawing lies ahead"), QUARANTINE_BOX, PHARMACY)
    return _thaw_time(facts, _warm_for(facts, thaw, thaw.at), what)


def _warm_for(facts: BedsideFacts, thaw: Thaw, thawed_at: datetime) -> timedelta:
    """It warms from when it leaves the freezer, whenever the thaw was written."""
    return max(between(thawed_at, facts.now), thaw.out)


def _thaw_time(facts: BedsideFacts, since: timedelta, what: Text) -> Finding:
    limit = thaw_limit(facts)
    ends = said(facts, utc(facts.now) - since + limit)
    if since > limit:
        return stopped(
            what,
            _(
                "its time after thawing is over: %(minutes)s minutes, since %(time)s",
                minutes=int(limit.total_seconds() // 60),
                time=ends,
            ),
            instead(facts),
            PHARMACY,
        )
    if _microseconds(since) >= facts.limits.thaw_warn * _microseconds(limit):
        return warned(
            what,
            _("its time after thawing is nearly over: it ends at %(time)s", time=ends),
            _("Give it before %(time)s or not at all, and write the reason.", time=ends),
            PHARMACY,
        )
    return passed(what, _("thawed once; may be used until %(time)s", time=ends))


def _microseconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1))


def b15_prp_age(facts: BedsideFacts) -> Finding | None:
    """B15, PRP: within its hours from the draw."""
    lot = known_lot(facts)
    if lot is None or not lot.prp:
        return None
    what = the_dose(facts)
    if lot.drawn_at is None:
        why = _("the time its blood was drawn is not on record")
    elif between(lot.drawn_at, facts.now) < timedelta(0):
        why = _("its time of drawing lies ahead")
    elif between(lot.drawn_at, facts.now) > facts.limits.prp_age:
        why = _(
            "its blood was drawn at %(time)s, more than %(hours)s hours ago",
            time=said(facts, lot.drawn_at),
            hours=int(facts.limits.prp_age.total_seconds() // 3600),
        )
    else:
        return passed(what, _("its blood was drawn at %(time)s", time=said(facts, lot.drawn_at)))
    return stopped(what, why, instead(facts), PHARMACY)


def b21_transfer(facts: BedsideFacts) -> Finding | None:
    """B21: at the planned lead before an embryo transfer that is confirmed today."""
    window = facts.window
    if window is None:
        return pending(_("time window"), _("the time window has not been looked up yet"))
    if not isinstance(window, TransferWindow):
        return None
    if known_participant(facts) is None:
        return no_participant_yet(facts)
    what = the_participant(facts)
    if window.planned_at is None:
        why = _("no date of the embryo transfer is recorded")
    elif window.done:
        why = _("the embryo transfer has already been done")
    elif same_or_before(window.planned_at, facts.now):
        why = _("the planned embryo transfer is past: %(time)s",
                time=said(facts, window.planned_at))  # fmt: skip
    elif window.confirmed_at is None or local_day(facts, window.confirmed_at) != local_day(
        facts, facts.now
    ):
        return stopped(
            what,
            _("the date of the embryo transfer has not been confirmed today"),
            _("Confirm the date of the embryo transfer with the clinic, then check again."),
            INVESTIGATOR,
        )
    else:
        return _lead(facts, window, window.planned_at)
    return stopped(what, why, DO_NOT_GIVE_CALL, INVESTIGATOR)


def _lead(facts: BedsideFacts, window: TransferWindow, planned_at: datetime) -> Finding:
    what, limits = the_participant(facts), facts.limits
    lead = between(facts.now, planned_at)
    off = abs(lead - window.lead)
    why = _(
        "the embryo transfer is planned for %(time)s; the dose is due at %(due)s",
        time=said(facts, planned_at),
        due=said(facts, utc(planned_at) - window.lead),
    )
    if off <= limits.window_silent:
        return passed(what, why)
    if off <= limits.window_warn:
        return warned(what, why, _("Ask the investigator and write her reason."), INVESTIGATOR)
    if limits.lead_shortest <= lead <= limits.lead_longest and override(
        facts, "B21", Role.INVESTIGATOR, deviation=True
    ):
        return warned(
            what, why, _("Write the reason; the investigator has signed a deviation."),
            INVESTIGATOR,
        )  # fmt: skip
    return stopped(what, why, DO_NOT_GIVE_CALL, INVESTIGATOR)


def b22_cycle_day(facts: BedsideFacts) -> Finding | None:
    """B22: on a day of the cycle, by the site's calendar; the first and only occasion."""
    window = facts.window
    if not isinstance(window, CycleWindow):
        return None
    participant = known_participant(facts)
    if participant is None:
        return no_participant_yet(facts)
    what = the_participant(facts)
    if participant.given or participant.last_given_at:
        why = _("she has already had her one occasion")
    elif window.day1 is None:
        why = _("day 1 of her cycle is not recorded")
    else:
        day = (local_day(facts, facts.now) - window.day1).days + 1
        why = _(
            "today is day %(day)s of her cycle; the dose is given on day %(first)s to %(last)s",
            day=day, first=window.first, last=window.last,
        )  # fmt: skip
        if window.first <= day <= window.last:
            return passed(what, why)
        if day in (window.first - 1, window.last + 1) and override(
            facts, "B22", Role.INVESTIGATOR, deviation=True
        ):
            return warned(
                what, why, _("Write the reason; the investigator has signed a deviation."),
                INVESTIGATOR,
            )  # fmt: skip
    return stopped(what, why, DO_NOT_GIVE_CALL, INVESTIGATOR)


def validity(facts: BedsideFacts) -> datetime:
    """The last instant at which a verdict asked at `now` may still be used (13.6).

    The earliest of: the check's own time (from its first scan), thaw limit, expiry, PRP age and
    the end of the window. May lie before `now`, when the verdict is a stop anyway.
    """
    limits, lot = facts.limits, known_lot(facts)
    start = facts.session.started_at if facts.session else facts.now
    ends = [utc(facts.now) + limits.check, utc(start) + limits.check]
    expires = expiry(facts)
    if expires is not None:
        ends.append(expires)
    if lot is not None and lot.prp and lot.drawn_at is not None:
        ends.append(utc(lot.drawn_at) + limits.prp_age)
    thaw = facts.thaw
    if lot is not None and not lot.prp and thaw is not None and thaw.at is not None:
        ends.append(utc(facts.now) - _warm_for(facts, thaw, thaw.at) + thaw_limit(facts))
    spoken = facts.spoken
    if spoken is not None:
        awake = spoken.sedated_at is None
        ends.append(utc(spoken.at) + (limits.check if awake else limits.sedated_identity))
    window_end = _window_end(facts)
    if window_end is not None:
        ends.append(window_end)
    return min(ends)


def _window_end(facts: BedsideFacts) -> datetime | None:
    window, limits = facts.window, facts.limits
    if isinstance(window, TransferWindow) and window.planned_at is not None:
        last_lead = window.lead - limits.window_warn
        if between(facts.now, window.planned_at) < last_lead and override(
            facts, "B21", Role.INVESTIGATOR, deviation=True
        ):
            last_lead = limits.lead_shortest
        return utc(window.planned_at) - last_lead
    if isinstance(window, CycleWindow) and window.day1 is not None:
        today = local_day(facts, facts.now)
        last_day = window.day1 + timedelta(days=window.last - 1)
        midnight = datetime.combine(
            max(today, last_day) + timedelta(days=1), time(0), ZoneInfo(facts.time_zone)
        )
        return utc(midnight)
    return None
