"""Who collects and who receives."""

from lims.core.permissions import Role, permission

PREPARE = permission(
    "collection:kit:prepare",
    granted_to={Role.TECHNICIAN},
    about="Prepare a collection kit and print its label.",
)
ISSUE = permission(
    "collection:kit:issue",
    granted_to={Role.CLINICIAN, Role.INVESTIGATOR, Role.TECHNICIAN},
    about="Bind a kit to a participant in her presence and label her tube.",
)
COLLECT = permission(
    "collection:specimen:collect",
    granted_to={Role.CLINICIAN, Role.INVESTIGATOR, Role.TECHNICIAN},
    about="Record a collection, with the donor's identity checked.",
)
RECEIVE = permission(
    "collection:specimen:receive",
    granted_to={Role.TECHNICIAN},
    about="Receive a specimen: accept it, hold it or reject it.",
)
MARK = permission(
    "collection:marker:record",
    granted_to={Role.ANALYST, Role.QC_OFFICER},
    about="Record a donor's infectious-marker result.",
)
