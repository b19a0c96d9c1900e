"""What the acts of culture take through a door."""

from typing import Any

from marshmallow import Schema, ValidationError

from lims.core import numbers
from lims.core.limits import Limits
from lims.core.limits import words as listed
from lims.core.words import Text as _
from lims.culture import rules
from lims.culture.growing import ROUTES
from lims.web import fields

Route = fields.one_of(ROUTES)
_MOST_CELLS = 2_000_000_000
_ROUTES = {
    "density-gradient": _("density gradient"),
    "direct-plating": _("direct plating"),
    "red-cell-lysis": _("red-cell lysis"),
    "explant": _("explant"),
    "collagenase": _("collagenase"),
}
MODALITIES = {
    "cyclic_stretch": _("cyclic stretch"),
    "compression": _("compression"),
    "fluid_shear": _("fluid shear"),
    "vibration": _("vibration"),
    "substrate_stiffness": _("stiffness of the substrate"),
    "bioreactor_3d": _("three-dimensional bioreactor"),
    "ultrasound": _("ultrasound"),
    "magnetic": _("magnetic field"),
    "static_control": _("static control (no load)"),
}
_CHOICES = {
    "uniaxial": _("in one direction"),
    "equiaxial": _("in all directions"),
    "steady": _("steady"),
    "pulsatile": _("pulsatile"),
}


