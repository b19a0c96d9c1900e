"""Bedside rows about the thing in hand: which dose, from whom, released, whole.

Source: domain.md 10.2 B06-B12, B18-B20, B28; 13.3, 13.12, 13.13, 13.17.
"""

# ruff: noqa: PLR0911 - a check leaves at its first finding

from lims.core.gate import Finding, passed, pending, stopped
from lims.core.words import Text
from lims.dosing.checks_words import (
    INVESTIGATOR,
    PHARMACY,
    QUALITY,
    QUARANTINE_BOX,
    instead,
    known_dose,
    known_lot,
    known_participant,
    no_dose_yet,
    no_participant_yet,
    others_material,
    own_material,
    right_one,
    said,
    the_dose,
    the_lot,
    the_participant,
)
from lims.dosing.facts import BedsideFacts

_ = Text


def b06_dose(facts: BedsideFacts) -> Finding | None:
    """B06: a container of product, under its live label, of her trial."""
    dose = facts.dose
    what = the_dose(facts)
    if dose is None:
        return no_dose_yet(facts)
    if not dose.code.startswith("V"):
        return stopped(
            what,
            _("this code is not on a dose"),
            _("Scan the label on the dose itself."),
            PHARMACY,
        )
    if not dose.found:
        return stopped(
            what,
            _("no dose has this code"),
            _("Put it in the red tray and call the pharmacy."),
            PHARMACY,
        )
    if not dose.label_live:
        return stopped(
            what,
            _("this label was cancelled or replaced by a newer one"),
            _("Ask the pharmacy for a new label; do not give from this one."),
            PHARMACY,
        )
    participant = known_participant(facts)
    if participant is None:
        return no_participant_yet(facts)
    if dose.study != participant.study:
        return stopped(what, _("it belongs to another trial"), right_one(facts), PHARMACY)
    return passed(what, _("a dose of this trial, under its live label"))


def b07_assignment(facts: BedsideFacts) -> Finding | None:
    """B07: meant for this participant and this visit."""
    dose, participant = known_dose(facts), known_participant(facts)
    what = the_dose(facts)
    if dose is None:
        return no_dose_yet(facts)
    if participant is None:
        return no_participant_yet(facts)
    if dose.allocated_to is None:
        return stopped(
            what, _("it has not been assigned to a participant"), right_one(facts), PHARMACY
        )
    if dose.allocated_to != participant.code:
        return stopped(what, _("it is for another participant"), right_one(facts), PHARMACY)
    if participant.visit is None:
        return stopped(
            the_participant(facts),
            _("no dose is planned for her now"),
            _("Do not give. Check the visit plan and call the investigator."),
            INVESTIGATOR,
        )
    if dose.visit != participant.visit:
        return stopped(what, _("it is not for this visit"), right_one(facts), PHARMACY)
    return passed(what, _("assigned to this participant and this visit"))


def b08_own_material(facts: BedsideFacts) -> Finding | None:
    """B08, autologous: every ancestor is hers, and the cells were matched to her."""
    if not own_material(facts):
        return None
    participant, lineage = known_participant(facts), facts.lineage
    if known_dose(facts) is None or lineage is None:
        return no_dose_yet(facts)
    if participant is None:
        return no_participant_yet(facts)
    what = the_dose(facts)
    if set(lineage.donors) != {participant.code}:
        why = _("it was not made from this participant's own collection alone")
    elif len(set(lineage.chains)) > 1:
        why = _("its chain of identity is broken: it carries more than one identifier")
    elif lineage.identity_matched is not True:
        why = _("no identity test matches its cells to this participant")
    else:
        return passed(what, _("made from this participant's own collection alone"))
    return stopped(what, why, right_one(facts), PHARMACY)


def b09_donor(facts: BedsideFacts) -> Finding | None:
    """B09, allogeneic: another's, cleared, no look-back, the donor's consent in force."""
    if not others_material(facts):
        return None
    participant, lineage = known_participant(facts), facts.lineage
    if known_dose(facts) is None or lineage is None:
        return no_dose_yet(facts)
    if participant is None:
        return no_participant_yet(facts)
    what = the_dose(facts)
    if not lineage.donors:
        why = _("its donor is not on record")
    elif participant.code in lineage.donors:
        why = _("it was made from this participant's own material, which is not planned for her")
    elif not lineage.cleared:
        why = _("its donor has not been cleared")
    elif lineage.look_back:
        why = _("a look-back on its donor is open")
    elif not lineage.consent:
        why = _("the donor's consent is not in force")
    else:
        return passed(what, _("its donor is cleared, no look-back is open"))
    return stopped(what, why, QUARANTINE_BOX, QUALITY)


def b10_product(facts: BedsideFacts) -> Finding | None:
    """B10: product type and mechanical flag as planned. One text: no row says which arm."""
    lot, allocation = known_lot(facts), facts.allocation
    if lot is None:
        return no_dose_yet(facts)
    if allocation is None or known_participant(facts) is None:
        return no_participant_yet(facts)
    what = the_dose(facts)
    flag_differs = allocation.mechanical is not None and lot.mechanical is not allocation.mechanical
    if lot.product != allocation.product or lot.donor is not allocation.donor or flag_differs:
        return stopped(
            what, _("it is not the product planned for this participant"), right_one(facts),
            PHARMACY,
        )  # fmt: skip
    return passed(what, _("the product planned for this participant"))


