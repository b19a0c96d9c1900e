"""Limits by dotted name, and the places of a study file that point to them with `@name`."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lims.core import numbers, units
from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies.protocol.model import LimitValue
from lims.studies.protocol.source import Path
from lims.studies.protocol.specification import Limit
from lims.studies.protocol.words import LimitKind

Sentence = tuple[Path, str]


def flat(table: Any, path: Path = ()) -> Iterator[tuple[str, Any]]:
    """Every leaf of nested tables under its dotted name."""
    if isinstance(table, Mapping):
        for key, value in table.items():
            yield from flat(value, (*path, key))
    else:
        yield ".".join(path), table


def value(raw: Any) -> LimitValue:
    """A limit as written: amounts with their unit, bare numbers, words, flags, lists of words.

    Raises:
        BadInput: an amount whose number or unit cannot be read.
    """
    if isinstance(raw, list):
        if not all(isinstance(each, str) for each in raw):
            raise BadInput(_("A list of a limit holds texts only."))
        return tuple(raw)
    if isinstance(raw, bool | int):
        return raw
    if not isinstance(raw, str):
        raise BadInput(_("A limit is a text, a whole number, true or false, or a list of texts."))
    head, blank, _unit = raw.partition(" ")
    if blank:
        return Quantity.parse(raw)
    if head[:1].isdigit() or head[:1] in "+-":
        return numbers.decimal(head)
    return raw


def values(table: Any, name: str = "limits") -> tuple[dict[str, LimitValue], list[Sentence]]:
    """All limits of a file, and what is wrong with some."""
    good: dict[str, LimitValue] = {}
    bad: list[Sentence] = []
    if not isinstance(table, Mapping):
        return good, [((name,), str(_("This must be a table of keys.")))]
    for key, raw in flat(table):
        try:
            good[key] = value(raw)
        except BadInput as refusal:
            bad.append(((name, *key.split(".")), str(refusal)))
    return good, bad


def overridden(
    own: Mapping[str, LimitValue], house: Mapping[str, LimitValue]
) -> tuple[dict[str, LimitValue], list[Sentence]]:
    """The house's limits with a study's own in their place."""
    bad: list[Sentence] = []
    for key, mine in own.items():
        path = ("limits", *key.split("."))
        if key not in house:
            sentence = _(
                "The site file has no limit %(name)s to override; correct the name.", name=key
            )
            bad.append((path, str(sentence)))
        elif _shape(mine) != _shape(house[key]):
            sentence = _(
                "%(name)s is %(wanted)s in the site file and cannot become %(given)s here.",
                name=key,
                wanted=_shape(house[key]),
                given=_shape(mine),
            )
            bad.append((path, str(sentence)))
    return {**house, **own}, bad


def _shape(limit: LimitValue) -> str:
    if isinstance(limit, Quantity):
        return units.kind(limit.unit)
    names = {bool: "a yes or no", int: "a number", Decimal: "a number", str: "a word"}
    return names.get(type(limit), "a list")


def resolved(content: Any, raw: Mapping[str, Any], path: Path = ()) -> tuple[Any, list[Sentence]]:
    """`content` with each `@name` replaced by that limit as it is written."""
    if isinstance(content, Mapping):
        made = {}
        bad: list[Sentence] = []
        for key, each in content.items():
            made[key], found = resolved(each, raw, (*path, key))
            bad += found
        return made, bad
    if isinstance(content, str) and content.startswith("@"):
        name = content[1:]
        if name in raw:
            return raw[name], []
        sentence = _("%(name)s points to no limit; add it to the site file.", name=content)
        return content, [(path, str(sentence))]
    return content, []


# Which ends each kind of limit has.
_ENDS: Mapping[str, tuple[str, ...]] = {
    LimitKind.RANGE: ("low", "high"),
    LimitKind.AT_LEAST: ("low",),
    LimitKind.ABOVE: ("low",),
    LimitKind.AT_MOST: ("high",),
    LimitKind.BELOW: ("high",),
    LimitKind.ONE_OF: ("choices",),
    LimitKind.BELOW_LOQ: (),
    LimitKind.REPORT: (),
    "around": ("nominal", "allowance", "tolerance"),
}
_ALL = ("low", "high", "choices", "nominal", "allowance", "tolerance")


def limit(table: Mapping[str, Any], unit: str | None) -> tuple[Limit | None, list[tuple[str, str]]]:
    """One limit of a specification in the unit of its test, or the keys at fault."""
    ends = _ENDS.get(table.get("kind", ""))
    if ends is None:
        return None, []  # the shape has named it
    bad = [
        (key, str(_("A limit of this kind needs this key."))) for key in ends if key not in table
    ] + [
        (key, str(_("A limit of this kind does not use this key; remove it.")))
        for key in _ALL
        if key in table and key not in ends
    ]
    amounts: dict[str, Quantity] = {}
    for key in ends:
        if key == "choices" or key not in table:
            continue
        try:
            amounts[key] = _amount(str(table[key]), unit)
        except BadInput as refusal:
            bad.append((key, str(refusal)))
    if bad:
        return None, bad
    if table["kind"] == "around":
        middle = amounts["nominal"].value + amounts["allowance"].value
        spread = amounts["tolerance"].value
        low, high = Quantity(middle - spread, str(unit)), Quantity(middle + spread, str(unit))
        return Limit(LimitKind.RANGE, low, high), []
    made = Limit(
        LimitKind(table["kind"]),
        amounts.get("low"),
        amounts.get("high"),
        tuple(table.get("choices", ())),
    )
    if made.low is not None and made.high is not None and made.low.value > made.high.value:
        return None, [("low", str(_("The lower end lies above the upper end.")))]
    return made, []


def _amount(text: str, unit: str | None) -> Quantity:
    if unit is None:
        raise BadInput(_("The test has no unit, so this limit cannot be a number; add its unit."))
    if unit == "1" and " " not in text.strip():
        return Quantity(text, "1")
    return Quantity.parse(text).to(unit)
