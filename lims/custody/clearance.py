"""Line clearance: a work area is closed by two people before the next donor's material comes.

The first says that everything is out; the second, another person, looks for herself and signs.
Both times it is asked again what is still there.
"""

from typing import Any

from sqlalchemy.orm import Session

from lims import ledger, people, studies
from lims.core import clock, codes, db
from lims.core.errors import BadInput, Conflict, NotAllowed
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import areas, telling
from lims.custody import permissions as may
from lims.custody.models import Opening, Place
from lims.custody.places import place_locked

_SHOWN = 5


class NotOpen(Conflict):
    """The place is no work area, or not open for anybody."""

    code = "area_not_open"


class NotEmpty(Conflict):
    """Something of the donor's is still in the work area."""

    code = "area_not_empty"


@requires(may.CLEAR)
def ask_clearance(actor: Actor, *, code: str, waste_out: bool, cleaned: bool) -> Opening:
    """Say that a work area is empty and clean; another person confirms it with her password.

    Raises:
        BadInput: waste is still there, or it was not cleaned.
        NotEmpty: names what is still there.
    """
    if not waste_out:
        raise BadInput(_("Take the waste out first, then say so."), field="waste_out")
    if not cleaned:
        raise BadInput(_("Clean the surfaces first, then say so."), field="cleaned")
    with db.transaction() as session:
        area, opening = _open_area(session, code)
        _require_empty(session, area, opening)
        opening.asked_at = clock.now()
        opening.asked_by = actor.person
        ledger.record(actor, areas.stream(area.code), "custody.clearing", rows=[opening])
        return opening


@requires(may.CLEAR)
def clear(actor: Actor, *, code: str, password: str) -> Opening:
    """Confirm as the second person that a work area is empty and clean; the next donor may come.

    Raises:
        NotOpen: nobody has said yet that it is empty.
        NotAllowed: it is the same person who said so.
        NotEmpty: something came back meanwhile.
    """
    with db.transaction() as session:
        area, opening = _open_area(session, code)
        if opening.asked_at is None:
            raise NotOpen(
                _(
                    "Nobody has said yet that %(place)s is empty and clean. The person who worked "
                    "there says so first.",
                    place=area.name,
                )
            )
        if opening.asked_by == actor.person:
            raise NotAllowed(
                _(
                    "You said yourself that %(place)s is empty; another person looks and signs.",
                    place=area.name,
                )
            )
        _require_empty(session, area, opening)
        signature = people.signature(actor, meaning="line cleared", password=password)
        opening.cleared_at = clock.now()
        opening.cleared_by = actor.person
        ledger.record(
            actor,
            areas.stream(area.code),
            "custody.area-cleared",
            {"signature": signature},
            rows=[opening],
        )
        return opening


def _open_area(session: Session, code: str) -> tuple[Place, Opening]:
    area = place_locked(session, code)  # so that nothing comes in while it is being cleared
    opening = areas.opening_of(session, area.id)
    if opening is None:
        raise NotOpen(
            _("%(place)s is not open for a donor, so there is nothing to clear.", place=area.name),
            why=telling.last_act(session, areas.stream(area.code)),
        )
    return area, opening


def _require_empty(session: Session, area: Place, opening: Opening) -> None:
    left = areas.remaining(session, area, opening)
    if left.items:
        raise NotEmpty(
            _(
                "%(count)s items of this donor were not scanned out of %(place)s: %(codes)s. Scan "
                "each to where it stands now.",
                count=len(left.items),
                place=area.name,
                codes=_listed([each.code for each in left.items]),
            )
        )
    if left.labels:
        raise NotEmpty(
            _(
                "%(count)s labels were printed for this donor and not scanned back: %(codes)s. "
                "Scan each where it sticks, or destroy it and say so.",
                count=len(left.labels),
                codes=_listed(left.labels),
            )
        )


def _listed(found: Any) -> str:
    shown = ", ".join(codes.grouped(each) for each in list(found)[:_SHOWN])
    return shown + (", …" if len(found) > _SHOWN else "")


def area_facts(session: Session, place: Place) -> list[tuple[Any, Any]]:
    """What a work area's page says: for whom it is open, what is left, who has to sign."""
    if not place.work_area:
        return []
    opening = areas.opening_of(session, place.id)
    if opening is None:
        return [(_("Work area"), _("clear: the next donor's items may come"))]
    left = areas.remaining(session, place, opening)
    rows: list[tuple[Any, Any]] = [
        (
            _("Work area"),
            _(
                "open for %(number)s since %(time)s",
                number=studies.subject(session, opening.donor_id).number,
                time=telling.Moment(opening.opened_at),
            ),
        ),
        (_("Items to scan out"), _listed([each.code for each in left.items]) or "0"),
        (_("Labels not scanned back"), _listed(left.labels) or "0"),
    ]
    if opening.asked_at and opening.asked_by:
        rows.append(
            (
                _("Said to be empty and clean"),
                _(
                    "%(name)s, %(time)s; another person signs",
                    name=people.name_of(session, opening.asked_by),
                    time=telling.Moment(opening.asked_at),
                ),
            )
        )
    return rows
