"""Receipt: every item of the list answered, then accepted, held or rejected with a coded reason."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from lims import custody, studies
from lims.collection import permissions as may
from lims.collection import queries
from lims.collection.models import Specimen, SpecimenKind
from lims.core import clock, db, gate
from lims.core.because import Because
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.ledger.rules import plain


class Decision(StrEnum):
    """What becomes of a received specimen."""

    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"


REJECTION_REASONS: Mapping[str, _] = {
    "identity": _("identity in doubt"),
    "seal-broken": _("seal broken"),
    "leaked": _("leaked"),
    "too-warm": _("too warm or frozen"),
    "too-late": _("too late"),
    "too-little": _("too little"),
    "contaminated": _("contaminated"),
    "clotted": _("clotted"),
    "withdrawn": _("donor withdrew"),
}
_LIMITS = {
    SpecimenKind.MENSTRUAL_FLUID: "collection.menstrual.",
    SpecimenKind.CORD: "collection.cord.",
}
_PARENT = Because(_("parent rejected"))
_STATES = {
    Decision.ACCEPT: State.ACCEPTED,
    Decision.HOLD: State.ON_HOLD,
    Decision.REJECT: State.REJECTED,
}


@requires(may.RECEIVE)
def receive(
    actor: Actor,
    *,
    code: str,
    decision: Decision,
    received_at: datetime,
    label_matches: bool,
    seal_intact: bool,
    leaked: bool,
    temperature_min: Quantity,
    temperature_max: Quantity,
    appearance: str,
    clots: bool,
    volume: Quantity | None = None,
    reason_code: str | None = None,
    reason: str = "",
) -> Item:
    """Receive a specimen. What the limits forbid cannot be accepted; it is held or rejected.

    Args:
        label_matches: the label agrees with the papers of the delivery.
        volume: of fluid; a cord has none.
        reason_code: why it is rejected, of `REJECTION_REASONS`.
        reason: why it is accepted where a limit only warns.

    Raises:
        GateStopped: it may not be accepted.
    """
    with db.transaction() as session:
        item = custody.find(session, code, kinds=[ItemKind.SPECIMEN], lock=True)
        specimen = queries.specimen_of(session, item.id)
        if decision is Decision.REJECT and reason_code not in REJECTION_REASONS:
            raise BadInput(
                _("Choose why it is rejected: %(reasons)s.", reasons=", ".join(REJECTION_REASONS)),
                field="reason_code",
            )
        rows = [
            _yes("R01", _("identity on the label"), label_matches),
            _yes("R02", _("seal"), seal_intact),
            _yes("R03", _("container without a leak"), not leaked),
            *limit_rows(session, specimen, received_at, temperature_min, temperature_max, volume),
        ]
        answer = gate.Answer("collection.receipt", clock.now(), tuple(rows))
        if decision is Decision.ACCEPT:
            gate.demand(answer, codes=[item.code], reasons=reason)
        specimen.received_at = received_at
        specimen.decision = decision.value
        specimen.reason_code = reason_code if decision is Decision.REJECT else None
        specimen.receipt = plain(
            {
                "label_matches": label_matches,
                "seal_intact": seal_intact,
                "leaked": leaked,
                "temperature_min": str(temperature_min),
                "temperature_max": str(temperature_max),
                "volume": str(volume) if volume else "",
                "appearance": appearance,
                "clots": clots,
            }
        )
        custody.set_state(actor, item, State.RECEIVED, "collection.received", rows=[specimen])
        if volume is not None and item.volume_ul is None:
            custody.add_volume(actor, item, volume.count("uL", "volume"), why="measured at receipt")
        custody.set_state(
            actor,
            item,
            _STATES[decision],
            f"collection.{_STATES[decision].value}",
            {"gate": answer.as_record(), "reason_code": reason_code or ""},
            reason=reason,
        )
        if decision is Decision.REJECT:
            custody.block_descendants(actor, item, reason=_PARENT.kept())
        return item


def _yes(row_id: str, what: _, good: bool) -> gate.Row:
    if good:
        return gate.Row(row_id, gate.passed(what, _("in order")))
    return gate.Row(
        row_id,
        gate.stopped(
            what, _("not in order"), _("Put the specimen on hold or reject it."), _("laboratory")
        ),
    )


def limit_rows(
    session: db.Session,
    specimen: Specimen,
    received_at: datetime,
    coldest: Quantity,
    warmest: Quantity,
    volume: Quantity | None,
) -> list[gate.Row]:
    """What the limits say of a specimen's way.

    Raises:
        BadInput: it was received before it was collected, or in the future.
    """
    put_aside = _("Put the specimen on hold or reject it.")
    call = _("laboratory")
    collected = specimen.collected_at
    if collected is None or received_at < collected or received_at > clock.now():
        raise BadInput(
            _("The receipt must lie between the collection and now; enter when it was."),
            field="received_at",
        )
    hours = Quantity(Decimal((received_at - collected) // timedelta(seconds=1)), "s").to("h")
    if specimen.kind not in _LIMITS:
        return []
    at = _LIMITS[specimen.kind]
    read = studies.protocol_of(
        studies.study(session, studies.subject(session, specimen.subject_id).study_id)
    )
    rows = [
        gate.bounds(
            "R04",
            _("time from collection"),
            hours,
            warn_above=read.limit(at + "to_processing_warn_above"),
            stop_above=read.limit(at + "to_processing_stop_above"),
            do_now=put_aside,
            call=call,
        )
    ]
    if specimen.kind is SpecimenKind.MENSTRUAL_FLUID:
        rows += [
            gate.bounds("R05", _("lowest temperature on the way"), coldest,
                        warn_below=read.limit(at + "transport_warn_below"),
                        stop_below=read.limit(at + "transport_stop_below"),
                        do_now=put_aside, call=call),
            gate.bounds("R06", _("highest temperature on the way"), warmest,
                        warn_above=read.limit(at + "transport_warn_above"),
                        stop_above=read.limit(at + "transport_stop_above"),
                        do_now=put_aside, call=call),
            gate.bounds("R07", _("volume"), volume,
                        warn_below=read.limit(at + "volume_warn_below"),
                        stop_below=read.limit(at + "volume_stop_below"),
                        do_now=put_aside, call=call),
        ]  # fmt: skip
    else:
        rows += [
            gate.bounds("R05", _("lowest temperature on the way"), coldest,
                        warn_below=read.limit(at + "transport_min"), do_now=put_aside, call=call),
            gate.bounds("R06", _("highest temperature on the way"), warmest,
                        warn_above=read.limit(at + "transport_max"), do_now=put_aside, call=call),
        ]  # fmt: skip
    return rows
