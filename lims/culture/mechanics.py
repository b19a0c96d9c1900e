"""Mechanical preconditioning: what each modality must record, and what is usual.

Which fields a modality needs and their usual ranges stand in the site's file
(`preconditioning.cyclic_stretch.fields`, `preconditioning.cyclic_stretch.strain_max`); here stands
what a field of that name is: its units or its words.

Source: domain section 4.5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lims.core import limits as site
from lims.core import units
from lims.core.errors import BadInput
from lims.core.gate import Row, passed, stopped, warned
from lims.core.limits import Limits
from lims.core.units import Quantity
from lims.core.words import Text
from lims.core.words import Text as _

LEAD = _("head of the laboratory")
OFFICER = _("quality control officer")
STATIC = "static_control"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a modality.

    Attributes:
        units: UCUM units it may be given in; none for words.
        choices: its words; none where any text will do.
        usual_min, usual_max: outside them a person is warned; None where nothing is usual.
    """

    name: str
    title: Text
    units: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    usual_min: Quantity | None = None
    usual_max: Quantity | None = None


_KINDS: Mapping[str, Parameter] = {
    each.name: each
    for each in (
        Parameter("strain", _("strain"), ("%",)),
        Parameter("frequency", _("frequency"), ("Hz", "MHz")),
        Parameter("axis", _("axis"), choices=("uniaxial", "equiaxial")),
        Parameter("time_per_day", _("time per day"), ("h", "min")),
        Parameter("strain_or_pressure", _("strain or pressure"), ("%", "kPa", "Pa")),
        Parameter("shear", _("shear stress"), ("dyn/cm2", "Pa")),
        Parameter("flow_kind", _("kind of flow"), choices=("steady", "pulsatile")),
        Parameter("flow", _("flow"), ("mL/min",)),
        Parameter("acceleration", _("acceleration"), ("[g]",)),
        Parameter("stiffness", _("stiffness (Young's modulus)"), ("kPa", "Pa")),
        Parameter("material", _("material")),
        Parameter("thickness", _("thickness"), ("um", "mm")),
        Parameter("bioreactor_type", _("type of bioreactor")),
        Parameter("speed_or_flow", _("speed or flow"), ("/min", "mL/min")),
        Parameter("carrier", _("carrier")),
        Parameter("oxygen", _("oxygen"), ("%",)),
        Parameter("intensity", _("intensity"), ("mW/cm2",)),
        Parameter("duty", _("duty cycle"), ("%",)),
        Parameter("field", _("magnetic field"), ("mT",)),
        Parameter("particle_dose", _("dose of magnetic particles")),
    )
}
_TITLES: Mapping[str, Text] = {
    "modality": _("modality"), "device": _("device"), "calibrated_on": _("date of calibration"),
    "substrate": _("substrate"), "coating": _("coating"), "start": _("start"), "end": _("end"),
    "duty_on": _("time on"), "duty_off": _("time off"), "parameters": _("parameters"),
    "during_harvest": _("whether it went on during the harvest"),
    "static_sister": _("static sister culture"), "operator": _("operator"),
}  # fmt: skip


def schema(modality: str, limits: Limits) -> tuple[Parameter, ...]:
    """The parameters that a modality must record, with what is usual at this site.

    Raises:
        BadInput: no such modality.
        LimitMissing: the site's file does not describe it, or names an unknown field.
    """
    if modality not in site.words(limits, "preconditioning.modalities"):
        raise BadInput(
            _("%(modality)s is no modality of this site; choose one of its list.",
              modality=modality or "''"), field="modality",
        )  # fmt: skip
    found = []
    for name in site.words(limits, f"preconditioning.{modality}.fields"):
        if name not in _KINDS:
            raise site.LimitMissing(
                _("The site's file names a parameter %(name)s that is not known here; "
                  "correct the file.", name=name), field=f"preconditioning.{modality}.fields",
            )  # fmt: skip
        kind = _KINDS[name]
        key = f"preconditioning.{modality}.{name}"
        low, high = limits.get(f"{key}_min"), limits.get(f"{key}_max")
        found.append(Parameter(
            name, kind.title, kind.units, kind.choices,
            low if isinstance(low, Quantity) else None,
            high if isinstance(high, Quantity) else None))  # fmt: skip
    return tuple(found)


def check_preconditioning(
    modality: str, parameters: Mapping[str, object], limits: Limits
) -> tuple[Row, ...]:
    """Whether a modality's parameters are all there, and whether they are usual.

    Args:
        parameters: by name, each a `Quantity` or a word.

    Raises:
        BadInput: an unknown modality or parameter, or one in a unit of another kind.
    """
    wanted = schema(modality, limits)
    foreign = sorted(set(parameters) - {each.name for each in wanted})
    if foreign:
        raise BadInput(
            _("%(name)s is no parameter of %(modality)s; leave it out.",
              name=foreign[0], modality=modality), field="parameters",
        )  # fmt: skip
    missing = [each.title for each in wanted if parameters.get(each.name) in (None, "")]
    usual = (_usual(each, parameters.get(each.name)) for each in wanted)
    return (_complete(modality, missing), *(row for row in usual if row is not None))


