"""The release gate: may this lot be used?

Rows R01-R15 about the lot, its papers and its people, and between R02 and R03 one row for each
test of the specification frozen into the lot, under the test's own id (S01, S05-D50, ...). S09
(identity, autologous), S22 (markers) and S24 (mechanical flag) are asked whether or not the
specification lists them. No row of this gate can be overridden; a warned row needs a typed reason.

PRP leaves the gate as `ready-for-use`: late sterility is not waited for (its sample must be
kept), and no mass balance is asked.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from lims.core.clock import utc
from lims.core.gate import Answer, Check, Finding, Gate, passed, pending, stopped
from lims.core.words import Text
from lims.release import checks_results as results
from lims.release.checks_words import INVESTIGATOR, KEEP, QUALITY, SPONSOR, Listed, said, the_lot
from lims.release.facts import ReleaseFacts, SpecTest

_ = Text

MEANING = "released"
_OWN_ROWS = (results.IDENTITY, results.MARKERS, results.MECHANICAL)


def becomes(facts: ReleaseFacts) -> str:
    """The state a lot goes to when this gate says yes and it is signed."""
    return "ready-for-use" if facts.prp else "released"


def r01_state(facts: ReleaseFacts) -> Finding | None:
    """R01: awaiting review (PRP: processing). There is no other way to released (X4)."""
    wanted = "processing" if facts.prp else "awaiting-review"
    if facts.state != wanted:
        return stopped(
            the_lot(facts),
            _("its state is %(state)s, not %(wanted)s", state=facts.state or "-", wanted=wanted),
            _("Complete the steps before review, then ask again."),
            QUALITY,
        )
    return passed(the_lot(facts), _("its state is %(state)s", state=facts.state))


def r02_specification(facts: ReleaseFacts) -> Finding | None:
    """R02: the specification frozen into the lot is the signed one; each test once."""
    what = _("specification of lot %(lot)s", lot=facts.lot)
    twice = tuple(
        test
        for test, times in Counter(each.id for each in facts.specification).items()
        if times > 1
    )
    if not facts.specification or facts.specification_pinned is None:
        why = _("no specification was frozen into the lot")
    elif facts.specification_signed is None:
        why = _("its specification has not been signed")
    elif facts.specification_pinned != facts.specification_signed:
        why = _("the version frozen into the lot is not the one that was signed")
    elif twice:
        why = _("it names a test twice: %(names)s", names=Listed(twice))
    else:
        return passed(what, _("the signed version is frozen into the lot"))
    return stopped(what, why, KEEP, QUALITY)


def r03_second_person(facts: ReleaseFacts) -> Finding | None:
    """R03: every result reviewed by another person than the tester (I8)."""
    what = _("results of lot %(lot)s", lot=facts.lot)
    own = tuple(
        each.test
        for each in facts.results
        if each.state in ("reviewed", "approved")
        and (each.reviewed_by is None or each.reviewed_by == each.entered_by)
    )
    if own:
        return stopped(
            what,
            _("not reviewed by a second person: %(names)s", names=Listed(own)),
            _("Let another person than the tester review the result."),
            QUALITY,
        )
    return passed(what, _("reviewed by other people than the testers"))


def r04_oos(facts: ReleaseFacts) -> Finding | None:
    """R04: no out-of-specification record is open."""
    what = _("out-of-specification records, lot %(lot)s", lot=facts.lot)
    if facts.open_oos:
        return stopped(
            what,
            _("still open: %(names)s", names=Listed(facts.open_oos)),
            _("Finish the investigation and close the record."),
            QUALITY,
        )
    return passed(what, _("none is open"))


def r05_deviations(facts: ReleaseFacts) -> Finding | None:
    """R05: no deviation is open on lot, ancestors, reagents or equipment."""
    what = _("deviations, lot %(lot)s", lot=facts.lot)
    if facts.open_deviations:
        return stopped(
            what,
            _("still open: %(names)s", names=Listed(facts.open_deviations)),
            _("Decide on each deviation and close it."),
            QUALITY,
        )
    return passed(what, _("none is open"))


def r06_unit(facts: ReleaseFacts) -> Finding | None:
    """R06: the sponsor confirmed the unit of the dose, where the study asks for it (1.5)."""
    if facts.unit_confirmed is None:
        return None
    what = _("unit of the dose, lot %(lot)s", lot=facts.lot)
    if not facts.unit_confirmed:
        return stopped(
            what,
            _("the sponsor has not confirmed it"),
            _("Ask the sponsor to sign the unit of the dose."),
            SPONSOR,
        )
    return passed(what, _("confirmed by the sponsor"))


def r07_consent(facts: ReleaseFacts) -> Finding | None:
    """R07: the donor's consent is in force (X8, H24)."""
    what = _("consent of the donor of lot %(lot)s", lot=facts.lot)
    if not facts.donor_consent:
        return stopped(
            what,
            _("it is missing or was withdrawn"),
            _("Do not release. Call the investigator."),
            INVESTIGATOR,
        )
    return passed(what, _("in force"))


