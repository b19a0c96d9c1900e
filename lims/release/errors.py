"""What release refuses."""

from lims.core.errors import Conflict, NotFound


class RecallUnknown(NotFound):
    """No recall has this reference."""

    code = "recall_unknown"


class RecallOver(Conflict):
    """The recall has ended, or was a drill."""

    code = "recall_over"
