"""Isolation runs: from conditioned medium to vesicles, from blood to plasma; each makes a lot."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import rfc8785
from dateutil.relativedelta import relativedelta
from sqlalchemy.orm import Session

from lims import collection, culture, custody, labels, studies
from lims.core import clock, codes, db, gate
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity, ml
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State, Taken
from lims.isolation import permissions as may
from lims.isolation import queries, rules
from lims.isolation.models import Lot, Run
from lims.ledger.rules import plain
from lims.studies.protocol import ProductKind


def specification_of(read: studies.Protocol, product: str) -> list[dict[str, Any]]:
    """A study's specification of a product, as it is frozen into a lot."""
    return [
        plain(
            {
                "id": test.id,
                "title": test.title,
                "method": test.method,
                "unit": test.unit or "",
                "limit": test.limit.shown(),
                "severity": test.severity,
                "mandatory": test.mandatory,
                "late": test.late,
                "replicates": test.replicates or 0,
            }
        )
        for test in read.specification(product)
    ]


def digest_of(specification: list[dict[str, Any]]) -> str:
    """The digest that pins a specification to a lot."""
    return hashlib.sha256(rfc8785.dumps(specification)).hexdigest()


@requires(may.RUN)
def isolate_vesicles(
    actor: Actor,
    *,
    code: str,
    method: str,
    spins: Sequence[rules.Spin],
    rotor: str,
    formulation: str,
    started_at: datetime,
    ended_at: datetime,
    volume: Quantity,
    reason: str = "",
) -> Item:
    """Isolate vesicles from a harvest into a lot; the harvest is used up.

    Args:
        spins: as they were run, in order; each force with its radius convention.
        volume: of the vesicles in their formulation.

    Raises:
        GateStopped: a step skipped or reversed, an unapproved method, a donor who withdrew.
    """
    with db.transaction() as session:
        pool = custody.find(session, code, kinds=[ItemKind.HARVEST], lock=True)
        custody.require_free(session, pool)
        study = studies.study_by_code(
            session,
            studies.study(session, pool.study_id).code,  # type: ignore[arg-type]
            lock=True,
        )
        read = studies.protocol_of(study)
        _times(started_at, ended_at)
        donor = studies.subject(session, pool.donor_id)  # type: ignore[arg-type]
        rows = [
            _consented(session, donor),
            rules.judge_method(method, read.limits),
            rules.judge_order([spin.step for spin in spins]),
            *(rules.judge_spin(spin, read.limits) for spin in spins if spin.step != "3b"),
        ]
        # The five spins are this method's; others have no spins that must all be there.
        whole = rules.order_complete([spin.step for spin in spins])
        if method == "ultracentrifugation" and not whole:
            rows.append(
                gate.Row(
                    "isolation-complete",
                    gate.stopped(
                        _("Steps of the run"),
                        _("not all were done"),
                        _("Finish the run, or set the material aside."),
                        _("quality"),
                    ),
                )
            )
        answer = gate.demand(
            gate.Answer("isolation.run", clock.now(), tuple(rows)),
            codes=[pool.code],
            reasons=reason,
        )
        record = culture.mechanical_record(session, pool)
        months = int(str(read.limit("expiry.provisional_months")))
        product = _product_of(read)
        lot = _make_lot(
            actor,
            session,
            study,
            read,
            parent=Taken(pool, pool.volume_ul),
            product=product,
            mechanical=record is culture.Mechanical.COMPLETE,
            mechanical_record=record.value,
            volume=volume,
            expires_at=ended_at + relativedelta(months=months),
            drawn_at=None,
            data={"gate": answer.as_record()},
        )
        _keep_run(actor, session, lot, method, spins, rotor, formulation, started_at, ended_at)
        custody.set_state(actor, pool, State.EXHAUSTED, "isolation.harvest-used-up",
                          {"into": lot.code})  # fmt: skip
        return lot


