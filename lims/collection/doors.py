"""The doors of collection: a kit for one woman, her sample, its receipt, her markers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from lims import custody, studies
from lims.collection import gathering, kits, markers, queries, receipt, setting, showing
from lims.collection import permissions as may
from lims.collection import schemas as of
from lims.collection.models import MarkerState, SpecimenKind
from lims.collection.receipt import Decision
from lims.core import codes, db
from lims.core.permissions import Actor, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import Item, State
from lims.studies import SubjectState
from lims.web import looks
from lims.web.doors import Doors

# A tube of blood stays testable for as long as it is there.
_THERE = (State.COLLECTED, State.IN_TRANSIT, State.RECEIVED, State.ACCEPTED, State.STORED,
          State.IN_PROCESS)  # fmt: skip
_JOINED = (SubjectState.SCREENING, SubjectState.ELIGIBLE, SubjectState.ALLOCATED)


def _specimen_out(item: Item) -> dict[str, Any]:
    with db.reading() as session:
        specimen = queries.specimen_of(session, item.id)
        return {
            "code": item.code,
            "kind": specimen.kind,
            "state": item.state.value,
            "participant": studies.subject(session, specimen.subject_id).number,
        }


@requires(may.PREPARE)
def prepare_kit(
    actor: Actor, *, study: str, device_lot: str, device_expires_on: date
) -> dict[str, Any]:
    """Prepare a kit."""
    item = kits.prepare_kit(
        actor, study=study, device_lot=device_lot, device_expires_on=device_expires_on
    )
    return {"kit": item.code, "state": item.state.value}


@requires(may.PREPARE)
def label_set(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Print the label of the whole set."""
    return {"kit": setting.label_set(actor, code=code, **given).code}


@requires(may.ISSUE)
def issue_kit(
    actor: Actor, *, code: str, participant: str, stated_name: str, stated_birth_date: date
) -> dict[str, Any]:
    """Bind a kit; the answer is her tube."""
    return _specimen_out(
        kits.issue_kit(
            actor,
            code=code,
            participant=participant,
            stated_name=stated_name,
            stated_birth_date=stated_birth_date,
        )
    )


@requires(may.COLLECT)
def collect(actor: Actor, **given: Any) -> dict[str, Any]:
    """Record a collection in a cup."""
    return _specimen_out(gathering.collect(actor, **given))


@requires(may.COLLECT)
def collect_blood(
    actor: Actor,
    *,
    number: str,
    purpose: str,
    stated_name: str,
    stated_birth_date: date,
    drawn_at: datetime,
    volume: Quantity,
    anticoagulant: str,
    anticoagulant_lot: str,
    reason: str = "",
) -> dict[str, Any]:
    """Record that blood was drawn."""
    item = gathering.collect_blood(
        actor,
        participant=number,
        purpose=SpecimenKind(purpose),
        stated_name=stated_name,
        stated_birth_date=stated_birth_date,
        drawn_at=drawn_at,
        volume=volume,
        anticoagulant=anticoagulant,
        anticoagulant_lot=anticoagulant_lot,
        reason=reason,
    )
    return _specimen_out(item)


@requires(may.COLLECT)
def collect_cord(
    actor: Actor, *, number: str, collected_at: datetime, length: Quantity, medium_lot: str
) -> dict[str, Any]:
    """Record that a cord was collected."""
    item = gathering.collect_cord(
        actor, donor=number, collected_at=collected_at, length=length, medium_lot=medium_lot
    )
    return _specimen_out(item)


@requires(may.RECEIVE)
def receive(actor: Actor, *, decision: Decision, **given: Any) -> dict[str, Any]:
    """Receive a specimen."""
    return _specimen_out(receipt.receive(actor, decision=decision, **given))


@requires(may.MARK)
def record_marker(
    actor: Actor, *, code: str, marker: str, state: MarkerState, **given: Any
) -> dict[str, Any]:
    """Record one marker."""
    row = markers.record_marker(actor, code=code, marker=marker, state=state, **given)
    return {"code": code, "marker": row.marker, "state": row.state}


# What stands beside the forms


def about_study(actor: Actor, *, study: str) -> Sequence[tuple[Any, Any]]:
    """The study a kit is for."""
    with db.reading() as session:
        row = studies.study_by_code(session, study)
        return [
            (_("Study"), row.code),
            (_("Title"), studies.protocol_of(row).public_title),
        ]


def about_person(actor: Actor, *, number: str) -> Sequence[tuple[Any, Any]]:
    """Whose blood or cord it is, by number."""
    with db.reading() as session:
        subject = studies.subject_by_number(session, number)
        return [
            (_("Number"), subject.number),
            (_("Chain of identity"), subject.chain_id),
            (_("Arm"), subject.arm or _("none yet")),
        ]


