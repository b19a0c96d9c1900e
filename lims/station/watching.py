"""What nobody has to ask for: what runs out or ran out, what was refused, what is not known."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, ledger
from lims.core import clock, codes
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, Place, State
from lims.station.lines import Line, said_of

MOST = 500
SOON, VERY_SOON = timedelta(days=30), timedelta(days=7)
TODAY = timedelta(hours=24)
_KEPT = (State.FILLED, State.AVAILABLE, State.ALLOCATED, State.ISSUED, State.RETURNED)
# Places that keep a temperature by themselves; what lies in one has its temperature.
_COLD = ("fridge", "freezer", "tank", "incubator")


def _line(item: Item, *, late: bool, word: _) -> Line:
    return Line(f"/items/{item.code}", item.code, said_of(item), item.expires_at, late, word)


def expiring(session: Session, _actor: Actor) -> list[Line]:
    """Doses that expire within thirty days, the soonest first; it says from when on."""
    now = clock.now()
    found = session.scalars(
        select(Item)
        .where(
            Item.kind == ItemKind.DOSE,
            Item.state.in_(_KEPT),
            Item.expires_at > now,
            Item.expires_at <= now + SOON,
        )
        .order_by(Item.expires_at, Item.code)
        .limit(MOST)
    )
    return [
        _line(each, late=_before(each.expires_at, now + VERY_SOON), word=_("within 7 days"))
        for each in found
    ]


def expired(session: Session, _actor: Actor) -> list[Line]:
    """What has expired and stands here still; what is given or destroyed is not listed."""
    found = session.scalars(
        select(Item)
        .where(Item.expires_at <= clock.now(), Item.state.not_in(custody.FINAL))
        .order_by(Item.expires_at, Item.code)
        .limit(MOST)
    )
    return [_line(each, late=True, word=_("expired")) for each in found]


def without_readings(session: Session, _actor: Actor) -> list[Line]:
    """Cold places of which nobody knows how cold they are: no data is never taken for good."""
    found = session.scalars(
        select(Place).where(Place.kind.in_(_COLD)).order_by(Place.name).limit(MOST)
    )
    return [
        Line(
            f"/places/{place.code}",
            codes.grouped(place.code),
            _(
                "%(place)s, %(class)s: no reading of it is kept here",
                place=place.name,
                **{"class": place.temperature_class},
            ),
            late=True,
            late_word=_("NO DATA"),
        )
        for place in found
    ]


def refusals(session: Session, _actor: Actor) -> list[Line]:
    """What the checks stopped in the last day, the newest first."""
    since = clock.now() - TODAY
    lines = []
    for entry in ledger.newest(session, kind="refused", since=since, limit=MOST):
        kind, _slash, code = entry.stream.partition("/")
        url = f"/{kind}s/{code}" if kind in ("item", "place", "participant") else "/"
        lines.append(Line(url, code, _("refused by a check"), entry.at))
    return lines


def _before(at: datetime | None, limit: datetime) -> bool:
    return at is not None and at <= limit