def r08_separation(facts: ReleaseFacts) -> Finding | None:
    """R08: the releaser did no other step on the lot or its ancestors; persons count (H21)."""
    what = _("person releasing lot %(lot)s", lot=facts.lot)
    signer = facts.signature.person if facts.signature else facts.releaser
    if not facts.steps:
        # An empty trail is a fault in the gathering, never a proof of separation.
        return stopped(what, _("no step is on record, so nobody can be kept apart"), KEEP, QUALITY)
    if signer is None:
        return pending(what, _("nobody has come forward to release yet"), _("Sign in to release."))
    if facts.releaser is not None and facts.releaser != signer:
        return stopped(
            what,
            _("the person who signed is not the one who asked"),
            _("Let one person ask and sign."),
            QUALITY,
        )
    own = tuple(dict.fromkeys(step for person, step in facts.steps if person == signer))
    if own:
        return stopped(
            what,
            _("did other work on it or on what it was made from: %(steps)s", steps=Listed(own)),
            _("Ask a person who did no other step on this lot to release it."),
            QUALITY,
        )
    return passed(what, _("did no other step on it"))


def r09_labels(facts: ReleaseFacts) -> Finding | None:
    """R09: printed = applied + destroyed + returned (13.26)."""
    labels = facts.labels
    if labels is None:
        return None
    what = _("labels of lot %(lot)s", lot=facts.lot)
    found = labels.applied + labels.destroyed + labels.returned
    why = _("printed %(printed)s, accounted for %(found)s", printed=labels.printed, found=found)
    if labels.printed != found:
        if labels.open:
            why = _("%(why)s; open: %(codes)s", why=why, codes=Listed(labels.open))
        return stopped(
            what, why, _("Scan each label where it sticks, or say that it was destroyed."), QUALITY
        )
    if labels.bare:
        return stopped(
            what,
            _("without a label: %(codes)s", codes=Listed(labels.bare)),
            _("Print each of them a new label, stick it on and scan it back."),
            QUALITY,
        )
    return passed(what, why)


def r10_mass_balance(facts: ReleaseFacts) -> Finding | None:
    """R10: what went in is what came out and what was lost. Not asked of PRP."""
    if facts.prp and facts.mass_balance_closed is None:
        return None
    what = _("mass balance of lot %(lot)s", lot=facts.lot)
    if facts.mass_balance_closed is None:
        return pending(what, _("it has not been computed yet"))
    if not facts.mass_balance_closed:
        return stopped(
            what,
            _("it does not close"),
            _("Correct the volumes or record what was lost."),
            QUALITY,
        )
    return passed(what, _("it closes"))


