"""Signing a lot off, or rejecting it."""

import hashlib

from lims import custody, isolation, ledger, people
from lims.core import clock, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.release import facts as told
from lims.release import permissions as may
from lims.release.certificate import draw
from lims.release.checks import MEANING, RELEASE, becomes
from lims.release.gathering import facts_of
from lims.release.models import Certificate


@requires(may.RELEASE)
def release(actor: Actor, *, code: str, meaning: str, password: str, reason: str = "") -> Item:
    """Release a lot: the gate asked, the signature given, the vials available, the certificate.

    Args:
        meaning: `released`, as the signature's meaning is printed.
        reason: why to go on where a test only warns.

    Raises:
        GateStopped: the gate said no.
        WrongSecret: not the signer's password.
        ClockBehind: no expiry can be judged.
    """
    if meaning != MEANING:
        raise BadInput(
            _("A release is signed with the meaning «%(meaning)s».", meaning=MEANING),
            field="meaning",
        )
    with db.transaction() as session:
        ledger.require_clock(session)
        item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
        signature = people.signature(actor, meaning=MEANING, password=password)
        facts = facts_of(
            session, item, actor, told.Signature(str(actor.person), MEANING, with_secret=True)
        )
        asked = RELEASE.ask(facts)
        reasons = {row.id: reason for row in asked.rows}
        answer = RELEASE.require(facts, codes=[item.code], reasons=reasons)
        lot = isolation.lot_of(session, item.id)
        pdf = draw(session, item, lot, facts, answer, signature)
        certificate = Certificate(
            lot_id=item.id,
            meaning=MEANING,
            signed_by=actor.person,
            signed_at=clock.now(),
            specification_digest=lot.specification_digest,
            sha256=hashlib.sha256(pdf).hexdigest(),
            pdf=pdf,
        )
        session.add(certificate)
        session.flush()
        custody.set_state(
            actor,
            item,
            State(becomes(facts)),
            "release.released",
            {"signature": signature, "gate": answer.as_record()},
            rows=[certificate],
            reason=reason,
        )
        for vial in isolation.vials_of(session, item.id):
            if vial.state is State.FILLED:
                custody.set_state(actor, vial, State.AVAILABLE, "release.available")
        ledger.seal_soon()
        return item


@requires(may.RELEASE)
def reject(actor: Actor, *, code: str, reason: str, password: str) -> Item:
    """Reject a lot; its vials are blocked and never given."""
    if not reason.strip():
        raise BadInput(_("Say why the lot is rejected."), field="reason")
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
        signature = people.signature(actor, meaning="rejected", password=password)
        custody.set_state(
            actor,
            item,
            State.REJECTED,
            "release.rejected",
            {"signature": signature},
            reason=reason,
        )
        custody.block_descendants(actor, item, reason=reason)
        ledger.seal_soon()
        return item


@requires(may.RELEASE)
def send_back(actor: Actor, *, code: str, reason: str) -> Item:
    """Send a lot that awaits review back to testing: a result is missing, or must be repeated."""
    if not reason.strip():
        raise BadInput(_("Say what is still missing."), field="reason")
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
        if item.state is not State.AWAITING_REVIEW:
            raise custody.StateRefused(
                _(
                    "The lot is %(state)s; only one that awaits review is sent back.",
                    state=custody.STATE_NAMES[item.state],
                )
            )
        custody.set_state(actor, item, State.TESTING, "release.sent-back", reason=reason)
        return item
