"""The doors of undo and correction, which answer an earlier entry, and of a work area's mark."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from marshmallow import Schema

from lims import ledger
from lims.core import codes, db
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, correcting, marking, place_doors, recounting, undoing
from lims.custody import permissions as may
from lims.custody import schemas as of
from lims.custody.correcting import CORRECTABLE, Datum
from lims.custody.items import find
from lims.custody.models import Place
from lims.custody.places import place_by_code
from lims.custody.streams import stream
from lims.ledger import Entry
from lims.web import fields, looks
from lims.web.choices import OneOf
from lims.web.doors import Doors
from lims.web.happenings import words_of
from lims.web.inputs import Input

_THINGS = "SCLVQK"


@requires(may.UNDO)
def undo(actor: Actor, *, code: str, entry: int) -> dict[str, Any]:
    """Take back what you did to it."""
    return vars(undoing.undo(actor, code=code, entry=entry))


@requires(may.CORRECT)
def correct(actor: Actor, *, code: str, entry: int, **given: Any) -> dict[str, Any]:
    """Answer an entry with the right values."""
    return vars(correcting.correct(actor, code=code, entry=entry, **given))


@requires(may.CORRECT)
def correct_count(actor: Actor, *, code: str, entry: int, **given: Any) -> dict[str, Any]:
    """Answer a count with everything that was there."""
    return vars(recounting.correct_count(actor, code=code, entry=entry, **given))


@requires(may.AREA)
def mark_work_area(actor: Actor, *, code: str) -> dict[str, Any]:
    """Make this place a work area."""
    place = marking.mark_work_area(actor, code=code)
    return {"code": place.code, "name": place.name}


@requires(may.AREA)
def unmark_work_area(actor: Actor, *, code: str, reason: str) -> dict[str, Any]:
    """Say that this place is no work area any more."""
    place = marking.unmark_work_area(actor, code=code, reason=reason)
    return {"code": place.code, "name": place.name}


def _versions(code: str, entry: int) -> tuple[list[Entry], Entry, Entry]:
    with db.reading() as session:
        item = find(session, code)
        written = ledger.entries_of(session, stream(item.code), limit=None)
        return (written, *correcting.versions(written, item, entry))


def correction_in(*, code: str, entry: int) -> Schema:
    """The values of an entry, to be given anew; what is left out stays."""
    _written, first, _newest = _versions(code, entry)
    shape = {each.name: _input(each) for each in CORRECTABLE[first.kind].data}
    made: type[Schema] = of.CorrectIn.from_dict(shape, name="CorrectionIn")  # type: ignore[arg-type]
    return made()


def _input(datum: Datum) -> Input:
    about: dict[str, Any] = {"label": datum.label, "help": _("Leave it empty if it was right.")}
    if datum.options is not None:
        return OneOf(datum.options, datum.options, **about)
    if datum.unit:
        return fields.Amount(datum.unit, **about)
    if datum.whole:
        return fields.Whole(at_least=0, **about)
    return fields.Words(longest=300, lines=True, **about)


def about_entry(actor: Actor, *, code: str, entry: int) -> Sequence[tuple[Any, Any]]:
    """What was written, as it stands now."""
    written, first, newest = _versions(code, entry)
    what = CORRECTABLE[first.kind]
    stands = correcting.values_of(written, first)
    return [
        (_("Item"), codes.grouped(code)),
        (words_of(first.kind), looks.spoken_moment(first.at)),
        (_("Entry"), f"#{newest.number}"),
        *((each.label, correcting.said_of(each, stands[each.name])) for each in what.data),
    ]


def about_count(actor: Actor, *, code: str, entry: int) -> Sequence[tuple[Any, Any]]:
    """What the count said, as it stands now."""
    with db.reading() as session:
        place = place_by_code(session, code, "code")
        written = ledger.entries_of(session, areas.stream(place.code), limit=None)
        chain = recounting.versions(written, entry)
        said = {
            name: ", ".join(codes.grouped(each) for each in chain[-1].data[name]) or "-"
            for name in ("matched", "missing", "unexpected", "not_known")
        }
        return [
            (_("Place"), place.name),
            (words_of(chain[0].kind), looks.spoken_moment(chain[0].at)),
            (_("Entry"), f"#{entry}"),
            (_("As expected"), said["matched"]),
            (_("Missing"), said["missing"]),
            (_("Not expected"), said["unexpected"]),
            (_("Unknown"), said["not_known"]),
        ]


def about_undo(actor: Actor, *, code: str) -> Sequence[tuple[Any, Any]]:
    """What can be undone of it, and until when."""
    with db.reading() as session:
        place = code.startswith("A")
        name = areas.stream(code) if place else stream(code)
        written = ledger.entries_of(session, name, limit=None)
        last = undoing.undoable(session, actor, written)
        rows: list[tuple[Any, Any]] = [(_("Place") if place else _("Item"), codes.grouped(code))]
        if last is None:
            return [*rows, (_("Can be undone by you"), _("nothing"))]
        return [
            *rows,
            (_("Can be undone by you"), words_of(last.kind)),
            (_("Number of the entry"), last.number),
            (_("Until"), looks.spoken_moment(undoing.until(last))),
        ]


def _undone(answer: Mapping[str, Any]) -> _:
    return _(
        "Undone: %(what)s, entry %(number)s",
        what=words_of(answer["kind"]),
        number=answer["undoes"],
    )


def _may_be_area(place: Place) -> bool:
    return place.kind in areas.KINDS and not place.work_area


def _is_closed_area(place: Place) -> bool:
    with db.reading() as session:
        return bool(place.work_area) and areas.opening_of(session, place.id) is None


def _at_place(answer: Mapping[str, Any]) -> str:
    return f"/places/{quote(answer['code'])}"


def declare(doors: Doors) -> None:
    """Declare them."""
    doors.act(
        "/items/<code>/undo",
        undo,
        takes=of.UndoIn,
        gives=of.UndoneOut,
        name="undo",
        title=_("Undo"),
        intro=_("It was entered by mistake. Both entries stay and are shown."),
        letters={"code": _THINGS},
        about=about_undo,
        said=_undone,
    )
    doors.act(
        "/places/<code>/undo",
        undo,
        takes=of.UndoIn,
        gives=of.UndoneOut,
        name="undo-place",
        title=_("Undo"),
        intro=_("It was entered by mistake. Both entries stay and are shown."),
        letters={"code": "A"},
        about=about_undo,
        after=_at_place,
        said=_undone,
    )
    doors.act(
        "/items/<code>/entries/<int:entry>/correction",
        correct,
        takes=correction_in,
        gives=of.CorrectedOut,
        name="correct",
        title=_("Correct it with a reason"),
        intro=_("What was written stays, and the right value stands beside it."),
        letters={"code": _THINGS},
        about=about_entry,
    )
    doors.act(
        "/places/<code>/counts/<int:entry>/correction",
        correct_count,
        takes=of.RecountIn,
        gives=of.CountOut,
        name="correct-count",
        title=_("Correct the count with a reason"),
        intro=_("Scan everything that was there. The first count stays beside it."),
        letters={"code": "A"},
        about=about_count,
        after=lambda answer: f"/places/{quote(answer['place'])}",
        said=place_doors.counted,
    )
    doors.act(
        "/places/<code>/work-area",
        mark_work_area,
        gives=of.PlaceOut,
        name="mark-work-area",
        title=_("Make it a work area"),
        intro=_("From now on it is open for one donor at a time, and cleared by two people."),
        on="A",
        about=place_doors.about_place,
        after=_at_place,
        order=36,
        fits=_may_be_area,
    )
    doors.act(
        "/places/<code>/work-area/end",
        unmark_work_area,
        takes=of.WhyIn,
        gives=of.PlaceOut,
        name="unmark-work-area",
        title=_("It is no work area any more"),
        on="A",
        about=place_doors.about_place,
        after=_at_place,
        order=38,
        fits=_is_closed_area,
    )
