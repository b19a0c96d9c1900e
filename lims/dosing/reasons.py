"""Why a dose is held, handed on or freed by the program itself."""

from lims.core.because import Because, a_code
from lims.core.words import Exact
from lims.core.words import Text as _

ISSUE = Because(_("issue"))
CONSENT = Because(_("her consent was withdrawn"))
RECALL_LIFTED = Because(_("its recall was lifted"))
FROM_PAPER = Because(
    _("dose %(dose)s was entered from paper, and had not passed: %(rows)s"), dose=a_code
)  # fmt: skip
FAILED_ON_PAPER = Because(
    _("%(finding)s: a dose given on paper had failed %(rules)s"), finding=Exact, rules=Exact
)
