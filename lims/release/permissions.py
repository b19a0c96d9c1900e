"""Who releases."""

from lims.core.permissions import PEOPLE, Role, permission

RELEASE = permission(
    "release:lot:sign",
    granted_to={Role.QC_OFFICER},
    about="Release or reject a lot under one's own signature.",
)
RECALL = permission(
    "release:recall:make",
    granted_to={Role.QC_OFFICER},
    about="Recall an item or all of a donor, rehearse it, and end it under one's own signature.",
)
SEE_RECALL = permission(
    "release:recall:see",
    granted_to={
        Role.QC_OFFICER,
        Role.INVESTIGATOR,
        Role.CLINICIAN,
        Role.PHARMACIST,
        Role.AUDITOR,
    },
    about="See recalls, what they reach and whom.",
)
SEE = permission(
    "release:lot:see",
    granted_to=PEOPLE | {Role.OPERATOR},
    about="See what a release asks, and certificates.",
)
