"""What may come in through a door, and how it is written when it goes out.

One set of fields serves JSON and forms. Every field reads the JSON shape; what a form sends is
brought into that shape first (`from_form`), so both doors judge by the same words. Nothing is
guessed: no float, no bare number for an amount, no naive time, no date of another calendar unless
the form says so (H16, H17), no unknown field (H53).

`inputs` has what all fields share, `measures` the numbers and dates, `entries` what is scanned,
written or chosen; the lists stand here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, missing

from lims.core import codes
from lims.core.words import Text as _
from lims.web.entries import Choice, Code, File, Flag, Reasons, Secret, Words, one_of
from lims.web.inputs import Input, Said, Shape, refused
from lims.web.measures import Amount, Day, Moment, Number, Whole


class _Several(Input):
    """A list; the form takes one a line.

    Args:
        fewest, most: how many there may be.
    """

    kind = "lines"
    each: Input

    def __init__(self, *, fewest: int = 0, most: int = 500, **kwargs: Any) -> None:
        self.fewest, self.most = fewest, most
        super().__init__(**kwargs)

    def described(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": self.each.described(),
            "minItems": self.fewest,
            "maxItems": self.most,
        }

    def from_form(self, name: str, form: Mapping[str, str], files: Mapping[str, Any]) -> Any:
        lines = [line.strip() for line in form.get(name, "").splitlines() if line.strip()]
        if not lines:
            return missing
        return [self.each.from_form("", {"": line}, {}) for line in lines]

    def to_form(self, value: Any, zone: ZoneInfo) -> dict[str, str]:
        return {"": "\n".join(str(each) for each in value)}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise refused(_("A list is needed here."))
        if not self.fewest <= len(value) <= self.most:
            raise refused(
                _(
                    "It needs %(fewest)s to %(most)s entries; it has %(given)s.",
                    fewest=self.fewest,
                    most=self.most,
                    given=len(value),
                ),
                "wrong_count",
            )
        loaded, faults = [], []
        for place, each in enumerate(value, 1):
            try:
                loaded.append(self.each.deserialize(each))
            except ValidationError as fault:
                for said in fault.messages:
                    line = _("Line %(place)s: %(fault)s", place=place, fault=said)
                    faults.append(Said(line, getattr(said, "code", "bad_input")))
        if faults:
            raise ValidationError(faults)
        return loaded

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return [self.each._serialize(each, attr, obj) for each in value]


class Amounts(_Several):
    """A list of amounts of one unit; a form's line without a unit is meant in `unit`."""

    def __init__(
        self,
        unit: str,
        *,
        smallest: str | None = None,
        above: Decimal | int | str | None = None,
        at_least: Decimal | int | str | None = None,
        at_most: Decimal | int | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.each = Amount(unit, smallest=smallest, above=above, at_least=at_least, at_most=at_most)
        super().__init__(**kwargs)


class Codes(_Several):
    """A list of printed codes of the given kinds; a code given twice is refused."""

    kind = "codes"

    def __init__(self, letters: str = "", *, scanned: bool = False, **kwargs: Any) -> None:
        self.letters = letters
        self.each = Code(letters, scanned=scanned)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        loaded = super()._deserialize(value, attr, data, **kwargs)
        seen: set[str] = set()
        for each in loaded:
            code = each.code if isinstance(each, codes.Scanned) else each
            if code in seen:
                raise refused(
                    _("%(code)s stands here twice; take one out.", code=codes.grouped(code)),
                    "twice",
                )
            seen.add(code)
        return loaded


class Numbers(_Several):
    """A list of decimals."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = {
            each: kwargs.pop(each) for each in ("above", "at_least", "at_most") if each in kwargs
        }
        self.each = Number(**bounds)
        super().__init__(**kwargs)


def reason() -> Words:
    """Why to go on where a limit warns; the gate says whether it is needed."""
    return Words(
        lines=True,
        load_default="",
        label=_("Reason"),
        help=_("Only where a check warns: why you go on in spite of it."),
    )


__all__ = [
    "Amount",
    "Amounts",
    "Choice",
    "Code",
    "Codes",
    "Day",
    "File",
    "Flag",
    "Input",
    "Moment",
    "Number",
    "Numbers",
    "Reasons",
    "Said",
    "Secret",
    "Shape",
    "Whole",
    "Words",
    "one_of",
    "reason",
    "refused",
]
