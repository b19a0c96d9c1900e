"""From the shelf to the bed: assigned, issued, thawed; her state of the day signed."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from lims import custody, isolation, ledger, people, studies
from lims.core import clock, codes, db, events, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.dosing import permissions as may
from lims.dosing import queries, reasons
from lims.dosing.facts_product import Kept
from lims.dosing.models import Assignment, PreDose, Thawing
from lims.studies.protocol import DonorRule, ProductKind

VISIT = "injection"


@requires(may.ASSIGN)
def assign(actor: Actor, *, code: str, participant: str) -> Item:
    """Assign an available dose to a participant; the gate asks whether it may ever be hers.

    Raises:
        GateStopped: another arm's product, another woman's material, a dose given already.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        custody.require_free(session, item)
        subject = studies.subject_by_number(session, participant, lock=True)
        answer = gate.demand(
            gate.Answer("dosing.assign", clock.now(), tuple(_fits(session, item, subject))),
            codes=[item.code, subject.number],
        )
        row = Assignment(
            item_id=item.id,
            subject_id=subject.id,
            visit=VISIT,
            assigned_at=clock.now(),
            assigned_by=actor.person,
        )
        session.add(row)
        # Not flushed yet: whoever comes second is told the state, not that a row clashed (H06).
        custody.set_state(
            actor,
            item,
            State.ALLOCATED,
            "dosing.assigned",
            {"participant": subject.number, "gate": answer.as_record()},
            rows=[row],
        )
        return item


def _fits(session: Session, item: Item, subject: studies.Subject) -> list[gate.Row]:
    read = studies.protocol_of(studies.study(session, subject.study_id))
    lot = isolation.lot_of(session, isolation.vial_of(session, item.id).lot_id)
    arm = read.arm(subject.arm) if subject.arm else None
    planned = arm is not None and arm.product is not None
    own = item.donor_id == subject.id
    what = _("dose %(code)s", code=codes.grouped(item.code))
    her = _("participant %(number)s", number=subject.number)
    pharmacy = _("Put the dose back and find the one meant for her.")
    investigator = _("investigator")

    def row(row_id: str, good: bool, about: _, fine: _, wrong: _) -> gate.Row:
        if good:
            return gate.Row(row_id, gate.passed(about, fine))
        return gate.Row(row_id, gate.stopped(about, wrong, pharmacy, investigator))

    rule = arm.donor_rule if arm else None
    return [
        row("A01", subject.study_id == item.study_id, what, _("is of her trial"),
            _("is of another trial")),
        row("A02", planned, her, _("a dose is planned for her"), _("no dose is planned for her")),
        row("A03", planned and arm.product == lot.product  # type: ignore[union-attr]
            and arm.mechanical in (None, lot.mechanical),  # type: ignore[union-attr]
            what, _("is the product planned for her"), _("is not the product planned for her")),
        row("A04", planned and own is (rule is DonorRule.RECIPIENT), what,
            _("its donor is right for her"), _("its donor is not right for her")),
        row("A05", queries.given_to(session, subject.id) is None, her,
            _("has received no dose"), _("has received a dose already")),
        row("A06", studies.consent_in_force(session, subject.id) is not None, her,
            _("consents"), _("has no consent in force")),
        row("A07", not any(each.ended_at is None for each in
                           queries.assignments_to(session, subject.id)), her,
            _("has no other dose assigned"), _("has another dose assigned already")),
    ]  # fmt: skip


