"""What custody refuses."""

from lims.core.errors import Conflict, NotFound, RuleBroken


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
