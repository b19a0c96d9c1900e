"""Who releases."""

from lims.core.permissions import Role, permission

RELEASE = permission(
    "release:lot:sign",
    granted_to={Role.QC_OFFICER},
    about="Release or reject a lot under one's own signature.",
)
SEE = permission(
    "release:lot:see",
    granted_to=set(Role) - {Role.SYSTEM},
    about="See what a release asks, and certificates.",
)
