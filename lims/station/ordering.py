"""The commands of the station as labels, for a bench where a sheet of paper does not last.

A command is no thing: its code follows from its name, any number of copies hang at any number of
benches, and each does the same. So a further copy cancels none, and nobody accounts for one.
"""

from lims import labels
from lims.core import db, mode
from lims.core.permissions import Actor, requires
from lims.station import orders
from lims.station import permissions as may

TEMPLATE = "command_70x37"


@requires(may.COMMANDS)
def print_commands(
    actor: Actor, *, station: str = "", printer: str | None = None
) -> dict[str, int | None]:
    """Print one label of each command.

    Args:
        station: at which bench they will hang, as it is printed on them.

    Returns:
        `job`, and how many `labels`.

    Raises:
        DoesNotFit: the name of the bench has no room.
        NoPrinter: none of this name is in use.
    """
    with db.transaction() as session:
        practice = mode.is_practice(session)
        made = [
            labels.request(
                actor,
                template=TEMPLATE,
                code=orders.code_of(each.name, practice=practice),
                fields={
                    "name": each.title,
                    "about": each.about if labels.has_room(TEMPLATE, "about", each.about) else "",
                    "station": station,
                },
                printer=printer,
            )
            for each in orders.ORDERS.values()
        ]
        return {"job": made[0].job, "labels": len(made)}
