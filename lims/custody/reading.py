"""What is shown of an item: its card, its lineage, its trail. Never who the donor is.

The four figures of a dose stand on its label alone and are in no row that is read here.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from lims import ledger, people, studies
from lims.core import codes, db, units
from lims.core.permissions import Actor, requires
from lims.custody import permissions as may
from lims.custody import queries
from lims.custody.items import find
from lims.custody.models import Item
from lims.custody.rules import KIND_NAMES, STATE_NAMES
from lims.custody.streams import stream

_MOST = 10_000


def brief(session: Session, items: Iterable[Item]) -> list[dict[str, Any]]:
    """Code, kind, state and place of each."""
    listed = []
    for each in items:
        place = queries.place(session, each.place_id)
        listed.append(
            {
                "code": each.code,
                "kind": each.kind.value,
                "state": each.state.value,
                "place": {"code": place.code, "name": place.name} if place else None,
            }
        )
    return listed


@requires(may.READ)
def card(actor: Actor, *, code: str) -> dict[str, Any]:
    """An item: what it is, where it stands, who holds it, and why it may not be used."""
    with db.reading() as session:
        item = find(session, code)
        donor = studies.subject(session, item.donor_id) if item.donor_id else None
        study = studies.study(session, item.study_id) if item.study_id else None
        return {
            **brief(session, [item])[0],
            "printed": codes.grouped(item.code),
            "kind_name": KIND_NAMES[item.kind],
            "state_name": STATE_NAMES[item.state],
            "name": item.name,
            "product": item.product,
            "volume": None if item.volume_ul is None else units.ml(item.volume_ul),
            "thaws": item.thaw_count,
            "holder": people.name_of(session, item.holder_id) if item.holder_id else None,
            "donor": donor.number if donor else None,
            "chain_id": donor.chain_id if donor else None,
            "study": study.code if study else None,
            "made_at": item.made_at,
            "expires_at": item.expires_at,
            "holds": [
                {"reason": each.reason, "source": each.source, "placed_at": each.placed_at}
                for each in queries.holds(session, [item.id])
            ],
        }


@requires(may.READ)
def lineage(actor: Actor, *, code: str) -> dict[str, Any]:
    """Everything an item was made from, and everything made from it, oldest first."""
    with db.reading() as session:
        item = find(session, code)
        return {
            "code": item.code,
            "up": brief(session, queries.ancestors(session, [item.id])),
            "down": brief(session, queries.descendants(session, [item.id])),
        }


@requires(may.READ)
def trail(actor: Actor, *, code: str, after: int = 0, limit: int = 100) -> dict[str, Any]:
    """What befell an item, oldest first; `next` is the `after` of the next page.

    Of each entry: number, kind, time, person, station, reason, and the number of the entry that it
    undoes or corrects; not the values it holds.
    """
    with db.reading() as session:
        item = find(session, code)
        written = ledger.entries_of(session, stream(item.code), limit=_MOST)
        later = [each for each in written if each.number > after]
        names = {each.person: people.name_of(session, each.person) for each in later[:limit]}
        return {
            "code": item.code,
            "entries": [
                {
                    "number": each.number,
                    "kind": each.kind,
                    "at": each.at,
                    "person": names[each.person],
                    "station": each.station,
                    "reason": each.reason,
                    "counters": ledger.counters(each),
                }
                for each in later[:limit]
            ],
            "next": later[limit - 1].number if later[limit:] else None,
        }
