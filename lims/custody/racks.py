"""A rack scanner's file against what a box holds by the record: what agrees, and what does not.

Nothing is written here. Each position that does not agree is one finding with the answers that a
person may give; `racking` writes what she settled, all of it in one act.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from lims import instruments, labels
from lims.core import codes, mode, scanned
from lims.core.errors import BadInput, Conflict, DomainError
from lims.core.words import Text as _
from lims.custody import areas, boxes, queries
from lims.custody.models import Item, Place
from lims.custody.places import place_by_code
from lims.custody.rules import FINAL, LETTER
from lims.instruments import RackPosition, RackSample, RackStatus

_LETTERS = frozenset(LETTER.values())


class Found(StrEnum):
    """What a position of the file is against the record."""

    MATCH = "match"
    INSIDE = "inside"
    UNEXPECTED = "unexpected"
    UNKNOWN = "unknown"
    MISSING = "missing"
    NO_READ = "no-read"
    DUPLICATE = "duplicate"
    OLD_LABEL = "old-label"
    ENDED = "ended"


class Answer(StrEnum):
    """What a person says to a position that does not agree."""

    MOVE = "move"
    MISSING = "missing"
    LEAVE = "leave"


# What may be answered; the first is proposed.
ANSWERS = {
    Found.INSIDE: (Answer.MOVE, Answer.LEAVE),
    Found.UNEXPECTED: (Answer.MOVE, Answer.LEAVE),
    Found.MISSING: (Answer.MISSING, Answer.LEAVE),
}
_ONLY_LEFT = (Answer.LEAVE,)


class OtherRack(BadInput):
    """The file is of another rack, or of a rack of another size, than the box scanned."""

    code = "rack_other"


class RackChanged(Conflict):
    """What stands in the box is no longer what the review showed."""

    code = "rack_changed"


@dataclass(frozen=True)
class Finding:
    """One position.

    Attributes:
        read: as the scanner read it; None where it read nothing.
        item: the code of the item it is about; None where none is known.
        stands: where the record has that item; "" where nowhere.
        booked: the code of another item that the record has at this position.
    """

    position: str
    found: Found
    read: str | None
    item: str | None
    stands: str
    booked: str | None

    @property
    def answers(self) -> Sequence[Answer]:
        """What may be said to it, the proposed one first; nothing where it agrees."""
        return () if self.found is Found.MATCH else ANSWERS.get(self.found, _ONLY_LEFT)


@dataclass(frozen=True)
class Review:
    """A whole file against a box.

    Attributes:
        digest: of box, file and findings; what was reviewed is settled, and nothing else.
        warnings: what the reader said of the file.
    """

    box: Place
    file: str
    sha256: str
    findings: Sequence[Finding]
    warnings: Sequence[tuple[str, str]]

    @property
    def counts(self) -> dict[str, int]:
        """How many positions are of which kind; every kind is named."""
        counted = Counter(each.found for each in self.findings)
        return {each.value: counted[each] for each in Found}

    @property
    def open(self) -> list[Finding]:
        """What a person has to settle."""
        return [each for each in self.findings if each.answers]

    @property
    def digest(self) -> str:
        """Changes with anything that was shown."""
        said = [self.box.code, self.sha256, [list(vars(each).values()) for each in self.findings]]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def review(session: Session, code: str, file: tuple[str, bytes]) -> Review:
    """Compare a rack scanner's file with a box.

    Raises:
        OtherRack: of another rack, or of another size.
        NotReadable: no file of a rack scanner that is known here.
    """
    box = place_by_code(session, code, "code")
    reading = instruments.read(file[1], file[0], instruments.Kind.RACK.value)
    (rack,) = reading.samples
    if not isinstance(rack, RackSample):
        raise TypeError("a file of a rack holds one rack")
    slots = boxes.slots_of(session, box.id)
    _require_same(box, rack, [slot.position or "" for slot, _item in slots])
    return Review(
        box,
        file[0],
        reading.sha256,
        _compared(session, box, rack, slots),
        [(each.where, str(each.what)) for each in reading.warnings],
    )


def _require_same(box: Place, rack: RackSample, positions: Sequence[str]) -> None:
    if rack.rack is not None:
        said = codes.fold(rack.rack)
        symbol = codes.parse(said).code if codes.valid(said) else said
        if symbol != box.code and rack.rack.casefold() != box.name.casefold():
            raise OtherRack(
                _(
                    "The file is of the rack %(rack)s and not of %(box)s.",
                    rack=rack.rack[:40],
                    box=box.name,
                ),
                field="file",
                why=_("A file is taken only where its rack is the code or the name of the box."),
                do_now=_("Scan the box that stood in the rack scanner, or scan the rack again."),
            )
    if not positions:
        raise OtherRack(
            _("%(place)s is no box with slots; choose the box.", place=box.name), field="code"
        )
    there = {each.position for each in rack.positions}
    if there != set(positions):
        raise OtherRack(
            _(
                "The file has %(there)s positions and %(box)s has %(here)s; it is another rack.",
                there=len(there),
                here=len(positions),
                box=box.name,
            ),
            field="file",
        )


def _compared(
    session: Session, box: Place, rack: RackSample, slots: Sequence[tuple[Place, Item | None]]
) -> list[Finding]:
    by_position = {each.position: each for each in rack.positions}
    read = {at: _ours(each.code) for at, each in by_position.items() if each.code}
    times = Counter(each.code for each in read.values() if each)
    known = {
        item.code: item
        for item in queries.items_by_id(session, queries.ids_of_codes(session, sorted(times)))
    }
    findings = []
    for slot, standing in slots:
        at = slot.position or ""
        booked = standing if standing is not None and standing.state not in FINAL else None
        code = read.get(at)
        item = known.get(code.code) if code else None
        found = _found(session, by_position[at], slot, code, item, booked, times)
        if found is None:
            continue
        about = item if by_position[at].status is RackStatus.READ else booked
        other = booked is not None and booked is not about
        findings.append(
            Finding(
                at,
                found,
                by_position[at].code,
                about.code if about else None,
                _path(session, about) if about and found is not Found.MATCH else "",
                booked.code if other and booked else None,
            )
        )
        # The tube that should be here is nowhere in the file: it is asked about as well.
        if other and booked is not None and not times[booked.code]:
            findings.append(
                Finding(at, Found.MISSING, None, booked.code, _path(session, booked), None)
            )
    return findings


def _found(
    session: Session,
    seen: RackPosition,
    slot: Place,
    code: codes.Scanned | None,
    item: Item | None,
    booked: Item | None,
    times: Counter[str],
) -> Found | None:
    """What a position is; None where both say that nothing is there."""
    if seen.status is RackStatus.NO_READ:
        return Found.NO_READ
    if seen.status is RackStatus.EMPTY:
        # Seen elsewhere in the rack, it is spoken of there.
        return Found.MISSING if booked is not None and not times[booked.code] else None
    if code is None or item is None:
        return Found.UNKNOWN
    return Found.DUPLICATE if times[code.code] > 1 else _of_known(session, slot, code, item)


def _of_known(session: Session, slot: Place, code: codes.Scanned, item: Item) -> Found:
    try:
        mode.admit(session, code)
        labels.check_copy(session, code)
    except labels.OldLabel:
        return Found.OLD_LABEL
    except DomainError:
        return Found.UNKNOWN
    if item.state in FINAL:
        return Found.ENDED
    if item.slot_id == slot.id:
        return Found.MATCH
    standing = queries.place(session, item.slot_id)
    inside = standing is not None and standing.parent_id == slot.parent_id
    return Found.INSIDE if inside else Found.UNEXPECTED


def _ours(text: str) -> codes.Scanned | None:
    """One of our items' codes; None for a maker's own, and for one that was misread."""
    try:
        told = scanned.tell(text)
    except DomainError:
        return None
    return told if isinstance(told, codes.Scanned) and told.letter in _LETTERS else None


def _path(session: Session, item: Item) -> str:
    return " › ".join(each.name for each in areas.path_of(session, item.place_id))
