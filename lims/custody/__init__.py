"""Chain of custody: where each item is, who holds it, what it came from, and what befell it.

Every physical thing, from a collected tube to a drawn-up dose, is an `Item` with a printed code.
This package keeps the items, their lineage, their places and their holders; the steps keep what
they measured. The donor is inherited along every edge by a composite foreign key, so that not even
raw SQL can make a child of two women.

Start reading at `rules` (the published table of states). The steps call `make`, `take`,
`set_state`; nothing here calls a step back.
"""

from lims.custody import blocking, excursions, genealogy, mapping, monitoring
from lims.custody.amounts import Balance, judge_pool, judge_thaws, mass_balance
from lims.custody.areas import path_of
from lims.custody.areas import stream as place_stream
from lims.custody.assessing import agree, assess
from lims.custody.balancing import CAUSES, Spent, spent
from lims.custody.boxes import make_box, move_place, put, slots_of
from lims.custody.clearance import area_facts, ask_clearance, clear
from lims.custody.consigning import facts_of as shipment_facts
from lims.custody.consigning import hazardous_if, label_shipment, shipment_of
from lims.custody.correcting import (
    CORRECTABLE,
    CORRECTED,
    REASONS,
    Correctable,
    Datum,
    amount,
    correct,
    corrects,
    may_correct,
    said_of,
    values_of,
)
from lims.custody.counting import Counted, count
from lims.custody.dividing import Divided, divide
from lims.custody.ending import Witness, destroy, end_before, use_up, witnessed
from lims.custody.errors import (
    ItemUnknown,
    NotEnough,
    NotHere,
    OnHold,
    StateRefused,
    WrongItemKind,
)
from lims.custody.handed_in import hand_in
from lims.custody.handing import (
    accept,
    custody_gaps,
    hand_over,
    is_overdue,
    open_offer,
    overdue_offers,
    refuse,
    transfers,
    withdraw,
)
from lims.custody.holding import block_descendants, hold, lift_hold, place_hold
from lims.custody.items import Taken, find, make, require_free, set_state
from lims.custody.keeping import keep_material_traceable
from lims.custody.late import arrived as late_arrived
from lims.custody.late import door as late_door
from lims.custody.late import told as late_told
from lims.custody.late import waiting as late_waiting
from lims.custody.loggers import Brought, read_logger
from lims.custody.losing import record_loss
from lims.custody.marking import mark_work_area, unmark_work_area
from lims.custody.models import Edge, Hold, Item, LateScan, Place, Shipment, Transfer
from lims.custody.observing import observe
from lims.custody.opentime import FROZEN
from lims.custody.place_kinds import PLACE_KINDS, temperature_name
from lims.custody.places import before_move, make_place, move, place_by_code
from lims.custody.pooling import pool
from lims.custody.presently import Whereabouts, where_all
from lims.custody.queries import (
    ancestors,
    children,
    descendants,
    held_by,
    holds,
    how_many_at,
    ids_of_codes,
    item,
    items_at,
    items_by_id,
    items_of,
    parents,
    place,
    places_in,
    places_within,
)
from lims.custody.racking import key_of as rack_key
from lims.custody.racking import review as review_rack
from lims.custody.racks import Found as RackFound
from lims.custody.recounting import correct_count, counts_of
from lims.custody.rules import (
    FINAL,
    KIND_NAMES,
    STATE_NAMES,
    ItemKind,
    Outcome,
    RecordState,
    State,
    may_become,
)
from lims.custody.shipping import Received, dispatch, place_facts
from lims.custody.shipping import receive as receive_shipment
from lims.custody.standing import Stay, history, in_words, open_time, was_refrozen, whereabouts
from lims.custody.storage import NoFreeSlot, PlaceFull, SlotTaken
from lims.custody.streams import stream, touch
from lims.custody.telling import last_act
from lims.custody.thawing import refreeze, thaw
from lims.custody.transit import InTransit, open_shipment
from lims.custody.transit import overdue as overdue_shipments
from lims.custody.undoing import UNDONE, name_of, undo, undoable
from lims.custody.undoing import WITHIN as UNDO_WITHIN
from lims.custody.undoing import until as undoable_until
from lims.custody.volumes import add_measured, add_volume, take
from lims.custody.ways import Way, assessment_of, not_shown_good, shipments_of, to_assess, ways_of
from lims.custody.ways import record_of as temperature_record

__all__ = [
    "CAUSES",
    "CORRECTABLE",
    "CORRECTED",
    "FINAL",
    "FROZEN",
    "KIND_NAMES",
    "PLACE_KINDS",
    "REASONS",
    "STATE_NAMES",
    "UNDONE",
    "UNDO_WITHIN",
    "Balance",
    "Brought",
    "Correctable",
    "Counted",
    "Datum",
    "Divided",
    "Edge",
    "Hold",
    "InTransit",
    "Item",
    "ItemKind",
    "ItemUnknown",
    "LateScan",
    "NoFreeSlot",
    "NotEnough",
    "NotHere",
    "OnHold",
    "Outcome",
    "Place",
    "PlaceFull",
    "RackFound",
    "Received",
    "RecordState",
    "Shipment",
    "SlotTaken",
    "Spent",
    "State",
    "StateRefused",
    "Stay",
    "Taken",
    "Transfer",
    "Way",
    "Whereabouts",
    "Witness",
    "WrongItemKind",
    "accept",
    "add_measured",
    "add_volume",
    "agree",
    "amount",
    "ancestors",
    "area_facts",
    "ask_clearance",
    "assess",
    "assessment_of",
    "before_move",
    "block_descendants",
    "blocking",
    "children",
    "clear",
    "correct",
    "correct_count",
    "corrects",
    "count",
    "counts_of",
    "custody_gaps",
    "descendants",
    "destroy",
    "dispatch",
    "divide",
    "end_before",
    "excursions",
    "find",
    "genealogy",
    "hand_in",
    "hand_over",
    "hazardous_if",
    "held_by",
    "history",
    "hold",
    "holds",
    "how_many_at",
    "ids_of_codes",
    "in_words",
    "is_overdue",
    "item",
    "items_at",
    "items_by_id",
    "items_of",
    "judge_pool",
    "judge_thaws",
    "keep_material_traceable",
    "label_shipment",
    "last_act",
    "late_arrived",
    "late_door",
    "late_told",
    "late_waiting",
    "lift_hold",
    "make",
    "make_box",
    "make_place",
    "mapping",
    "mark_work_area",
    "mass_balance",
    "may_become",
    "may_correct",
    "monitoring",
    "move",
    "move_place",
    "name_of",
    "not_shown_good",
    "observe",
    "open_offer",
    "open_shipment",
    "open_time",
    "overdue_offers",
    "overdue_shipments",
    "parents",
    "path_of",
    "place",
    "place_by_code",
    "place_facts",
    "place_hold",
    "place_stream",
    "places_in",
    "places_within",
    "pool",
    "put",
    "rack_key",
    "read_logger",
    "receive_shipment",
    "record_loss",
    "refreeze",
    "refuse",
    "require_free",
    "review_rack",
    "said_of",
    "set_state",
    "shipment_facts",
    "shipment_of",
    "shipments_of",
    "slots_of",
    "spent",
    "stream",
    "take",
    "temperature_name",
    "temperature_record",
    "thaw",
    "to_assess",
    "touch",
    "transfers",
    "undo",
    "undoable",
    "undoable_until",
    "unmark_work_area",
    "use_up",
    "values_of",
    "was_refrozen",
    "ways_of",
    "where_all",
    "whereabouts",
    "withdraw",
    "witnessed",
]