def b11_lot(facts: BedsideFacts) -> Finding | None:
    """B11: released (PRP: ready for use), not recalled or held, nothing open."""
    lot = known_lot(facts)
    if lot is None:
        return no_dose_yet(facts)
    what = the_lot(facts)
    participant = known_participant(facts)
    if lot.recalled:
        why = _("its lot was recalled")
    elif lot.held:
        why = _("its lot or something it was made from is on hold")
    elif lot.open_findings:
        why = _("a result out of specification or a deviation is still open")
    elif lot.state == "conditionally-released":
        if participant is None:
            return no_participant_yet(facts)
        if lot.only_for == participant.code:
            return passed(what, _("released for this one participant"))
        why = _("its lot was released for another participant alone")
    elif lot.state != ("ready-for-use" if lot.prp else "released"):
        why = _("its lot has not been released")
    else:
        return passed(what, _("released; nothing open"))
    return stopped(what, why, QUARANTINE_BOX, PHARMACY)


def b12_markers(facts: BedsideFacts) -> Finding | None:
    """B12: infectious markers complete; a reactive own donor shows label and precautions."""
    lineage = facts.lineage
    if known_dose(facts) is None or lineage is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if not lineage.markers_complete:
        why = _("the infectious-marker results of its donor are not complete")
    elif not lineage.markers_reactive:
        return passed(what, _("infectious markers complete and negative"))
    elif others_material(facts):
        why = _("an infectious marker of its donor is not negative")
    elif not lineage.biohazard_label:
        why = _("a marker is reactive and the container has no biohazard label")
    elif lineage.precautions is None:
        return pending(
            what,
            _("a marker is reactive; the precautions have not been acknowledged yet"),
            _("Read the biohazard label and acknowledge the precautions."),
        )
    elif lineage.precautions is False:
        why = _("a marker is reactive and the precautions were not accepted")
    else:
        return passed(what, _("markers complete; biohazard label seen, precautions acknowledged"))
    return stopped(what, why, QUARANTINE_BOX, PHARMACY)


def b18_seal(facts: BedsideFacts) -> Finding | None:
    """B18: seal intact, no crack, cap code as vial code."""
    seen = facts.inspection
    if known_dose(facts) is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if seen.seal_intact is False:
        why = _("its seal is broken or the container is cracked")
    elif seen.cap_matches is False:
        why = _("the code on the cap is not the code on the container")
    elif seen.seal_intact is None or seen.cap_matches is None:
        return pending(
            what,
            _("seal, container and cap have not been looked at yet"),
            _("Look at seal, container and cap."),
        )
    else:
        return passed(what, _("seal intact, no crack, cap and container agree"))
    return stopped(what, why, instead(facts), PHARMACY)


def b19_appearance(facts: BedsideFacts) -> Finding | None:
    """B19: clear or opalescent, no clumps, colour as specified, fully thawed."""
    seen, lot = facts.inspection, known_lot(facts)
    if lot is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    frozen_part = None if lot.prp else seen.fully_thawed
    if seen.appearance_good is False:
        return stopped(
            what, _("it has clumps, or its colour or clarity is not as specified"),
            instead(facts), PHARMACY,
        )  # fmt: skip
    if frozen_part is False:
        return stopped(
            what,
            _("it is not fully thawed"),
            _("Wait until no ice is left, then look again."),
            PHARMACY,
        )
    if seen.appearance_good is None or (frozen_part is None and not lot.prp):
        return pending(
            what,
            _("appearance and thawing have not been looked at yet"),
            _("Hold it against light and against dark."),
        )
    return passed(what, _("appearance as specified"))


def b20_label(facts: BedsideFacts) -> Finding | None:
    """B20: readable, and as on the screen: product, volume, participant, autologous text."""
    seen = facts.inspection
    if known_dose(facts) is None:
        return no_dose_yet(facts)
    what = the_dose(facts)
    if seen.label_readable is False:
        why = _("its label cannot be read")
    elif seen.label_matches is False:
        why = _("its label does not say what the screen says")
    elif seen.label_readable is None or seen.label_matches is None:
        return pending(
            what,
            _("the label has not been compared with the screen yet"),
            _("Compare product, volume and participant on label and screen."),
        )
    else:
        return passed(what, _("label readable and as on the screen"))
    return stopped(
        what,
        why,
        _("Put the dose aside and ask the pharmacy for a new label."),
        PHARMACY,
    )


def b28_once(facts: BedsideFacts) -> Finding | None:
    """B28: this dose was never given, and she had none in this trial, whatever the visit."""
    dose, participant = known_dose(facts), known_participant(facts)
    if dose is not None and (dose.given_at is not None or dose.state == "administered"):
        return stopped(
            the_dose(facts),
            _("it has already been given"),
            _(
                "Check the record of %(time)s; call the investigator.",
                time=said(facts, dose.given_at) if dose.given_at else "-",
            ),
            INVESTIGATOR,
        )
    if participant is None:
        return no_participant_yet(facts)
    if participant.given or participant.last_given_at:
        at = participant.last_given_at
        return stopped(
            the_participant(facts),
            _("she has already been given a dose in this trial"),
            _(
                "Check the record of %(time)s; call the investigator.",
                time=said(facts, at) if at else "-",
            ),
            INVESTIGATOR,
        )
    if dose is None:
        return no_dose_yet(facts)
    return passed(the_dose(facts), _("never given, and she has had none in this trial"))
