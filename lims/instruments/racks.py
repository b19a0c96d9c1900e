"""Rack scanners: which two-dimensional code stands at which position of a rack.

A scanner's file is known by its headings; what a scanner writes where there is no tube, or where it
could not read one, stands in its profile. A rack is a whole rectangle of positions from A1 on: one
that lacks some is a file that was broken off. What a code means is not asked here.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lims.core.words import Text
from lims.core.words import Text as _
from lims.instruments.errors import Truncated
from lims.instruments.shapes import Kind, RackPosition, RackSample, RackStatus, Sample
from lims.instruments.source import Source

_POSITION = re.compile(r"([A-Z])0*([1-9][0-9]?)", re.ASCII)
_MARKS = (",", ";", "\t")
_HEAD = 10  # lines in which the headings must stand
_MOST = 26 * 26


@dataclass(frozen=True)
class Profile:
    """How one maker's scanner writes its files; headings and words as it writes them, folded.

    Attributes:
        rack: the heading of the rack's own code; "" where the scanner writes none.
        count: the word of the line that says how many tubes there are.
        empty, unread: words that stand in place of a code.
    """

    maker: str
    position: str
    code: str
    rack: str = ""
    count: str = ""
    empty: frozenset[str] = frozenset({"", "no tube", "notube", "empty"})
    unread: frozenset[str] = frozenset({"no read", "noread", "no code", "error"})


FLUIDX = Profile("FluidX", "well", "2d barcode", "rack id", "tube count")
# What any program can write.
PLAIN = Profile("plain rack list", "position", "code", "rack")


@dataclass
class RackReader:
    """A reader for one profile."""

    profile: Profile

    @property
    def KIND(self) -> Kind:
        """A rack."""
        return Kind.RACK

    @property
    def MAKER(self) -> str:
        """The scanner's maker."""
        return self.profile.maker

    def recognises(self, text: str) -> bool:
        """Whether the headings of this profile stand in the first lines."""
        return _headings(self.profile, text.splitlines()[:_HEAD]) is not None

    def read(self, source: Source) -> tuple[str | None, str | None, tuple[Sample, ...]]:
        """The one rack of a file."""
        profile, lines = self.profile, source.text.splitlines()
        found = _headings(profile, lines[:_HEAD])
        if found is None:
            raise source.refuse(_("first lines"), _("its headings are not there. Export it again."))
        at, mark, names = found
        rows = list(csv.reader(lines[at + 1 :], delimiter=mark))
        positions: list[RackPosition] = []
        seen: set[str] = set()
        racks: list[str] = []
        for number, row in enumerate(rows, at + 2):
            if not any(cell.strip() for cell in row):
                continue
            where = _("line %(number)s", number=number)
            if len(row) < len(names) or len(positions) == _MOST:
                raise Truncated(source.file, where, _broken())
            cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
            position = _position(source, where, cells[profile.position], seen)
            positions.append(_read(position, cells[profile.code], profile))
            if profile.rack in cells:
                racks.append(cells[profile.rack])
        rack = _rack(source, racks)
        _require_whole(source, seen)
        _require_count(source, profile, lines[:at], mark, positions)
        for code, times in Counter(each.code for each in positions if each.code).items():
            if times > 1:
                source.warn(
                    str(code), _("The code stands at %(times)s positions of the rack.", times=times)
                )
        return None, None, (RackSample(rack, tuple(positions)),)


READERS = (RackReader(FLUIDX), RackReader(PLAIN))


def _folded(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.lower().split()) for cell in cells]


def _headings(profile: Profile, lines: Sequence[str]) -> tuple[int, str, list[str]] | None:
    """Line, delimiter and names of the headings; None where they are not there."""
    for at, line in enumerate(lines):
        for mark in _MARKS:
            names = _folded(line.split(mark))
            while names and not names[-1]:
                names.pop()
            wanted = {profile.position, profile.code}
            if wanted <= set(names) and (names[0] != profile.count):
                return at, mark, names
    return None


def _position(source: Source, where: Text, text: str, seen: set[str]) -> str:
    found = _POSITION.fullmatch(text.upper())
    if found is None:
        raise source.refuse(
            where,
            _("%(text)s is not a position such as A1. Export it again.", text=text[:20] or "''"),
        )
    position = found[1] + found[2]
    if position in seen:
        raise source.refuse(
            where,
            _("%(position)s stands in the file twice. Scan the rack again.", position=position),
        )
    seen.add(position)
    return position


def _read(position: str, text: str, profile: Profile) -> RackPosition:
    word = text.lower()
    if word in profile.empty:
        return RackPosition(position, None, RackStatus.EMPTY)
    if word in profile.unread:
        return RackPosition(position, None, RackStatus.NO_READ)
    return RackPosition(position, text, RackStatus.READ)


def _rack(source: Source, racks: Sequence[str]) -> str | None:
    found = {each for each in racks if each}
    if len(found) > 1:
        raise source.refuse(
            _("rack"),
            _("several racks stand in it: %(racks)s. Export one rack by itself.",
              racks=", ".join(sorted(found))[:80]),
        )  # fmt: skip
    if not found:
        source.warn("rack", _("The file does not say which rack was scanned."))
        return None
    return next(iter(found))


def _require_whole(source: Source, seen: set[str]) -> None:
    rows = sorted({each[0] for each in seen})
    columns = max((int(each[1:]) for each in seen), default=0)
    whole = [f"{chr(at)}{n}" for at in range(ord("A"), ord(rows[-1]) + 1)
             for n in range(1, columns + 1)] if rows else []  # fmt: skip
    missing = [each for each in whole if each not in seen]
    if missing or not seen:
        raise Truncated(
            source.file,
            _("positions"),
            _(
                "%(missing)s is not in it. It was broken off; copy the file again.",
                missing=missing[0] if missing else "A1",
            ),
        )


def _require_count(
    source: Source, profile: Profile, head: Sequence[str], mark: str, found: Sequence[RackPosition]
) -> None:
    if not profile.count:
        return
    for line in head:
        cells = _folded(line.split(mark))
        if cells[0] != profile.count or len(cells) < 2:
            continue
        said = source.whole(cells[1], profile.count)
        tubes = sum(each.status is not RackStatus.EMPTY for each in found)
        if said is not None and said != tubes:
            source.warn(
                "tube count",
                _("The file says %(said)s tubes and holds %(tubes)s.", said=said, tubes=tubes),
            )


def _broken() -> Text:
    return _("the line is broken off. Copy the file again.")
