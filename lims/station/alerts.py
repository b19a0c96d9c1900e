"""What has gone wrong without anybody saying so: computed from the rows and the clock alone."""

from sqlalchemy.orm import Session

from lims import dosing, people, studies
from lims.core import clock
from lims.core.permissions import Actor
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import STATE_NAMES
from lims.station.lines import Line

_UNCONFIRMED = Quantity.parse("60 min")  # where a site's file was written before it had the limit


def unconfirmed(session: Session, actor: Actor) -> list[Line]:
    """Doses that went out an hour ago and neither were given nor came back (H29).

    Whoever issued a dose is told first; every other pharmacist is told as well, since a shift ends.
    """
    now, lines = clock.now(), []
    for item, meant in dosing.unconfirmed(session):
        subject = studies.subject(session, meant.subject_id)
        read = studies.protocol_of(studies.study(session, subject.study_id))
        waits = read.limits.get("bedside.unconfirmed_alert_after", _UNCONFIRMED)
        assert isinstance(waits, Quantity)  # noqa: S101 - the site file's shape says so
        if meant.issued_at is None or meant.issued_by is None:
            continue
        if now - meant.issued_at < waits.span():
            continue
        said = _(
            "dose for %(number)s, %(state)s, issued by %(name)s and not confirmed; "
            "find it, then record it as given, returned or destroyed",
            number=subject.number,
            state=STATE_NAMES[item.state],
            name=people.name_of(session, meant.issued_by),
        )
        line = Line(f"/items/{item.code}", item.code, said, item.thawed_at or meant.issued_at)
        lines.append((meant.issued_by != actor.person, meant.issued_at, line))
    return [line for _others, _at, line in sorted(lines, key=lambda each: each[:2])]


def recalled(session: Session, actor: Actor) -> list[Line]:
    """Doses that were blocked after they had gone out; whoever holds one is told first (X3)."""
    lines = []
    for item, meant in dosing.recalled_and_out(session):
        subject = studies.subject(session, meant.subject_id)
        holder = people.name_of(session, item.holder_id) if item.holder_id else "-"
        said = _(
            "dose for %(number)s, recalled or blocked after it was issued; held by %(name)s; "
            "do not give it, put it in the quarantine box",
            number=subject.number,
            name=holder,
        )
        line = Line(f"/items/{item.code}", item.code, said, meant.issued_at)
        lines.append((item.holder_id != actor.person, line))
    return [line for _others, line in sorted(lines, key=lambda each: each[0])]
