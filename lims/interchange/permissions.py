"""Who may take a dossier out."""

from lims.core.permissions import Role, permission

EXPORT = permission(
    "interchange:dossier:export",
    granted_to={
        Role.QC_OFFICER,
        Role.INVESTIGATOR,
        Role.CLINICIAN,
        Role.PHARMACIST,
        Role.SPONSOR,
        Role.AUDITOR,
        Role.OPERATOR,
    },
    about="Export the dossier of a dose: its whole trail, by numbers and never by names.",
)