def r11_expiry(facts: ReleaseFacts) -> Finding | None:
    """R11: the expiry lies ahead."""
    if facts.expires_at is None:
        return stopped(
            the_lot(facts), _("it has no expiry"), _("Complete the lot record."), QUALITY
        )
    ends = said(facts, facts.expires_at)
    if utc(facts.expires_at) <= utc(facts.now):
        return stopped(
            the_lot(facts), _("it expired at %(time)s", time=ends), _("Reject the lot."), QUALITY
        )
    return passed(the_lot(facts), _("in date until %(time)s", time=ends))


def r12_held(facts: ReleaseFacts) -> Finding | None:
    """R12: nothing is on hold, blocked or recalled, here or above (X3)."""
    if facts.held:
        return stopped(
            the_lot(facts),
            _("on hold, blocked or recalled: %(names)s", names=Listed(facts.held)),
            KEEP,
            QUALITY,
        )
    return passed(the_lot(facts), _("nothing is on hold"))


def r13_lineage(facts: ReleaseFacts) -> Finding | None:
    """R13: autologous, all ancestors are the recipient's; else none is (X2, I4)."""
    what = _("origin of lot %(lot)s", lot=facts.lot)
    donors = set(facts.donors)
    if not donors:
        why = _("its donor is not on record")
    elif facts.autologous and (facts.recipient is None or donors != {facts.recipient}):
        why = _("it was not made from the recipient's own collection alone")
    elif not facts.autologous and facts.recipient in donors:
        why = _("its recipient is among its donors")
    else:
        return passed(what, _("as planned"))
    return stopped(what, why, _("Do not release. Call the quality unit at once."), QUALITY)


def r14_batch(facts: ReleaseFacts) -> Finding | None:
    """R14: the batch record is complete."""
    what = _("batch record of lot %(lot)s", lot=facts.lot)
    if not facts.batch_complete:
        return stopped(
            what, _("it is not complete"), _("Complete and sign the missing steps."), QUALITY
        )
    return passed(what, _("complete"))


def r15_signature(facts: ReleaseFacts) -> Finding | None:
    """R15: signed with a secret, meaning `released`."""
    what = _("releasing signature, lot %(lot)s", lot=facts.lot)
    signature = facts.signature
    if signature is None:
        return pending(what, _("nobody has signed yet"), _("Sign with your password."))
    if not signature.with_secret:
        why = _("it was given without a right password")
    elif signature.meaning != MEANING:
        why = _("it does not mean that the lot is released: %(meaning)s", meaning=signature.meaning)
    else:
        return passed(what, _("given, meaning released"))
    return stopped(what, why, _("Sign again with your password and the right meaning."), QUALITY)


def _ask_test(test: SpecTest, facts: ReleaseFacts) -> Finding:
    return results.specified(facts, test)


@dataclass(frozen=True)
class ReleaseGate(Gate[ReleaseFacts]):
    """A gate that asks, beside its own rows, one for each test of the lot's specification."""

    lead: int = 2

    def ask(self, facts: ReleaseFacts, at: datetime | None = None) -> Answer:
        """Run every check and every test of the specification; none is skipped."""
        tests = tuple(
            Check(test.id, partial(_ask_test, test))
            for test in facts.specification
            if test.id not in _OWN_ROWS
        )
        rows = (*self.checks[: self.lead], *tests, *self.checks[self.lead :])
        return Gate(self.name, rows).ask(facts, at)


RELEASE: Gate[ReleaseFacts] = ReleaseGate(
    "release",
    (
        Check("R01", r01_state),
        Check("R02", r02_specification),
        Check(results.IDENTITY, results.identity),
        Check(results.MARKERS, results.markers),
        Check(results.MECHANICAL, results.mechanical),
        Check("R03", r03_second_person),
        Check("R04", r04_oos),
        Check("R05", r05_deviations),
        Check("R06", r06_unit),
        Check("R07", r07_consent),
        Check("R08", r08_separation),
        Check("R09", r09_labels),
        Check("R10", r10_mass_balance),
        Check("R11", r11_expiry),
        Check("R12", r12_held),
        Check("R13", r13_lineage),
        Check("R14", r14_batch),
        Check("R15", r15_signature),
    ),
)
