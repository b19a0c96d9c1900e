"""A form made from a schema: what it sends, brought into the JSON shape, and its controls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, missing
from werkzeug.datastructures import MultiDict

from lims.core.codes import LETTERS
from lims.core.gate import Row
from lims.core.units import shown
from lims.core.words import language
from lims.web.fields import (
    Amount,
    Amounts,
    Choice,
    Code,
    Codes,
    File,
    Flag,
    Input,
    Reasons,
    Said,
    Shape,
)

OURS = ("_csrf", "_key")


@dataclass
class Control:
    """One input of a form, ready to be drawn.

    Attributes:
        kind: which macro draws it.
        held: what its inputs hold, by part; the main input is the empty part.
        faults: sentences that say why it was refused.
        more: what the kind needs besides (units, options, letters, zone).
    """

    name: str
    kind: str
    label: str
    help: str
    required: bool
    held: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """What the main input holds."""
        return self.held.get("", "")


def raw(schema: Schema, form: Mapping[str, str], files: Mapping[str, Any]) -> dict[str, Any]:
    """What a form or a query sent, in the JSON shape.

    Raises:
        ValidationError: an input that the schema does not know, or one that cannot be read.
    """
    sent: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    known = set(OURS)
    for name, each in _inputs(schema).items():
        known |= {name, *(name + part for part in each.parts())}
        if isinstance(each, Reasons):
            known |= {other for other in form if other.startswith(name + ".")}
        try:
            value = each.from_form(name, form, files)
        except ValidationError as fault:
            faults[name] = list(fault.messages)
            continue
        if value is not missing:
            sent[name] = value
    unknown = Shape.error_messages["unknown"]
    for name in [*form, *files]:
        if name not in known:
            faults[name] = [Said(unknown)]
    if isinstance(form, MultiDict):
        for name in form:
            if len(form.getlist(name)) > 1:
                faults[name] = [Said(unknown)]
    if faults:
        # The rest is judged as well, so that one round shows every fault.
        rest = {name: value for name, value in sent.items() if name not in faults}
        faults = {**schema.validate(rest, partial=tuple(faults)), **faults}
        raise ValidationError(faults)
    return sent


def secretless(schema: Schema, sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent without its secrets, for the digest that is kept.

    A name or a birth date stays out as well: its hash could be guessed, and outlives erasure.
    """
    return {
        name: value
        for name, value in sent.items()
        if getattr(schema.fields.get(name), "kind", "") != "secret"
        and not getattr(schema.fields.get(name), "private", False)
    }


def _inputs(schema: Schema) -> dict[str, Input]:
    return {
        name: each
        for name, each in schema.fields.items()
        if isinstance(each, Input) and not each.dump_only
    }


def controls(
    schema: Schema,
    zone: ZoneInfo,
    *,
    held: Mapping[str, str] | None = None,
    faults: Mapping[str, Any] | None = None,
    asked: tuple[Row, ...] = (),
) -> list[Control]:
    """The inputs of a form.

    Args:
        held: what was typed, kept where a form comes back; also what a link fills in at first.
        faults: why inputs were refused, by name.
        asked: warnings of a gate that want a reason.
    """
    held, faults = held or {}, faults or {}
    made = []
    for name, each in _inputs(schema).items():
        control = Control(
            name,
            each.kind,
            str(each.label or name),
            str(each.help or ""),
            each.required,
            faults=[str(said) for said in faults.get(name, [])],
            more=_more(each, zone),
        )
        control.held = each.first(zone)
        if each.kind not in ("secret", "file"):
            for part in ("", *each.parts()):
                if name + part in held:
                    control.held[part] = held[name + part]
        if isinstance(each, Reasons):
            control.more["asked"] = [
                (
                    row.id,
                    str(row.finding.what),
                    str(row.finding.why),
                    held.get(f"{name}.{row.id}", ""),
                )
                for row in asked
            ]
        made.append(control)
    return made


def _more(each: Input, zone: ZoneInfo) -> dict[str, Any]:
    more: dict[str, Any] = {"zone": zone.key, "jalali": language() == "fa"}
    if isinstance(each, Amount):
        more["units"] = [(unit, shown(unit)) for unit in each.units]
    if isinstance(each, Amounts) and isinstance(each.each, Amount):
        more["unit"] = shown(each.each.unit)
    if isinstance(each, Code | Codes):
        more["letters"] = each.letters
        more["kinds"] = [str(LETTERS[letter]) for letter in each.letters]
    if isinstance(each, Choice):
        more["options"] = each.options()
    if isinstance(each, Flag):
        more["box"] = each.box
    if isinstance(each, File):
        more["accept"] = each.accept
    more["lines"] = bool(getattr(each, "lines", False))
    more["scan"] = getattr(each, "scan", "")
    more["supplier"] = bool(getattr(each, "supplier", False))
    more["longest"] = getattr(each, "longest", None)
    return more
