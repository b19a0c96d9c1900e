"""Particle counts by nanoparticle tracking: may this measurement become a result?

Source: domain section 6.1. Coefficients of variation use the sample deviation (n - 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lims import instruments
from lims.core import limits as site
from lims.core import numbers
from lims.core.gate import Row, passed, stopped, warned
from lims.core.limits import Limits
from lims.core.units import Quantity
from lims.core.words import Text
from lims.core.words import Text as _
from lims.qc.curves import deviation, mean, variation_percent
from lims.qc.judged import OFFICER, Judged

_PERCENT = "%"
_PER_ML = "{particles}/mL"


@dataclass(frozen=True)
class NtaJudged(Judged):
    """A particle count.

    Attributes:
        concentration: of the undiluted sample, the factor applied exactly once; None where the
            factor is not known or there is no capture.
        chamber_per_ml: the mean over captures, in the chamber.
        dilution: the factor used.
        shares_percent: particles between two sizes in nm, of all in the averaged histogram.
    """

    concentration: Quantity | None
    chamber_per_ml: Decimal | None
    deviation_per_ml: Decimal | None
    variation_percent: Decimal | None
    dilution: Decimal | None
    mode_nm: Decimal | None
    d10_nm: Decimal | None
    d50_nm: Decimal | None
    d90_nm: Decimal | None
    span: Decimal | None
    shares_percent: Mapping[str, Decimal]


def judge_nta(
    sample: instruments.NtaSample,
    *,
    dilution: Decimal | None,
    limits: Limits,
    blank_per_ml: Decimal | None = None,
) -> NtaJudged:
    """Judge one NTA reading.

    Args:
        sample: as the reader gives it.
        dilution: the factor that the analyst confirmed. Where the file applied its own factor it
            is not applied again, and the two must agree.
        blank_per_ml: the diluent's own count in the chamber, where it was measured.
    """
    usable = [
        each for each in sample.captures
        if each.particles_per_ml is not None and each.validity in (None, "OK")
    ]  # fmt: skip
    rows = [_captures(len(usable), len(sample.captures), limits), _settings(sample)]
    factor, row = _factor(sample, dilution)
    rows.append(row)
    given = [each.particles_per_ml for each in usable if each.particles_per_ml is not None]
    already = sample.dilution if sample.dilution_applied and sample.dilution else Decimal(1)
    counts = [each / already for each in given]
    chamber = mean(counts) if counts else None
    variation = variation_percent(counts)
    rows += [
        _measured(chamber, limits),
        _repeatability(variation, limits),
        _frames(usable, limits),
        _tracks(usable, limits),
    ]
    if blank_per_ml is not None and chamber:
        rows.append(_blank(blank_per_ml / chamber * 100, limits))
    average = sample.average
    span = None
    if average.d90_nm is not None and average.d10_nm is not None and average.d50_nm:
        span = (average.d90_nm - average.d10_nm) / average.d50_nm
    total = None if chamber is None or factor is None else Quantity(chamber * factor, _PER_ML)
    return NtaJudged(
        tuple(rows), total, chamber, deviation(counts), variation, factor,
        average.mode_nm, average.d10_nm, average.d50_nm, average.d90_nm, span,
        {name: share for name in site.words(limits, "nta.fractions")
         if (share := _share(sample.histogram, name)) is not None},
    )  # fmt: skip


def share_percent(
    histogram: Sequence[instruments.Bin], low_nm: Decimal, high_nm: Decimal
) -> Decimal | None:
    """Particles from `low_nm` to `high_nm` (bin centres, both ends in), in percent of all."""
    total = sum((each.particles_per_ml for each in histogram), Decimal(0))
    if total <= 0:
        return None
    within = (each.particles_per_ml for each in histogram if low_nm <= each.nm <= high_nm)
    return sum(within, Decimal(0)) / total * 100


def _captures(usable: int, all_: int, limits: Limits) -> Row:
    needed = site.number(limits, "nta.captures_min")
    what = _("Captures: %(usable)s of %(all)s usable", usable=usable, all=all_)
    if usable < needed:
        return Row("nta-captures", stopped(
            what, _("at least %(needed)s are needed", needed=needed),
            _("measure again with enough captures"), OFFICER))  # fmt: skip
    if usable < all_:
        return Row("nta-captures", warned(
            what, _("the instrument calls the others invalid; they are not in the mean"),
            _("look at the invalid captures"), OFFICER))  # fmt: skip
    return Row("nta-captures", passed(what, _("enough captures")))


def _settings(sample: instruments.NtaSample) -> Row:
    seen = {(each.camera_level, each.detection_threshold) for each in sample.captures}
    what = _("Camera level and detection threshold")
    if len(seen) != 1 or None in next(iter(seen)):
        return Row("nta-settings", stopped(
            what, _("they are missing, or not the same in every capture"),
            _("measure again with one setting"), OFFICER))  # fmt: skip
    level, threshold = next(iter(seen))
    return Row(
        "nta-settings",
        passed(
            what, _("level %(level)s, threshold %(threshold)s", level=level, threshold=threshold)
        ),
    )


def _factor(sample: instruments.NtaSample, confirmed: Decimal | None) -> tuple[Decimal | None, Row]:
    """The factor to multiply the chamber's concentration with, exactly once."""

    def stop(why: Text, do_now: Text) -> tuple[None, Row]:
        return None, Row("nta-dilution", stopped(_("Dilution factor"), why, do_now, OFFICER))

    if confirmed is None:
        return stop(
            _("nobody has confirmed the factor"), _("enter the factor from the bench sheet")
        )
    if not confirmed.is_finite() or confirmed < 1:
        return stop(_("a dilution factor is 1 or more"), _("enter the factor from the bench sheet"))
    if sample.dilution is not None and not sample.dilution_applied:
        return stop(
            _("the file names a factor but not whether it was applied"),
            _("export again without a factor"),
        )
    if sample.dilution_applied and sample.dilution is None:
        return stop(
            _("the file applied a factor that it does not name"), _("export again without a factor")
        )
    if sample.dilution is not None and sample.dilution != confirmed:
        return stop(
            _(
                "the file says %(file)s and the analyst %(confirmed)s",
                file=sample.dilution,
                confirmed=confirmed,
            ),
            _("find out which factor is right"),
        )
    why = (
        _("%(factor)s, already in the file's figures and not applied again", factor=confirmed)
        if sample.dilution_applied
        else _("%(factor)s, applied once", factor=confirmed)
    )
    return confirmed, Row("nta-dilution", passed(_("Dilution factor"), why))


