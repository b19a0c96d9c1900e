"""Who may print, reprint and say what became of a label."""

from lims.core.permissions import PEOPLE, Role, permission

_BENCH = (
    Role.TECHNICIAN,
    Role.ANALYST,
    Role.QC_OFFICER,
    Role.INVESTIGATOR,
    Role.CLINICIAN,
    Role.PHARMACIST,
    Role.ADMINISTRATOR,
)

PRINT = permission(
    "labels.print",
    granted_to=(Role.SYSTEM, Role.OPERATOR),
    about="Draw and send labels that were asked for",
)
REPRINT = permission(
    "labels.reprint", granted_to=_BENCH, about="Replace a smudged or lost label by a new copy"
)
STICK = permission(
    "labels.stick", granted_to=_BENCH, about="Scan a label back after sticking it on"
)
SETTLE = permission(
    "labels.settle", granted_to=_BENCH, about="Say whether an uncertain label was printed"
)
PRINTERS = permission(
    "labels.printer.change",
    granted_to=(Role.ADMINISTRATOR, Role.OPERATOR),
    about="Add a printer or take one out of use",
)
QUEUE = permission(
    "labels.queue.change",
    granted_to={*_BENCH, Role.OPERATOR},
    about="Pause a printer, move or cancel what waits at it, ask for a test label",
)
AGENT = permission(
    "labels.agent",
    granted_to=(Role.AGENT,),
    about="Take labels for the one printer that it stands beside, and say what became of them",
)
DESIGN = permission(
    "labels.design.approve",
    granted_to=(Role.QC_OFFICER,),
    about="Approve or reject a version of a label's design; two persons put it in force",
)
SEE = permission(
    "labels.copy.see",
    granted_to={*_BENCH, Role.AUDITOR, Role.SYSTEM, Role.OPERATOR},
    about="See what a label says: its picture as copy 00, without a name or figures",
)
LOOK = permission(
    "labels.look",
    granted_to=PEOPLE | {Role.SYSTEM, Role.OPERATOR},
    about="See print requests and printers",
)
