"""What comes in and goes out at the doors of people."""

from typing import Any

from lims.core.permissions import PEOPLE, ROLE_NAMES, Role
from lims.core.words import Text as _
from lims.web import fields

ROLES = tuple(each for each in Role if each in PEOPLE)


def _with_roles(name: str, head: dict[str, Any], tail: dict[str, Any]) -> type[fields.Shape]:
    boxes = {
        each.value: fields.Flag(box=True, load_default=False, label=ROLE_NAMES[each])
        for each in ROLES
    }
    made: Any = fields.Shape.from_dict({**head, **boxes, **tail}, name=name)
    return made


AddIn = _with_roles(
    "AddIn",
    {
        "login": fields.Words(
            required=True, longest=40, label=_("User name"), help=_("Small letters and digits.")
        ),
        "name": fields.Words(
            longest=100, label=_("Name"), help=_("What people call her. Shown with every entry.")
        ),
        "person": fields.Words(
            longest=40,
            label=_("Other user name"),
            help=_("Only if this person has an account already."),
        ),
    },
    {
        "password": fields.Secret(
            required=True, label=_("First password"), help=_("She changes it herself.")
        ),
        "pin": fields.Secret(label=_("PIN for her badge"), help=_("Without one no badge opens.")),
    },
)
RolesIn = _with_roles("RolesIn", {}, {})


class BadgeIn(fields.Shape):
    """Why a badge is printed again, and where."""

    reason = fields.Words(
        longest=200,
        label=_("Reason"),
        help=_("Only if it was printed before. The older print opens nothing any more."),
    )
    printer = fields.Words(
        longest=60,
        label=_("Printer"),
        help=_("By name. Left empty, the one that holds cards for badges prints it."),
    )


class TokenIn(fields.Shape):
    """How long a token lasts."""

    days = fields.Whole(required=True, at_least=1, at_most=366, prefill=30, label=_("Days"))
    password = fields.Secret(required=True, label=_("Your password"))