@requires(may.RUN)
def prepare_prp(
    actor: Actor,
    *,
    code: str,
    spins: Sequence[rules.Spin],
    rotor: str,
    started_at: datetime,
    ended_at: datetime,
    volume: Quantity,
    reason: str = "",
) -> Item:
    """Make PRP from a blood tube; the lot lives four hours from the draw.

    Raises:
        GateStopped: started too late, a donor who withdrew.
    """
    with db.transaction() as session:
        blood = custody.find(session, code, kinds=[ItemKind.SPECIMEN], lock=True)
        custody.require_free(session, blood)
        specimen = collection.specimen_of(session, blood.id)
        if specimen.kind is not collection.SpecimenKind.PRP_BLOOD or not specimen.collected_at:
            raise BadInput(
                _(
                    "PRP is made from blood drawn for it; %(code)s is something else.",
                    code=codes.grouped(blood.code),
                ),
                field="code",
            )
        study = studies.study_by_code(
            session,
            studies.study(session, blood.study_id).code,  # type: ignore[arg-type]
            lock=True,
        )
        read = studies.protocol_of(study)
        _times(started_at, ended_at)
        drawn_at = specimen.collected_at
        waited = Quantity(Decimal((started_at - drawn_at) // timedelta(seconds=1)), "s").to("h")
        donor = studies.subject(session, blood.donor_id)  # type: ignore[arg-type]
        rows = [
            _consented(session, donor),
            gate.bounds("P01", _("time from draw to start"), waited, stop_below=0,
                        warn_above=read.limit("prp.start_warn_above"),
                        stop_above=read.limit("prp.start_stop_above"),
                        do_now=_("Draw fresh blood."), call=_("laboratory")),
            gate.bounds("P02", _("spins"), len(spins), stop_below=2, stop_above=2,
                        do_now=_("Record the soft and the hard spin."), call=_("laboratory")),
        ]  # fmt: skip
        answer = gate.demand(
            gate.Answer("isolation.prp", clock.now(), tuple(rows)),
            codes=[blood.code],
            reasons=reason,
        )
        custody.set_state(actor, blood, State.IN_PROCESS, "isolation.prp-started")
        age = read.quantity("prp.use_from_draw_stop_above").to("s").value
        lot = _make_lot(
            actor,
            session,
            study,
            read,
            parent=Taken(blood, blood.volume_ul),
            product=ProductKind.PRP.value,
            mechanical=None,
            mechanical_record="absent",
            volume=volume,
            # Exactly four hours old may still be given; it has expired a second later.
            expires_at=drawn_at + timedelta(seconds=int(age) + 1),
            drawn_at=drawn_at,
            data={"gate": answer.as_record()},
        )
        _keep_run(actor, session, lot, "prp-double-spin", spins, rotor, "plasma",
                  started_at, ended_at)  # fmt: skip
        custody.set_state(actor, blood, State.EXHAUSTED, "isolation.blood-used-up",
                          {"into": lot.code})  # fmt: skip
        return lot


def _times(started_at: datetime, ended_at: datetime) -> None:
    if not started_at < ended_at <= clock.now():
        raise BadInput(
            _("The run must end after its start and not in the future."), field="ended_at"
        )


def _consented(session: Session, donor: studies.Subject) -> gate.Row:
    what = _("donor %(number)s", number=donor.number)
    if studies.consent_in_force(session, donor.id):
        return gate.Row("N01", gate.passed(what, _("her consent is in force")))
    return gate.Row(
        "N01",
        gate.stopped(
            what,
            _("has no consent in force"),
            _("Stop work on her material and put it aside."),
            _("investigator"),
        ),
    )


def _product_of(read: studies.Protocol) -> str:
    """The vesicle product of a study: a study has one kind."""
    kinds = {
        arm.product for arm in read.arms.values() if arm.product not in (None, ProductKind.PRP)
    }
    if len(kinds) != 1:
        raise BadInput(_("The study %(code)s makes no vesicles.", code=read.code))
    return str(next(iter(kinds)))


def _make_lot(
    actor: Actor,
    session: Session,
    study: studies.Study,
    read: studies.Protocol,
    *,
    parent: Taken,
    product: str,
    mechanical: bool | None,
    mechanical_record: str,
    volume: Quantity,
    expires_at: datetime,
    drawn_at: datetime | None,
    data: dict[str, Any],
) -> Item:
    serial = queries.next_lot_serial(session, study.id)
    name = f"{read.participant_prefix}-{clock.now():%y}-{serial:03d}"
    item = custody.make(
        actor,
        ItemKind.LOT,
        study_id=study.id,
        parents=[parent],
        name=name,
        product=product,
        volume_ul=volume.count("uL", "volume"),
        expires_at=expires_at,
        step="isolation",
        data=data,
    )
    frozen = specification_of(read, product)
    limit = read.document.get("allergy", {}).get("refused", [])
    lot = Lot(
        item_id=item.id,
        name=name,
        serial=serial,
        product=product,
        mechanical=mechanical,
        mechanical_record=mechanical_record,
        study_digest=study.digest,
        specification=frozen,
        specification_digest=digest_of(frozen),
        residuals=list(limit) if product != ProductKind.PRP.value else [],
        drawn_at=drawn_at,
        made_at=clock.now(),
    )
    session.add(lot)
    session.flush()
    custody.touch(actor, item, "isolation.lot-made", rows=[lot])
    _request_label(actor, session, item, lot)
    return item


def _keep_run(
    actor: Actor,
    session: Session,
    lot: Item,
    method: str,
    spins: Sequence[rules.Spin],
    rotor: str,
    formulation: str,
    started_at: datetime,
    ended_at: datetime,
) -> None:
    run = Run(
        lot_id=lot.id,
        method=method,
        steps=[
            plain(
                {
                    "step": spin.step,
                    "rpm": spin.rpm,
                    "radius_mm": spin.radius_mm,
                    "convention": spin.convention,
                    "minutes": spin.minutes,
                }
            )
            for spin in spins
        ],
        rotor=rotor,
        formulation=formulation,
        started_at=started_at,
        ended_at=ended_at,
        operator_id=actor.person,
    )
    session.add(run)
    session.flush()
    custody.touch(actor, lot, "isolation.run", rows=[run])


def _request_label(actor: Actor, session: Session, item: Item, lot: Lot) -> None:
    donor = studies.subject(session, item.donor_id)  # type: ignore[arg-type]
    read = studies.protocol_of(studies.study(session, donor.study_id))
    labels.request(
        actor,
        template="lot_label_75x40",
        code=item.code,
        fields={
            "code": codes.grouped(item.code),
            "lot": lot.name,
            "status": read.label("quarantine", labels.language()),
            "product": read.label(f"short_product_{lot.product}", labels.language()),
            "expiry": clock.printed(item.expires_at or lot.made_at),
            "storage": "",
            "subject": donor.number,
            "strength": str(ml(item.volume_ul or 0)),
        },
    )
