"""The shape of a study file and of a site file: which keys, which types, which are required."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from lims.core import units
from lims.core.errors import BadInput
from lims.core.permissions import PEOPLE
from lims.core.units import Quantity
from lims.core.words import LANGUAGES
from lims.core.words import Text as _
from lims.studies.protocol.words import (
    CriterionKind,
    DonorRule,
    FieldKind,
    LimitKind,
    MechanicalRule,
    ProductKind,
    Severity,
    WindowKind,
)

SENTENCES = {
    "missing": _("This key is missing; add it."),
    "unknown": _("This key is not known here; correct its spelling or remove it."),
    "table": _("This must be a table of keys."),
}
_CODES: dict[str, str | list[Any] | dict[Any, Any]] = {
    "required": "missing",
    "unknown": "unknown",
    "type": "table",
    "null": "missing",
}


class Shape(Schema):
    """A table that names every unknown key."""

    class Meta:
        unknown = RAISE

    error_messages: dict[str, str] = {"unknown": "unknown", "type": "table"}  # noqa: RUF012


class _Own(fields.Field):
    """A field that says what it needs in its own words."""

    default_error_messages = _CODES


class Words(_Own):
    """A text that is not empty."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValidationError(str(_("This must be a text.")))
        return value


class OneOf(_Own):
    """A word of a list."""

    def __init__(self, choices: type[StrEnum] | tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = tuple(str(each) for each in choices)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValidationError(
                str(
                    _(
                        "%(value)s is not one of %(choices)s; write one of these.",
                        value=str(value)[:60],
                        choices=", ".join(self.choices),
                    )
                )
            )
        return value


class Whole(_Own):
    """A whole number, not below `least`."""

    def __init__(self, least: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least = least

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < self.least:
            raise ValidationError(
                str(_("This must be a whole number, %(least)s or more.", least=self.least))
            )
        return value


class Flag(_Own):
    """`true` or `false`."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(str(_("This must be true or false, without quotes.")))
        return value


class Day(_Own):
    """A date."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> date:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValidationError(str(_("This must be a date such as 2026-01-15.")))
        return value


class Amount(_Own):
    """A text with value and unit; `kind` is what it must measure."""

    def __init__(self, kind: str | None = None, signed: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.signed = signed

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Quantity:
        if not isinstance(value, str):
            raise ValidationError(
                str(_('This must be a text with value and unit, such as "2 mL".'))
            )
        try:
            quantity = (
                Quantity.parse(value if " " in value.strip() else f"{value} 1")
                if (self.kind == "number")
                else Quantity.parse(value)
            )
        except BadInput as refusal:
            raise ValidationError(str(refusal)) from None
        found = units.kind(quantity.unit)
        if self.kind is not None and found != self.kind:
            raise ValidationError(
                str(
                    _(
                        "%(value)s measures %(found)s, and a %(kind)s is needed here; write it in "
                        "a unit of that kind.",
                        value=value,
                        found=found,
                        kind=self.kind,
                    )
                )
            )
        if quantity.value < 0 and not self.signed:
            raise ValidationError(str(_("%(value)s is below zero.", value=value)))
        return quantity


class Unit(_Own):
    """A UCUM unit."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(str(_("This must be a UCUM unit such as mL.")))
        try:
            return units.ucum(value)
        except BadInput as refusal:
            raise ValidationError(str(refusal)) from None


class Listed(_Own):
    """A list of one kind of values."""

    def __init__(self, inner: fields.Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError(str(_("This must be a list in square brackets.")))
        return [self.inner.deserialize(each) for each in value]


class Part(fields.Nested):
    """A table within."""

    default_error_messages = _CODES


class Named(_Own):
    """A table of things by name, each of one shape."""

    def __init__(self, shape: type[Schema] | fields.Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.each = shape if isinstance(shape, fields.Field) else Part(shape)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValidationError("table")
        good: dict[str, Any] = {}
        bad: dict[str | int, Any] = {}
        for name, content in value.items():
            try:
                good[name] = self.each.deserialize(content)
            except ValidationError as error:
                bad[name] = error.messages
                if isinstance(error.valid_data, dict):
                    good[name] = error.valid_data
        if bad:
            raise ValidationError(bad, valid_data=good)
        return good


def shape(name: str, **keys: fields.Field) -> type[Schema]:
    """A table: keys with a trailing underscore are optional."""
    made = {}
    for key, kind in keys.items():
        kind.required = not key.endswith("_")
        made[key.removesuffix("_")] = kind
    return type(name, (Shape,), made)


ROLES = tuple(sorted(PEOPLE))
_ARMS = ("none", *ProductKind)

STUDY = shape(
    "StudyPart",
    code=Words(validate=validate.Regexp(r"[A-Z0-9][A-Z0-9-]{2,39}\Z", error=str(
        _("A study code has 3-40 capital letters, digits and hyphens.")
    ))),
    title=Words(), public_title=Words(), condition=Words(), phase=Words(), purpose=Words(),
    blinded=Flag(), blinding=Words(), source_material=Words(), product_word=Words(),
    characterisation_=Words(), regulated_us=Flag(), registered_condition_=Words(),
    mandatory_tests_=Listed(Words()), identical_process_arms_=Listed(Words()), claims_=Words(),
    claims_severity_=OneOf(Severity),
)  # fmt: skip
PLACE = shape(
    "PlacePart",
    number_of_sites=Whole(1), hospital=Words(), city=Words(), country=Words(), time_zone=Words(),
    department_=Words(), subject_prefix=Words(),
    participant_prefix=Words(validate=validate.Regexp(r"[A-Z]{2,8}\Z", error=str(
        _("A participant prefix has 2-8 capital letters.")
    ))),
)  # fmt: skip
_DATES = shape("Dates", estimated_=Day(), actual_=Day())
REGISTRATION = shape(
    "RegistrationPart",
    register=Words(), number_=Words(), registered_on_=Day(), registered_on_jalali_=Words(),
    timing_=OneOf(("prospective", "retrospective")), update_count_=Whole(), ethics_number_=Words(),
    ethics_committee_=Words(), ethics_on_=Day(), ethics_on_jalali_=Words(), sponsor=Words(),
    funding_share_=Amount("fraction"), status_=Words(), arm_coding_=Words(),
    first_submitted_=Day(), met_qc_=Day(), first_posted_=Day(), last_update_posted_=Day(),
    verified_=Words(), fda_regulated_drug_=Flag(), fda_regulated_device_=Flag(),
    us_export_=Flag(), dates_=Named(_DATES),
)  # fmt: skip
ALLOCATION = shape(
    "AllocationPart",
    method=OneOf(("block_randomised", "assigned")), randomised=Flag(),
    ratio=Words(validate=validate.Regexp(r"\d+(:\d+)+\Z", error=str(
        _("A ratio is written as 1:1.")
    ))),
    block_size_=Whole(2), possible_orders_=Whole(1), blocks_=Whole(1), target=Whole(1),
    evaluable_=Whole(1), evaluable_per_arm_=Whole(1), drop_out_=Amount("fraction"),
    parallel_=Flag(), list_source_=Words(), reveal_after=Listed(Words()),
    block_boundaries_visible_=Flag(), collection_relative_to_allocation_=Words(),
    control_material_=Words(), refused_=Listed(Words()), record=Listed(Words()),
    above_target_=OneOf(Severity),
)  # fmt: skip
STATISTICS = shape(
    "StatisticsPart",
    given=Flag(), test_=Words(), alpha_=Words(), primary_=Words(), per_arm_=Whole(1),
    evaluable_per_arm_=Whole(1), effect_size_=Words(), standard_deviation_=Words(),
    power_=Words(), prp_rationale_=Words(),
)  # fmt: skip
DOSE = shape(
    "DosePart",
    volume_min=Amount("volume"), volume_nominal=Amount("volume"), volume_max=Amount("volume"),
    per_site=Flag(), sites_max=Whole(1), above_sites_max_=OneOf(Severity), occasions=Whole(1),
    measure=OneOf(("protein", "particles", "none")), comparator_=OneOf(("=", "~")),
    concentration_=Amount(), acceptance_min_=Amount(), acceptance_max_=Amount(),
    unit_confirmed_by_required=OneOf(("none", *ROLES)),
    delivered_min=Amount("volume"), delivered_max=Amount("volume"),
)  # fmt: skip
ARM = shape(
    "ArmPart",
    title=Words(), role=OneOf(("experimental", "active_comparator", "control")),
    aliases_=Listed(Words()), product=OneOf(_ARMS), product_title_=Words(),
    donor_rule=OneOf(("none", *DonorRule)), mechanical=OneOf(MechanicalRule), route_=Words(),
    route_title_=Words(), device_=Words(), device_dead_volume_=Amount("volume"), window_=Words(),
    specification_=Words(), own_collection=Flag(), target=Whole(1), dose_=Part(DOSE),
)  # fmt: skip
WINDOW = shape(
    "WindowPart",
    kind=OneOf(WindowKind), title=Words(), nominal_=Amount("time"), silent_=Amount("time"),
    warn_=Amount("time"), override_min_=Amount("time"), override_max_=Amount("time"),
    roles_=Listed(OneOf(ROLES)), override_needs_=Listed(Words()), missing=OneOf(Severity),
    replanned_after_injection_=Words(), first_=Whole(1), last_=Whole(1),
    override_days_=Listed(Whole(1)), day_one_=Words(), day_one_sources_=Listed(Words()),
    second_occasion_=OneOf(Severity),
)  # fmt: skip
CONSENT = shape(
    "ConsentPart",
    covers=Listed(Words()), before=Listed(Words()), withdrawal_choices=Listed(Words()),
    donor_=Words(), donor_covers_=Listed(Words()), control_material_choices_=Listed(Words()),
)  # fmt: skip
FIELD = shape(
    "FieldPart",
    type=OneOf(FieldKind), unit_=Unit(), title_=Words(), choices_=Listed(Words()), never_=Flag(),
)  # fmt: skip
CRITERION = shape(
    "CriterionPart",
    type=OneOf(CriterionKind), title=Words(), rule_=Words(), text_=Words(),
    requires_=Listed(Words()), reason_required_=Flag(),
)  # fmt: skip
ELIGIBILITY = shape(
    "EligibilityPart",
    waivers=Flag(), reference_date=Words(), fields=Named(FIELD), criteria=Named(CRITERION),
)  # fmt: skip
OUTCOME = shape(
    "OutcomePart",
    title=Words(), time_point=Words(), anchor_=Words(), start_=Amount("time"),
    end_=Amount("time"), method=Words(), fields=Named(FIELD), cut_off_=Amount(),
    warn_from_=Amount(), primary_value_=Words(), wording_=Words(),
    **{"class": OneOf(("primary", "secondary", "named"))},
)  # fmt: skip
VISIT = shape(
    "VisitPart",
    title=Words(), anchor=Words(), offset=Amount("time", signed=True), before=Amount("time"),
    after=Amount("time"), arms=Listed(Words()), outcomes_=Listed(Words()),
    safety_=Listed(Words()),
)  # fmt: skip
SAFETY = shape(
    "SafetyPart",
    registered=Flag(), severity=OneOf(Severity), immediate_=Listed(Words()),
    follow_ups_=Listed(Amount("time")), tests_=Listed(Words()),
    adverse_event_fields=Listed(Words()), follow_up_end=Words(),
)  # fmt: skip
LIMIT = shape(
    "LimitPart",
    kind=OneOf((*LimitKind, "around")), low_=Words(), high_=Words(), choices_=Listed(Words()),
    nominal_=Words(), allowance_=Words(), tolerance_=Words(),
)  # fmt: skip
COMPONENT = shape("ComponentPart", unit_=Unit(), limit=Part(LIMIT))
SPEC_TEST = shape(
    "SpecTestPart",
    title=Words(), method=Words(), unit_=Unit(), limit=Part(LIMIT), stop_=Part(LIMIT),
    criteria_=Words(), n=Words(), replicates_=Whole(1), severity=OneOf(Severity),
    source_=Words(), mandatory_=Flag(), late_=Flag(), calculated_from_=Words(),
    components_=Named(COMPONENT),
)  # fmt: skip
NOTE = shape("NotePart", unclear=Words(), representation=Words(), key=Words())
SHARING = shape(
    "SharingPart",
    decided=Flag(), plan=Words(), data_=Listed(Words()), from_when_=Words(), for_years_=Whole(1),
    to_=Words(), conditions_=Listed(Words()), platform_=Words(), supporting_=Listed(Words()),
    export_requires=Listed(Words()),
)  # fmt: skip
LABEL = shape("LabelPart", **{language: Words() for language in LANGUAGES})
FILE = shape(
    "StudyFile",
    study=Part(STUDY), site=Part(PLACE), registration=Part(REGISTRATION),
    allocation=Part(ALLOCATION), statistics=Part(STATISTICS), arms=Named(ARM),
    windows=Named(WINDOW), consent=Part(CONSENT), eligibility=Part(ELIGIBILITY),
    outcomes=Named(OUTCOME), visits=Named(VISIT), safety=Part(SAFETY),
    journey=Named(shape("JourneyPart", stages=Listed(Words()))),
    cycles=Part(shape(
        "CyclesPart", collection_and_treatment_differ=Flag(), dose_links=Listed(Words())
    )),
    allergy=Part(shape(
        "AllergyPart", refused=Listed(Words()), unless_test_below_loq_=Words()
    )),
    sharing=Part(SHARING), specifications=Named(Named(SPEC_TEST)), notes_=Named(NOTE),
    panels=Part(shape("PanelsPart", offered=Listed(Words()), eligibility=Flag())),
    limits_=fields.Raw(), labels=Named(LABEL),
)  # fmt: skip
SITE_FILE = shape(
    "SiteFile",
    site=Part(shape(
        "SitePart", title=Words(), version=Words(), approver=Words(), approved_on=Day(),
        demonstration=Flag(),
    )),
    limits=fields.Raw(), labels=Named(LABEL),
)  # fmt: skip


def load(shape: type[Schema], content: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """What of `content` has the right shape, and the messages about the rest."""
    try:
        return shape().load(content), {}
    except ValidationError as error:
        valid = error.valid_data if isinstance(error.valid_data, dict) else {}
        return valid, error.messages


def sentences(messages: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Messages of a schema, flat: path and sentence."""
    if isinstance(messages, Mapping):
        return [
            each
            for key, inner in messages.items()
            for each in sentences(inner, path if key == "_schema" else (*path, str(key)))
        ]
    if isinstance(messages, list):
        return [each for inner in messages for each in sentences(inner, path)]
    return [(path, str(SENTENCES.get(str(messages), messages)))]
