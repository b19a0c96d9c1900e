"""ISBT 128 data structures, behind the site's own facility number; off by default.

ISBT 128 is licensed: whoever prints or reads it registers with ICCBBA first. Nothing here works
until `use` was told the site's facility number, and no table of ICCBBA's is part of this program.

Sources: ICCBBA ST-001 (data identifiers and lengths), ISO/IEC 7064 MOD 37-2 (check characters).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lims.core.codes import check_character
from lims.core.errors import BadInput, Conflict
from lims.core.words import Text as _

DEMONSTRATION = frozenset({"A9999", "W0000"})
"""Facility numbers of examples; a live system takes and prints none (`core.mode`)."""
_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_FACILITY = r"[A-NP-Z1-9][A-NP-Z0-9]{2}\d{2}"
FACILITY = re.compile(_FACILITY)


class NotRegistered(Conflict):
    """ISBT 128 is off: the site gave no facility number."""

    code = "isbt128_off"


class Malformed(BadInput):
    """The text breaks the rules of its data structure."""

    code = "isbt128_malformed"


@dataclass(frozen=True)
class Form:
    """One data structure: its number, what opens it, and what it holds."""

    number: str
    name: str
    opens: str
    holds: str
    length: int
    """0 where it varies; such a structure comes last."""


FORMS: Sequence[Form] = (
    Form("001", "donation", "=", _FACILITY + r"\d{8}[0-9]{2}", 15),
    Form("003", "product", "=<", r"[A-Z]\d{4}[A-Z0-9][A-Z0-9]{2}", 8),
    Form("005", "expires", "&>", r"\d{10}", 10),
    Form("007", "collected", "&*", r"\d{10}", 10),
    Form("009", "produced", "&}", r"\d{10}", 10),
    Form("010", "special_testing", "&(", r"[A-Z0-9]{5}", 5),
    Form("019", "donor", "=;", _FACILITY + r"[A-Z0-9]{16}", 21),
    Form("022", "lot", "&-", r"[A-Z0-9]{10}", 10),
    Form("023", "compound", "=+", r"\d{5}", 5),
    Form("024", "birth_date", "=#", r"\d{10}", 10),
    Form("025", "patient", "&#", r"[0-9A-Za-z-]{1,30}", 0),
    Form("031", "instant", "=(", r"[A-Z0-9]\d(?:01|02|03)\d{12}", 16),
    Form("032", "divisions", "=,", r"[A-Z0-9]{6}", 6),
    Form("035", "lot_mpho", "&,1", r"[0-9A-Za-z-]{18}", 18),
    Form("038", "single_european_code", "&,4", r"[0-9A-Z]{40}", 40),
    Form("040", "chain_of_identity", "&/", r"CH" + _FACILITY + r"\d{2}[A-Z0-9]{6}", 15),
)
_BY_NAME: Mapping[str, Form] = {each.name: each for each in FORMS}
# The longest opening first: `=` alone opens a donation, whose first character is a letter or digit.
_OPENINGS = sorted(FORMS, key=lambda form: -len(form.opens))
# Where a data structure begins with a facility number: donation, donor, chain of identity.
_EXAMPLE = re.compile(rf"(?:=;?|&/CH)({'|'.join(sorted(DEMONSTRATION))})\d")
_facility: list[str] = []


@dataclass(frozen=True)
class Structure:
    """One data structure of a scanned text."""

    name: str
    number: str
    value: str

    @property
    def text(self) -> str:
        """As the symbol carries it."""
        return _BY_NAME[self.name].opens + self.value


@dataclass(frozen=True)
class Isbt128:
    """What an ISBT 128 symbol says, taken apart."""

    structures: tuple[Structure, ...]

    @property
    def text(self) -> str:
        """As the symbol carries it."""
        return "".join(each.text for each in self.structures)

    def value(self, name: str) -> str | None:
        """The content of a structure, where it is there."""
        return next((each.value for each in self.structures if each.name == name), None)


def demonstration_in(text: str) -> str | None:
    """The facility number of an example that a text names; ISBT 128 on or off.

    >>> demonstration_in("=A999917123456969")
    'A9999'
    """
    found = _EXAMPLE.search(text)
    return found[1] if found else None


def use(facility: str | None) -> None:
    """Switch ISBT 128 on under the site's own facility number, or off.

    Raises:
        Malformed: no facility number.
    """
    if facility is not None and not FACILITY.fullmatch(facility):
        raise Malformed(
            _(
                "%(facility)s is no facility number; ICCBBA gives one such as A1234.",
                facility=facility[:20],
            ),
            field="facility",
        )
    _facility[:] = [facility] if facility else []


def facility() -> str | None:
    """The site's own number; None while ISBT 128 is off."""
    return _facility[0] if _facility else None


