"""What belongs to no step and may not be seen by everybody."""

from lims.core.permissions import Role, permission

LOOK = permission(
    "station:look:read",
    granted_to={Role.ADMINISTRATOR},
    about="See every part that pages are made of, at /look; in practice everybody may.",
)
