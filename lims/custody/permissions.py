"""Who may touch the spine. Steps ask for their own permissions besides."""

from lims.core.permissions import PEOPLE, Role, permission

READ = permission(
    "custody:item:read",
    granted_to=PEOPLE | {Role.OPERATOR},
    about="See an item, its place, its lineage and its trail.",
)
MOVE = permission(
    "custody:item:move",
    granted_to={
        Role.TECHNICIAN,
        Role.ANALYST,
        Role.QC_OFFICER,
        Role.PHARMACIST,
        Role.CLINICIAN,
        Role.INVESTIGATOR,
    },
    about="Say where an item is now.",
)
HAND_OVER = permission(
    "custody:item:hand-over",
    granted_to=MOVE.granted_to,
    about="Give an item to another person, or accept it from one.",
)
PLACE = permission(
    "custody:place:make",
    granted_to={Role.ADMINISTRATOR, Role.TECHNICIAN, Role.OPERATOR},
    about="Make a place and print its label.",
)
HOLD = permission(
    "custody:item:hold",
    granted_to={Role.QC_OFFICER, Role.INVESTIGATOR, Role.TECHNICIAN, Role.SYSTEM},
    about="Put a hold on an item.",
)
LIFT = permission(
    "custody:item:lift-hold",
    granted_to={Role.QC_OFFICER},
    about="Lift a hold, with a reason.",
)
OBSERVE = permission(
    "custody:item:observe",
    granted_to=MOVE.granted_to,
    about="Note what is seen of an item.",
)
READ_LATE = permission(
    "custody:late-scan:read",
    granted_to=READ.granted_to,
    about="See which late scans wait for an answer.",
)
ANSWER_LATE = permission(
    "custody:late-scan:answer",
    granted_to={Role.QC_OFFICER, Role.PHARMACIST},
    about="Answer another person's scan that arrived late.",
)
CLEAR = permission(
    "custody:area:clear",
    granted_to={Role.TECHNICIAN, Role.ANALYST, Role.QC_OFFICER, Role.PHARMACIST},
    about="Say that a work area is empty, or sign as the second person that it is.",
)
SHIP = permission(
    "custody:shipment:sign",
    granted_to=MOVE.granted_to,
    about="Sign the dispatch of a transport box, or its receipt.",
)
UNDO = permission(
    "custody:act:undo",
    granted_to=MOVE.granted_to | PLACE.granted_to,
    about="Undo an act of one's own within ten minutes, while nothing has happened since.",
)
CORRECT = permission(
    "custody:record:correct",
    granted_to=MOVE.granted_to,
    about="Correct what one wrote down oneself; a QC officer also what another wrote.",
)
AREA = permission(
    "custody:area:mark",
    granted_to={Role.ADMINISTRATOR, Role.QC_OFFICER, Role.OPERATOR},
    about="Say that a place is a work area, or that it is one no longer.",
)
READ_LOGGER = permission(
    "custody:shipment:read-logger",
    granted_to=SHIP.granted_to,
    about="Read the temperature logger of a shipment into its record.",
)
ASSESS = permission(
    "custody:shipment:assess",
    granted_to={Role.QC_OFFICER},
    about="Assess the temperature record of a shipment under one's own signature.",
)
AGREE = permission(
    "custody:shipment:agree",
    granted_to={Role.INVESTIGATOR},
    about="Agree, as the investigator, to quality's assessment of a shipment.",
)
LINK_LOGGER = permission(
    "custody:place:link-logger",
    granted_to=PLACE.granted_to | {Role.QC_OFFICER},
    about="Say which logger measures a place, or that it does so no longer.",
)
READ_PLACE_LOGGER = permission(
    "custody:place:read-logger",
    granted_to={
        Role.TECHNICIAN,
        Role.ANALYST,
        Role.QC_OFFICER,
        Role.PHARMACIST,
        Role.ADMINISTRATOR,
        Role.OPERATOR,
    },
    about="Read the temperature logger of a place, or deliver its readings.",
)
WATCH = permission(
    "custody:place:watch",
    granted_to={Role.SYSTEM},
    about="Look at the temperature of every place that a logger measures.",
)
ASSESS_EPISODE = permission(
    "custody:episode:assess",
    granted_to=ASSESS.granted_to,
    about="Assess the temperature of a place under one's own signature.",
)
AGREE_EPISODE = permission(
    "custody:episode:agree",
    granted_to=AGREE.granted_to,
    about="Agree, as the investigator, to quality's assessment of a place's temperature.",
)
DIVIDE = permission(
    "custody:item:divide",
    granted_to={Role.TECHNICIAN, Role.ANALYST},
    about="Take aliquots and samples of an item, or split it.",
)
POOL = permission(
    "custody:item:pool",
    granted_to={Role.TECHNICIAN},
    about="Put items of one donor together into one.",
)
USE_UP = permission(
    "custody:item:use-up",
    granted_to={Role.TECHNICIAN, Role.ANALYST},
    about="Say that an item is used up, with what was thrown away of it.",
)
LOSE = permission(
    "custody:item:lose",
    granted_to=MOVE.granted_to,
    about="Record that something of an item was lost.",
)
DESTROY = permission(
    "custody:item:destroy",
    granted_to={
        Role.TECHNICIAN,
        Role.ANALYST,
        Role.QC_OFFICER,
        Role.PHARMACIST,
    },
    about="Destroy an item before a witness.",
)
WITNESS = permission(
    "custody:item:witness",
    granted_to=MOVE.granted_to,
    about="Sign as the second person that an item was destroyed.",
)
THAW = permission(
    "custody:item:thaw",
    granted_to={Role.TECHNICIAN, Role.ANALYST},
    about="Thaw an item that is no dose, or freeze it again.",
)
