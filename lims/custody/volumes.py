"""What is in an item: measured, measured again, taken; in whole microlitres."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Table, select, update

from lims import ledger
from lims.core import codes, db, units
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.custody import telling
from lims.custody.errors import NotEnough, StateRefused
from lims.custody.models import Item
from lims.custody.streams import stream, touch


def take(
    actor: Actor,
    item: Item,
    volume_ul: int,
    *,
    purpose: str,
    into: str = "",
    data: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Take a volume from an item; one statement, so that two takers never take the same drop.

    Args:
        purpose: what became of it where it went into nothing: `waste`, `loss`, `administered`.
        into: the code of what it went into.
        data: what else the entry says of it.

    Raises:
        NotEnough: less is there.
    """
    if volume_ul <= 0:
        raise NotEnough(
            _("The volume to take must be above zero; enter how much was taken."), field="volume"
        )
    with db.transaction() as session:
        table = cast(Table, Item.__table__)
        row = session.execute(
            update(table)
            .where(table.c.id == item.id, table.c.volume_ul >= volume_ul)
            .values(volume_ul=table.c.volume_ul - volume_ul, version=table.c.version + 1)
            .returning(table.c.volume_ul, table.c.version)
        ).one_or_none()
        if row is None:
            left = session.scalar(select(table.c.volume_ul).where(table.c.id == item.id))
            raise NotEnough(
                _(
                    "%(code)s holds %(left)s, less than the %(wanted)s to be taken. "
                    "Measure again, or take less.",
                    code=codes.grouped(item.code),
                    left=units.ml(left or 0),
                    wanted=units.ml(volume_ul),
                ),
                field="volume",
                why=telling.last_act(session, stream(item.code)),
            )
        key = ledger.changed(
            table,
            item.id,
            row.version,
            {"volume_ul": (row.volume_ul + volume_ul, row.volume_ul)},
        )
        session.refresh(item)
        ledger.record(
            actor,
            stream(item.code),
            "custody.taken",
            {"volume_ul": volume_ul, "purpose": purpose, "into": into, **(data or {})},
            rows=[key],
            reason=reason,
        )


def add_volume(actor: Actor, item: Item, volume_ul: int, *, why: str) -> None:
    """Set the volume of an item whose volume was not known yet (a collected tube).

    Raises:
        StateRefused: it is known.
    """
    if item.volume_ul is not None:
        raise StateRefused(
            _(
                "The volume of %(code)s is recorded; take from it instead.",
                code=codes.grouped(item.code),
            )
        )
    item.volume_ul = item.initial_volume_ul = volume_ul
    touch(actor, item, "custody.measured", {"why": why})


def add_measured(actor: Actor, item: Item, volume_ul: int, *, why: str) -> None:
    """Enter that an item held more than was measured; the caller has judged that it may be."""
    with db.transaction() as session:
        session.refresh(item)
        item.volume_ul = (item.volume_ul or 0) + volume_ul
        item.initial_volume_ul = (item.initial_volume_ul or 0) + volume_ul
        touch(actor, item, "custody.measured-again", {"more_ul": volume_ul, "why": why})