@requires(may.ISSUE)
def issue(actor: Actor, *, code: str, to: str, place: str | None = None) -> Item:
    """Issue an assigned dose into the hands of the person whose badge is scanned.

    She accepts it with a scan of her own (`custody.accept`); until then it is the pharmacy's.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        custody.require_free(session, item)
        row = queries.assignment_of(session, item.id)
        if row is None:
            raise BadInput(
                _(
                    "The dose %(code)s is not assigned to anybody; assign it first.",
                    code=codes.grouped(item.code),
                ),
                field="code",
            )
        if item.expires_at and item.expires_at <= clock.now():
            raise custody.StateRefused(
                _("The dose %(code)s has expired; destroy it.", code=codes.grouped(item.code))
            )
        row.issued_at = clock.now()
        row.issued_by = actor.person
        item.holder_id = actor.person
        custody.set_state(actor, item, State.ISSUED, "dosing.issued", rows=[row])
        custody.hand_over(actor, code=item.code, to=to, place=place, reason=reasons.ISSUE.kept())
        return item


@requires(may.THAW)
def thaw(actor: Actor, *, code: str, kept: Kept) -> Item:
    """Thaw an issued dose, once; the clock of its use starts now.

    Args:
        kept: at room temperature or cold; each has its own limit.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        if item.product == ProductKind.PRP.value:
            raise BadInput(
                _("PRP is never frozen, so it is not thawed; give it within four hours."),
                field="code",
            )
        if item.state is not State.ISSUED or item.thaw_count:
            raise custody.StateRefused(
                _(
                    "%(code)s is %(state)s; an issued dose is thawed once.",
                    code=codes.grouped(item.code),
                    state=custody.STATE_NAMES[item.state],
                )
            )
        row = Thawing(
            item_id=item.id, thawed_at=clock.now(), thawed_by=actor.person, kept=Kept(kept).value
        )
        session.add(row)
        item.thawed_at = row.thawed_at
        item.thaw_count = 1
        # Not flushed yet: whoever comes second is told the state, not that a row clashed (H06).
        custody.set_state(actor, item, State.THAWED, "dosing.thawed", rows=[row])
        return item


@requires(may.ASSESS)
def assess(
    actor: Actor,
    *,
    participant: str,
    allergies: Sequence[str],
    fever: bool,
    infection: bool,
    bleeding: bool,
    pregnancy_test: str,
    pregnancy_tested_on: date | None,
    password: str,
) -> PreDose:
    """Sign her state of the day: allergies, fever, infection, bleeding, pregnancy test."""
    if pregnancy_test not in ("negative", "positive", "none"):
        raise BadInput(
            _("The pregnancy test is negative, positive or none."), field="pregnancy_test"
        )
    with db.transaction() as session:
        subject = studies.subject_by_number(session, participant)
        signature = people.signature(actor, meaning="assessed before dose", password=password)
        row = PreDose(
            subject_id=subject.id,
            allergies=sorted(each.strip() for each in allergies if each.strip()),
            fever=fever,
            infection=infection,
            bleeding=bleeding,
            pregnancy_test=pregnancy_test,
            pregnancy_tested_on=pregnancy_tested_on,
            signed_by=actor.person,
            signed_at=clock.now(),
        )
        session.add(row)
        session.flush()
        ledger.record(
            actor, studies.stream(subject), "dosing.assessed", {"signature": signature}, rows=[row]
        )
        return row


@requires(may.RETURN)
def return_dose(actor: Actor, *, code: str, reason: str) -> Item:
    """Take back an issued dose that was never thawed; its assignment ends."""
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        rows = _ended(session, item, reason)
        custody.set_state(actor, item, State.RETURNED, "dosing.returned", rows=rows, reason=reason)
        return item


@requires(may.RETURN)
def destroy(actor: Actor, *, code: str, reason: str, witness: str, witness_password: str) -> Item:
    """Destroy a dose that cannot be used, before a witness; a thawed one is never put back.

    Args:
        witness: the sign-in name of the second person, who signs with her own password.

    Raises:
        SameWitness: both are one person.
        WrongSecret: the witness's password.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE], lock=True)
        rows = _ended(session, item, reason)
        return custody.end_before(
            actor, session, item, custody.witnessed(actor, witness, witness_password),
            kind="dosing.destroyed", rows=rows, reason=reason,
        )  # fmt: skip


def _ended(session: Session, item: Item, reason: str) -> list[object]:
    """Her assignment ends, where the dose is assigned."""
    if not reason.strip():
        raise BadInput(_("Say why."), field="reason")
    row = queries.assignment_of(session, item.id)
    if row is None:
        return []
    row.ended_at = clock.now()
    return [row]


@events.subscribe("consent.withdrawn")
def hold_her_doses(*, actor: Actor, subject: studies.Subject, material: str) -> None:
    """She withdrew: a dose that is meant for her is held, whoever gave for it (H24)."""
    with db.transaction() as session:
        for row in queries.assignments_to(session, subject.id):
            item = custody.item(session, row.item_id)
            own = item.donor_id == subject.id  # held with her material
            if row.ended_at is None and item.state not in custody.FINAL and not own:
                custody.place_hold(actor, session, item, reasons.CONSENT.kept(), "consent")
