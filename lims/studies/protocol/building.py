"""From a checked study file to the frozen shapes the house works with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.studies.protocol import expressions
from lims.studies.protocol.limits import limit
from lims.studies.protocol.model import (
    Allocation,
    Arm,
    Consent,
    Criterion,
    Dose,
    Field,
    LimitValue,
    Note,
    Outcome,
    Protocol,
    Site,
    Visit,
    Window,
)
from lims.studies.protocol.source import digest
from lims.studies.protocol.specification import Component, Limit, SpecTest
from lims.studies.protocol.words import (
    CriterionKind,
    DonorRule,
    FieldKind,
    MechanicalRule,
    ProductKind,
    Severity,
    WindowKind,
)

Data = Mapping[str, Any]

# Registered facts that a live study must have (practice data may run without).
REQUIRED_LIVE = (("registration", "ethics_number"),)


def protocol(
    data: Data, content: Data, resolved: Data, limits: Mapping[str, LimitValue], site: Site
) -> Protocol:
    """The study. `data` must be free of faults; `content` is the file as written."""
    study = data["study"]
    return Protocol(
        code=study["code"],
        title=study["title"],
        public_title=study["public_title"],
        condition=study["condition"],
        phase=study["phase"],
        blinded=study["blinded"],
        participant_prefix=data["site"]["participant_prefix"],
        digest=digest(content),
        site_digest=site.digest,
        site_version=site.version,
        arms=_named(data["arms"], _arm),
        windows=_named(data["windows"], _window),
        specifications=MappingProxyType(
            {
                product: tuple(_test(name, each) for name, each in tests.items())
                for product, tests in data["specifications"].items()
            }
        ),
        specification_digests=MappingProxyType(
            {product: digest(tests) for product, tests in resolved["specifications"].items()}
        ),
        allocation=_allocation(data["allocation"]),
        consent=_consent(data["consent"]),
        fields=_named(data["eligibility"]["fields"], field),
        criteria=tuple(_criterion(*each) for each in data["eligibility"]["criteria"].items()),
        outcomes=tuple(_outcome(*each) for each in data["outcomes"].items()),
        visits=tuple(_visit(*each) for each in data["visits"].items()),
        notes=tuple(
            Note(name, each["unclear"], each["representation"])
            for name, each in data.get("notes", {}).items()
        ),
        limits=MappingProxyType(dict(limits)),
        labels=MappingProxyType({**site.labels, **data["labels"]}),
        activation_requires=missing_live(data),
        document=resolved,
    )


def missing_live(data: Data) -> tuple[str, ...]:
    """What keeps the study from going live, as dotted keys."""
    return tuple(f"{table}.{key}" for table, key in REQUIRED_LIVE if key not in data.get(table, {}))


def field(name: str, each: Data) -> Field:
    """A field of eligibility or of an outcome."""
    return Field(
        name,
        FieldKind(each["type"]),
        each.get("unit"),
        each.get("title", ""),
        tuple(each.get("choices", ())),
        each.get("never", False),
    )


def _named(tables: Data, make: Any) -> Mapping[str, Any]:
    return MappingProxyType({name: make(name, each) for name, each in tables.items()})


def _arm(code: str, arm: Data) -> Arm:
    mechanical = MechanicalRule(arm["mechanical"])
    treated = arm["product"] != "none"
    return Arm(
        code=code,
        title=arm["title"],
        aliases=tuple(arm.get("aliases", ())),
        product=ProductKind(arm["product"]) if treated else None,
        product_title=arm.get("product_title", ""),
        donor_rule=DonorRule(arm["donor_rule"]) if treated else None,
        mechanical={MechanicalRule.REQUIRED: True, MechanicalRule.FORBIDDEN: False}.get(mechanical),
        mechanical_rule=mechanical,
        dose=_dose(arm["dose"]) if treated else None,
        route=arm.get("route"),
        route_title=arm.get("route_title", ""),
        device=arm.get("device"),
        device_dead_volume=arm.get("device_dead_volume"),
        window=arm.get("window"),
        specification=arm.get("specification"),
        own_collection=arm["own_collection"],
        target=arm["target"],
        role=arm["role"],
    )


def _dose(dose: Data) -> Dose:
    concentration = dose.get("concentration")
    confirmed_by = dose["unit_confirmed_by_required"]
    return Dose(
        volume_min=dose["volume_min"],
        volume_max=dose["volume_max"],
        volume_nominal=dose["volume_nominal"],
        per_site=dose["per_site"],
        sites_max=dose["sites_max"],
        occasions=dose["occasions"],
        comparator=dose.get("comparator", "="),
        concentration=concentration,
        acceptance_min=dose.get("acceptance_min"),
        acceptance_max=dose.get("acceptance_max"),
        measure=dose["measure"],
        unit_confirmed_by_required=None if confirmed_by == "none" else Role(confirmed_by),
        total_nominal=total(concentration, dose["volume_nominal"]),
        total_min=total(dose.get("acceptance_min"), dose["volume_min"]),
        total_max=total(dose.get("acceptance_max"), dose["volume_max"]),
        delivered_min=dose["delivered_min"],
        delivered_max=dose["delivered_max"],
    )


def total(concentration: Quantity | None, volume: Quantity) -> Quantity | None:
    """Protein in mg or particles in a volume: 20 ug/uL x 2 mL = 40 mg."""
    if concentration is None:
        return None
    protein = concentration.unit != "{particles}/mL" and "particles" not in concentration.unit
    per_ml, unit = ("mg/mL", "mg") if protein else ("{particles}/mL", "{particles}")
    return Quantity(concentration.to(per_ml).value * volume.to("mL").value, unit)


def _window(name: str, window: Data) -> Window:
    return Window(
        id=name,
        kind=WindowKind(window["kind"]),
        roles=tuple(Role(each) for each in window["roles"]),
        nominal=window.get("nominal"),
        silent=window.get("silent"),
        warn=window.get("warn"),
        override_min=window.get("override_min"),
        override_max=window.get("override_max"),
        first=window.get("first"),
        last=window.get("last"),
        override_days=tuple(window.get("override_days", ())),
    )


def _allocation(each: Data) -> Allocation:
    return Allocation(
        each["method"],
        each["randomised"],
        each["ratio"],
        each.get("block_size"),
        each["target"],
        each.get("evaluable"),
    )


def _consent(each: Data) -> Consent:
    return Consent(
        tuple(each["covers"]),
        tuple(each["before"]),
        tuple(each.get("donor_covers", ())),
        each.get("donor"),
        tuple(each["withdrawal_choices"]),
    )


def _criterion(name: str, each: Data) -> Criterion:
    return Criterion(
        name,
        CriterionKind(each["type"]),
        each["title"],
        expressions.parse(each["rule"]) if "rule" in each else None,
        each.get("text"),
        tuple(each.get("requires", ())),
        each.get("reason_required", False),
    )


def _outcome(name: str, each: Data) -> Outcome:
    return Outcome(
        name,
        each["class"],
        each["title"],
        each["time_point"],
        each.get("anchor"),
        each.get("start"),
        each.get("end"),
        each["method"],
        tuple(field(*one) for one in each["fields"].items()),
    )


def _visit(name: str, each: Data) -> Visit:
    return Visit(
        name,
        each["title"],
        each["anchor"],
        each["offset"],
        each["before"],
        each["after"],
        tuple(each["arms"]),
        tuple(each.get("outcomes", ())),
        tuple(each.get("safety", ())),
    )


def _test(name: str, test: Data) -> SpecTest:
    unit = test.get("unit")
    return SpecTest(
        id=name,
        title=test["title"],
        method=test["method"],
        unit=unit,
        limit=_limit(test["limit"], unit),
        replicates=test.get("replicates"),
        replicates_note=test["n"],
        severity=Severity(test["severity"]),
        source=test.get("source", "HD"),
        stop=_limit(test["stop"], unit) if "stop" in test else None,
        mandatory=test.get("mandatory", True),
        late=test.get("late", False),
        calculated_from=test.get("calculated_from"),
        components=tuple(
            Component(each, part.get("unit", unit), _limit(part["limit"], part.get("unit", unit)))
            for each, part in test.get("components", {}).items()
        ),
        criteria=test.get("criteria", ""),
    )


def _limit(table: Data, unit: str | None) -> Limit:
    made, _faults = limit(table, unit)
    if made is None:
        raise AssertionError("a limit was built before it was checked")
    return made