def about_kit(actor: Actor, *, code: str) -> Sequence[tuple[Any, Any]]:
    """A kit: its study and its cup."""
    with db.reading() as session:
        item = custody.find(session, code, kinds=[custody.ItemKind.KIT])
        kit = queries.kit_of(session, item.id)
        study = studies.study(session, item.study_id) if item.study_id else None
        return [
            (_("Kit"), codes.grouped(item.code)),
            (_("State"), custody.STATE_NAMES[item.state]),
            (_("Study"), study.code if study else ""),
            (_("Lot of the cup"), kit.device_lot),
            (_("Cup expires on"), kit.device_expires_on.isoformat()),
        ]


def about_specimen(actor: Actor, *, code: str) -> Sequence[tuple[Any, Any]]:
    """A specimen: what, whose, where it stands."""
    with db.reading() as session:
        item = custody.find(session, code, kinds=[custody.ItemKind.SPECIMEN])
        specimen = queries.specimen_of(session, item.id)
        subject = studies.subject(session, specimen.subject_id)
        rows: list[tuple[Any, Any]] = [
            (_("Specimen"), codes.grouped(item.code)),
            (_("Material"), of.KIND_NAMES[specimen.kind]),
            (_("State"), custody.STATE_NAMES[item.state]),
            (_("Number"), subject.number),
            (_("Chain of identity"), subject.chain_id),
        ]
        if specimen.collected_at:
            rows.append((_("Collected"), looks.spoken_moment(specimen.collected_at)))
        return rows


def _to_item(answer: dict[str, Any]) -> str:
    return f"/items/{answer.get('code') or answer['kit']}"


doors = Doors("collection")
doors.act(
    "/studies/<study>/kits",
    prepare_kit,
    takes=of.PrepareIn,
    gives=of.KitOut,
    name="prepare-kit",
    title=_("Prepare a kit"),
    intro=_("A label is printed; put it on the box."),
    on="study",
    about=about_study,
    after=_to_item,
    order=20,
)
doors.act(
    "/kits/<code>/issue",
    issue_kit,
    takes=of.IssueIn,
    gives=of.SpecimenOut,
    name="issue-kit",
    title=_("Give the kit to a participant"),
    intro=_("She is here. Stick the printed label on her tube before she leaves."),
    on="K",
    when=(State.PREPARED,),
    about=about_kit,
    after=_to_item,
    order=10,
)
doors.act(
    "/kits/<code>/set-label",
    label_set,
    takes=of.set_label_of,
    name="label-kit-set",
    title=_("Print the label of the whole set"),
    intro=_(
        "The large label for the box: what she does, until when, whom to call, and room for her "
        "own times. It takes the place of the label the kit has; destroy that one."
    ),
    on="K",
    when=setting.LABELLED,
    about=about_kit,
    after=_to_item,
    said=lambda answer: _(
        "The label %(code)s is being printed.", code=codes.grouped(answer["kit"])
    ),
    order=60,
)
doors.act(
    "/specimens/<code>/collection",
    collect,
    takes=of.CollectIn,
    gives=of.SpecimenOut,
    name="collect",
    title=_("Record the collection"),
    on="S",
    when=(State.ORDERED,),
    about=about_specimen,
    after=_to_item,
    order=10,
)
doors.act(
    "/participants/<number>/blood",
    collect_blood,
    takes=of.blood_in,
    gives=of.SpecimenOut,
    name="blood",
    title=_("Record a blood draw"),
    intro=_("Stick the printed label on the tube beside her."),
    on="participant",
    when=_JOINED,
    about=about_person,
    after=_to_item,
    order=60,
)
doors.act(
    "/participants/<number>/cord",
    collect_cord,
    takes=of.CordIn,
    gives=of.SpecimenOut,
    name="cord",
    title=_("Record a cord"),
    intro=_("Stick the printed label on the jar."),
    on="donor",
    when=_JOINED,
    about=about_person,
    after=_to_item,
    order=20,
)
doors.act(
    "/specimens/<code>/receipt",
    receive,
    takes=of.ReceiveIn,
    gives=of.SpecimenOut,
    name="receive",
    title=_("Receive the specimen"),
    on="S",
    when=(State.COLLECTED, State.IN_TRANSIT),
    about=about_specimen,
    after=_to_item,
    order=10,
)


def _is_blood(item: Item) -> bool:
    return queries.kind_of(item) in (SpecimenKind.TEST_BLOOD, SpecimenKind.PRP_BLOOD)


doors.act(
    "/specimens/<code>/markers",
    record_marker,
    takes=of.marker_in,
    gives=of.MarkerOut,
    name="marker",
    title=_("Record an infectious marker"),
    intro=_("On serum or plasma of a tube of blood."),
    on="S",
    when=_THERE,
    about=about_specimen,
    after=lambda answer: f"/specimens/{answer['code']}/markers",
    said=lambda answer: _(
        "Recorded: %(marker)s, %(state)s",
        marker=of.MARKER_NAMES.get(answer["marker"], answer["marker"]),
        state=of.MARKER_STATE_NAMES[MarkerState(answer["state"])],
    ),
    order=60,
    fits=_is_blood,
)
showing.register()
