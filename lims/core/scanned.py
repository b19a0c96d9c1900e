"""What a scanned text is: one of our codes, GS1, ISBT 128 where it is on, or a supplier's own.

GS1 says itself what it is by a symbology identifier (`]d2`), by a group separator, by brackets
around its application identifiers, or by beginning with an item or transport number whose check
digit fits. Whatever else a supplier printed is kept as it stands: `10123` may be lot 123, or not.

Source: GS1 General Specifications; the application identifiers are those of `biip`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from lims.core import codes, isbt128
from lims.core.errors import BadInput
from lims.core.words import Text as _

if TYPE_CHECKING:
    from biip.gs1_element_strings import GS1ElementString

LONGEST = 200
SEPARATOR = "\x1d"
# Code 128, DataMatrix, QR and DataBar, where their first character says that this is GS1.
_IDENTIFIERS = ("]C1", "]d2", "]Q3", "]e0")
_NUMBERED = re.compile(r"01\d{14}|00\d{18}")
_BRACKETED = re.compile(r"\((\d{2,4})\)((?:[^(\\]|\\.)+)", re.DOTALL)


class NotReadable(BadInput):
    """Nothing that a printed symbol can say."""

    code = "scan_unreadable"


class Gs1Damaged(BadInput):
    """A GS1 element string that breaks its own rules: misread, or misprinted."""

    code = "gs1_damaged"


@dataclass(frozen=True)
class Element:
    """One element of a GS1 element string.

    Attributes:
        ai: its application identifier, two to four digits.
        title: what GS1 calls it, such as `BATCH/LOT`; never translated.
        value: as printed.
        day: what it means where it is a date; day 00 is the last of the month.
    """

    ai: str
    title: str
    value: str
    day: date | None = None


@dataclass(frozen=True)
class Gs1:
    """A GS1 element string, taken apart."""

    elements: tuple[Element, ...]

    @property
    def text(self) -> str:
        """With brackets, as people read it.

        >>> Gs1((Element("10", "BATCH/LOT", "A(1"),)).text
        '(10)A\\\\(1'
        """
        return "".join(
            f"({each.ai})" + re.sub(r"([(\\])", r"\\\1", each.value) for each in self.elements
        )

    def value(self, ai: str) -> str | None:
        """The value under an application identifier."""
        return next((each.value for each in self.elements if each.ai == ai), None)


@dataclass(frozen=True)
class Supplier:
    """Somebody else's code, as it was printed."""

    text: str


def tell(text: str, field: str | None = None) -> codes.Scanned | Gs1 | isbt128.Isbt128 | Supplier:
    """What a scanned text is.

    Raises:
        WrongCheckCharacter: one of ours, misread or mistyped.
        Gs1Damaged: GS1, misread or misprinted.
        Malformed: ISBT 128, where the site uses it, misread or misprinted.
        NotReadable: empty, too long, or no printed characters.
    """
    plain = text.strip(" \t\r\n")
    if not plain or len(plain) > LONGEST or not plain.replace(SEPARATOR, "").isprintable():
        raise NotReadable(
            _("A scanned text has 1 to 200 printed characters; scan it again."), field=field
        )
    try:
        return codes.parse(plain, field)
    except codes.NotACode:
        if isbt128.looks_like(plain):
            return isbt128.parse(plain)
        return _gs1(plain, field) or Supplier(plain)


def parts(found: Gs1) -> dict[str, Any]:
    """A GS1 element string as the doors answer it: `text`, `elements`, and its commonest parts."""
    days = {each.ai: each.day.isoformat() for each in found.elements if each.day}
    return {
        "text": found.text,
        "elements": [
            {"ai": each.ai, "title": each.title, "value": each.value} for each in found.elements
        ],
        "gtin": found.value("01"),
        "lot": found.value("10"),
        "serial": found.value("21"),
        "made": days.get("11"),
        "expires": days.get("17") or days.get("7003"),
    }


def _gs1(plain: str, field: str | None) -> Gs1 | None:
    identified = plain.startswith(_IDENTIFIERS)
    body = plain[3:] if identified else plain
    bracketed = re.match(r"\(\d*\)?", body) is not None and not re.match(r"\([^\d)]", body)
    marked = identified or SEPARATOR in body or bracketed
    if not marked and not _NUMBERED.match(body):
        return None
    try:
        found = Gs1(tuple(_in_brackets(body) if bracketed else _in_a_row(body)))
    except ValueError as wrong:
        if not marked:
            return None
        raise Gs1Damaged(
            _(
                "%(text)s is a GS1 code that does not hold together, so it was misread or "
                "misprinted. Scan it again.",
                text=plain.replace(SEPARATOR, " ")[:60],
            ),
            field=field,
        ) from wrong
    return found


def _in_a_row(body: str) -> Iterator[Element]:
    rest = body.removeprefix(SEPARATOR)
    if not rest:
        raise ValueError("nothing in it")
    while rest:
        element, ends = _first(rest)
        yield element
        rest = rest[len(element.ai) + len(element.value) :]
        if rest.startswith(SEPARATOR):
            rest = rest[1:]
        elif rest and ends:
            raise ValueError(f"({element.ai}) holds a character that GS1 does not know")


def _in_brackets(body: str) -> Iterator[Element]:
    at = 0
    for found in _BRACKETED.finditer(body):
        value = re.sub(r"\\(.)", r"\1", found[2])
        element, _ends = _first(found[1] + value)
        if found.start() != at or (element.ai, element.value) != (found[1], value):
            raise ValueError(f"({found[1]}) does not hold {value}")
        yield element
        at = found.end()
    if at != len(body):
        raise ValueError("what follows has no application identifier")


def _first(rest: str) -> tuple[Element, bool]:
    """The first element of what is left, and whether only a separator can end it."""
    # Here and not above: this is the one place that needs it, and most scans are ours.
    from biip import ParseError
    from biip.gs1_element_strings import GS1ElementString

    try:
        found = GS1ElementString.extract(rest)
    except ParseError as wrong:
        raise ValueError(str(wrong)) from wrong
    broken = found.gtin_error or found.sscc_error or found.gln_error
    if broken:
        raise ValueError(broken)
    element = Element(found.ai.ai, found.ai.data_title, found.value, _day(found))
    return element, found.ai.separator_required


def _day(found: "GS1ElementString") -> date | None:
    return found.datetime.date() if isinstance(found.datetime, datetime) else found.date
