"""To which state an item goes when the recall that blocked it has ended."""

from lims.custody.rules import ItemKind, State

# Nothing comes back as it was where that was a yes: it is judged again from there on.
_AGAIN = {
    ItemKind.LOT: (
        {State.IN_PROCESS, State.QUARANTINE, State.TESTING}, State.AWAITING_REVIEW, State.REJECTED,
    ),
    ItemKind.DOSE: (set(), State.FILLED, None),
    ItemKind.FLASK: ({State.STORED, State.IN_PROCESS}, State.GROWING, State.REJECTED),
    ItemKind.HARVEST: ({State.IN_PROCESS}, State.STORED, State.REJECTED),
    ItemKind.SPECIMEN: (set(), State.ON_HOLD, State.REJECTED),
    ItemKind.QC_SAMPLE: (set(), State.STORED, None),
    ItemKind.RETAINED: (set(), State.STORED, None),
    ItemKind.KIT: ({State.PREPARED, State.ISSUED}, None, None),
}  # fmt: skip
_FIRST = {ItemKind.LOT: State.IN_PROCESS, ItemKind.KIT: State.PREPARED}


def state_after(kind: ItemKind, was: State | None, *, freed: bool) -> State | None:
    """The state a blocked item passes to; None where it stays blocked.

    Args:
        was: its state when it was blocked; None for one that was born blocked.
        freed: else the recall was confirmed, and what can be rejected is.
    """
    same, again, rejected = _AGAIN[kind]
    if not freed:
        return rejected
    if was is None:
        return _FIRST.get(kind, again)
    return was if was in same else again
