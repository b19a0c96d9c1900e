"""What a study file says, once it has been read: frozen, typed, with a unit beside every number.

Source of the facts: the two registrations and the house defaults of `site.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from lims.core.errors import NotFound
from lims.core.permissions import Role
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.studies.protocol.expressions import Expression
from lims.studies.protocol.specification import SpecTest
from lims.studies.protocol.words import (
    CriterionKind,
    DonorRule,
    FieldKind,
    MechanicalRule,
    ProductKind,
    WindowKind,
)

LimitValue = Quantity | Decimal | int | bool | str | tuple[str, ...]


@dataclass(frozen=True)
class Dose:
    """What is given on one occasion.

    Volumes are per injection where `per_site`, otherwise per occasion.

    Attributes:
        comparator: `=` as written, `~` for "approximately".
        concentration: protein or particles per volume, as registered.
        acceptance_min, acceptance_max: the numeric range that stands for the concentration.
        total_min, total_max: computed: protein mass or particles per site or occasion, over the
            limits of volume and concentration.
        total_nominal: computed from the registered figures (a range for a range of volume:
            then it is that of `volume_max`).
        delivered_min, delivered_max: what the bedside accepts as given.
    """

    volume_min: Quantity
    volume_max: Quantity
    volume_nominal: Quantity
    per_site: bool
    sites_max: int
    occasions: int
    comparator: str
    concentration: Quantity | None
    acceptance_min: Quantity | None
    acceptance_max: Quantity | None
    measure: str
    unit_confirmed_by_required: Role | None
    total_nominal: Quantity | None
    total_min: Quantity | None
    total_max: Quantity | None
    delivered_min: Quantity
    delivered_max: Quantity


@dataclass(frozen=True)
class Arm:
    """One arm. A control arm has no product, no dose, no window.

    Attributes:
        mechanical: whether the lot's flag must be true or false; None where neither is asked.
        specification: name for `Protocol.specification`.
        own_collection: a kit is issued and the participant's own material collected (13.30).
    """

    code: str
    title: str
    aliases: tuple[str, ...]
    product: ProductKind | None
    product_title: str
    donor_rule: DonorRule | None
    mechanical: bool | None
    mechanical_rule: MechanicalRule
    dose: Dose | None
    route: str | None
    route_title: str
    device: str | None
    device_dead_volume: Quantity | None
    window: str | None
    specification: str | None
    own_collection: bool
    target: int
    role: str


@dataclass(frozen=True)
class Window:
    """When an injection may happen. What is not of its kind is None.

    Attributes:
        nominal, silent, warn: `before_transfer`: the lead time; the deviation up to which (both
            ends included) nothing is said, then only a warning.
        override_min, override_max: lead times within which `roles` may still override.
        first, last: `cycle_day`: allowed days, inclusive, by site-local date.
        override_days: days that `roles` may allow.
    """

    id: str
    kind: WindowKind
    roles: tuple[Role, ...]
    nominal: Quantity | None = None
    silent: Quantity | None = None
    warn: Quantity | None = None
    override_min: Quantity | None = None
    override_max: Quantity | None = None
    first: int | None = None
    last: int | None = None
    override_days: tuple[int, ...] = ()


@dataclass(frozen=True)
class Field:
    """A named value of a participant or an outcome.

    Attributes:
        unit: UCUM code of a quantity, otherwise None.
        never: a date that may be the word `never` instead.
    """

    name: str
    kind: FieldKind
    unit: str | None = None
    title: str = ""
    choices: tuple[str, ...] = ()
    never: bool = False

    def shown(self) -> dict[str, Any]:
        """The field as JSON."""
        return {"name": self.name, "type": self.kind.value, "unit": self.unit}


@dataclass(frozen=True)
class Criterion:
    """One item of eligibility; met is always in favour of enrolment.

    Attributes:
        rule: what the computer asks; None where a clinician alone judges.
        text: what the clinician signs; None where the computer alone decides.
        requires: fields that must be there besides those of the rule.
        reason_required: the clinician must write why.
    """

    id: str
    kind: CriterionKind
    title: str
    rule: Expression | None
    text: str | None
    requires: tuple[str, ...] = ()
    reason_required: bool = False


@dataclass(frozen=True)
class Outcome:
    """What is measured of a participant, and when.

    Attributes:
        rank: `primary`, `secondary` or `named` (in the text, not registered).
        anchor: event that `start` and `end` count from.
    """

    id: str
    rank: str
    title: str
    time_point: str
    anchor: str | None
    start: Quantity | None
    end: Quantity | None
    method: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Visit:
    """One visit: `offset` from `anchor`, give or take `before` and `after` (house defaults)."""

    id: str
    title: str
    anchor: str
    offset: Quantity
    before: Quantity
    after: Quantity
    arms: tuple[str, ...]
    outcomes: tuple[str, ...]
    safety: tuple[str, ...] = ()


@dataclass(frozen=True)
class Allocation:
    """How participants come into arms.

    Attributes:
        method: `block_randomised` or `assigned`.
        target: participants in all; `evaluable`: how many must be evaluable, where it is said.
    """

    method: str
    randomised: bool
    ratio: str
    block_size: int | None
    target: int
    evaluable: int | None


@dataclass(frozen=True)
class Consent:
    """What a consent must cover.

    Attributes:
        covers: what the recipient's consent must say.
        before: acts that must not start before it is signed.
        donor_covers: what another donor's consent must say (cord: the mother's); else empty.
        withdrawal_choices: what she may choose for her material.
    """

    covers: tuple[str, ...]
    before: tuple[str, ...]
    donor_covers: tuple[str, ...]
    donor: str | None
    withdrawal_choices: tuple[str, ...]


@dataclass(frozen=True)
class Note:
    """A gap or contradiction of the registration and how it is represented here."""

    id: str
    unclear: str
    representation: str


@dataclass(frozen=True)
class Site:
    """House defaults of one site: versioned, approved, dated."""

    title: str
    version: str
    approver: str
    approved_on: date
    demonstration: bool
    digest: str
    limits: Mapping[str, LimitValue]
    labels: Mapping[str, Mapping[str, str]]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def limit(self, name: str) -> LimitValue:
        """A house default by its dotted name.

        Raises:
            NotFound: no such limit.
        """
        return _looked_up(self.limits, name)

    def label(self, name: str, language: str = "en") -> str:
        """A text of a label in one language.

        Raises:
            NotFound: no such text.
        """
        return _text(self.labels, name, language)


_WHERE = ("department", "hospital", "city", "country")


@dataclass(frozen=True)
class Protocol:
    """A study as its file and the site's defaults give it.

    Attributes:
        digest: SHA-256 of the file's canonical content (comments and order do not count).
        site_digest: the same of the site's defaults it was read with.
        activation_requires: what is still missing before the study may go live (dotted keys);
            practice data may run without.
        specification_digests: SHA-256 of each specification with the site's limits filled in; it
            is frozen into a lot when the lot is made.
        limits: the site's, overridden by the study's; read with `limit`.
        document: the whole file, for facts that no rule needs.
    """

    code: str
    title: str
    public_title: str
    condition: str
    phase: str
    blinded: bool
    participant_prefix: str
    digest: str
    site_digest: str
    site_version: str
    arms: Mapping[str, Arm]
    windows: Mapping[str, Window]
    specifications: Mapping[str, tuple[SpecTest, ...]]
    specification_digests: Mapping[str, str]
    allocation: Allocation
    consent: Consent
    fields: Mapping[str, Field]
    criteria: tuple[Criterion, ...]
    outcomes: tuple[Outcome, ...]
    visits: tuple[Visit, ...]
    notes: tuple[Note, ...]
    limits: Mapping[str, LimitValue]
    labels: Mapping[str, Mapping[str, str]]
    activation_requires: tuple[str, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def arm(self, code: str) -> Arm:
        """The arm of a code or one of its other names.

        Raises:
            NotFound: the study has no such arm.
        """
        for arm in self.arms.values():
            if code == arm.code or code in arm.aliases:
                return arm
        raise NotFound(
            _(
                "The study %(study)s has no arm %(arm)s; its arms are %(arms)s.",
                study=self.code,
                arm=code,
                arms=", ".join(self.arms),
            ),
            field="arm",
        )

    def window(self, arm: Arm) -> Window | None:
        """When a dose of this arm may be given; None for a control."""
        return self.windows[arm.window] if arm.window else None

    def specification(self, product: str) -> tuple[SpecTest, ...]:
        """The release specification of a product kind.

        Raises:
            NotFound: the study does not use that product.
        """
        found = self.specifications.get(str(product))
        if found is None:
            raise NotFound(
                _(
                    "The study %(study)s has no release specification for %(product)s; "
                    "add one to its file.",
                    study=self.code,
                    product=product,
                ),
                field="product",
            )
        return found

    def limit(self, name: str) -> LimitValue:
        """A limit by its dotted name: the study's own, otherwise the site's.

        Raises:
            NotFound: no such limit.
        """
        return _looked_up(self.limits, name)

    def quantity(self, name: str) -> Quantity:
        """A limit that is an amount.

        Raises:
            NotFound: no such limit, or one that is no amount.
        """
        value = self.limit(name)
        if not isinstance(value, Quantity):
            raise NotFound(_("The limit %(name)s is not an amount.", name=name), field=name)
        return value

    @property
    def establishment(self) -> str:
        """Where it runs, in one line, as far as the file says it."""
        site = self.document["site"]
        said = [str(site.get(each) or "") for each in _WHERE]
        return ", ".join(each for each in said if each)

    def label(self, name: str, language: str = "en") -> str:
        """A text of a label: the study's own, otherwise the site's.

        Raises:
            NotFound: no such text.
        """
        return _text(self.labels, name, language)


def _looked_up(limits: Mapping[str, LimitValue], name: str) -> LimitValue:
    try:
        return limits[name]
    except KeyError:
        raise NotFound(
            _("No limit is called %(name)s; add it to the site file.", name=name), field=name
        ) from None


def _text(labels: Mapping[str, Mapping[str, str]], name: str, language: str) -> str:
    try:
        return labels[name].get(language) or labels[name]["en"]
    except KeyError:
        raise NotFound(
            _("No label text is called %(name)s; add it to the study or site file.", name=name),
            field=name,
        ) from None
