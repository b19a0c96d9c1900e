"""Making a place a work area, and a work area a place like any other."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import ledger
from lims.core import codes, db
from lims.core.errors import BadInput, Conflict
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, telling
from lims.custody import permissions as may
from lims.custody.models import Item, Place
from lims.custody.places import place_locked
from lims.custody.rules import FINAL


class MarkedAlready(Conflict):
    """The place is a work area already, or is none."""

    code = "area_marked_already"


class AreaInUse(Conflict):
    """A work area is open there, or material stands there that nobody admitted."""

    code = "area_in_use"


@requires(may.AREA)
def mark_work_area(actor: Actor, *, code: str) -> Place:
    """Make a place that exists a work area: from now on open to one donor at a time.

    Raises:
        BadInput: no bench, hood, incubator or shelf.
        AreaInUse: a donor's material stands there, or the area around it is open.
    """
    with db.transaction() as session:
        place = place_locked(session, code)
        if place.kind not in areas.KINDS:
            raise BadInput(
                _("A work area is a bench, a hood, an incubator or a shelf; choose the kind."),
                field="code",
            )
        if place.work_area:
            raise MarkedAlready(_("%(place)s is a work area already.", place=place.name))
        around = areas.area_around(session, place)
        if around is not None:
            # The lock under which the area around opens: it does not open while this is judged.
            db.locked(session, select(Place).where(Place.id == around.id))
            _require_not_open(session, around)
        standing = session.scalar(
            select(Item.code)
            .where(
                Item.place_id.in_(areas.within(session, place.id)),
                Item.donor_id.is_not(None),
                Item.state.not_in(FINAL),
            )
            .limit(1)
        )
        if standing is not None:
            raise AreaInUse(
                _(
                    "Material stands in %(place)s, such as %(code)s. Scan it to where it belongs "
                    "first; then it opens for the first that comes.",
                    place=place.name,
                    code=codes.grouped(standing),
                )
            )
        place.work_area = True
        ledger.record(actor, areas.stream(place.code), "custody.area-marked", rows=[place])
        return place


@requires(may.AREA)
def unmark_work_area(actor: Actor, *, code: str, reason: str) -> Place:
    """Say that a place is no work area any more.

    Raises:
        AreaInUse: it is open for a donor and was not cleared.
    """
    if not reason.strip():
        raise BadInput(_("Say why."), field="reason")
    with db.transaction() as session:
        place = place_locked(session, code)
        if not place.work_area:
            raise MarkedAlready(_("%(place)s is no work area.", place=place.name))
        _require_not_open(session, place)
        place.work_area = False
        ledger.record(
            actor,
            areas.stream(place.code),
            "custody.area-unmarked",
            rows=[place],
            reason=reason.strip(),
        )
        return place


def _require_not_open(session: Session, area: Place) -> None:
    if areas.opening_of(session, area.id) is not None:
        raise AreaInUse(
            _(
                "%(place)s is open for a donor. Let two people clear it first.",
                place=area.name,
            ),
            why=telling.last_act(session, areas.stream(area.code)),
        )
