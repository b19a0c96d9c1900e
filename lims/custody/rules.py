"""Kinds of items, and the published table of their states. No state is reached any other way.

Source: domain.md sections 11 and 13.17.
"""

from collections.abc import Mapping
from enum import StrEnum

from lims.core.words import Text as _


class ItemKind(StrEnum):
    """What a thing is; its code's letter follows from it."""

    KIT = "kit"
    SPECIMEN = "specimen"
    FLASK = "flask"
    HARVEST = "harvest"
    LOT = "lot"
    DOSE = "dose"
    QC_SAMPLE = "qc-sample"
    RETAINED = "retained"


class LateState(StrEnum):
    """What became of a scan that arrived late."""

    TAKEN = "taken"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class RecordState(StrEnum):
    """How the temperature record of a way stands; only `clear` and `assessed` let things go on."""

    CLEAR = "clear"
    OPEN = "open"
    ASSESSED = "assessed"
    UNUSABLE = "unusable"


class Outcome(StrEnum):
    """What quality decided about a way that was not good or not fully recorded."""

    NO_EFFECT = "no-effect"
    LOGGER_FAULT = "logger-fault"
    NOT_USABLE = "not-usable"


OUTCOME_NAMES: Mapping[Outcome, _] = {
    Outcome.NO_EFFECT: _("Usable: it has no effect on the material"),
    Outcome.LOGGER_FAULT: _(
        "Usable: the logger was at fault, and other evidence shows the temperature"
    ),
    Outcome.NOT_USABLE: _("Not usable"),
}
LETTER: Mapping[ItemKind, str] = {
    ItemKind.KIT: "K",
    ItemKind.SPECIMEN: "S",
    ItemKind.FLASK: "C",
    ItemKind.HARVEST: "C",
    ItemKind.LOT: "L",
    ItemKind.DOSE: "V",
    ItemKind.QC_SAMPLE: "Q",
    ItemKind.RETAINED: "Q",
}

KIND_NAMES: Mapping[ItemKind, _] = {
    ItemKind.KIT: _("collection kit"),
    ItemKind.SPECIMEN: _("specimen"),
    ItemKind.FLASK: _("culture"),
    ItemKind.HARVEST: _("harvest"),
    ItemKind.LOT: _("lot"),
    ItemKind.DOSE: _("dose"),
    ItemKind.QC_SAMPLE: _("sample for quality control"),
    ItemKind.RETAINED: _("retained sample"),
}


class State(StrEnum):
    """Where an item stands."""

    PREPARED = "prepared"
    ISSUED = "issued"
    USED = "used"
    ORDERED = "ordered"
    COLLECTED = "collected"
    IN_TRANSIT = "in-transit"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    ON_HOLD = "on-hold"
    REJECTED = "rejected"
    IN_PROCESS = "in-process"
    GROWING = "growing"
    STORED = "stored"
    EXHAUSTED = "exhausted"
    DESTROYED = "destroyed"
    QUARANTINE = "quarantine"
    TESTING = "testing"
    AWAITING_REVIEW = "awaiting-review"
    RELEASED = "released"
    CONDITIONALLY_RELEASED = "conditionally-released"
    READY_FOR_USE = "ready-for-use"
    FILLED = "filled"
    AVAILABLE = "available"
    ALLOCATED = "allocated"
    THAWED = "thawed"
    ADMINISTERED = "administered"
    RETURNED = "returned"
    BLOCKED = "blocked"


STATE_NAMES: Mapping[State, _] = {
    State.PREPARED: _("prepared"),
    State.ISSUED: _("issued"),
    State.USED: _("used"),
    State.ORDERED: _("ordered"),
    State.COLLECTED: _("collected"),
    State.IN_TRANSIT: _("in transit"),
    State.RECEIVED: _("received"),
    State.ACCEPTED: _("accepted"),
    State.ON_HOLD: _("on hold"),
    State.REJECTED: _("rejected"),
    State.IN_PROCESS: _("in process"),
    State.GROWING: _("growing"),
    State.STORED: _("stored"),
    State.EXHAUSTED: _("used up"),
    State.DESTROYED: _("destroyed"),
    State.QUARANTINE: _("quarantine"),
    State.TESTING: _("in testing"),
    State.AWAITING_REVIEW: _("awaiting review"),
    State.RELEASED: _("released"),
    State.CONDITIONALLY_RELEASED: _("conditionally released"),
    State.READY_FOR_USE: _("ready for use"),
    State.FILLED: _("filled"),
    State.AVAILABLE: _("available"),
    State.ALLOCATED: _("allocated"),
    State.THAWED: _("thawed"),
    State.ADMINISTERED: _("given"),
    State.RETURNED: _("returned"),
    State.BLOCKED: _("blocked"),
}

