"""Bedside rows about people: who gives, who receives, who witnesses, what they signed.

Source: domain.md 10.2 B01-B05, B29-B31; 13.8, 13.9, 13.11, 13.13, 13.14.
"""

# ruff: noqa: PLR0911 - a check leaves at its first finding

from datetime import timedelta

from lims.core.codes import grouped
from lims.core.gate import Finding, passed, pending, stopped
from lims.core.words import Text
from lims.dosing.checks_words import (
    DO_NOT_GIVE_CALL,
    INVESTIGATOR,
    OTHER_PERSON,
    PHARMACY,
    QUALITY,
    RESTART,
    between,
    known_participant,
    no_participant_yet,
    same_or_before,
    the_participant,
)
from lims.dosing.facts import BedsideFacts, Spoken

_ = Text


def b01_operator(facts: BedsideFacts) -> Finding | None:
    """B01: signed in, with the role, trained, delegated on this trial, within date."""
    operator = facts.operator
    if operator is None:
        return pending(
            _("person giving"), _("nobody has signed in to give yet"), _("Sign in to give.")
        )
    what = _("person giving: %(name)s", name=operator.name)
    if not operator.signed_in:
        why = _("is not signed in with her own credentials")
    elif not operator.may_give:
        why = _("has no role that gives doses")
    elif not operator.trained:
        why = _("has no training in force for giving a dose")
    elif not operator.delegated:
        why = _("is not delegated on this trial")
    elif operator.valid_until and same_or_before(operator.valid_until, facts.now):
        why = _("training or delegation is out of date")
    else:
        return passed(what, _("signed in, trained and delegated on this trial"))
    return stopped(what, why, OTHER_PERSON, INVESTIGATOR)


def b02_identity(facts: BedsideFacts) -> Finding | None:
    """B02: band on the arm, spoken name and birth date agree with one record."""
    band = facts.band
    if band is None:
        return pending(
            _("wristband"), _("no wristband has been scanned yet"), _("Scan the band on the arm.")
        )
    what = _("wristband %(code)s", code=grouped(band.code))
    new_band = _("Scan the band on the arm; no band: new band, two people.")
    if not band.code.startswith("W"):
        return stopped(
            _("code %(code)s", code=grouped(band.code)),
            _("it is not a wristband; a sheet, a chart or a label does not say who she is"),
            new_band,
            INVESTIGATOR,
        )
    if band.participant is None:
        return stopped(what, _("this band is not known here"), new_band, INVESTIGATOR)
    if not band.live:
        return stopped(
            what, _("this band was cancelled or is a copy of one"), new_band, INVESTIGATOR
        )
    if facts.participant is not None and band.participant != facts.participant.code:
        return stopped(
            what,
            _("it belongs to another participant than %(code)s", code=facts.participant.code),
            _("Stop, and start again at step 1 with the person in front of you."),
            INVESTIGATOR,
        )
    if facts.participant is None:
        return no_participant_yet(facts)
    if facts.spoken is None:
        return pending(
            what,
            _("name and birth date have not been asked yet"),
            _("Ask: tell me your name and your birth date."),
        )
    return _spoken(facts, facts.spoken, what)


