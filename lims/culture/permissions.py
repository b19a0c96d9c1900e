"""Who grows cells."""

from lims.core.permissions import Role, permission

GROW = permission(
    "culture:vessel:grow",
    granted_to={Role.TECHNICIAN},
    about="Isolate, passage, precondition and harvest cells.",
)
REJECT = permission(
    "culture:vessel:reject",
    granted_to={Role.TECHNICIAN, Role.QC_OFFICER},
    about="Reject a contaminated culture with everything made from it.",
)
