"""Who tests, who reviews."""

from lims.core.permissions import Role, permission

ENTER = permission(
    "qc:result:enter",
    granted_to={Role.ANALYST},
    about="Enter a result or read it from an instrument's file.",
)
REVIEW = permission(
    "qc:result:review",
    granted_to={Role.QC_OFFICER, Role.ANALYST},
    about="Review another person's results.",
)
INVESTIGATE = permission(
    "qc:finding:close",
    granted_to={Role.QC_OFFICER},
    about="Open and close a deviation or an out-of-specification investigation.",
)