def _spoken(facts: BedsideFacts, spoken: Spoken, what: Text) -> Finding:
    if spoken.name_agrees is False or spoken.birth_date_agrees is False:
        return stopped(
            the_participant(facts),
            _("the name or birth date she says is not that of the record"),
            DO_NOT_GIVE_CALL,
            INVESTIGATOR,
        )
    if spoken.name_agrees is None or spoken.birth_date_agrees is None:
        return pending(
            what,
            _("name and full birth date have not both been asked yet"),
            _("Ask: tell me your name and your birth date."),
        )
    if facts.band is None or (spoken.band, spoken.copy) != (facts.band.code, facts.band.copy):
        return stopped(
            what,
            _("the band was changed after she said her name and birth date"),
            _("Ask name and birth date again and scan the band on the arm; asleep: postpone."),
            INVESTIGATOR,
        )
    if spoken.sedated_at is not None and not same_or_before(spoken.at, spoken.sedated_at):
        return stopped(
            what,
            _("name and birth date were asked after sedation"),
            _("Do not give. Ask again when she is awake."),
            INVESTIGATOR,
        )
    holds = facts.limits.check if spoken.sedated_at is None else facts.limits.sedated_identity
    if not timedelta(0) <= between(spoken.at, facts.now) <= holds:
        return stopped(
            what,
            _(
                "name and birth date were not asked within the last %(minutes)s minutes",
                minutes=int(holds.total_seconds() // 60),
            ),
            RESTART,
            INVESTIGATOR,
        )
    return passed(what, _("band, name and birth date agree with the record"))


def b03_status(facts: BedsideFacts) -> Finding | None:
    """B03: enrolled, eligible, not withdrawn, no safety hold, asked again where required."""
    participant = facts.participant
    what = the_participant(facts)
    if participant is None:
        return no_participant_yet(facts)
    if not participant.found:
        return stopped(
            what,
            _("no participant has this code"),
            _("Scan the band on the arm again, then call the investigator."),
            INVESTIGATOR,
        )
    if participant.withdrawn:
        why = _("she has left the trial")
    elif not participant.enrolled:
        why = _("she is not enrolled in the trial")
    elif not participant.eligible:
        why = _("her eligibility has not been signed")
    elif participant.held:
        why = _("a safety hold is in force")
    elif participant.ask_again and participant.asked_again is False:
        why = _("a criterion that is asked again before the dose no longer holds")
    elif participant.ask_again and participant.asked_again is None:
        return pending(
            what,
            _("taking part in another trial has not been asked again yet"),
            _("Ask whether she takes part in another trial."),
        )
    else:
        return passed(what, _("enrolled and eligible; no safety hold"))
    return stopped(what, why, DO_NOT_GIVE_CALL, INVESTIGATOR)


def b04_consent(facts: BedsideFacts) -> Finding | None:
    """B04: consent in force, of the current version, before any study act."""
    if known_participant(facts) is None:
        return no_participant_yet(facts)
    consent = facts.consent
    what = _("consent of %(code)s", code=facts.participant.code if facts.participant else "-")
    if consent is None:
        return pending(what, _("the consent has not been looked up yet"))
    first = consent.first_study_act_at
    if consent.signed_at is None:
        why = _("no signed consent is on record")
    elif consent.withdrawn:
        why = _("she has withdrawn her consent")
    elif not consent.current:
        why = _("it is not the version in force")
    elif not consent.covers_giving:
        why = _("it does not cover giving the dose")
    elif not same_or_before(consent.signed_at, facts.now):
        why = _("its time of signing lies ahead")
    elif first is not None and not same_or_before(consent.signed_at, first):
        why = _("it was signed after her collection, allocation or first study procedure")
    else:
        return passed(what, _("in force and signed in time"))
    return stopped(what, why, DO_NOT_GIVE_CALL, INVESTIGATOR)


def b05_allocation(facts: BedsideFacts) -> Finding | None:
    """B05: revealed, and with a product. One text for both: no row says which arm."""
    if known_participant(facts) is None:
        return no_participant_yet(facts)
    what = _("allocation of %(code)s", code=facts.participant.code if facts.participant else "-")
    allocation = facts.allocation
    if allocation is None:
        return pending(what, _("the allocation has not been looked up yet"))
    if not allocation.revealed or allocation.product is None:
        return stopped(
            what, _("no dose is planned for this participant"), DO_NOT_GIVE_CALL, INVESTIGATOR
        )
    return passed(what, _("a dose is planned for this participant"))


def b29_second_person(facts: BedsideFacts) -> Finding | None:
    """B29: another human being, with her own credentials, who repeats both scans herself."""
    witness = facts.witness
    if witness is None:
        return pending(
            _("second person"),
            _("no second person has joined yet"),
            _("Call a trained second person; without one, postpone."),
        )
    what = _("second person: %(name)s", name=witness.name)
    if facts.operator and witness.person == facts.operator.person:
        why = _("giver and witness are the same person")
    elif not witness.own_credentials:
        why = _("has not signed in with her own credentials")
    elif not witness.trained:
        why = _("has no training in force for this step")
    elif facts.dose and witness.person in facts.dose.prepared_by:
        why = _("prepared or thawed this dose, so she cannot witness it")
    else:
        return _repeats(facts, what)
    return stopped(what, why, OTHER_PERSON, PHARMACY)


def _repeats(facts: BedsideFacts, what: Text) -> Finding:
    witness = facts.witness
    assert witness is not None  # noqa: S101 - asked by the caller
    if facts.band and witness.band is not None and witness.band != facts.band.code:
        return stopped(what, _("scanned another wristband than the giver"), RESTART, INVESTIGATOR)
    if facts.dose and witness.dose is not None and witness.dose != facts.dose.code:
        return stopped(what, _("scanned another dose than the giver"), RESTART, PHARMACY)
    if witness.wrong_figures >= facts.limits.figures_tries:
        return stopped(
            what,
            _("typed other figures than those on the label of this dose, twice"),
            _("Put the dose aside and call the pharmacy: it may be the wrong dose."),
            PHARMACY,
        )
    if witness.figures_right is False:
        return stopped(
            what,
            _("the four figures typed are not those on the label of this dose"),
            _("Read the four figures from the label in your hand and type them again."),
            PHARMACY,
        )
    if facts.operator is None:
        return pending(what, _("it is not known yet who gives"), _("Sign in to give."))
    if witness.band is None or facts.band is None:
        return pending(
            what, _("has not repeated the scan of the band yet"), _("Scan the band on the arm.")
        )
    if witness.dose is None or facts.dose is None:
        return pending(what, _("has not repeated the scan of the dose yet"), _("Scan the dose."))
    if witness.figures_right is None:
        return pending(
            what,
            _("has not typed the four figures yet"),
            _("Type the four figures printed on the label of the dose."),
        )
    return passed(what, _("another person, who repeated both scans and the four figures"))


def b30_complete(facts: BedsideFacts) -> Finding | None:
    """B30: one check, on one device, uninterrupted, within its time."""
    session = facts.session
    what = _("this check")
    if session is None:
        return pending(what, _("no check has been started at the bedside yet"), RESTART)
    if session.interrupted:
        why = _("it was interrupted")
    elif len(set(session.devices)) != 1:
        why = _("its scans were not all made on one device")
    elif not timedelta(0) <= between(session.started_at, facts.now) <= facts.limits.check:
        why = _(
            "it is more than %(minutes)s minutes old",
            minutes=int(facts.limits.check.total_seconds() // 60),
        )
    else:
        return passed(what, _("made at once, on one device"))
    return stopped(what, why, RESTART, QUALITY)


def b31_confirm(facts: BedsideFacts) -> Finding | None:
    """B31: both people signed, each with a secret of her own."""
    what = _("signatures")
    signed = (
        facts.operator.signed if facts.operator else None,
        facts.witness.signed if facts.witness else None,
    )
    if False in signed:
        return stopped(
            what,
            _("a signature was given without a right password"),
            _("Sign again with your own password."),
            INVESTIGATOR,
        )
    if signed[0] is None:
        return pending(
            what, _("the person giving has not signed yet"), _("Sign with your password.")
        )
    if signed[1] is None:
        return pending(
            what, _("the second person has not signed yet"), _("Let the second person sign.")
        )
    return passed(what, _("both people signed with their passwords"))