S = State
_KIT = {
    S.PREPARED: {S.ISSUED, S.DESTROYED},
    S.ISSUED: {S.USED, S.RETURNED, S.DESTROYED},
}
_SPECIMEN = {
    S.ORDERED: {S.COLLECTED, S.DESTROYED},
    S.COLLECTED: {S.IN_TRANSIT, S.RECEIVED, S.DESTROYED},
    S.IN_TRANSIT: {S.RECEIVED, S.DESTROYED},
    S.RECEIVED: {S.ACCEPTED, S.ON_HOLD, S.REJECTED},
    S.ON_HOLD: {S.ACCEPTED, S.REJECTED, S.DESTROYED},
    S.ACCEPTED: {S.IN_PROCESS, S.STORED, S.DESTROYED},
    S.STORED: {S.IN_PROCESS, S.DESTROYED},
    S.IN_PROCESS: {S.EXHAUSTED, S.STORED, S.DESTROYED},
    S.REJECTED: {S.DESTROYED},
}
_CULTURE = {
    S.GROWING: {S.EXHAUSTED, S.REJECTED, S.DESTROYED},
    S.STORED: {S.IN_PROCESS, S.EXHAUSTED, S.REJECTED, S.DESTROYED},
    S.IN_PROCESS: {S.EXHAUSTED, S.REJECTED, S.DESTROYED},
    S.REJECTED: {S.DESTROYED},
}
_LOT = {
    S.IN_PROCESS: {S.QUARANTINE, S.REJECTED},
    S.QUARANTINE: {S.TESTING, S.REJECTED},
    S.TESTING: {S.AWAITING_REVIEW, S.REJECTED},
    S.AWAITING_REVIEW: {
        S.TESTING,
        S.RELEASED,
        S.CONDITIONALLY_RELEASED,
        S.READY_FOR_USE,
        S.REJECTED,
    },
    S.RELEASED: set(),
    S.CONDITIONALLY_RELEASED: set(),
    S.READY_FOR_USE: set(),
}
_DOSE = {
    S.FILLED: {S.AVAILABLE, S.DESTROYED},
    S.AVAILABLE: {S.ALLOCATED, S.DESTROYED},
    S.ALLOCATED: {S.ISSUED, S.AVAILABLE, S.DESTROYED},
    S.ISSUED: {S.THAWED, S.ADMINISTERED, S.RETURNED, S.DESTROYED},
    S.THAWED: {S.ADMINISTERED, S.DESTROYED},
    S.RETURNED: {S.ALLOCATED, S.DESTROYED},
}
_SAMPLE = {
    S.STORED: {S.IN_PROCESS, S.EXHAUSTED, S.DESTROYED},
    S.IN_PROCESS: {S.EXHAUSTED, S.DESTROYED},
}

TRANSITIONS: Mapping[ItemKind, Mapping[State, set[State]]] = {
    ItemKind.KIT: _KIT,
    ItemKind.SPECIMEN: _SPECIMEN,
    ItemKind.FLASK: _CULTURE,
    ItemKind.HARVEST: _CULTURE,
    ItemKind.LOT: _LOT,
    ItemKind.DOSE: _DOSE,
    ItemKind.QC_SAMPLE: _SAMPLE,
    ItemKind.RETAINED: _SAMPLE,
}
FIRST: Mapping[ItemKind, frozenset[State]] = {
    ItemKind.KIT: frozenset({S.PREPARED}),
    ItemKind.SPECIMEN: frozenset({S.ORDERED, S.COLLECTED}),
    ItemKind.FLASK: frozenset({S.GROWING}),
    ItemKind.HARVEST: frozenset({S.STORED}),
    ItemKind.LOT: frozenset({S.IN_PROCESS}),
    ItemKind.DOSE: frozenset({S.FILLED}),
    ItemKind.QC_SAMPLE: frozenset({S.STORED}),
    ItemKind.RETAINED: frozenset({S.STORED}),
}
# A volume is taken out of these, in these states; a part of one is born in the state of its whole.
DIVISIBLE: Mapping[ItemKind, frozenset[State]] = {
    ItemKind.SPECIMEN: frozenset({S.ACCEPTED, S.STORED}),
    ItemKind.HARVEST: frozenset({S.STORED}),
    ItemKind.LOT: frozenset({S.IN_PROCESS}),
    ItemKind.QC_SAMPLE: frozenset({S.STORED}),
    ItemKind.RETAINED: frozenset({S.STORED}),
}
FINAL = frozenset({S.EXHAUSTED, S.DESTROYED, S.ADMINISTERED, S.USED})
# Only quality frees what was blocked, and it goes back to be judged again.
AFTER_BLOCK: Mapping[ItemKind, set[State]] = {
    ItemKind.LOT: {S.IN_PROCESS, S.QUARANTINE, S.TESTING, S.AWAITING_REVIEW, S.REJECTED},
    # Given on paper before it was blocked, and entered afterwards: that it was given stays true.
    ItemKind.DOSE: {S.FILLED, S.DESTROYED, S.ADMINISTERED},
    # What is blocked may be destroyed as well: that frees nothing.
    ItemKind.FLASK: {S.REJECTED, S.GROWING, S.STORED, S.IN_PROCESS, S.DESTROYED},
    ItemKind.HARVEST: {S.REJECTED, S.STORED, S.IN_PROCESS, S.DESTROYED},
    ItemKind.SPECIMEN: {S.REJECTED, S.ON_HOLD, S.DESTROYED},
    ItemKind.QC_SAMPLE: {S.STORED, S.DESTROYED},
    ItemKind.RETAINED: {S.STORED, S.DESTROYED},
    ItemKind.KIT: {S.PREPARED, S.ISSUED, S.DESTROYED},
}


def may_become(kind: ItemKind, now: State, then: State) -> bool:
    """Whether the table lets an item of this kind pass from one state to another."""
    if then is State.BLOCKED:
        return now not in FINAL and now is not State.BLOCKED
    if now is State.BLOCKED:
        return then in AFTER_BLOCK[kind]
    return then in TRANSITIONS[kind].get(now, set())


def leaving_to(kind: ItemKind, now: State, end: State) -> list[State]:
    """The steps of the table from one state to an end, the shortest way; none where it has none.

    >>> [each.value for each in leaving_to(ItemKind.SPECIMEN, State.STORED, State.EXHAUSTED)]
    ['in-process', 'exhausted']
    """
    if now in FINAL:
        return []
    if may_become(kind, now, end):
        return [end]
    if may_become(kind, now, State.IN_PROCESS) and now is not State.BLOCKED:
        return [State.IN_PROCESS, end] if may_become(kind, State.IN_PROCESS, end) else []
    return []
