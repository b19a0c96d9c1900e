"""The one reader of numbers that people and instruments write.

Stock parsers read `1_0` as 10 and cut 3.9 to 3; a comma replaced by a point can be a factor of a
thousand. Here a number is read in one declared way, and what could mean two things is refused.
"""

import re
import unicodedata
from decimal import Decimal

from lims.core.errors import BadInput
from lims.core.words import Text as _

_EXPONENT = r"(?:[eE](?P<exponent>[+-]?\d{1,3}))?"
_MARKS = {"\u066b": ".", "\u2212": "-"}  # Arabic decimal separator, minus sign
_LONGEST = 40
_LARGEST_EXPONENT = 30


class NotANumber(BadInput):
    """The text is no number, or could be two."""

    code = "not_a_number"


def decimal(
    text: str, *, mark: str = ".", groups: str | None = None, field: str | None = None
) -> Decimal:
    """Read a decimal number, exactly.

    Args:
        text: what was written; Persian and Arabic digits and their decimal mark are understood.
        mark: the decimal mark of whoever wrote it.
        groups: the mark between thousands, where the writer uses one; then it must stand
            between groups of three.

    Raises:
        NotANumber: no number, or one that another convention would read differently.

    >>> decimal("۲٫۵")
    Decimal('2.5')
    """
    folded = _folded(text, mark)
    if groups is not None:
        if groups == mark:
            raise ValueError("decimals and thousands need different marks")
        # Blanks of every width stand for one another between thousands; a tab or a line end is
        # the edge of a cell and never part of a number.
        wide = "".join(" " if unicodedata.category(each) == "Zs" else each for each in folded)
        blank = " " if groups.isspace() else groups
        head, point, tail = wide.partition(mark)
        if blank in head:
            # No thousands start with a zero: 0,125 was written with a decimal comma. And nobody
            # marks thousands in 1,234E5: there the comma is a decimal one as well.
            if "e" in wide.lower() or not re.fullmatch(
                rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(blank)}\d{{3}})+", head
            ):
                raise _refused(text, field)
            head = head.replace(blank, "")
        folded = head + point + tail
    pattern = rf"(?P<whole>[+-]?\d+)(?:{re.escape(mark)}(?P<part>\d+))?{_EXPONENT}"
    found = re.fullmatch(pattern, folded, re.ASCII)
    if not found or len(folded) > _LONGEST:
        raise _refused(text, field)
    if found["exponent"] and abs(int(found["exponent"])) > _LARGEST_EXPONENT:
        raise _refused(text, field)
    return Decimal(
        found["whole"]
        + (f".{found['part']}" if found["part"] else "")
        + (f"E{found['exponent']}" if found["exponent"] else "")
    )


def whole(text: str, *, field: str | None = None) -> int:
    """Read a whole number.

    Raises:
        NotANumber: no number, or not a whole one.
    """
    value = decimal(text, field=field)
    if value != value.to_integral_value():
        raise NotANumber(
            _("%(text)s is not a whole number; write it without a fraction.", text=text.strip()),
            field=field,
        )
    return int(value)


def plain(value: Decimal) -> str:
    """A decimal as people read it: no exponent below 10 million, no trailing zeros.

    >>> plain(Decimal("2.500")), plain(Decimal("5.2E+10"))
    ('2.5', '5.2E10')
    """
    if value and (abs(value) >= Decimal("1E7") or abs(value) < Decimal("1E-6")):
        digits, exponent = f"{value.normalize():E}".split("E")
        return f"{digits}E{int(exponent)}"
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def brief(value: Decimal, digits: int = 4) -> str:
    """A decimal for people, to so many significant digits, half to even.

    For display only: limits always see the value itself (domain.md 6.7).

    >>> brief(Decimal("51358666666.67")), brief(Decimal("19.98745"))
    ('5.136E10', '19.99')
    """
    return plain(Decimal(f"{value:.{digits}g}"))


def _folded(text: str, mark: str) -> str:
    if text.isascii():
        return text.strip()
    folded = []
    for each in text.strip():
        digit = unicodedata.decimal(each, None)
        if digit is not None:
            folded.append(str(digit))
        else:
            plain_mark = _MARKS.get(each, each)
            folded.append(mark if plain_mark == "." and each in _MARKS else plain_mark)
    return "".join(folded)


def _refused(text: str, field: str | None) -> NotANumber:
    shown = text.strip()[:_LONGEST]
    if "," in shown:
        return NotANumber(
            _(
                "%(text)s could mean two numbers; write it with a decimal point and without "
                "marks between thousands.",
                text=shown,
            ),
            field=field,
        )
    return NotANumber(
        _("%(text)s is not a number; write digits with a decimal point.", text=shown or "''"),
        field=field,
    )
