"""Kept scans of somebody who does not come back to her device, handed in by another (H11, H50).

Nothing is written in the name of whoever scanned them, and nothing is done because of them: each
is put aside for a third person, who looks at the thing and answers.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from lims import people
from lims.core import acts, db
from lims.core.device import Scan
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody.late import WHY, put_aside


@requires(may.MOVE)
def hand_in(
    actor: Actor,
    kind: str,
    scan: Scan,
    key: str,
    digest: str,
    given: Mapping[str, Any],
    *,
    claimed: str,
) -> acts.Done:
    """Put aside a move or an observation that another person made.

    What she sent herself under this key, before its answer was lost, stays as it was answered.

    Args:
        kind: of `late.KINDS`.
        scan: with the device's name and count.
        given: `code` and `to`, or `code` and `note`.
        claimed: the label of whoever scanned it, as the device says.

    Raises:
        BadInput: nobody has that label.
        CounterUsed: the device sent another scan under this number.
    """
    person = _known(claimed)
    before = acts.answered(key, claimed)
    if before is not None:
        return acts.Done(before, repeated=True)
    why = "handed-in"
    said = str(WHY[why])
    return put_aside(actor, kind, scan, key, digest, given, why, said, claimed=person)


def _known(label: str) -> UUID:
    try:
        person = UUID(label)
    except ValueError:
        person = None
    with db.reading() as session:
        if person is not None and people.names_of(session, [person]):
            return person
    raise BadInput(
        _("Who scanned this is not known here; look at the thing, and move it yourself."),
        field="person",
    )
