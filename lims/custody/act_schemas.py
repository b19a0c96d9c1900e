"""What comes in and goes out where an item is divided, pooled, lost, thawed or ended."""

from typing import Any

from lims.core.words import Text as _
from lims.custody.balancing import CAUSES
from lims.custody.ending import WHY
from lims.web import fields
from lims.web.choices import OneOf

INTO = {
    "part": _("aliquots: the same as it"),
    "qc-sample": _("samples for quality control"),
    "retained": _("retained samples"),
}


def _amount(label: _, help: _ | None = None, **more: Any) -> fields.Amount:
    return fields.Amount(
        "mL", smallest="uL", at_most=1_000_000, units=("mL", "uL"), label=label, help=help, **more
    )


def _volumes(label: _, help: _, **more: Any) -> fields.Amounts:
    return fields.Amounts(
        "mL", smallest="uL", above=0, at_most=1_000_000, most=200, label=label, help=help, **more
    )


def _note() -> fields.Words:
    return fields.Words(
        load_default="", longest=300, lines=True, label=_("Note"), help=_("No names.")
    )


def _password() -> fields.Secret:
    return fields.Secret(
        required=True,
        label=_("Password of the second person"),
        help=_("She types it herself, after she has seen it destroyed."),
    )


class DivideIn(fields.Shape):
    """What is taken of an item, and into what."""

    into = OneOf(INTO, INTO, load_default="part", label=_("Into what"))
    volumes = _volumes(
        _("Volume of each part"), _("One line for each part."), fewest=1, required=True
    )
    waste = _amount(_("Waste"), _("What was thrown away meanwhile, if anything."), at_least=0)
    nothing_left = fields.Flag(
        box=True, load_default=False, label=_("Nothing is left in it: it was split as a whole")
    )
    reason = fields.reason()


class PoolIn(fields.Shape):
    """What is put together."""

    others = fields.Codes(
        "SCQ", fewest=1, most=200, required=True, label=_("Put together with"),
        help=_("Scan the others, one a line; all of one donor and one kind."),
    )  # fmt: skip
    volumes = _volumes(
        _("Volume taken of each"),
        _("One line for each, this item first; none if all of each goes in."),
        load_default=list,
    )
    volume = _amount(_("Volume measured in the pool"), _("Unless it is what went in."), above=0)
    reason = fields.reason()


class LossIn(fields.Shape):
    """What was lost, and how."""

    cause = OneOf(CAUSES, CAUSES, required=True, label=_("What happened"))
    volume = _amount(_("Volume lost"), above=0)
    everything = fields.Flag(box=True, load_default=False, label=_("All of it was lost"))
    note = fields.Words(
        load_default="", longest=300, lines=True, label=_("Note"), help=_("No names.")
    )


class UseUpIn(fields.Shape):
    """Nothing is left."""

    waste = _amount(
        _("Thrown away"),
        _("What was left in it; what is missing beside that is a loss."),
        at_least=0,
    )
    reason = fields.reason()


class DestroyIn(fields.Shape):
    """Why it is destroyed, and who sees it."""

    cause = OneOf(WHY, WHY, required=True, label=_("Why"))
    note = fields.Words(
        load_default="", longest=300, lines=True, label=_("Note"), help=_("No names.")
    )
    witness = fields.Words(
        required=True, longest=80, label=_("Second person"), help=_("Her sign-in name.")
    )
    witness_password = _password()


class ThawIn(fields.Shape):
    """Once more."""

    reason = fields.reason()


class PartOut(fields.Shape):
    """A part, or a pool."""

    code = fields.Code()
    kind = fields.Words()
    state = fields.Words()
    volume = fields.Amount("mL", allow_none=True)


class EndedOut(fields.Shape):
    """How an item stands after it."""

    code = fields.Code()
    state = fields.Words()
    volume = fields.Amount("mL", allow_none=True)
    thaws = fields.Whole()
    held = fields.Words(allow_none=True)
