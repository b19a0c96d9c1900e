"""What a measurement says, and whether it may be used: particle counts, protein, purity, limits.

Nothing here is rounded; limits see the values as they are. Every limit comes from the site's or
the study's file by its dotted name (`nta.captures_min`, `bca.r2_stop_below`). A judgement carries
rows of the gate: `stopped` means measure again, `warned` means a person must say why it is used.

Source: domain sections 6.1-6.3 and 6.6.
"""

from decimal import Decimal
from enum import StrEnum

from lims.core import limits as site
from lims.core.gate import Finding, passed, warned
from lims.core.limits import Limits
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.qc.bca import BcaJudged, judge_bca, thousandfold
from lims.qc.curves import Curve, Fit, NoCurve, curve
from lims.qc.judged import OFFICER, Judged
from lims.qc.nta import NtaJudged, judge_nta, share_percent
from lims.qc.specifications import BELOW_LOQ, LimitLike, Measured, Verdict, judge, measured

__all__ = [
    "BELOW_LOQ", "Band", "BcaJudged", "Curve", "Fit", "Judged", "LimitLike", "Measured", "NoCurve",
    "NtaJudged", "Verdict", "curve", "judge", "judge_bca", "judge_nta", "measured", "purity",
    "purity_band", "share_percent", "thousandfold",
]  # fmt: skip


class Band(StrEnum):
    """How pure a preparation is by particles per ug of protein (Webber and Clayton 2013)."""

    HIGH = "high"
    BETWEEN_HIGH = "between high and low"
    LOW = "low"
    BETWEEN_LOW = "between low and impure"
    IMPURE = "impure"


def purity(particles: Quantity, protein: Quantity) -> Quantity | None:
    """Particles per ug of protein, both of the same sample; None where no protein was found."""
    per_ml, ug_per_ml = particles.to("{particles}/mL").value, protein.to("ug/mL").value
    return None if ug_per_ml <= 0 else Quantity(per_ml / ug_per_ml, "{particles}/ug")


def purity_band(ratio: Quantity, limits: Limits) -> tuple[Band, Finding]:
    """The band of a ratio. A low one warns; only a trial's specification can make it stop."""
    value = ratio.to("{particles}/ug").value

    def limit(name: str) -> Decimal:
        return site.amount(limits, f"purity.{name}", "{particles}/ug")

    if value > limit("high_above"):
        band = Band.HIGH
    elif value > limit("low_at_or_below"):
        band = Band.BETWEEN_HIGH
    elif value >= limit("low_from"):
        band = Band.LOW
    elif value >= limit("impure_below"):
        band = Band.BETWEEN_LOW
    else:
        band = Band.IMPURE
    what = _("Purity %(ratio)s", ratio=ratio)
    names = {Band.HIGH: _("high purity"), Band.BETWEEN_HIGH: _("between high and low purity"),
             Band.LOW: _("low purity"), Band.BETWEEN_LOW: _("between low purity and impure"),
             Band.IMPURE: _("impure")}  # fmt: skip
    if band in (Band.HIGH, Band.BETWEEN_HIGH):
        return band, passed(what, names[band])
    return band, warned(what, names[band], _("compare with the trial's specification"), OFFICER)
