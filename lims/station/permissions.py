"""What belongs to no step and may not be seen by everybody, or only in a practice system."""

from lims.core.permissions import PEOPLE, Role, permission
from lims.labels.permissions import REPRINT

LOOK = permission(
    "station:look:read",
    granted_to={Role.ADMINISTRATOR},
    about="See every part that pages are made of, at /look; in practice everybody may.",
)
PRACTISE = permission(
    "station:practice:do",
    granted_to=PEOPLE,
    about="Do the tasks of a practice system, and have done so kept beside one's name.",
)
COMMANDS = permission(
    "station:commands:print",
    granted_to=REPRINT.granted_to,
    about="Print the commands of the station as labels.",
)
