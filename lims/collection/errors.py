"""What collection refuses."""

from lims.core.errors import Conflict, RuleBroken


class KitBound(Conflict):
    """The kit belongs to a participant already."""

    code = "kit_bound"


class WrongSpecimenForTest(RuleBroken):
    """The test is not done on this material."""

    code = "wrong_specimen_for_test"
