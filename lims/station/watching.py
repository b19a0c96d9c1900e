"""What nobody has to ask for: what runs out or ran out, was refused, is too warm or not known."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, ledger
from lims.core import clock
from lims.core.permissions import Actor
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, Place, State
from lims.station.lines import Line, said_of

MOST = 500
SOON, VERY_SOON = timedelta(days=30), timedelta(days=7)
TODAY = timedelta(hours=24)
_KEPT = (State.FILLED, State.AVAILABLE, State.ALLOCATED, State.ISSUED, State.RETURNED)
# Places that keep a temperature by themselves; what lies in one has its temperature.
_COLD = ("fridge", "freezer", "tank", "incubator")
Standing = custody.monitoring.Standing
_URGENCY = {
    Standing.OUTSIDE: 0,
    Standing.NO_DATA: 1,
    Standing.NO_LOGGER: 2,
    Standing.GOOD: 3,
}


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


def temperatures(session: Session, _actor: Actor) -> list[Line]:
    """How warm it is in every place that keeps a temperature, the worst first.

    No data is never taken for good: neither a logger that is silent nor a place without one.
    """
    known = custody.monitoring.everywhere(session)
    cold = session.scalars(
        select(Place)
        .where(Place.kind.in_(_COLD) | Place.id.in_(known))
        .order_by(Place.name)
        .limit(MOST)
    )
    lines = []
    for place in cold:
        now = known.get(place.id)
        if now is None and custody.monitoring.now_in(session, place):
            continue  # the logger of what it lies in measures it as well
        lines.append((_URGENCY[now.standing if now else Standing.NO_LOGGER], _warmth(place, now)))
    return [line for _urgency, line in sorted(lines, key=lambda each: each[0])]


def _warmth(place: Place, now: custody.monitoring.Now | None) -> Line:
    told = custody.monitoring.said
    standing = now.standing if now else Standing.NO_LOGGER
    bad = standing is not Standing.GOOD
    if now is None:
        said = _("%(place)s: no logger measures it", place=Exact(place.name))
    elif standing is Standing.NO_DATA:  # it stands beside it, large
        said = _("%(place)s: %(now)s", place=Exact(place.name), now=told.besides(now))
    else:
        said = _("%(place)s: %(now)s", place=Exact(place.name), now=told.now_in_words(now))
    return Line(f"/places/{place.code}/temperature", "", said, None, bad, told.STANDINGS[standing])


def episodes(session: Session, _actor: Actor) -> list[Line]:
    """Parts of the time of places that were not good, and that nobody has assessed."""
    told = custody.monitoring.said
    return [
        Line(
            f"/episodes/{each.id}",
            "",
            _("%(place)s: %(now)s", place=Exact(place.name), now=told.in_brief(each)),
            each.began_at,
            each.level is custody.monitoring.Level.STOP,
            _("on hold"),
        )
        for place, each in custody.monitoring.to_assess(session, MOST)
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
