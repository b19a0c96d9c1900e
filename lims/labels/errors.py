"""What can be wrong with a label."""

from lims.core.errors import BadInput, Conflict, NotAllowed, NotFound, TemporaryFailure
from lims.core.words import Text
from lims.labels.reasons import NO_ANSWER


class NoTemplate(NotFound):
    """No label template has this name."""

    code = "label_template_unknown"


class TemplateWrong(BadInput):
    """A `label.toml` does not say what a label needs; names the file and the place in it."""

    code = "label_template_wrong"


class FieldWrong(BadInput):
    """A field is missing, unknown, or carries what may not be printed."""

    code = "label_field"


class DoesNotFit(BadInput):
    """A text or a symbol is larger than its place; it is refused, never clipped (H13)."""

    code = "label_does_not_fit"


class FontMissing(Conflict):
    """No font on this machine has all the letters of a text."""

    code = "label_font"


class NotReadable(Conflict):
    """The drawn picture does not decode to what was to be printed; nothing was kept."""

    code = "label_not_readable"


class OldLabel(Conflict):
    """The scanned copy is not the live one of its code."""

    code = "label_old"


class NotSettled(Conflict):
    """The print request is not in the state that the act needs."""

    code = "label_request_state"


class NoRequest(NotFound):
    """No such print request."""

    code = "label_request_unknown"


class NoPrinter(NotFound):
    """No printer has this name."""

    code = "printer_unknown"


class PrinterSilent(TemporaryFailure):
    """The printer could not be reached, and nothing was sent to it.

    Attributes:
        reason: what is kept of it, see `lims.labels.reasons`.
    """

    code = "printer_silent"
    reason = NO_ANSWER


class PrinterStopped(TemporaryFailure):
    """The printer says what stops it, and nothing was sent to it.

    Attributes:
        reason: what is kept of it: a key of `lims.labels.reasons`, or the words of the printer.
    """

    code = "printer_stopped"

    def __init__(self, what: Text, reason: str) -> None:
        super().__init__(what)
        self.reason = reason


class NotTaken(Exception):
    """A printer or print server refused the whole label and says so; nothing came out."""


class Interrupted(Exception):
    """Bytes may have left, and the printer did not say that it took them.

    Its text is what is kept: a key of `lims.labels.reasons`, or the words of a print server.
    """


class QueueRefused(Conflict):
    """The print job or printer is not in a state that this can be done to."""

    code = "print_queue_state"


class DesignDecided(Conflict):
    """This version of a label was decided, or is not the one in its file any more."""

    code = "label_design_decided"


class OwnDesign(NotAllowed):
    """Whoever proposed a version of a label does not put it in force (H13)."""

    code = "own_label_design"
