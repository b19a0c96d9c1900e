"""What the acts of release take through a door."""

from enum import StrEnum

from lims.core.words import Text as _
from lims.release.checks import MEANING
from lims.release.models import Outcome
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


class Reach(StrEnum):
    """How far a recall goes."""

    WHOLE = "whole"
    BELOW = "below"


class RecallIn(fields.Shape):
    """What is recalled, and why."""

    what = fields.Words(
        longest=40,
        required=True,
        label=_("What is recalled"),
        scan="SCLVQK",
        help=_("Scan an item, or type the number of a participant or donor for all she gave."),
    )
    reach = fields.Choice(
        Reach,
        {
            Reach.WHOLE: _("the whole genealogy: what it came from, and everything made of that"),
            Reach.BELOW: _("this and what was made from it"),
        },
        load_default=Reach.WHOLE,
        prefill=Reach.WHOLE,
        label=_("How far"),
    )
    drill = fields.Flag(
        box=True, load_default=False, label=_("A drill: find everything, change nothing")
    )
    reason = fields.Words(lines=True, required=True, label=_("Why"), help=_("No names."))


class LiftIn(fields.Shape):
    """How a recall ends."""

    outcome = fields.Choice(
        Outcome,
        {
            Outcome.FREED: _("freed: it was no fault of theirs; they are judged again"),
            Outcome.REJECTED: _("rejected: what can be rejected is, the rest stays blocked"),
        },
        required=True,
        label=_("What becomes of the items"),
    )
    reason = fields.Words(
        lines=True, required=True, label=_("What was found out"), help=_("No names.")
    )
    password = _password(_("Your name, the time and this meaning are printed with it."))


class LotsIn(fields.Shape):
    """Which lots."""

    study = fields.Words(longest=80, load_default="", label=_("Study"))
