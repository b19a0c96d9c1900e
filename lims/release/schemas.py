"""What the acts of release take through a door."""

from enum import StrEnum

from lims.core.words import Text as _
from lims.release.checks import MEANING
from lims.web import fields


class Meaning(StrEnum):
    """What a releasing signature means."""

    RELEASED = MEANING


def _password(says: _) -> fields.Secret:
    return fields.Secret(required=True, label=_("Your password"), help=says)


class ReleaseIn(fields.Shape):
    """A releasing signature."""

    meaning = fields.Choice(
        Meaning,
        {Meaning.RELEASED: _("released: I have reviewed the record, and it may be used")},
        required=True,
        label=_("Meaning of the signature"),
    )
    reason = fields.Words(
        lines=True,
        load_default="",
        label=_("Reason"),
        help=_("Only where a check warns: why the lot is released in spite of it."),
    )
    password = _password(_("Your name, the time and this meaning are printed with it."))


class RejectIn(fields.Shape):
    """A rejecting signature."""

    reason = fields.Words(lines=True, required=True, label=_("Why the lot is rejected"))
    password = _password(_("It signs: rejected."))


class SendBackIn(fields.Shape):
    """Why a lot goes back to testing."""

    reason = fields.Words(lines=True, required=True, label=_("What is still missing"))


class LotsIn(fields.Shape):
    """Which lots."""

    study = fields.Words(longest=80, load_default="", label=_("Study"))
