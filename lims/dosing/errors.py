"""What dosing refuses."""

from lims.core.errors import Conflict, NotFound, RuleBroken


class CheckUnknown(NotFound):
    """No bedside check has this id."""

    code = "check_unknown"


class CheckEnded(Conflict):
    """The check has ended; a new one starts at step 1."""

    code = "check_ended"


class AlreadyGiven(Conflict):
    """A dose was given already."""

    code = "already_given"


class VolumesDisagree(RuleBroken):
    """What was given, left and wasted is not what was drawn."""

    code = "volumes_disagree"
