"""Who may do what in a study."""

from lims.core.permissions import PEOPLE, Role, permission

LOAD = permission(
    "studies:study:load",
    granted_to={Role.ADMINISTRATOR, Role.OPERATOR},
    about="Load a study file and pin it.",
)
CONFIRM_UNITS = permission(
    "studies:study:confirm-units",
    granted_to={Role.SPONSOR},
    about="Sign that the registered units of the dose are meant as written.",
)
DELEGATE = permission(
    "studies:study:delegate",
    granted_to={Role.ADMINISTRATOR, Role.INVESTIGATOR},
    about="Delegate a trained person to a role on a study.",
)
READ = permission(
    "studies:subject:read",
    granted_to=PEOPLE | {Role.OPERATOR},
    about="See participants by number, their state and dates.",
)
REGISTER = permission(
    "studies:subject:register",
    granted_to={Role.INVESTIGATOR, Role.CLINICIAN},
    about="Register a participant or donor and record her identity.",
)
SEE_IDENTITY = permission(
    "studies:subject:see-identity",
    granted_to={Role.INVESTIGATOR, Role.CLINICIAN, Role.TECHNICIAN},
    about="See who a subject is, for an identity check; each look is logged.",
)
BAND = permission(
    "studies:wristband:issue",
    granted_to={Role.INVESTIGATOR, Role.CLINICIAN},
    about="Print a wristband; the one before is cancelled.",
)
CONSENT = permission(
    "studies:consent:record",
    granted_to={Role.INVESTIGATOR, Role.CLINICIAN},
    about="Record a signed consent or its withdrawal.",
)
JUDGE = permission(
    "studies:eligibility:sign",
    granted_to={Role.INVESTIGATOR},
    about="Judge and sign every criterion of eligibility.",
)
IMPORT_LIST = permission(
    "studies:allocation:import",
    granted_to={Role.ADMINISTRATOR, Role.SPONSOR},
    about="Import a randomisation list, sealed row by row.",
)
ALLOCATE = permission(
    "studies:allocation:reveal",
    granted_to={Role.INVESTIGATOR},
    about="Reveal the next row of the list, or assign an arm where the trial does so.",
)
PLAN = permission(
    "studies:calendar:plan",
    granted_to={Role.INVESTIGATOR, Role.CLINICIAN},
    about="Record the planned transfer or the first day of the cycle, and confirm them.",
)
OVERRIDE = permission(
    "studies:window:override",
    granted_to={Role.INVESTIGATOR},
    about="Sign, or second, a permission to leave a time window.",
)
ERASE = permission(
    "studies:identity:erase",
    granted_to={Role.INVESTIGATOR},
    about="Destroy a subject's name and birth date for good, once nothing has to stay traceable.",
)
