"""One shipment: how it stands, the curve of its temperature, and everything that was found."""

from uuid import UUID

from flask import Blueprint, Response, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from lims import labels
from lims.core import clock, db, permissions
from lims.core.permissions import Actor
from lims.core.words import Exact
from lims.custody import loggers, queries, shipment_doors, standing, ways
from lims.custody.curve import curve
from lims.custody.excursions import band_of, judge
from lims.custody.models import Shipment
from lims.custody.monitoring import drawing
from lims.custody.monitoring import pages as monitoring_pages
from lims.custody.permissions import READ
from lims.custody.rules import KIND_NAMES, STATE_NAMES
from lims.labels.permissions import SEE
from lims.web import auth
from lims.web.doors import ACTS, acts_for

blueprint = Blueprint("custody", __name__, template_folder="templates")
blueprint.register_blueprint(monitoring_pages.blueprint)
_LISTED = 1000  # readings in the table


@blueprint.get("/shipments/<uuid:shipment_id>")
def shipment(shipment_id: UUID) -> ResponseReturnValue:
    """What came which way, and how warm it got."""
    actor = auth.current_actor()
    permissions.ask(actor, READ)
    with db.reading() as session:
        row = ways.shipment_by_id(session, shipment_id)
        box = queries.place(session, row.place_id)
        assert box is not None  # noqa: S101 - a foreign key
        files = ways.files_of(session, row.id)
        read = [loggers.read_again(each) for each in files]
        records = [loggers.points_of(*each) for each in zip(files, read, strict=True)]
        record = ways.record_of(session, row.id)
        band = band_of(box.temperature_class)
        judged = judge(records, band, row.sent_at, row.received_at or clock.now())
        on_the_way = [
            each
            for readings in records
            for each in readings
            if row.received_at and row.sent_at <= each.at <= row.received_at
        ]
        return render_template(
            "custody/shipment.html",
            title=box.name,
            shipment=row,
            box=box,
            facts=shipment_doors.facts_of(session, row),
            record=record,
            state=shipment_doors.STATES[record.state if record else None],
            faults=[shipment_doors.in_words(each) for each in record.faults] if record else (),
            files=[(file, each.warnings) for file, each in zip(files, read, strict=True)],
            curve=curve(records, band, judged, row.sent_at, row.received_at)
            if row.received_at and files
            else None,
            judged=judged,
            degrees=lambda cel: Exact(f"{cel} °C"),
            edge=drawing.edges(
                row.sent_at, row.received_at or clock.now(), current_app.config["TIME_ZONE"]
            ),
            outside=standing.in_words(judged.time_outside),
            readings=on_the_way[:_LISTED],
            more=len(on_the_way) > _LISTED,
            items=ways.manifest(session, row),
            kinds=KIND_NAMES,
            states=STATE_NAMES,
            acts=acts_for("shipment", None, actor, row),
            receive=_receipt(actor, row, box.code),
            may_see_labels=permissions.allowed(actor, SEE),
            copies=labels.copies(session, row.code) if row.code else (),
        )


def _receipt(actor: Actor, row: Shipment, box: str) -> str:
    """Where its box is received; empty for whoever sent it, and once it was received."""
    act = ACTS["custody", "receive-shipment"]
    travels = row.received_at is None and row.sent_by != actor.person
    return act.url(code=row.code or box) if travels and act.allowed(actor) else ""


@blueprint.get("/shipments/<uuid:shipment_id>/files/<sha256>")
def logger_file(shipment_id: UUID, sha256: str) -> ResponseReturnValue:
    """A logger's file as it came, to the byte."""
    permissions.ask(auth.current_actor(), READ)
    with db.reading() as session:
        row = ways.shipment_by_id(session, shipment_id)
        found = next((f for f in ways.files_of(session, row.id) if f.sha256 == sha256), None)
        if found is None:
            abort(404)
        answer = Response(found.content, content_type="application/octet-stream")
        answer.headers["Content-Disposition"] = f'attachment; filename="{sha256[:16]}.csv"'
        return answer
