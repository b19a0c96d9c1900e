"""What custody refuses."""

from lims.core.errors import Conflict, NotFound, RuleBroken, TemporaryFailure


class ItemUnknown(NotFound):
    """A good code that no item carries."""

    code = "item_unknown"


class WrongItemKind(RuleBroken):
    """The step wants another kind of item."""

    code = "wrong_item_kind"


class StateRefused(Conflict):
    """The item is not in a state from which this step may start."""

    code = "state_refused"


class NotEnough(Conflict):
    """More would be taken than is there."""

    code = "not_enough"


class CrossesDonors(RuleBroken):
    """Material of two donors would meet."""

    code = "crosses_donors"


class OnHold(Conflict):
    """Somebody put a hold on the item."""

    code = "on_hold"


class NotHere(Conflict):
    """The item is elsewhere, or somebody else holds it."""

    code = "not_here"


class LateUnknown(NotFound):
    """No late scan has this number."""

    code = "late_unknown"


class LateAnswered(Conflict):
    """A person answered the late scan before."""

    code = "late_answered"


class OwnLateScan(RuleBroken):
    """Nobody answers for her own late scan."""

    code = "own_late_scan"


class CounterUsed(Conflict):
    """A device counted two of its scans alike."""

    code = "counter_used"


class NotUndoable(Conflict):
    """What was done is not undone by a press."""

    code = "not_undoable"


class Answered(Conflict):
    """A later entry undid or corrected it."""

    code = "answered_already"


class UndoTooLate(Conflict):
    """The minutes in which an act can be undone are over."""

    code = "undo_too_late"


class ChangedSince(Conflict):
    """Something happened to the thing after the act that is to be undone."""

    code = "changed_since"


class EntryUnknown(NotFound):
    """The thing's trail has no entry of this number."""

    code = "entry_unknown"


class NotCorrectable(Conflict):
    """The entry holds nothing that was read and written down by a person."""

    code = "not_correctable"


class NotTravelling(Conflict):
    """The box is not on its way, or is already."""

    code = "not_travelling"


class ShipmentUnknown(NotFound):
    """No shipment has this number, or carries this code."""

    code = "shipment_unknown"


class LoggerKnown(Conflict):
    """The logger's file was read before."""

    code = "logger_file_known"


class OtherTime(RuleBroken):
    """No reading of the file lies on the shipment's way."""

    code = "logger_other_time"


class NothingToAssess(Conflict):
    """The temperature record of the shipment is not one that waits for this."""

    code = "nothing_to_assess"


class DiskNearlyFull(TemporaryFailure):
    """A work area would be opened whose work may find no room to be recorded."""

    code = "disk_nearly_full"
