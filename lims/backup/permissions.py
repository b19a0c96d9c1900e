"""Who may take and restore copies."""

from lims.core.permissions import Role, permission

TAKE = permission(
    "backup:copy:take",
    granted_to={Role.OPERATOR},
    about="Take a copy of the whole record.",
)
RESTORE = permission(
    "backup:copy:restore",
    granted_to={Role.OPERATOR},
    about="Load a copy into an empty database.",
)
OPEN = permission(
    "backup:copy:open",
    granted_to={Role.OPERATOR},
    about="Let a restored copy take entries again.",
)