class Counts(fields.Numbers):
    """A list of whole numbers above zero."""

    def __init__(self, *, at_most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.each = fields.Whole(above=0, at_most=at_most)

    def described(self) -> dict[str, Any]:
        return {**super().described(), "items": {"type": "integer"}}


class AmountOfKinds(fields.Amount):
    """An amount of one of several kinds: a strain or a pressure."""

    def __init__(self, units: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(units[0], units=units, **kwargs)
        self._each = [fields.Amount(unit) for unit in units]

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        refusal: ValidationError | None = None
        for each in self._each:
            try:
                return each.deserialize(value)
            except ValidationError as fault:
                refusal = refusal or fault
        raise refusal  # type: ignore[misc]


class _Vessel(fields.Shape):
    """A vessel that cells go into."""

    vessel = fields.Words(longest=40, required=True, label=_("Vessel"), help=_("Such as T175."))
    area_cm2 = fields.Number(
        above=0, at_most=1_000_000, required=True, label=_("Growth area in cm²")
    )
    medium = fields.Words(longest=80, required=True, label=_("Medium"))
    medium_lot = fields.Words(
        supplier=True, longest=40, required=True, label=_("Lot of the medium")
    )
    medium_expires_on = fields.Day(required=True, label=_("The medium expires on"))
    antibiotic = fields.Flag(required=True, label=_("Does the medium hold an antibiotic?"))
    reason = fields.reason()


class IsolateIn(_Vessel):
    """A P0 vessel from a specimen."""

    route = fields.Choice(Route, _ROUTES, required=True, label=_("How the cells were isolated"))
    nucleated_cells = fields.Whole(
        above=0,
        at_most=_MOST_CELLS,
        label=_("Nucleated cells seeded"),
        help=_("Leave it empty for explants."),
    )

    class Meta(fields.Shape.Meta):
        fields = (
            "route", "nucleated_cells", "vessel", "area_cm2", "medium", "medium_lot",
            "medium_expires_on", "antibiotic", "reason",
        )  # fmt: skip


class _Counted(fields.Shape):
    """What was counted when cells were detached or their medium taken."""

    total_cells = fields.Whole(
        at_least=0,
        at_most=_MOST_CELLS,
        required=True,
        label=_("Cells counted"),
        help=_("All of them, dead ones included."),
    )
    viability_percent = fields.Number(
        at_least=0, at_most=100, required=True, label=_("Viability in %")
    )
    confluence_percent = fields.Number(
        at_least=0, at_most=100, required=True, label=_("Confluence in %")
    )


class PassageIn(_Counted, _Vessel):
    """The next vessels from one."""

    seeded = Counts(
        fewest=1,
        most=60,
        at_most=_MOST_CELLS,
        required=True,
        label=_("Living cells into each new vessel"),
        help=_("One line for each vessel."),
    )

    class Meta(fields.Shape.Meta):
        fields = (
            "total_cells", "viability_percent", "confluence_percent", "seeded", "vessel",
            "area_cm2", "medium", "medium_lot", "medium_expires_on", "antibiotic", "reason",
        )  # fmt: skip


class RejectIn(fields.Shape):
    """Why a culture is rejected."""

    reason = fields.Words(
        lines=True,
        required=True,
        label=_("What was seen"),
        help=_("Everything made from it is blocked as well."),
    )


def harvest_in(limits: Limits) -> Schema:
    """A harvest; the media are the site's, and complete serum, so that the gate can refuse it."""
    media = (*listed(limits, "harvest.media"), "complete_serum")
    shape = {
        "flasks": fields.Codes(
            "C",
            load_default=list,
            label=_("Further vessels"),
            help=_("Scan the others of the same donor that go into the pool."),
        ),
        "medium_kind": fields.Choice(
            fields.one_of(media),
            rules.MEDIA,
            required=True,
            label=_("Medium that was conditioned"),
        ),
        "washes": fields.Whole(
            at_least=0, at_most=20, required=True, label=_("Washes before the change of medium")
        ),
        "started_at": fields.Moment(required=True, label=_("Medium changed at")),
        "ended_at": fields.Moment(required=True, label=_("Medium taken at")),
        **{name: _Counted._declared_fields[name] for name in _Counted._declared_fields},
        "volume": fields.Amount(
            "mL", smallest="uL", above=0, at_most=1_000_000, required=True, label=_("Volume taken")
        ),
        "reason": fields.reason(),
    }
    return _made("HarvestIn", shape)


def precondition_in(modality: str, limits: Limits) -> Schema:
    """A run of one modality, with the parameters that the site's file asks of it.

    Raises:
        BadInput: no such modality here.
    """
    shape: dict[str, Any] = {}
    for each in rules.schema(modality, limits):
        if each.choices:
            shape[each.name] = fields.Choice(
                fields.one_of(each.choices),
                _CHOICES,
                required=True,
                label=each.title,
            )
        elif each.units:
            shape[each.name] = AmountOfKinds(
                each.units, required=True, label=each.title, help=_usual(each)
            )
        else:
            shape[each.name] = fields.Words(longest=80, required=True, label=each.title)
    shape |= {
        "device": fields.Words(longest=80, required=True, label=_("Device")),
        "calibrated_on": fields.Day(required=True, label=_("Calibrated on")),
        "substrate": fields.Words(longest=80, required=True, label=_("Substrate")),
        "coating": fields.Words(longest=80, required=True, label=_("Coating")),
        "started_at": fields.Moment(required=True, label=_("Start")),
        "ended_at": fields.Moment(required=True, label=_("End")),
        "duty_on": fields.Amount(
            "h", at_least=0, units=("h", "min"), required=True, label=_("Under load in each cycle")
        ),
        "duty_off": fields.Amount(
            "h", at_least=0, units=("h", "min"), required=True, label=_("At rest in each cycle")
        ),
        "during_harvest": fields.Flag(required=True, label=_("Did it go on during the harvest?")),
        "static_sister": fields.Code(
            "C",
            required=modality != "static_control",
            label=_("Static sister"),
            help=_("A vessel of the same donor that grew beside it without load."),
        ),
        "reason": fields.reason(),
    }
    return _made("PreconditionIn", shape)


def _usual(parameter: rules.Parameter) -> _ | None:
    if parameter.usual_min is None and parameter.usual_max is None:
        return None
    return _(
        "Usual: %(low)s to %(high)s.",
        low=parameter.usual_min or "-",
        high=parameter.usual_max or "-",
    )


def as_parameter(value: Any) -> str:
    """A parameter as the run keeps it: value with its unit, or a word."""
    if hasattr(value, "unit"):
        return f"{numbers.plain(value.value)} {value.unit}"
    return str(value)


def _made(name: str, shape: dict[str, Any]) -> Schema:
    return type(name, (fields.Shape,), shape)()
