"""The labels of what a lot was filled into: doses with every warning that applies, and samples.

Source: 21 CFR 1271.90(c) by analogy, 2006/86/EC Annex II E (domain.md 7.7).
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from lims import collection, custody, labels, studies
from lims.collection import MarkerState
from lims.core import clock, codes, db, vault
from lims.core.errors import NotFound
from lims.core.permissions import Actor
from lims.core.units import ml
from lims.core.words import Text
from lims.core.words import Text as _
from lims.custody import Item
from lims.isolation import queries
from lims.isolation.models import Lot
from lims.studies.protocol import Arm, DonorRule, ProductKind

_DETERMINED = (MarkerState.NEGATIVE, MarkerState.REACTIVE, MarkerState.POSITIVE)
_REACTIVE = (MarkerState.REACTIVE, MarkerState.POSITIVE)
_VIAL = "dose_vial_38x25"


def request_dose_label(
    actor: Actor,
    session: Session,
    read: studies.Protocol,
    item: Item,
    lot: Lot,
    volume_ul: int,
) -> None:
    """Ask for the label of one dose vial."""
    donor = studies.subject(session, item.donor_id)  # type: ignore[arg-type]
    arm = _arm_of(read, lot)
    autologous = arm.donor_rule is DonorRule.RECIPIENT
    labels.request(
        actor,
        template=_VIAL,
        code=item.code,
        fields={
            "code": codes.grouped(item.code),
            "subject": donor.number if autologous else "",
            "chain_id": donor.chain_id if autologous else "",
            "product": read.label(f"short_product_{lot.product}", labels.language()),
            "trial": read.participant_prefix,
            "volume": str(ml(volume_ul)),
            "strength": _strength(arm),
            "expiry": clock.printed(item.expires_at or item.made_at),
            "storage": _storage(lot),
            "route": read.label("short_route", labels.language()),
            "lot": lot.name,
            "autologous": "yes" if autologous else "no",
            **_warnings(session, read, donor.id),
        },
    )


def pack_texts(session: Session, item: Item, template: str) -> dict[str, str | Text]:
    """What the pack around a dose says of it, with every warning that applies now.

    Never the code of the vial: whoever typed it from here would have scanned no vial.
    """
    lot = queries.lot_of(session, queries.vial_of(session, item.id).lot_id)
    read = studies.protocol_of(studies.study(session, item.study_id))  # type: ignore[arg-type]
    arm = _arm_of(read, lot)
    language, strength = labels.language(), _strength(arm)
    volume = str(ml(item.volume_ul or 0))
    return {
        "trial": read.code,
        "product": _product(read, lot.product, language),
        "lot": lot.name,
        "content": _("1 vial of %(volume)s, %(strength)s", volume=volume, strength=strength)
        if strength
        else _("1 vial of %(volume)s", volume=volume),
        "expiry": clock.printed(item.expires_at or item.made_at),
        "storage": _storage(lot),
        "route": read.label("route", language),
        "autologous": "yes" if arm.donor_rule is DonorRule.RECIPIENT else "no",
        **_warnings(session, read, item.donor_id, template),  # type: ignore[arg-type]
    }


def _product(read: studies.Protocol, product: str, language: str) -> str:
    """The product's own text, where a study has several; else the study's."""
    try:
        return read.label(f"product_{product}", language)
    except NotFound:
        return read.label("product", language)


def _arm_of(read: studies.Protocol, lot: Lot) -> Arm:
    return next(
        each
        for each in read.arms.values()
        if each.product == lot.product and each.mechanical in (None, lot.mechanical)
    )


def _storage(lot: Lot) -> str:
    return "20-24 °C" if lot.product == ProductKind.PRP.value else "≤ -70 °C"


def _warnings(
    session: Session, read: studies.Protocol, donor: UUID, template: str = _VIAL
) -> dict[str, str | Text]:
    """What the donor's markers ask for at this moment, in which the label is printed."""
    required: tuple[str, ...] = tuple(read.limit("markers.required"))  # type: ignore[arg-type]
    found = collection.markers_of(session, donor)
    reactive = sorted(name for name, row in found.items() if row.state in _REACTIVE)
    determined = [name for name, row in found.items() if row.state in _DETERMINED]
    return {
        "not_evaluated": "no" if set(required) <= set(determined) else "yes",
        "biohazard": "yes" if reactive else "no",
        "warning": warning(reactive, template),
    }


def warning(reactive: Sequence[str], template: str = _VIAL) -> str | Text:
    """Which markers are reactive, or how many, where a label has no room for their names."""
    if not reactive:
        return ""
    named = ", ".join(each.replace("_", " ") for each in reactive)
    said = _("Reactive: %(markers)s", markers=named)
    if labels.has_room(template, "warning", said):
        return said
    return _("Reactive: %(count)s, see papers", count=len(reactive))


def _strength(arm: Arm) -> str:
    """The registered strength, as short as a vial asks: `~5E10/mL`, `20 µg/µL`."""
    if arm.dose is None or arm.dose.concentration is None:
        return ""
    sign = "" if arm.dose.comparator == "=" else arm.dose.comparator
    return f"{sign}{arm.dose.concentration}".replace(" particles/mL", "/mL")


@labels.withheld("V")
def _figures(code: str) -> dict[str, str]:
    """The four figures of a vial, for the moment in which its label is drawn."""
    with db.reading() as session:
        vial = queries.vial_of(session, custody.find(session, code).id)
        return {"readback": vault.unseal(vial.figures_key, vial.figures)}


def request_sample_label(actor: Actor, session: Session, sample: Item, lot: Lot) -> None:
    """Ask for the label of a sample for tests, or of one that is kept."""
    labels.request(
        actor,
        template="qc_aliquot_38x19",
        code=sample.code,
        fields={
            "code": codes.grouped(sample.code),
            "lot": lot.name,
            "purpose": custody.KIND_NAMES[sample.kind],
            "volume": str(ml(sample.volume_ul or 0)),
            "made_at": clock.printed(lot.made_at),
            "storage": "≤ -70 °C",
        },
    )
