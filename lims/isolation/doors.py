"""The doors of isolation: vesicles from a harvest, plasma from blood, a lot into vials."""

from dataclasses import replace
from typing import Any

from marshmallow import Schema

from lims import collection, culture, custody, studies
from lims.core import codes, db
from lims.core.errors import BadInput
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.culture import harvest_of
from lims.custody import Item, ItemKind, State
from lims.isolation import closing, filling, queries, running, schemas, showing
from lims.isolation import permissions as may
from lims.isolation.models import Fill
from lims.web.doors import Doors

doors = Doors("isolation")


def lot_out(item: Item) -> dict[str, Any]:
    """What a step answers about a lot or a vial."""
    return {
        "code": item.code,
        "kind": item.kind,
        "state": item.state,
        "name": item.name,
        "product": item.product,
        "volume_ul": item.volume_ul,
        "expires_at": item.expires_at,
    }


def _fill(actor: Actor, /, *, code: str, **given: Any) -> dict[str, Any]:
    vials = filling.fill(actor, code=code, **given)
    # Never the four figures: the witness reads them off the vial (H27).
    return {"lot": code, "vials": [lot_out(each) for each in vials]}


def _about_harvest(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.HARVEST])
        record = harvest_of(session, item.id)
        return [
            *showing.item_facts(item, studies.subject(session, item.donor_id).number),  # type: ignore[arg-type]
            (_("Passage"), f"P{record.passage}"),
            (_("Medium"), culture.medium_name(record.medium_kind)),
        ]


def _about_blood(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.SPECIMEN])
        specimen = collection.specimen_of(session, item.id)
        if specimen.kind is not collection.SpecimenKind.PRP_BLOOD:
            raise BadInput(
                _(
                    "PRP is made from blood drawn for it; %(code)s is something else.",
                    code=codes.grouped(item.code),
                )
            )
        return showing.item_facts(item, studies.subject(session, item.donor_id).number)  # type: ignore[arg-type]


def _about_lot(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    return showing.lot_facts(code)


def _isolate(actor: Actor, /, *, code: str, **given: Any) -> Item:
    return running.isolate_vesicles(actor, code=code, spins=schemas.spins_of(given), **given)


def _isolate_in(code: str) -> Schema:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.HARVEST])
        study = studies.study(session, item.study_id)  # type: ignore[arg-type]
        return schemas.isolate_in(studies.protocol_of(study).limits)


def _prp(actor: Actor, /, *, code: str, **given: Any) -> Item:
    spins = [
        replace(spin, step=name)
        for spin, name in zip(schemas.spins_of(given), ("soft", "hard"), strict=True)
    ]
    return running.prepare_prp(actor, code=code, spins=spins, **given)


def _said_lot(answer: dict[str, Any]) -> _:
    return _("Lot %(name)s made, %(code)s", name=answer["name"], code=codes.grouped(answer["code"]))


def _said_count(answer: dict[str, Any]) -> _:
    if answer["closed"]:
        return _("All %(count)s vials are there and labelled", count=answer["doses"])
    if answer["unsettled"] and not (answer["missing"] or answer["foreign"] or answer["unlabelled"]):
        return _(
            "The vials are there, and the fill is not closed: labels nobody has scanned back: "
            "%(codes)s",
            codes=", ".join(codes.grouped(each) for each in answer["unsettled"]),
        )
    return _(
        "The fill is not closed: %(missing)s missing, %(foreign)s foreign, %(bare)s without a "
        "label. The deviation stands on the lot's page.",
        missing=len(answer["missing"]),
        foreign=len(answer["foreign"]),
        bare=len(answer["unlabelled"]),
    )


def _closed(fill: Fill) -> dict[str, Any]:
    return {"closed_at": fill.closed_at}


def _open_fill(item: Item) -> bool:
    with db.reading() as session:
        fill = queries.fill_of(session, item.id)
    return fill is not None and fill.closed_at is None and not fill.out_of_tolerance


def _is_harvest(item: Item) -> bool:
    return item.kind is ItemKind.HARVEST


def _is_blood_for_prp(item: Item) -> bool:
    return collection.kind_of(item) is collection.SpecimenKind.PRP_BLOOD


doors.act(
    "/harvests/<code>/isolation",
    _isolate,
    takes=_isolate_in,
    gives=lot_out,
    name="isolate-vesicles",
    title=_("Isolate vesicles"),
    intro=_("As the run was done, step by step; the harvest becomes a lot."),
    on="C",
    when=(State.STORED,),
    about=_about_harvest,
    permission=may.RUN,
    after=lambda answer: f"/lots/{answer['code']}",
    said=_said_lot,
    fits=_is_harvest,
)
doors.act(
    "/specimens/<code>/prp",
    _prp,
    takes=schemas.PrpIn,
    gives=lot_out,
    name="prepare-prp",
    title=_("Prepare PRP"),
    intro=_("From blood drawn for it; the lot lives for hours from the draw."),
    on="S",
    when=(State.ACCEPTED, State.STORED),
    about=_about_blood,
    permission=may.RUN,
    after=lambda answer: f"/lots/{answer['code']}",
    said=_said_lot,
    fits=_is_blood_for_prp,
)
doors.act(
    "/lots/<code>/fill",
    _fill,
    takes=schemas.FillIn,
    name="fill",
    title=_("Fill into vials"),
    intro=_("All that was in the lot goes somewhere: vials, samples, waste."),
    on="L",
    when=(State.IN_PROCESS,),
    about=_about_lot,
    permission=may.FILL,
    after=lambda answer: f"/lots/{answer['lot']}",
    said=lambda answer: _("%(count)s vials filled", count=len(answer["vials"])),
)
doors.act(
    "/lots/<code>/fill/count",
    closing.count_vials,
    takes=schemas.VialCountIn,
    gives=schemas.VialCountOut,
    name="count-vials",
    title=_("Count its vials"),
    intro=_("Scan every vial. What is missing or has no label opens a deviation on the lot."),
    on="L",
    when=closing.COUNTED,
    about=_about_lot,
    order=60,
    said=_said_count,
)
doors.act(
    "/lots/<code>/fill/closing",
    closing.close_fill,
    gives=_closed,
    name="close-fill",
    title=_("Close the fill"),
    intro=_("Every label of its vials and samples was scanned back where it sticks, or destroyed."),
    on="L",
    when=closing.COUNTED,
    about=_about_lot,
    order=20,
    said=lambda answer: _("The fill is closed; no label is left over"),
    fits=_open_fill,
)
