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


class NotOut(Conflict):
    """The dose was not out for giving, so it cannot have been given."""

    code = "dose_not_out"


class OnePerson(RuleBroken):
    """Giver and second person are one human being."""

    code = "one_person"


class VolumesDisagree(RuleBroken):
    """What was given, left and wasted is not what was drawn."""

    code = "volumes_disagree"


class PackUnknown(NotFound):
    """No pack carries this code."""

    code = "pack_unknown"


class PackOver(Conflict):
    """What a pack was made for is over: its dose was given, destroyed, or is meant for another."""

    code = "pack_over"
