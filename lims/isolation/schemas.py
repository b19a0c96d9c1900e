"""What the acts of isolation take through a door."""

from typing import Any

from marshmallow import Schema

from lims.core.errors import BadInput
from lims.core.limits import Limits
from lims.core.limits import words as listed
from lims.core.words import Text as _
from lims.isolation import rules
from lims.web import fields

_METHODS = {
    "ultracentrifugation": _("differential ultracentrifugation"),
    "tff": _("tangential flow filtration"),
    "sec": _("size-exclusion chromatography"),
    "density_gradient": _("density gradient"),
    "precipitation": _("precipitation"),
}
_CONVENTIONS = {
    rules.RadiusConvention.RMIN: _("inner (rmin)"),
    rules.RadiusConvention.RAVG: _("mean (ravg)"),
    rules.RadiusConvention.RMAX: _("outer (rmax)"),
}
_SPUN = ("1", "2", "3", "4", "5")
_LOW = ("1", "2", "3")
_STEP_NAMES = {
    "1": _("Step 1, cells"),
    "2": _("Step 2, dead cells"),
    "3": _("Step 3, debris"),
    "4": _("Step 4, vesicles"),
    "5": _("Step 5, wash"),
}


def _radius(label: _, **more: Any) -> fields.Number:
    return fields.Number(above=0, at_most=1000, label=label, **more)


def _convention() -> fields.Choice:
    return fields.Choice(
        rules.RadiusConvention,
        _CONVENTIONS,
        required=True,
        label=_("The radius is"),
        help=_("A force means nothing without it."),
    )


def _spin(step: str, name: _, *, required: bool) -> dict[str, Any]:
    return {
        f"rpm_{step}": fields.Number(
            above=0,
            at_most=200_000,
            required=required,
            label=_("%(step)s: rpm", step=name),
        ),
        f"minutes_{step}": fields.Number(
            above=0, at_most=6000, required=required, label=_("%(step)s: minutes", step=name)
        ),
    }


def _times() -> dict[str, Any]:
    return {
        "started_at": fields.Moment(required=True, label=_("Start")),
        "ended_at": fields.Moment(required=True, label=_("End")),
    }


def isolate_in(limits: Limits) -> Schema:
    """A run; the methods are the site's, and the refused ones, so that the gate can say no.

    A step that was not done stays empty: the gate stops a run that lacks one.
    """
    methods = (
        *listed(limits, "isolation.methods"),
        *listed(limits, "isolation.refused_methods"),
    )
    shape: dict[str, Any] = {
        "method": fields.Choice(
            fields.one_of(methods),
            _METHODS,
            required=True,
            label=_("Method"),
        ),
        "rotor": fields.Words(longest=80, required=True, label=_("Rotor")),
        "radius_mm": _radius(_("Radius of the rotor in mm"), required=True),
        "convention": _convention(),
        "radius_low_mm": _radius(
            _("Radius for steps 1 to 3 in mm"),
            help=_("Only where they were spun in another rotor."),
        ),
    }
    for step in _SPUN:
        shape |= _spin(step, _STEP_NAMES[step], required=False)
        if step == "3":
            shape["filtered"] = fields.Flag(
                required=True, label=_("Was it filtered at 0.22 µm after step 3?")
            )
    shape |= {
        "formulation": fields.Words(longest=80, required=True, label=_("Formulation")),
        **_times(),
        "volume": _volume(),
        "reason": fields.reason(),
    }
    return type("IsolateVesiclesIn", (fields.Shape,), shape)()


def _volume() -> fields.Amount:
    return fields.Amount(
        "mL",
        smallest="uL",
        above=0,
        at_most=1_000_000,
        units=("mL", "uL"),
        required=True,
        label=_("Volume of the product"),
    )


class PrpIn(fields.Shape):
    """Plasma from a tube of blood, by a soft and a hard spin."""

    rotor = fields.Words(longest=80, required=True, label=_("Rotor"))
    radius_mm = _radius(_("Radius of the rotor in mm"), required=True)
    convention = _convention()
    rpm_1 = _spin("1", _("Soft spin"), required=True)["rpm_1"]
    minutes_1 = _spin("1", _("Soft spin"), required=True)["minutes_1"]
    rpm_2 = _spin("2", _("Hard spin"), required=True)["rpm_2"]
    minutes_2 = _spin("2", _("Hard spin"), required=True)["minutes_2"]
    started_at = fields.Moment(required=True, label=_("Start"))
    ended_at = fields.Moment(required=True, label=_("End"))
    volume = _volume()
    reason = fields.reason()


def _part(label: _, help: _) -> fields.Amount:
    return fields.Amount(
        "mL",
        smallest="uL",
        at_least=0,
        at_most=1_000_000,
        units=("mL", "uL"),
        required=True,
        label=label,
        help=help,
    )


class FillIn(fields.Shape):
    """A lot into vials; every microlitre has a place."""

    doses = fields.Amounts(
        "mL",
        smallest="uL",
        above=0,
        at_most=1000,
        fewest=1,
        most=200,
        required=True,
        label=_("Volume of each vial"),
        help=_("One line for each vial."),
    )
    qc = _part(_("Sample for tests"), _("It gets a code of its own; 0 for none."))
    retained = _part(_("Retained sample"), _("It gets a code of its own; 0 for none."))
    waste = _part(_("Waste"), _("What was left in tubes and tips, and why if it is much."))
    reason = fields.reason()


class VialCountIn(fields.Shape):
    """Every vial of a lot, scanned."""

    seen = fields.Codes(
        "V", most=200, load_default=list, label=_("Vials here"), help=_("One scan a line.")
    )


class VialCountOut(fields.Shape):
    """What a count came to."""

    doses = fields.Whole()
    missing = fields.Codes()
    foreign = fields.Codes()
    unlabelled = fields.Codes()
    unsettled = fields.Codes()
    closed = fields.Flag()


def spins_of(given: dict[str, Any]) -> list[rules.Spin]:
    """The spins that a form tells of, in the order of the method; takes its fields out of it.

    Raises:
        BadInput: a step with a speed and no time, or the reverse.
    """
    radius, low = given.pop("radius_mm"), given.pop("radius_low_mm", None)
    convention = given.pop("convention")
    filtered = given.pop("filtered", False)
    spins = []
    for step in _SPUN:
        rpm, minutes = given.pop(f"rpm_{step}", None), given.pop(f"minutes_{step}", None)
        if (rpm is None) != (minutes is None):
            missing = "rpm" if rpm is None else "minutes"
            raise BadInput(
                _("Step %(step)s needs its speed and its time; enter both.", step=step),
                field=f"{missing}_{step}",
            )
        if rpm is not None and minutes is not None:
            at = low if low is not None and step in _LOW else radius
            spins.append(rules.Spin(step, rpm, at, convention, minutes))
        if step == "3" and filtered:
            # A filter has no force; its place in the order is what counts.
            zero = minutes * 0 if minutes is not None else radius * 0
            spins.append(rules.Spin("3b", zero, radius, convention, zero))
    return spins
