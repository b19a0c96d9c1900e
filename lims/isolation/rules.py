"""The arithmetic and the limits of isolating exosomes: force, order of steps.

"100 000 x g" without the radius it was meant at is ambiguous (31 198 or 36 897 rpm in the same
rotor), so a spin without its radius convention is refused. Volumes are whole microlitres.

Source: domain sections 5.1-5.3; clearing factor from the makers' rotor manuals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lims.core import codes, numbers
from lims.core import limits as site
from lims.core.errors import BadInput, RuleBroken
from lims.core.gate import Row, passed, stopped, warned
from lims.core.limits import Limits
from lims.core.words import Text as _

_CONSTANT = Decimal("1.118E-5")  # (2 pi / 60)^2 / (100 g) for r in cm
_CLEARING = Decimal("2.53E5")
LEAD = _("head of the laboratory")
OFFICER = _("quality control officer")


class RadiusConvention(StrEnum):
    """Where in the tube a force is stated."""

    RMIN = "rmin"
    RAVG = "ravg"
    RMAX = "rmax"


class ImpossibleSpin(RuleBroken):
    """A radius, speed or force that cannot be."""

    code = "impossible_spin"


class RadiusConventionMissing(BadInput):
    """A force without the radius it was meant at."""

    code = "radius_convention"


@dataclass(frozen=True)
class Spin:
    """One centrifugation, as it was run."""

    step: str
    rpm: Decimal
    radius_mm: Decimal
    convention: RadiusConvention
    minutes: Decimal


# The order of differential ultracentrifugation; the filter is optional.
STEPS = ("1", "2", "3", "3b", "4", "5")
_OPTIONAL = frozenset({"3b"})


# --- centrifuge arithmetic ---------------------------------------------------------------------


def convention(text: str | None) -> RadiusConvention:
    """Read a radius convention.

    Raises:
        RadiusConventionMissing: none, or another word.
    """
    try:
        return RadiusConvention((text or "").strip().lower())
    except ValueError:
        raise RadiusConventionMissing(
            _("A force means nothing without its radius; choose rmin, ravg or rmax."),
            field="radius_convention",
        ) from None


def relative_force(rpm: Decimal, radius_cm: Decimal) -> Decimal:
    """Multiples of gravity at a radius.

    Raises:
        ImpossibleSpin: a speed or radius not above zero.
    """
    _above_zero(rpm, radius_cm)
    return _CONSTANT * radius_cm * rpm * rpm


def speed_rpm(force_g: Decimal, radius_cm: Decimal) -> Decimal:
    """Revolutions per minute that give a force at a radius.

    Raises:
        ImpossibleSpin: a force or radius not above zero.
    """
    _above_zero(force_g, radius_cm)
    return (force_g / (_CONSTANT * radius_cm)).sqrt()


def clearing_factor(rmin_mm: Decimal, rmax_mm: Decimal, rpm: Decimal) -> Decimal:
    """The k-factor of a rotor at a speed; lower is faster.

    Raises:
        ImpossibleSpin: radii or speed that cannot be.
    """
    _above_zero(rmin_mm, rpm)
    if rmax_mm <= rmin_mm:
        raise ImpossibleSpin(
            _("The outer radius must be larger than the inner one; correct the rotor.")
        )
    thousands = rpm / 1000
    return _CLEARING * (rmax_mm / rmin_mm).ln() / (thousands * thousands)


def pelleting_hours(clearing: Decimal, svedbergs: Decimal) -> Decimal:
    """Hours to pellet particles of a sedimentation coefficient.

    Raises:
        ImpossibleSpin: one of them not above zero.
    """
    _above_zero(clearing, svedbergs)
    return clearing / svedbergs


def moved_minutes(minutes: Decimal, from_clearing: Decimal, to_clearing: Decimal) -> Decimal:
    """A time carried over to another rotor. It is an estimate: see `moved_row`.

    Raises:
        ImpossibleSpin: one of them not above zero.
    """
    _above_zero(minutes, from_clearing)
    _above_zero(to_clearing)
    return minutes * to_clearing / from_clearing


def moved_row(minutes: Decimal) -> Row:
    """The warning that goes with every time carried over by clearing factors."""
    return Row("isolation-moved", warned(
        _("Time carried over: %(minutes)s min", minutes=numbers.brief(minutes, 5)),
        _("scaling by clearing factors is not reliable for fixed-angle rotors"),
        _("check the pellet by count"), LEAD))  # fmt: skip


# --- other methods -----------------------------------------------------------------------------


def left_after_diafiltration_percent(volumes: Decimal) -> Decimal:
    """What stays of a freely passing solute after so many exchange volumes.

    Raises:
        ImpossibleSpin: fewer than none.
    """
    if volumes < 0:
        raise ImpossibleSpin(_("Diafiltration volumes are never below zero; correct them."))
    return (-volumes).exp() * 100


def recovery_percent(out: Decimal, in_: Decimal) -> Decimal | None:
    """Particles out in percent of particles in; None of none."""
    return None if in_ <= 0 else out / in_ * 100


def judge_method(method: str, limits: Limits) -> Row:
    """Whether a method may make a clinical lot."""
    what = _("Method %(method)s", method=method or "-")
    if method in site.words(limits, "isolation.refused_methods"):
        return Row(
            "isolation-method",
            stopped(what, _("it is not for clinical lots"), _("choose another method"), OFFICER),
        )
    if method not in site.words(limits, "isolation.methods"):
        return Row(
            "isolation-method",
            stopped(
                what, _("the site has not approved it"), _("choose an approved method"), OFFICER
            ),
        )
    return Row("isolation-method", passed(what, _("approved")))


# --- closing a fill ----------------------------------------------------------------------------


def judge_left_over(printed: int, applied: int, destroyed: int, open_codes: Sequence[str]) -> Row:
    """Whether every label of a fill was scanned back where it sticks, or is destroyed (H14)."""
    what = _("Labels of the fill")
    why = _(
        "printed %(printed)s, scanned back %(applied)s, destroyed %(destroyed)s",
        printed=printed,
        applied=applied,
        destroyed=destroyed,
    )
    if not open_codes and printed == applied + destroyed:
        return Row("fill-labels", passed(what, why))
    return Row("fill-labels", stopped(
        what, _("%(why)s; open: %(codes)s", why=why, codes=_codes(open_codes)),
        _("Scan each of these labels where it sticks, or say that it was destroyed."),
        OFFICER))  # fmt: skip


def judge_bare(bare: Sequence[str]) -> Row:
    """Whether everything that was filled and is still here has a label that counts."""
    what = _("Vials and samples")
    if not bare:
        return Row("fill-bare", passed(what, _("each has a label that counts")))
    return Row("fill-bare", stopped(
        what, _("without a label: %(codes)s", codes=_codes(bare)),
        _("Print each of them a new label, stick it on and scan it back."),
        OFFICER))  # fmt: skip


def judge_balance(*, adds_up: bool) -> Row:
    """Whether the volumes of a fill are what they should be."""
    what = _("Volumes of the fill")
    if adds_up:
        return Row("fill-volumes", passed(what, _("they add up")))
    return Row("fill-volumes", stopped(
        what, _("too much was lost, or they do not add up"),
        _("Leave the fill open; the deviation on the lot is decided in its place."),
        OFFICER))  # fmt: skip


def _codes(some: Sequence[str]) -> str:
    return ", ".join(codes.grouped(each) for each in some) or "-"


# --- steps -------------------------------------------------------------------------------------


def judge_order(done: Sequence[str], approved: Sequence[str] | None = None) -> Row:
    """Whether the steps so far were done in order, none skipped or repeated.

    Args:
        done: `1`, `2`, `3`, `3b` (filter, optional), `4`, `5` as they were done.
        approved: the steps of an approved process version, where it differs.
    """
    order = list(approved if approved is not None else STEPS)
    optional = frozenset() if approved is not None else _OPTIONAL
    what = _("Steps %(steps)s", steps=" ".join(done) or "-")
    left = list(order)
    for step in done:
        while left and left[0] != step and left[0] in optional:
            left.pop(0)
        if not left or left[0] != step:
            return Row("isolation-order", stopped(
                what, _("step %(step)s is out of order; %(next)s comes next",
                        step=step, next=left[0] if left else _("no step")),
                _("stop the run and set the material aside"), OFFICER))  # fmt: skip
        left.pop(0)
    return Row("isolation-order", passed(what, _("in order")))


def order_complete(done: Sequence[str], approved: Sequence[str] | None = None) -> bool:
    """Whether every step that must be done was done, in order."""
    needed = [each for each in approved or STEPS if approved is not None or each not in _OPTIONAL]
    in_order = judge_order(done, approved).result.value == "passed"
    return in_order and all(each in done for each in needed)


def judge_spin(spin: Spin, limits: Limits, tolerance_percent: Decimal = Decimal(10)) -> Row:
    """Whether a step's force and time are the method's.

    Args:
        tolerance_percent: how far the force may lie from the method's before it warns.
    """
    force = relative_force(spin.rpm, spin.radius_mm / 10)
    wanted = site.amount(limits, f"isolation.step_{spin.step}_force", "[g]")
    one = f"isolation.step_{spin.step}_time"
    least, most = (
        (site.amount(limits, one, "min"),) * 2 if one in limits
        else (site.amount(limits, f"{one}_min", "min"), site.amount(limits, f"{one}_max", "min"))
    )  # fmt: skip
    row_id = f"isolation-spin-{spin.step}"
    what = _("Step %(step)s: %(force)s x g at %(convention)s for %(minutes)s min",
             step=spin.step, force=numbers.brief(force, 5), convention=spin.convention.value,
             minutes=numbers.brief(spin.minutes, 5))  # fmt: skip
    if abs(force - wanted) * 100 > tolerance_percent * wanted:
        return Row(row_id, warned(
            what, _("the method says %(wanted)s x g", wanted=numbers.brief(wanted, 5)),
            _("check rotor, radius and speed"), LEAD))  # fmt: skip
    if not least <= spin.minutes <= most:
        return Row(row_id, warned(
            what, _("the method says %(least)s to %(most)s min", least=least, most=most),
            _("say why"), LEAD))  # fmt: skip
    return Row(row_id, passed(what, _("as the method says")))


def _above_zero(*values: Decimal) -> None:
    if any(not each.is_finite() or each <= 0 for each in values):
        raise ImpossibleSpin(_("Speeds, radii, forces and times are above zero; correct them."))
