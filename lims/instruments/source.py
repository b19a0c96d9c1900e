"""From bytes to text to numbers: what every reader stands on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal

from lims.core import numbers
from lims.core.errors import BadInput
from lims.core.words import Text
from lims.core.words import Text as _
from lims.instruments.errors import NotReadable, TooLarge, Truncated
from lims.instruments.shapes import Warned

LARGEST_BYTES = 8 * 1024 * 1024
# Stands in every file that `instruments.synthetic` writes.
PRACTICE = "SYNTHETIC practice data"
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# What only a decimal comma can be: 0,5 or 12,3 or 1,2345. 1,234 could be a thousand.
_SURE_COMMA = re.compile(r"[-+<>*]*(?:0\d*,\d+|\d+,(?:\d{1,2}|\d{4,}))\*?", re.ASCII)
_ANY_COMMA = re.compile(r"[-+<>*]*\d[\d.]*,\d[\d.,]*\*?", re.ASCII)
_ANY_POINT = re.compile(r"[-+<>*]*\d[\d,]*\.\d[\d.,]*(?:[eE][-+]?\d+)?\*?", re.ASCII)


@dataclass
class Source:
    """One file on its way to being read: its text, and what was noticed on the way.

    `zone` and `unit` are what a person said where the file says neither.
    """

    file: str
    text: str
    mark: str = "."
    zone: tzinfo | None = None
    unit: str | None = None
    warnings: list[Warned] = field(default_factory=list)

    def warn(self, where: str, what: Text) -> None:
        """Keep something for the person who will use the figures."""
        self.warnings.append(Warned(where, what))

    def settle_mark(self, cells: Iterable[str]) -> None:
        """Find the decimal mark that this file uses throughout.

        Raises:
            NotReadable: both marks occur, or the commas could mark thousands.
        """
        commas, points, sure = False, False, False
        for each in cells:
            cell = each.strip()
            if "," in cell:
                if _ANY_POINT.fullmatch(cell):
                    raise self.refuse(cell, _two_marks())
                if _ANY_COMMA.fullmatch(cell):
                    commas = True
                    sure = sure or bool(_SURE_COMMA.fullmatch(cell))
            elif "." in cell and _ANY_POINT.fullmatch(cell):
                points = True
        if commas and points:
            raise self.refuse(_("numbers"), _two_marks())
        if commas and not sure:
            raise self.refuse(
                _("numbers"),
                _(
                    "its commas could mark decimals or thousands. Export again with a decimal "
                    "point and without marks between thousands."
                ),
            )
        self.mark = "," if commas else "."

    def number(self, cell: str, where: str) -> Decimal:
        """A number in this file's own decimal mark.

        Raises:
            NotReadable: it is none; names the place.
        """
        try:
            return numbers.decimal(cell, mark=self.mark)
        except BadInput as refused:
            raise self.refuse(where, _sentence(refused)) from refused

    def maybe(self, cell: str, where: str) -> Decimal | None:
        """A number, or None where the cell is empty or says that there is none."""
        if cell.strip().lower() in ("", "n/a", "na", "nan", "-", "not recorded", "unknown"):
            return None
        return self.number(cell, where)

    def whole(self, cell: str, where: str) -> int | None:
        """A whole number, or None."""
        value = self.maybe(cell, where)
        if value is None:
            return None
        if value != value.to_integral_value() or value < 0:
            raise self.refuse(
                where, _("%(value)s is not a count. Export the file again.", value=cell.strip())
            )
        return int(value)

    def refuse(self, where: Text | str, why: Text) -> NotReadable:
        """The refusal, to be raised."""
        return NotReadable(self.file, where, why)


def decode(data: bytes, file: str) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Latin-1.

    Raises:
        TooLarge: more than 8 MB.
        Truncated: empty, or half a character at the end.
        NotReadable: not text.
    """
    if len(data) > LARGEST_BYTES:
        raise TooLarge(
            file,
            _("whole file"),
            _(
                "it holds %(size)s bytes and no such export is over %(most)s. "
                "Export the one run again.",
                size=len(data),
                most=LARGEST_BYTES,
            ),
        )
    if not data.strip():
        raise Truncated(file, _("whole file"), _("it is empty. Export the run again."))
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as broken:
                raise Truncated(
                    file,
                    _("byte %(at)s", at=broken.start),
                    _(
                        "its %(encoding)s text is broken off. Copy the file again.",
                        encoding=encoding.upper(),
                    ),
                ) from broken
    if b"\0" in data:
        raise NotReadable(
            file, _("whole file"), _("it is not a text file. Export the run as text or CSV.")
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _two_marks() -> Text:
    return _(
        "commas and points both occur in its numbers, so a figure could be a thousand times "
        "another. Export again with a decimal point and without marks between thousands."
    )


def _sentence(refused: BadInput) -> Text:
    return refused.what if isinstance(refused.what, Text) else _("%(why)s", why=refused.what)
