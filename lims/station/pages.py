"""The pages that belong to no step: home, what was scanned, one item, one place, its trace."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from lims import custody, dosing, labels, people, studies
from lims.core import clock, codes, db, permissions
from lims.core.errors import DomainError
from lims.core.permissions import PEOPLE, Actor
from lims.core.units import ml
from lims.core.words import Text as _
from lims.custody import KIND_NAMES, STATE_NAMES, Item, ItemKind, State
from lims.custody.permissions import MOVE, READ, UNDO
from lims.dosing.permissions import GIVES, SHEET
from lims.labels.permissions import SEE
from lims.station import (
    bench_pages,
    cards,
    look_pages,
    practice_pages,
    printer_pages,
    scanning,
    slots,
    stays,
    storage_pages,
    trace_pages,
    tracing,
    trails,
    waiting,
)
from lims.station.trace_pages import drawn
from lims.web import auth, errors, nav, papers, verdicts
from lims.web.doors import Act, acts_for

blueprint = Blueprint("station", __name__, template_folder="templates")
blueprint.register_blueprint(trace_pages.blueprint)
blueprint.register_blueprint(printer_pages.blueprint)
blueprint.register_blueprint(storage_pages.blueprint)
blueprint.register_blueprint(bench_pages.blueprint)
blueprint.register_blueprint(look_pages.blueprint)
blueprint.register_blueprint(practice_pages.blueprint)
nav.add(_("What waits"), "/", PEOPLE, order=1)
nav.add(_("Undo"), "/undo", UNDO.granted_to & PEOPLE, order=65)
_SHOWN = 2  # of each list on the start page
_WATCHED = 6  # of what is watched there
_CARDS = 7  # lists that are drawn there; what else there is stands below by its count
_ENTRIES = 40  # of a trail on one page


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """What waits for whoever is signed in; in a practice system, for nobody, what this is."""
    if auth.actor_or_nobody() is None and practice_pages.here():
        return redirect("/practice", 303)
    actor = auth.current_actor()
    with db.reading() as session:
        found = [(each, list(each.find(session, actor))) for each in waiting.lists_for(actor)]
    full = [each for each in found if each[1]]
    return render_template(
        "station/home.html",
        title=_("What waits for you"),
        found=full[:_CARDS],
        further=[*full[_CARDS:], *(each for each in found if not each[1])],
        total=sum(len(lines) for each, lines in found if not each.watched),
        shown=_SHOWN,
        watched=_WATCHED,
        now=clock.now(),
    )


@blueprint.get("/waiting/<name>")
def one_list(name: str) -> ResponseReturnValue:
    """All of one list."""
    actor = auth.current_actor()
    chosen = next((each for each in waiting.lists_for(actor) if each.id == name), None)
    if chosen is None:
        abort(404)
    with db.reading() as session:
        lines = list(chosen.find(session, actor))
    return render_template("station/list.html", title=chosen.title, lines=lines)


@blueprint.get("/scan")
def scan() -> ResponseReturnValue:
    """Where a scanned code leads; what leads nowhere stops, and nothing is recorded."""
    actor = auth.current_actor()
    code = request.args.get("code", "").strip()[:400]
    if not code:
        return redirect("/", 303)
    if code.upper() == "UNDO":
        return redirect("/undo", 303)
    try:
        found = cards.scanned(actor, code=code)
        if found["url"] is None:
            raise cards.nothing_known(found["code"])
    except DomainError as refusal:
        panel = verdicts.of_error(refusal)
        return errors.page(panel, errors.status_of(refusal), _("Scanned"))
    if found["kind"] == "pack":
        return render_template("station/scanned.html", title=_("Scanned"), url=found["url"],
                               panel=scanning.the_pack(found["code"]), pack=True)  # fmt: skip
    if found["kind"] in ("wristband", "badge"):
        band = found["kind"] == "wristband"
        panel = verdicts.Panel(
            "stop" if band else "ask",
            str(_("wristband") if band else _("badge")) + " " + codes.grouped(found["code"]),
            str(
                _("Wristbands are for the bedside page.")
                if band
                else _("A badge opens work at the sign-in page, or names a person in a form.")
            ),
            str(
                _("Open the bedside page and scan the band there.")
                if band
                else _("Sign in with this badge and its PIN.")
            ),
            recorded=False,
        )
        return render_template("station/scanned.html", title=_("Scanned"), panel=panel,
                               url=found["url"], band=band)  # fmt: skip
    return redirect(found["url"], 303)


@blueprint.get("/undo")
def undo() -> ResponseReturnValue:
    """What whoever is signed in did last, and what of it she can still undo."""
    actor = auth.current_actor()
    permissions.ask(actor, UNDO)
    with db.reading() as session:
        return render_template(
            "station/undo.html",
            title=_("What you did last"),
            done=trails.lately(session, actor),
            key=uuid4().hex,
        )


@blueprint.get("/items/<code>")
def item(code: str) -> ResponseReturnValue:
    """Everything about one container."""
    actor = auth.current_actor()
    permissions.ask(actor, READ)
    with db.reading() as session:
        found = custody.find(session, code, field="code")
        study = studies.study(session, found.study_id).code if found.study_id else ""
        donor = studies.subject(session, found.donor_id).number if found.donor_id else ""
        traced = tracing.trace_of(session, found, drawn=True)
        rests = stays.rests(session, found)
        shown = render_template(
            "station/item.html",
            title=codes.grouped(found.code),
            item=found,
            kind=KIND_NAMES[found.kind],
            state=STATE_NAMES[found.state],
            study=study,
            donor=donor,
            place=custody.place(session, found.place_id),
            holder=people.name_of(session, found.holder_id) if found.holder_id else "",
            holds=custody.holds(session, [found.id, *(each.id for each in traced.up)]),
            gaps=custody.custody_gaps(session, found),
            rests=rests,
            last=stays.last_known(rests),
            out=custody.open_time(session, found),
            cold=any(each.frozen for each in rests),
            **_warmth(session, found, rests),
            in_words=custody.in_words,
            parents=custody.parents(session, found.id),
            spent=custody.spent(session, found),
            **_paged(trails.lines(session, found, actor)),
            undo=trails.undo_of(session, found, actor),
            key=uuid4().hex,
            copies=labels.copies(session, found.code),
            may_see_labels=permissions.allowed(actor, SEE),
            papers=papers.of(found.code[0], actor),
            acts=_next(found, actor),
            at_the_bed=found.kind is ItemKind.DOSE
            and found.state in (State.ISSUED, State.THAWED)
            and bool(actor.roles & GIVES),
            expired=found.expires_at is not None and found.expires_at <= clock.now(),
            ml=ml,
            **_of_dose(session, found, actor),
            **drawn(session, traced),
        )
    return shown


@blueprint.get("/places/<code>")
def place(code: str) -> ResponseReturnValue:
    """A place and what stands there."""
    actor = auth.current_actor()
    permissions.ask(actor, READ)
    with db.reading() as session:
        found = custody.place_by_code(session, code, "code")
        return render_template(
            "station/place.html",
            title=found.name,
            place=found,
            temperature=custody.temperature_name,
            within=custody.place(session, found.parent_id),
            items=custody.items_at(session, found.id),
            inside=custody.places_in(session, found.id),
            grid=slots.grid_of(session, found),
            path=custody.path_of(session, found.parent_id),
            fill=custody.mapping.fills(session, [found.id])[found.id],
            fills=custody.mapping.fills(
                session, [each.id for each in custody.places_in(session, found.id)]
            ),
            marks=slots.MARKS,
            letters=slots.LETTERS,
            may_move=permissions.allowed(actor, MOVE),
            kinds=KIND_NAMES,
            states=STATE_NAMES,
            facts=custody.place_facts(session, found),
            now=custody.monitoring.now_in(session, found),
            told=custody.monitoring.said,
            shipments=custody.shipments_of(session, found.id),
            acts=acts_for("A", None, actor, found),
            undo=trails.undo_of(session, found, actor),
            counts=trails.counts(session, found, actor),
            key=uuid4().hex,
        )


def _warmth(session: Session, found: Item, rests: Sequence[stays.Rest]) -> dict[str, Any]:
    """How warm it was where a thing stood, up to now or until it was gone."""
    gone = rests[0].since if rests and found.state in custody.FINAL else None
    spans = custody.monitoring.measured(session, found, gone)
    drawn = custody.monitoring.drawing.of_item(session, spans)
    if drawn is None:
        return {"warmth": None}
    told = custody.monitoring.said
    return {
        "warmth": drawn,
        "edge": custody.monitoring.drawing.edges(
            drawn.start, drawn.end, current_app.config["TIME_ZONE"]
        ),
        "degrees": told.degrees,
        "listed": custody.monitoring.drawing.LISTED,
        "episodes": [
            (each, told.in_words(each), told.STATES[each.state])
            for each in custody.monitoring.befell(session, spans)
        ],
    }


def _of_dose(session: Session, found: Item, actor: Actor) -> dict[str, Any]:
    """What only a dose has: when it was given, whether that came from paper, its own papers."""
    if found.kind is not ItemKind.DOSE:
        return {}
    sees = permissions.allowed(actor, SHEET)
    pack = dosing.pack_around(session, found.id)
    return {
        "pack": pack,
        "pack_copies": labels.copies(session, pack.code) if pack else (),
        "given": dosing.given_of(session, found.id),
        "paper": dosing.paper_of(session, found.id),
        "may_see_sheets": sees,
        "downtime": sees and found.state in (State.ALLOCATED, State.ISSUED, State.THAWED),
    }


def _paged(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """So many lines of a trail as a page bears, from the entry on that the address names."""
    before = request.args.get("before", "")
    newer = before.isascii() and before.isdecimal() and len(before) < 10
    rest = [each for each in lines if not newer or each["number"] < int(before)]
    shown = rest[:_ENTRIES]
    return {
        "trail": shown,
        "older": shown[-1]["number"] if rest[_ENTRIES:] else None,
        "newer": newer,
    }


def _next(found: Item, actor: Actor) -> list[Act]:
    """What can be done next; what ends a thing stands last, never as the large button."""
    acts = acts_for(found.code[0], found.state.value, actor, found)
    return sorted(acts, key=lambda act: act.name.startswith(("destroy", "reject", "return")))
