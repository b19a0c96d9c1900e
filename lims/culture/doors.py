"""The doors of culture: isolate, passage, precondition, reject, harvest."""

from typing import Any

from marshmallow import Schema

from lims import collection, custody, studies
from lims.core import codes, db
from lims.core.errors import BadInput
from lims.core.numbers import plain as shown
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.culture import growing, harvesting, queries, runs, schemas
from lims.culture import permissions as may
from lims.custody import Item, ItemKind, State
from lims.web.doors import Doors

doors = Doors("culture")
GROWING = (State.GROWING,)


def item_out(item: Item) -> dict[str, Any]:
    """What a step answers about an item."""
    return {"code": item.code, "kind": item.kind, "state": item.state, "volume_ul": item.volume_ul}


def _items_out(items: list[Item]) -> dict[str, Any]:
    return {"items": [item_out(each) for each in items]}


def about_item(actor: Actor, *, code: str, **_rest: Any) -> list[tuple[Any, Any]]:
    """What stands beside a form: the item, its donor, its passage and its counts."""
    with db.reading() as session:
        item = custody.find(session, code)
        pairs: list[tuple[Any, Any]] = [
            (_("Code"), codes.grouped(item.code)),
            (_("State"), custody.STATE_NAMES[item.state]),
        ]
        if item.donor_id:
            pairs.append((_("Donor"), studies.subject(session, item.donor_id).number))
        if item.kind is ItemKind.FLASK:
            culture = queries.culture_of(session, item.id)
            pairs += [
                (_("Passage"), f"P{culture.passage}"),
                (_("Vessel"), culture.vessel),
                (
                    _("Cells seeded"),
                    "-" if culture.seeded_cells is None else f"{culture.seeded_cells}",
                ),
                (_("Doublings so far"), shown(culture.cumulative_doublings)),
                (_("Preconditioned"), _runs(queries.preconditionings(session, [item.id]))),
            ]
        return pairs


def _runs(found: list[Any]) -> Any:
    named = [schemas.MODALITIES.get(each.modality, each.modality) for each in found]
    return ", ".join(str(each) for each in named) if named else _("no")


def _about_specimen(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.SPECIMEN])
        kind = collection.specimen_of(session, item.id).kind
        if kind in (collection.SpecimenKind.PRP_BLOOD, collection.SpecimenKind.TEST_BLOOD):
            raise BadInput(
                _(
                    "Cells are isolated from menstrual fluid or cord; %(code)s is blood.",
                    code=codes.grouped(item.code),
                )
            )
    return about_item(actor, code=code)


def limits_of(code: str, *kinds: ItemKind) -> Any:
    """The limits of the study that an item belongs to."""
    with db.reading() as session:
        return growing.limits_of(session, custody.find(session, code, kinds=kinds or None)).limits


def _harvest(actor: Actor, /, *, code: str, flasks: list[str], **given: Any) -> Item:
    return harvesting.harvest(actor, flasks=[code, *flasks], **given)


def _harvest_in(code: str) -> Schema:
    return schemas.harvest_in(limits_of(code, ItemKind.FLASK))


def _precondition(actor: Actor, /, *, code: str, modality: str, **given: Any) -> Item:
    own = set(schemas.precondition_in("static_control", limits_of(code)).fields)
    parameters = {
        name: schemas.as_parameter(given.pop(name)) for name in list(given) if name not in own
    }
    return runs.precondition(actor, code=code, modality=modality, parameters=parameters, **given)


def _precondition_in(code: str, modality: str) -> Schema:
    return schemas.precondition_in(modality, limits_of(code, ItemKind.FLASK))


def _about_run(actor: Actor, *, code: str, modality: str) -> list[tuple[Any, Any]]:
    named = schemas.MODALITIES.get(modality, modality)
    return [(_("Modality"), named), *about_item(actor, code=code)]


def _is_vessel(item: Item) -> bool:
    return item.kind is ItemKind.FLASK


def _has_cells(item: Item) -> bool:
    return collection.kind_of(item) in (
        collection.SpecimenKind.MENSTRUAL_FLUID,
        collection.SpecimenKind.CORD,
    )


doors.act(
    "/specimens/<code>/isolation",
    growing.isolate,
    takes=schemas.IsolateIn,
    gives=item_out,
    name="isolate",
    title=_("Isolate cells"),
    intro=_("The specimen is used up; its cells go into a P0 vessel with a label of its own."),
    on="S",
    when=(State.ACCEPTED, State.STORED),
    about=_about_specimen,
    after=lambda answer: f"/items/{answer['code']}",
    said=lambda answer: _("P0 vessel %(code)s made", code=codes.grouped(answer["code"])),
    fits=_has_cells,
)
doors.act(
    "/cultures/<code>/passage",
    growing.passage,
    takes=schemas.PassageIn,
    gives=_items_out,
    name="passage",
    title=_("Passage"),
    intro=_("Count, then seed the next vessels; each gets a label of its own."),
    on="C",
    when=GROWING,
    about=about_item,
    said=lambda answer: _(
        "New vessels: %(codes)s",
        codes=", ".join(codes.grouped(each["code"]) for each in answer["items"]),
    ),
    fits=_is_vessel,
)
PRECONDITION = doors.act(
    "/cultures/<code>/preconditioning/<modality>",
    _precondition,
    takes=_precondition_in,
    gives=item_out,
    name="precondition",
    title=_("Record mechanical preconditioning"),
    intro=_("Of a run that has ended. Whether a lot is preconditioned follows from these records."),
    letters={"code": "C"},
    about=_about_run,
    permission=may.GROW,
    after=lambda answer: f"/items/{answer['code']}",
)
doors.act(
    "/cultures/<code>/harvest",
    _harvest,
    takes=_harvest_in,
    gives=item_out,
    name="harvest",
    title=_("Harvest conditioned medium"),
    intro=_("The vessels are used up; their medium becomes one pool of one donor."),
    on="C",
    when=GROWING,
    about=about_item,
    permission=may.GROW,
    after=lambda answer: f"/items/{answer['code']}",
    said=lambda answer: _("Harvest %(code)s made", code=codes.grouped(answer["code"])),
    fits=_is_vessel,
)
doors.act(
    "/cultures/<code>/rejection",
    growing.reject_culture,
    takes=schemas.RejectIn,
    gives=item_out,
    name="reject",
    title=_("Reject a culture"),
    on="C",
    when=(State.GROWING, State.STORED, State.IN_PROCESS),
    about=about_item,
)
