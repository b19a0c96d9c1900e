"""Who isolates and fills."""

from lims.core.permissions import Role, permission

RUN = permission(
    "isolation:run:record",
    granted_to={Role.TECHNICIAN},
    about="Isolate vesicles from a harvest, or plasma from blood, into a lot.",
)
FILL = permission(
    "isolation:lot:fill",
    granted_to={Role.TECHNICIAN},
    about="Fill a lot into vials, with samples and mass balance.",
)