def _measured(chamber: Decimal | None, limits: Limits) -> Row:
    low = site.amount(limits, "nta.measured_min", _PER_ML)
    high = site.amount(limits, "nta.measured_max", _PER_ML)
    if chamber is None or not low <= chamber <= high:
        return Row("nta-measured", stopped(
            _("Measured %(value)s particles/mL",
              value="-" if chamber is None else numbers.brief(chamber)),
            _("outside %(low)s to %(high)s, where the instrument counts",
              low=numbers.brief(low), high=numbers.brief(high)),
            _("dilute again and measure"), OFFICER))  # fmt: skip
    return Row(
        "nta-measured",
        passed(
            _("Measured %(value)s particles/mL", value=numbers.brief(chamber)), _("where it counts")
        ),
    )


def _repeatability(variation: Decimal | None, limits: Limits) -> Row:
    warn = site.amount(limits, "nta.capture_cv_warn_at", _PERCENT)
    stop = site.amount(limits, "nta.capture_cv_stop_above", _PERCENT)
    if variation is None or variation > stop:
        return Row(
            "nta-variation",
            stopped(
                _(
                    "Captures vary by %(cv)s %%",
                    cv="-" if variation is None else numbers.brief(variation),
                ),
                _("more than %(stop)s %%", stop=stop),
                _("mix the sample and measure again"),
                OFFICER,
            ),
        )
    what = _("Captures vary by %(cv)s %%", cv=numbers.brief(variation))
    if variation >= warn:
        return Row(
            "nta-variation",
            warned(
                what, _("%(warn)s %% or more", warn=warn), _("consider measuring again"), OFFICER
            ),
        )
    return Row("nta-variation", passed(what, _("below %(warn)s %%", warn=warn)))


def _frames(captures: Sequence[instruments.Capture], limits: Limits) -> Row:
    low = site.number(limits, "nta.particles_per_frame_min")
    high = site.number(limits, "nta.particles_per_frame_max")
    seen = [each.particles_per_frame for each in captures]
    outside = [each for each in seen if each is None or not low <= each <= high]
    if outside or not seen:
        known = [numbers.brief(each) for each in outside if each is not None]
        return Row("nta-frames", stopped(
            _("Particles per frame: %(found)s", found=", ".join(known[:12]) or "-"),
            _("outside %(low)s to %(high)s of this instrument", low=low, high=high),
            _("dilute again and measure"), OFFICER))  # fmt: skip
    return Row(
        "nta-frames",
        passed(
            _("Particles per frame"),
            _("every capture within %(low)s to %(high)s", low=low, high=high),
        ),
    )


def _tracks(captures: Sequence[instruments.Capture], limits: Limits) -> Row:
    needed = site.number(limits, "nta.completed_tracks_warn_below")
    total = sum(each.completed_tracks or 0 for each in captures)
    what = _("Completed tracks: %(total)s", total=total)
    if total < needed:
        return Row(
            "nta-tracks",
            warned(what, _("fewer than %(needed)s", needed=needed), _("measure longer"), OFFICER),
        )
    return Row("nta-tracks", passed(what, _("enough tracks")))


def _blank(percent: Decimal, limits: Limits) -> Row:
    what = _("Diluent's own particles: %(share)s %% of the sample's", share=numbers.brief(percent))
    if percent > site.amount(limits, "nta.blank_stop_above", _PERCENT):
        return Row("nta-blank", stopped(what, _("too many"), _("filter new diluent"), OFFICER))
    if percent > site.amount(limits, "nta.blank_warn_above", _PERCENT):
        return Row("nta-blank", warned(what, _("many"), _("look at the diluent"), OFFICER))
    return Row("nta-blank", passed(what, _("few")))


def _share(histogram: Sequence[instruments.Bin], fraction: str) -> Decimal | None:
    """The share of `50-400 nm`."""
    low, _dash, high = fraction.removesuffix("nm").strip().partition("-")
    return share_percent(histogram, numbers.decimal(low), numbers.decimal(high))
