"""The doors of rack scanners: a file against a box, and what a person settled of it."""

from collections.abc import Mapping
from typing import Any

from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody import racking
from lims.custody.racks import Answer, Review
from lims.web import fields
from lims.web.doors import Doors


class Answers(fields.Reasons):
    """An answer by position; a tube that is missing is `A3-`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str]:
        if not isinstance(value, Mapping) or len(value) > 1400:
            raise fields.refused(_("Answers are one word by position."))
        given = {str(key)[:8]: str(answer)[:20] for key, answer in value.items()}
        if set(given.values()) - set(Answer):
            raise fields.refused(
                _("An answer is one of %(choices)s.", choices=", ".join(Answer)), "not_a_choice"
            )
        return given


def _file() -> fields.File:
    return fields.File(
        most=500_000,
        accept=".csv,.txt",
        required=True,
        label=_("File of the rack scanner"),
        help=_("As it came from the scanner; nothing is recorded before you confirm."),
    )


class RackIn(fields.Shape):
    """A file."""

    file = _file()


class RackSettledIn(fields.Shape):
    """A file, the review of it that was seen, and what was said to each difference."""

    file = _file()
    review = fields.Words(longest=64, required=True, label=_("Digest of the review"))
    answers = Answers(load_default=dict, label=_("Answers"))


@requires(may.READ)
def review(actor: Actor, *, code: str, file: tuple[str, bytes]) -> dict[str, Any]:
    """Compare a file with this box."""
    return shown(racking.review(actor, code=code, file=file))


@requires(may.MOVE)
def settle(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Write what was settled."""
    return vars(racking.settle(actor, code=code, **given))


def shown(found: Review) -> dict[str, Any]:
    """A review as JSON."""
    return {
        "place": found.box.code,
        "sha256": found.sha256,
        "review": found.digest,
        "counts": found.counts,
        "open": [
            {
                "key": racking.key_of(each),
                "position": each.position,
                "found": each.found.value,
                "read": each.read,
                "item": each.item,
                "stands": each.stands,
                "booked": each.booked,
                "answers": [one.value for one in each.answers],
            }
            for each in found.open
        ],
        "warnings": [{"where": where, "what": what} for where, what in found.warnings],
    }


def declare(doors: Doors) -> None:
    """Declare them; the page is drawn by hand, since it asks in two steps."""
    doors.read(
        "/places/<code>/rack-reviews",
        review,
        takes=RackIn,
        method="post",
        name="review-rack",
        title=_("Compare a rack scanner's file with a box"),
        letters={"code": "A"},
    )
    doors.act(
        "/places/<code>/rack-scans",
        settle,
        takes=RackSettledIn,
        name="settle-rack",
        title=_("Settle a rack scanner's file"),
        letters={"code": "A"},
        page=False,
    )