def own_facility() -> str:
    """The site's own number.

    Raises:
        NotRegistered: ISBT 128 is off.
    """
    if not _facility:
        raise NotRegistered(
            _(
                "ISBT 128 is off here: it needs the site's registration with ICCBBA. The "
                "administrator enters the facility number in LIMS_ISBT128_FACILITY."
            )
        )
    return _facility[0]


def type_3_flags(number: str) -> str:
    """The two digits that stand for the check character of a donation number of 13.

    >>> type_3_flags("G123417654321")
    '70'
    """
    return str(60 + _VALUES.index(check_character(number)))


def donation(year: int, serial: int, *, flags: str | None = None) -> Structure:
    """A donation number of this site.

    Args:
        flags: two digits; None for those of type 3, which carry the check.

    Raises:
        NotRegistered: ISBT 128 is off.
        Malformed: a serial of more than six digits, or other flags.
    """
    number = f"{own_facility()}{year % 100:02d}{serial:06d}"
    return structure("donation", number + (type_3_flags(number) if flags is None else flags))


def chain_of_identity(year: int, serial: str) -> Structure:
    """A chain of identity identifier of this site: six letters or digits.

    Raises:
        NotRegistered: ISBT 128 is off.
        Malformed: not six.
    """
    return structure("chain_of_identity", f"CH{own_facility()}{year % 100:02d}{serial}")


def moment(at: datetime, *, timed: bool = True) -> str:
    """A local time as century, year, day of year and minute; 23:59 where no time is known.

    >>> moment(datetime(2017, 4, 1, 12, 15))
    '0170911215'
    """
    if not 2000 <= at.year <= 2899:
        raise Malformed(_("%(year)s is no year of this form.", year=at.year), field="year")
    return f"{(at.year - 2000) // 100}{at.year % 100:02d}{at:%j}" + (
        f"{at:%H%M}" if timed else "2359"
    )


def instant(value: str) -> datetime:
    """What `moment` wrote, as the same local time.

    Raises:
        Malformed: no such day or minute.
    """
    try:
        year = 2000 + 100 * int(value[0]) + int(value[1:3])
        day = int(value[3:6])
        # A label says local time and no zone (ST-001, 2.4.3).
        first = datetime(year, 1, 1, int(value[6:8]), int(value[8:10]))  # noqa: DTZ001
        found = first + timedelta(day - 1)
    except (ValueError, IndexError) as wrong:
        raise _malformed(value) from wrong
    if day < 1 or found.year != year or len(value) != 10:
        raise _malformed(value)
    return found


def structure(name: str, value: str) -> Structure:
    """One data structure, its content checked.

    Raises:
        Malformed: the content breaks its rule, or its check value.
    """
    form = _BY_NAME[name]
    if not re.fullmatch(form.holds, value):
        raise _malformed(form.opens + value)
    if name in ("expires", "collected", "produced"):
        instant(value)
    if name == "donation" and "60" <= value[13:] <= "96" and value[13:] != type_3_flags(value[:13]):
        raise _malformed(form.opens + value)
    return Structure(name, form.number, value)


def compound(*structures: Structure) -> Isbt128:
    """Several structures in one symbol, behind the message that counts them."""
    count = structure("compound", f"{len(structures):02d}000")
    return Isbt128((count, *structures))


def parse(text: str) -> Isbt128:
    """Take a scanned text apart.

    Raises:
        NotRegistered: ISBT 128 is off.
        Malformed: unknown or damaged structures, or not as many as the message counts.
    """
    own_facility()
    found, rest = [], text
    while rest:
        form = _form_of(rest)
        body = rest[len(form.opens) :]
        value = body[: form.length] if form.length else body
        found.append(structure(form.name, value))
        rest = body[len(value) :]
    counted = found[0].name == "compound" if found else False
    if not found or (counted and int(found[0].value[:2]) != len(found) - 1):
        raise _malformed(text)
    return Isbt128(tuple(found))


def _form_of(text: str) -> Form:
    for form in _OPENINGS:
        if text.startswith(form.opens):
            return form
    raise _malformed(text)


def looks_like(text: str) -> bool:
    """Whether ISBT 128 is on and a scanned text opens as its data structures do."""
    return bool(_facility) and text[:1] in ("=", "&") and len(text) > 5


def _malformed(text: str) -> Malformed:
    return Malformed(
        _(
            "%(text)s breaks the rules of ISBT 128, so it was misread or misprinted. "
            "Scan it again.",
            text=text[:60],
        )
    )
