"""Filling: a lot into dose vials, a sample for tests, a retained one; every microlitre counted."""

import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from lims import custody, studies
from lims.core import clock, db, gate, vault
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State, Taken
from lims.isolation import closing, labelling, queries, reasons
from lims.isolation import permissions as may
from lims.isolation.models import Fill, Lot, Vial
from lims.ledger.rules import plain


@requires(may.FILL)
def fill(
    actor: Actor,
    *,
    code: str,
    doses: Sequence[Quantity],
    qc: Quantity,
    retained: Quantity,
    waste: Quantity,
    reason: str = "",
) -> list[Item]:
    """Fill a lot into vials; the lot passes into quarantine.

    Args:
        doses: the volume of each vial.
        qc, retained, waste: what went into the test sample, the retained sample, the waste.
        reason: why to go on where the loss warns.

    Returns:
        The dose vials, in their order.

    Raises:
        GateStopped: more came out than went in, or a loss without a reason.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT], lock=True)
        custody.require_free(session, item)
        lot = queries.lot_of(session, item.id)
        if item.state is not State.IN_PROCESS:
            raise custody.StateRefused(
                _("The lot %(name)s has been filled; it is filled once.", name=lot.name)
            )
        if not doses:
            raise BadInput(_("Enter the volume of at least one vial."), field="doses")
        read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
        volumes = [each.count("uL", "doses") for each in doses]
        qc_ul, retained_ul, waste_ul = (
            each.count("uL", name)
            for each, name in ((qc, "qc"), (retained, "retained"), (waste, "waste"))
        )
        bulk = item.volume_ul or 0
        balance = custody.mass_balance(
            bulk,
            children_ul=volumes,
            limits=read.limits,
            qc_ul=qc_ul,
            retained_ul=retained_ul,
            waste_ul=waste_ul,
        )
        positive = gate.bounds(
            "F01",
            _("smallest vial in µL"),
            min(volumes),
            stop_below=1,
            do_now=_("Enter what is in each vial."),
            call=_("laboratory"),
        )
        answer = gate.demand(
            gate.Answer("isolation.fill", clock.now(), (positive, balance.row)),
            codes=[item.code],
            reasons=reason,
        )
        if balance.loss_ul < 0:
            # Within the 2 % that weighing may be off: the bulk was measured too low.
            custody.add_measured(actor, item, -balance.loss_ul, why="fill outweighs the bulk")
        vials = [
            _vial(actor, session, read, item, lot, number, volume)
            for number, volume in enumerate(volumes, start=1)
        ]
        for kind, volume in ((ItemKind.QC_SAMPLE, qc_ul), (ItemKind.RETAINED, retained_ul)):
            if volume:
                sample = custody.make(
                    actor,
                    kind,
                    study_id=item.study_id,
                    parents=[Taken(item, volume)],
                    product=lot.product,
                    volume_ul=volume,
                    expires_at=item.expires_at,
                    step="fill",
                )
                labelling.request_sample_label(actor, session, sample, lot)
        for volume, purpose in ((waste_ul, "waste"), (max(balance.loss_ul, 0), "loss")):
            if volume:
                custody.take(actor, item, volume, purpose=purpose)
        record = Fill(
            lot_id=item.id,
            bulk_ul=max(bulk, balance.out_ul),
            filled_ul=sum(volumes),
            qc_ul=qc_ul,
            retained_ul=retained_ul,
            waste_ul=waste_ul,
            loss_ul=max(balance.loss_ul, 0),
            doses=len(volumes),
            balance=plain(answer.as_record()),
            filled_at=clock.now(),
            operator_id=actor.person,
        )
        session.add(record)
        over = balance.row.result is not gate.Result.PASSED
        closing.settle(
            actor, session, item, vials,
            off=reasons.LOST.kept(
                lost=f"{record.loss_ul} µL", bulk=f"{record.bulk_ul} µL", words=reason
            )
            if over
            else "",
        )  # fmt: skip
        # Not flushed yet: whoever comes second is told the state, not that a row clashed (H06).
        custody.set_state(
            actor,
            item,
            State.QUARANTINE,
            "isolation.filled",
            {"gate": answer.as_record(), "vials": [vial.code for vial in vials]},
            rows=[record],
            reason=reason,
        )
        return vials


def _vial(
    actor: Actor,
    session: Session,
    read: studies.Protocol,
    bulk: Item,
    lot: Lot,
    number: int,
    volume_ul: int,
) -> Item:
    item = custody.make(
        actor,
        ItemKind.DOSE,
        study_id=bulk.study_id,
        parents=[Taken(bulk, volume_ul)],
        name=f"{lot.name}/{number}",
        product=lot.product,
        volume_ul=volume_ul,
        expires_at=bulk.expires_at,
        step="fill",
    )
    figures = f"{secrets.randbelow(10_000):04d}"
    key = vault.new_key()
    vial = Vial(
        item_id=item.id,
        lot_id=bulk.id,
        number=number,
        figures_key=key,
        figures=vault.seal(key, figures),
    )
    session.add(vial)
    session.flush()
    custody.touch(actor, item, "isolation.vial-filled", rows=[vial])
    labelling.request_dose_label(actor, session, read, item, lot, volume_ul)
    return item
