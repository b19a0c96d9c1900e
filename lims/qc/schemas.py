"""What the acts of quality control take through a door."""

from typing import Any

from marshmallow import Schema

from lims.core import units
from lims.core.words import Text as _
from lims.qc.showing import NONE_OF_THESE, OTHER, WORDS
from lims.studies.protocol import Component, LimitKind, SpecTest
from lims.web import fields

_STANDARD_UNITS = fields.one_of(("ug/mL", "mg/mL", "ug/uL", "ng/mL"))


def _unit_names(names: Any) -> dict[str, str]:
    return {each: units.shown(each) for each in names}


def _choice(words: tuple[str, ...]) -> dict[str, Any]:
    # Words of another study may have no translation here; they are shown as its file has them.
    return {
        "values": fields.one_of(words),
        "labels": {each: WORDS[each] for each in words if each in WORDS},
    }


class Names(fields.Numbers):
    """A list of short names, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.each = fields.Words(longest=20, required=True)

    def described(self) -> dict[str, Any]:
        return {**super().described(), "items": {"type": "string"}}


def result_in(test: SpecTest) -> Schema:
    """The form of one test: its parts, its words, or a value with the units that convert."""
    if test.components:
        shape = {each.id: _part(each) for each in test.components}
    elif test.limit.kind is LimitKind.ONE_OF or test.unit is None:
        shape = _of_words(test)
    else:
        shape = _of_amount(test)
    return type("ResultIn", (fields.Shape,), shape)()


def _part(part: Component) -> fields.Input:
    if part.unit is not None:
        return fields.Words(
            longest=40,
            required=True,
            label=_("%(part)s in %(unit)s", part=part.id, unit=units.shown(part.unit)),
            help=_("Limit: %(limit)s. Write < before a value below what can be measured.",
                   limit=part.limit.shown()),
        )  # fmt: skip
    if part.limit.kind is LimitKind.REPORT:
        words: tuple[str, ...] = ("positive", "negative", "not_tested")
    else:
        words = (*part.limit.choices, NONE_OF_THESE)
    return fields.Choice(**_choice(words), required=True, label=part.id)


def _of_words(test: SpecTest) -> dict[str, Any]:
    if not test.limit.choices:
        return {"value": fields.Words(longest=80, required=True, label=_("Result"))}
    return {
        "value": fields.Choice(
            **_choice((*test.limit.choices, OTHER)), required=True, label=_("Result")
        ),
        "found": fields.Words(
            longest=80, label=_("What was found"), help=_("Only where it is something else.")
        ),
    }


def _of_amount(test: SpecTest) -> dict[str, Any]:
    names = units.same_kind(test.unit or "")
    loq = test.limit.kind is LimitKind.BELOW_LOQ
    return {
        "value": fields.Words(
            longest=40,
            required=True,
            label=_("Result"),
            help=_("Write below_loq where nothing was found, else the value; < before it if less.")
            if loq
            else _("As measured, not rounded. Write < before a value below what can be measured."),
        ),
        "unit": fields.Choice(
            fields.one_of(names),
            _unit_names(names),
            required=not loq,
            label=_("Unit"),
            help=_("The one on the instrument or the report; it is converted."),
        ),
        **({"reason": _reason()} if test.limit.low and test.limit.high else {}),
    }


class _FileIn(fields.Shape):
    """A file of an instrument, for one scanned sample."""

    file = fields.File(
        required=True, accept=".csv,.txt", label=_("File"), help=_("As the instrument wrote it.")
    )
    dilution = fields.Number(
        at_least=1,
        at_most=1_000_000_000,
        required=True,
        label=_("Dilution factor"),
        help=_("How many times the sample was thinned, from the bench sheet; 1 for neat."),
    )


def _reason() -> fields.Words:
    return fields.Words(
        lines=True,
        load_default="",
        label=_("Reason"),
        help=_("Only where a check warns: why the measurement is used in spite of it."),
    )


class ParticlesIn(_FileIn):
    """A particle count."""

    reason = _reason()


class ProteinIn(_FileIn):
    """A plate of a protein assay."""

    sample_name = fields.Words(
        longest=40,
        required=True,
        label=_("Name of the sample on the plate"),
        help=_("As the layout of the plate calls its wells, such as SPL1."),
    )
    standard_unit = fields.Choice(
        _STANDARD_UNITS,
        _unit_names(_STANDARD_UNITS),
        required=True,
        label=_("Unit of the standards"),
        help=_("The file does not say it; it stands on the vial of the standard."),
    )
    reason = _reason()

    class Meta(fields.Shape.Meta):
        fields = ("file", "sample_name", "dilution", "standard_unit", "reason")


def review_in(waiting: list[str]) -> Schema:
    """Which results are reviewed; at first those that wait and are not one's own."""
    shape = {
        "tests": Names(
            most=100,
            load_default=list,
            prefill=waiting,
            label=_("Tests"),
            help=_("One line for each; none means all that wait."),
        ),
        "password": fields.Secret(
            required=True,
            label=_("Your password"),
            help=_("It signs: I have reviewed these results."),
        ),
    }
    return type("ReviewIn", (fields.Shape,), shape)()


class DeviationIn(fields.Shape):
    """Something did not go as it should."""

    description = fields.Words(
        lines=True, longest=2000, required=True, label=_("What happened, when and to what")
    )


class ClosingIn(fields.Shape):
    """What an investigation found."""

    cause = fields.Words(
        lines=True, longest=2000, required=True, label=_("What the investigation found")
    )
    laboratory_error = fields.Flag(
        required=True,
        label=_("Was a laboratory error proved?"),
        help=_("Only then is the result set aside, for a retest. It is never deleted."),
    )
    password = fields.Secret(
        required=True, label=_("Your password"), help=_("It signs: I have investigated this.")
    )
