"""What comes in and goes out at the doors of custody."""

from collections.abc import Mapping
from typing import Any

from marshmallow import missing
from marshmallow.fields import Raw

from lims.core.words import Text as _
from lims.custody.correcting import REASONS
from lims.custody.place_kinds import PLACE_KINDS, TEMPERATURES
from lims.web import fields
from lims.web.choices import OneOf

DECISIONS = {
    "accept": _("Do now what it says"),
    "dismiss": _("Do not do it; it stays on the record"),
}


class MoveIn(fields.Shape):
    """Where it stands now."""

    to = fields.Code(
        "A", required=True, label=_("Place"), help=_("Scan the shelf, the box or the slot.")
    )
    position = fields.Words(
        longest=8,
        load_default="",
        label=_("Slot of the box"),
        help=_("Such as A1; the first free one unless you say which."),
    )


class HandOverIn(fields.Shape):
    """Who takes it, and where to."""

    to = fields.Code(
        "P", required=True, label=_("Badge of the person who takes it"), help=_("She scans it.")
    )
    place = fields.Code("A", label=_("Where to"), help=_("Scan the place, if it is known."))
    reason = fields.Words(load_default="", label=_("Note"))
    minutes = fields.Whole(
        at_least=1,
        at_most=2880,
        load_default=30,
        label=_("Minutes she has to accept it"),
        help=_("Afterwards the hand-over is overdue. 30 unless you say otherwise."),
    )


class RefuseIn(fields.Shape):
    """Why it is not taken."""

    reason = fields.Words(
        required=True, lines=True, label=_("Why you do not take it"), help=_("No names.")
    )


class WithdrawIn(fields.Shape):
    """Why the offer is taken back."""

    reason = fields.Words(load_default="", lines=True, label=_("Why"), help=_("No names."))


class ClearingIn(fields.Shape):
    """The work area is empty and clean."""

    waste_out = fields.Flag(box=True, load_default=False, label=_("All waste is out"))
    cleaned = fields.Flag(box=True, load_default=False, label=_("The surfaces are clean"))


class SignIn(fields.Shape):
    """A signature."""

    password = fields.Secret(required=True, label=_("Your own password"))


class AcceptIn(fields.Shape):
    """How it arrived in your hands."""

    condition = fields.Words(
        load_default="", longest=200, label=_("Condition"), help=_("Such as: intact, frozen.")
    )


class WhyIn(fields.Shape):
    """Why."""

    reason = fields.Words(required=True, lines=True, label=_("Why"), help=_("No names."))


class PlaceIn(fields.Shape):
    """A new place."""

    name = fields.Words(required=True, longest=80, label=_("Name"), help=_("As on the door."))
    kind = OneOf(PLACE_KINDS, PLACE_KINDS, required=True, label=_("Kind"))
    temperature_class = OneOf(TEMPERATURES, TEMPERATURES, required=True, label=_("Temperature"))
    parent = fields.Code("A", label=_("Inside of"), help=_("Scan the place around it."))
    one_item = fields.Flag(box=True, load_default=False, label=_("It holds one item only"))
    capacity = fields.Whole(
        at_least=1,
        at_most=100_000,
        label=_("How many items it holds"),
        help=_("If there is a limit."),
    )
    work_area = fields.Flag(
        box=True, load_default=False, label=_("It is a work area: open for one donor at a time")
    )


class BoxIn(fields.Shape):
    """A box with slots."""

    name = fields.Words(required=True, longest=70, label=_("Name"), help=_("As on the lid."))
    rows = fields.Whole(
        required=True, at_least=1, at_most=26, label=_("Rows"), help=_("A, B, C and so on.")
    )
    columns = fields.Whole(required=True, at_least=1, at_most=26, label=_("Columns"))


class PlaceMoveIn(fields.Shape):
    """Where a place stands from now on."""

    to = fields.Code("A", required=True, label=_("Inside of"), help=_("Scan the place around it."))


class CountIn(fields.Shape):
    """What was scanned at a place."""

    seen = fields.Codes(
        "SCLVQK", load_default=list, most=2000, label=_("Items here"), help=_("One scan a line.")
    )


class CountOut(fields.Shape):
    """What a count came to."""

    place = fields.Code()
    matched = fields.Codes()
    missing = fields.Codes()
    unexpected = fields.Codes()
    not_known = fields.Codes()


class AddressInstant(fields.Moment):
    """An instant in an address: with its offset as in JSON, not in parts as a form sends it."""

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        # An address turns the plus of an offset into a blank.
        return form.get(name, "").strip().replace(" ", "+") or missing


class AtIn(fields.Shape):
    """At which instant."""

    at = AddressInstant(label=_("When"))


class TrailIn(fields.Shape):
    """Which page of a trail."""

    after = fields.Whole(at_least=0, label=_("The last number of the page before"))
    limit = fields.Whole(at_least=1, at_most=200, label=_("How many"))


class HereOut(fields.Shape):
    """Where an item is and how it stands."""

    code = fields.Code()
    state = fields.Words()
    place = fields.Code(allow_none=True)
    holder = fields.Words(allow_none=True)


class OfferOut(fields.Shape):
    """A hand-over that waits for its receiver."""

    code = fields.Code()
    receiver = fields.Words()
    offered_at = fields.Moment()
    due_at = fields.Moment()


class AreaOut(fields.Shape):
    """How a work area stands."""

    code = fields.Code()
    state = fields.Words()


class PlaceOut(fields.Shape):
    """A place."""

    code = fields.Code()
    name = fields.Words()


class ObserveIn(fields.Shape):
    """What is seen of it."""

    note = fields.Words(
        required=True, longest=300, lines=True, label=_("What you see"), help=_("No names.")
    )
    temperature = fields.Amount(
        "Cel", label=_("Temperature"), help=_("Read beside it, where there is one.")
    )


class ObservedOut(fields.Shape):
    """It was noted."""

    code = fields.Code()


class LateAnswerIn(fields.Shape):
    """What is to become of a scan that arrived late."""

    decision = OneOf(DECISIONS, DECISIONS, required=True, label=_("What now"))
    reason = fields.Words(required=True, lines=True, label=_("Why"), help=_("No names."))


class LateScanOut(fields.Shape):
    """A scan that arrived late, and how it stands."""

    id = fields.Words()
    code = fields.Code()
    state = fields.Words()


class UndoIn(fields.Shape):
    """Which entry is taken back."""

    entry = fields.Whole(
        required=True, at_least=1, label=_("Number of the entry"), help=_("As its page shows it.")
    )


class UndoneOut(fields.Shape):
    """What was taken back."""

    code = fields.Code()
    kind = fields.Words()
    undoes = fields.Whole()


class CorrectIn(fields.Shape):
    """Why an entry is corrected; its values besides."""

    reason_code = OneOf(REASONS, REASONS, required=True, label=_("What was wrong"))
    reason = fields.Words(
        required=True, lines=True, label=_("How you know what is right"), help=_("No names.")
    )


class RecountIn(CorrectIn):
    """What was really there."""

    seen = fields.Codes(
        "SCLVQK", load_default=list, most=2000, label=_("Items here"), help=_("One scan a line.")
    )


class CorrectedOut(fields.Shape):
    """What a correction came to."""

    code = fields.Code()
    corrects = fields.Whole()
    was = Raw()
    now = Raw()