def judge_preconditioning(record: Mapping[str, object], limits: Limits) -> tuple[Row, ...]:
    """Whether a whole record is complete, and whether it is usual.

    Args:
        record: the fields of `preconditioning.required`; `parameters` maps names to a `Quantity`
            or a word. `start` and `end` are comparable instants.

    Raises:
        BadInput: an unknown modality or parameter, or one in a unit of another kind.
    """
    modality = str(record.get("modality") or "")
    given = record.get("parameters")
    parameters: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    rows = check_preconditioning(modality, parameters, limits)
    # A static control has no parameters, so an empty list of them is complete.
    bare = not schema(modality, limits)
    missing = [
        _TITLES.get(name, _("%(name)s", name=name))
        for name in site.words(limits, "preconditioning.required")
        if record.get(name) in (None, "") and not (name == "parameters" and bare)
    ]
    if missing:
        rows = (_complete(modality, missing), *rows[1:])
    start, end = record.get("start"), record.get("end")
    if start is not None and end is not None:
        rows = (*rows, _times(start, end))
    return rows


def judge_mechanical_flag(
    arm_is_mechanical: bool, modalities_of_cultures: Sequence[Sequence[tuple[str, bool]]]
) -> Row:
    """Whether what was done to the cells is what the arm says (S24).

    Args:
        arm_is_mechanical: the arm's flag.
        modalities_of_cultures: for each culture that gave to the lot its records as
            (modality, complete). A static control is no preconditioning.

    Every contributing culture needs a complete record where the flag is true: a lot of which half
    was stretched is not the product of that arm. None may have any where it is false.
    """
    what = _("Mechanical preconditioning")
    treated = [
        [complete for modality, complete in records if modality != STATIC]
        for records in modalities_of_cultures
    ]
    if arm_is_mechanical:
        if treated and all(any(each) for each in treated):
            return Row("mechanical-flag", passed(what, _("recorded for every culture")))
        return Row("mechanical-flag", stopped(
            what, _("the arm needs it and a culture has no complete record"),
            _("complete the record, or take this culture out"), OFFICER))  # fmt: skip
    if any(treated):
        return Row("mechanical-flag", stopped(
            what, _("the arm is conventional and a culture was treated"),
            _("set the lot aside"), OFFICER))  # fmt: skip
    return Row("mechanical-flag", passed(what, _("none, as the arm says")))


def _complete(modality: str, missing: Sequence[Text]) -> Row:
    what = _("Record of preconditioning (%(modality)s)", modality=modality)
    if missing:
        return Row("preconditioning-complete", stopped(
            what, _("%(count)s missing, first %(name)s", count=len(missing), name=missing[0]),
            _("complete the record"), LEAD))  # fmt: skip
    return Row("preconditioning-complete", passed(what, _("complete")))


def _times(start: object, end: object) -> Row:
    what = _("Time of preconditioning")
    if not end > start:  # type: ignore[operator]
        return Row("preconditioning-time", stopped(
            what, _("it ends before it starts"), _("correct the times"), LEAD))  # fmt: skip
    return Row("preconditioning-time", passed(what, _("start before end")))


def _usual(parameter: Parameter, value: object) -> Row | None:
    if value in (None, ""):
        return None
    row_id = f"preconditioning-{parameter.name}"
    what = _("%(title)s %(value)s", title=parameter.title, value=value)
    if parameter.units:
        kinds = {units.kind(each) for each in parameter.units}
        if not isinstance(value, Quantity) or units.kind(value.unit) not in kinds:
            raise BadInput(
                _("%(title)s needs an amount in %(units)s; enter value and unit.",
                  title=parameter.title, units=", ".join(parameter.units)), field=parameter.name,
            )  # fmt: skip
        low, high = parameter.usual_min, parameter.usual_max
        below = low is not None and value.to(low.unit).value < low.value
        above = high is not None and value.to(high.unit).value > high.value
        if below or above:
            return Row(row_id, warned(
                what, _("the usual range is %(low)s to %(high)s", low=low or "-", high=high or "-"),
                _("check the value and its unit"), LEAD))  # fmt: skip
    elif parameter.choices and value not in parameter.choices:
        raise BadInput(
            _("%(title)s is one of %(choices)s; choose one.",
              title=parameter.title, choices=", ".join(parameter.choices)), field=parameter.name,
        )  # fmt: skip
    return Row(row_id, passed(what, _("as usual")))
