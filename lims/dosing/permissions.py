"""Who brings a dose to the bed, who gives it, who stands by."""

from lims.core.permissions import Role, permission

ASSIGN = permission(
    "dosing:dose:assign",
    granted_to={Role.PHARMACIST, Role.INVESTIGATOR},
    about="Assign a released dose to a participant.",
)
ISSUE = permission(
    "dosing:dose:issue",
    granted_to={Role.PHARMACIST},
    about="Issue an assigned dose to the person who will give it.",
)
PACK = permission(
    "dosing:dose:pack",
    granted_to=ASSIGN.granted_to | ISSUE.granted_to,
    about="Print the label of the pack around a dose that is meant for somebody.",
)
THAW = permission(
    "dosing:dose:thaw",
    granted_to={Role.PHARMACIST, Role.TECHNICIAN, Role.CLINICIAN},
    about="Thaw an issued dose.",
)
ASSESS = permission(
    "dosing:participant:assess",
    granted_to={Role.INVESTIGATOR},
    about="Sign the pre-dose assessment of the day.",
)
CHECK = permission(
    "dosing:bedside:check",
    granted_to={Role.CLINICIAN, Role.INVESTIGATOR},
    about="Ask the bedside gate and give a dose.",
)
ASK = permission(
    "dosing:bedside:ask",
    granted_to={
        Role.CLINICIAN,
        Role.INVESTIGATOR,
        Role.PHARMACIST,
        Role.QC_OFFICER,
        Role.AUDITOR,
        Role.ADMINISTRATOR,
        Role.OPERATOR,
    },
    about="Ask the bedside gate without recording anything.",
)
WITNESS = permission(
    "dosing:bedside:witness",
    granted_to={Role.CLINICIAN, Role.INVESTIGATOR, Role.PHARMACIST},
    about="Be the second person at a bedside check.",
)
PAPER = permission(
    "dosing:paper:record",
    granted_to={Role.CLINICIAN, Role.INVESTIGATOR, Role.PHARMACIST},
    about="Enter from paper a dose that was given while the system could not be used.",
)
SHEET = permission(
    "dosing:paper:see",
    granted_to={
        Role.CLINICIAN,
        Role.INVESTIGATOR,
        Role.PHARMACIST,
        Role.QC_OFFICER,
        Role.AUDITOR,
    },
    about="Print the downtime sheet of a dose, and see one that was entered.",
)
GIVES = CHECK.granted_to
WITNESSES = WITNESS.granted_to
RETURN = permission(
    "dosing:dose:return",
    granted_to={Role.PHARMACIST, Role.CLINICIAN},
    about="Return an unthawed dose, or destroy one that cannot be used.",
)
OUTCOME = permission(
    "dosing:outcome:record",
    granted_to={Role.INVESTIGATOR, Role.CLINICIAN},
    about="Record an outcome of a participant.",
)
