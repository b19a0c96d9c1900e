"""Why custody itself holds a thing, and why it lets it go."""

from lims.core.because import Because, a_code
from lims.core.words import Exact
from lims.core.words import Text as _
from lims.custody.excursions import Fault
from lims.custody.rules import OUTCOME_NAMES
from lims.studies.protocol import MATERIAL_NAMES

_FAULTS = {
    Fault.MISSING: _("no record"),
    Fault.EXCURSION: _("outside its limits"),
    Fault.GAP: _("a time without readings"),
    Fault.ORDER: _("readings out of order"),
    Fault.CLASS: _("no limits known"),
}
_CAME = {"damaged": _("damaged"), "missing": _("missing")}


WAY = Because(_("temperature on the way in %(box)s: %(faults)s"), box=a_code, faults=_FAULTS)
WAY_GOOD = Because(_("the logger's record shows the whole way within limits"))
PLACE = Because(
    _("temperature of %(place)s from %(time)s: %(fault)s"), time=Exact, fault=_FAULTS
)  # fmt: skip
GAP_FILLED = Because(_("a logger's file shows what was missing"))
ASSESSED = Because(_("%(outcome)s: %(words)s"), outcome=OUTCOME_NAMES)
RECEIPT = Because(_("%(came)s when %(box)s was received"), came=_CAME, box=a_code)
RECEIPT_CORRECTED = Because(_("%(came)s in a shipment, by a correction of its receipt"), came=_CAME)
CONSENT = Because(
    _("consent withdrawn; her choice for the material: %(material)s"), material=MATERIAL_NAMES
)
LIMITS_CORRECTED = Because(_("outside its limits by a correction: %(rules)s"), rules=Exact)
