"""Corrections: what was written down wrongly is answered by an entry with the right value.

The first entry stays and both are shown. The same person corrects her own, a QC officer anybody's,
with a coded reason and a sentence. A correction of a correction names the newest, so of two at
once one is told of the other. Where a value stands in a guarded column as well, the column follows;
where the right value would have been stopped, the thing is held; and a lot that was judged already
hears of it (`record.corrected`), so that quality decides whether the judgement stands.

A feature says by `corrects` what of its entries can be corrected. Results of tests are not
corrected here: an investigation sets them aside (`lims.qc`). For counts see `recounting`; a time
out of the freezer follows from the moves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from lims import ledger
from lims.core import codes, db, events
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Actor, Role, requires
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.custody import holding, reasons, telling
from lims.custody import permissions as may
from lims.custody.errors import Answered, EntryUnknown, NotCorrectable, NotEnough
from lims.custody.items import find
from lims.custody.models import Item, ShipmentLine
from lims.custody.rules import FINAL
from lims.custody.streams import stream, touch
from lims.ledger import Entry

CORRECTED = "custody.corrected"
REASONS: Mapping[str, _] = {
    "typing": _("mistyped"),
    "misread": _("misread from the instrument"),
    "unit": _("wrong unit"),
    "wrong-thing": _("belongs to another thing"),
    "left-out": _("something was left out"),
    "other": _("another reason"),
}


@dataclass(frozen=True)
class Datum:
    """One value that a person wrote down.

    Attributes:
        unit: UCUM unit of an amount; empty for words and whole numbers.
        options: what may be chosen, where it is a choice.
        whole: a whole number.
    """

    name: str
    label: _
    unit: str = ""
    options: Mapping[str, _] | None = None
    whole: bool = False


@dataclass(frozen=True)
class Correctable:
    """What of a kind of entry can be corrected, and what follows from it.

    Attributes:
        data: its values, in the order in which they are shown.
        read: the values of an entry as text; empty text where none was written.
        put: changes rows that hold them, given the new values; answers the rows it changed.
    """

    data: Sequence[Datum]
    read: Callable[[Entry], Mapping[str, str]]
    put: Callable[[Actor, Session, Item, Entry, Mapping[str, Any]], Iterable[Any]]


CORRECTABLE: dict[str, Correctable] = {}


def corrects(kind: str, what: Correctable) -> None:
    """Let entries of a kind be corrected."""
    CORRECTABLE[kind] = what


@dataclass(frozen=True)
class Corrected:
    """What a correction came to, as text by value."""

    code: str
    corrects: int
    was: Mapping[str, str]
    now: Mapping[str, str]


@requires(may.CORRECT)
def correct(
    actor: Actor, *, code: str, entry: int, reason_code: str, reason: str, **values: Any
) -> Corrected:
    """Answer an entry with the right values; those not given stay.

    Args:
        entry: of the item's trail: the first, or the newest correction of it.
        reason_code: of `REASONS`.
        values: by the names of its `Correctable`: text, whole numbers or amounts.

    Raises:
        EntryUnknown, NotCorrectable: no such entry, or none with values of a person.
        Answered: it was corrected before; correct that one.
        NotAllowed: another person wrote it, and no QC officer asks.
    """
    require_coded(reason_code, reason)
    with db.transaction() as session:
        item = find(session, code, lock=True)
        written = ledger.entries_of(session, stream(item.code), limit=None)
        first, newest = versions(written, item, entry)
        require_hers(actor, first)
        require_newest(session, written, newest)
        what = CORRECTABLE[first.kind]
        stands = values_of(written, first)
        given = {name: _as_text(what, name, each) for name, each in values.items() if each != ""}
        was = {name: stands[name] for name, new in given.items() if new != stands[name]}
        now = {name: given[name] for name in was}
        if not was:
            raise BadInput(_("Nothing is different. Enter what is right; leave the rest empty."))
        rows = what.put(actor, session, item, first, {name: values[name] for name in now})
        touch(
            actor,
            item,
            CORRECTED,
            {
                ledger.COUNTERS: ledger.counter(session, newest),
                "first": first.number,
                "kind": first.kind,
                "was": was,
                "now": now,
                "reason_code": reason_code,
            },
            rows=rows,
            reason=reason.strip(),
        )
        tell(actor, session, item, first.number)
        return Corrected(item.code, newest.number, was, now)


def tell(actor: Actor, session: Session, item: Item, entry: int) -> None:
    """Let whoever judged a lot by what was written know that it was corrected."""
    events.publish("record.corrected", actor=actor, session=session, item=item, entry=entry)


def require_coded(reason_code: str, reason: str) -> None:
    """Refuse a correction without a reason of the list and a sentence."""
    if not reason.strip():
        raise BadInput(_("Say why."), field="reason")
    if reason_code not in REASONS:
        raise BadInput(
            _("Choose why it is corrected: %(reasons)s.", reasons=", ".join(REASONS)),
            field="reason_code",
        )


def versions(written: Sequence[Entry], item: Item, number: int) -> tuple[Entry, Entry]:
    """The entry that was first, and the one of this number, which may be a correction of it.

    Raises:
        EntryUnknown, NotCorrectable: no such entry, or none that can be corrected.
    """
    by_number = {each.number: each for each in written}
    newest = by_number.get(number)
    if newest is None:
        raise EntryUnknown(
            _(
                "The trail of %(code)s has no entry %(number)s. Open its page again.",
                code=codes.grouped(item.code),
                number=number,
            )
        )
    first = by_number[newest.data["first"]] if newest.kind == CORRECTED else newest
    if first.kind not in CORRECTABLE:
        raise NotCorrectable(
            _(
                "This entry holds nothing that was read and written down. Do what puts the thing "
                "right, or open a deviation on its lot."
            )
        )
    return first, newest


def require_hers(actor: Actor, first: Entry) -> None:
    """Refuse whoever neither wrote an entry nor is a QC officer."""
    hers = actor.person is not None and first.person == actor.label
    if not (hers or Role.QC_OFFICER in actor.roles):
        raise NotAllowed(_("Another person wrote this. Ask her, or a QC officer, to correct it."))


def require_newest(session: Session, written: Sequence[Entry], entry: Entry) -> None:
    """Refuse to correct what was corrected before."""
    answer = ledger.countered(written).get(entry.number)
    if answer is not None:
        raise Answered(
            _(
                "This was corrected by entry %(number)s. Look at it, and correct that one if it "
                "is wrong as well.",
                number=answer.number,
            ),
            why=telling.said_of(session, answer),
        )


def values_of(written: Iterable[Entry], first: Entry) -> dict[str, str]:
    """The values of an entry as they stand after its corrections, as text."""
    stands = dict(CORRECTABLE[first.kind].read(first))
    for each in written:
        if each.kind == CORRECTED and each.data["first"] == first.number:
            stands |= each.data["now"]
    return stands


def may_correct(actor: Actor, written: Sequence[Entry], entry: Entry) -> bool:
    """Whether this person could correct an entry now."""
    first = entry
    if entry.kind == CORRECTED:
        first = next(each for each in written if each.number == entry.data["first"])
    return (
        first.kind in CORRECTABLE
        and bool(actor.roles & may.CORRECT.granted_to)
        and (first.person == actor.label or Role.QC_OFFICER in actor.roles)
        and entry.number not in ledger.countered(written)
    )


def _as_text(what: Correctable, name: str, value: Any) -> str:
    known = next((each for each in what.data if each.name == name), None)
    if known is None:
        raise BadInput(_("This entry has no such value."), field=name)
    if isinstance(value, Quantity):
        return amount(value, known.unit)
    return str(value).strip()


def amount(value: Quantity, unit: str) -> str:
    """An amount as entries write it: value and UCUM unit."""
    return f"{value.to(unit).value.normalize():f} {unit}"


def said_of(datum: Datum, text: str) -> Any:
    """A value of an entry as people read it."""
    if datum.options is not None:
        return datum.options.get(text, text)
    if datum.unit and text:
        return str(Quantity.parse(text))
    return text or "-"


# What custody itself wrote down


def _observed(entry: Entry) -> dict[str, str]:
    read = str(entry.data.get("temperature", ""))
    if read:
        value, _blank, unit = read.partition(" ")
        read = amount(Quantity(value, unit), unit)
    return {"note": str(entry.data["note"]), "temperature": read}


def _nothing(*_given: Any) -> tuple[()]:
    return ()


def _measured(entry: Entry) -> dict[str, str]:
    for row in entry.rows:
        if row["table"] == Item.__tablename__ and "initial_volume_ul" in row["set"]:
            return {"volume": amount(Quantity(row["set"]["initial_volume_ul"][1], "uL"), "mL")}
    return {"volume": ""}


def _measure(
    _actor: Actor, _session: Session, item: Item, _entry: Entry, new: Mapping[str, Any]
) -> tuple[Item]:
    volume_ul = new["volume"].count("uL", "volume")
    left = (item.volume_ul or 0) + volume_ul - (item.initial_volume_ul or 0)
    if left < 0:
        raise NotEnough(
            _(
                "More was taken from %(code)s since than this volume would hold. Measure what is "
                "left, and open a deviation on its lot.",
                code=codes.grouped(item.code),
            ),
            field="volume",
        )
    item.initial_volume_ul, item.volume_ul = volume_ul, left
    return (item,)


_CAME: Mapping[str, _] = {
    "received": _("received whole"),
    "damaged": _("damaged"),
    "missing": _("missing"),
}


def _outcome(entry: Entry) -> dict[str, str]:
    return {"outcome": entry.kind.removeprefix("custody.shipment-")}


def _come(
    actor: Actor, session: Session, item: Item, entry: Entry, new: Mapping[str, Any]
) -> tuple[ShipmentLine]:
    line_id = next(each["id"] for each in entry.rows if each["table"] == ShipmentLine.__tablename__)
    line = session.get_one(ShipmentLine, UUID(line_id))
    line.outcome = new["outcome"]
    # A hold that stands is not lifted by it: quality looks at the thing first.
    if line.outcome != "received" and item.state not in FINAL:
        reason = reasons.RECEIPT_CORRECTED.kept(came=line.outcome)
        holding.place_hold(actor, session, item, reason, "shipment")
    return (line,)


corrects(
    "custody.observed",
    Correctable(
        (Datum("note", _("What was seen")), Datum("temperature", _("Temperature"), unit="Cel")),
        _observed,
        _nothing,
    ),
)
corrects(
    "custody.measured",
    Correctable((Datum("volume", _("Volume"), unit="mL"),), _measured, _measure),
)
for _kind in _CAME:
    corrects(
        f"custody.shipment-{_kind}",
        Correctable(
            (Datum("outcome", _("How it came"), options=_CAME),),
            _outcome,
            _come,
        ),
    )
