"""Protein by BCA: the standard curve, the sample on it, and whether they may be used.

Source: domain section 6.2. The fit is the method's (`bca.fit`); nothing is rounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lims.core import limits as site
from lims.core import numbers
from lims.core.gate import Finding, Row, passed, stopped, warned
from lims.core.limits import Limits
from lims.core.units import Quantity
from lims.core.words import Text as _
from lims.qc.curves import Curve, Fit, NoCurve, curve, mean, variation_percent
from lims.qc.judged import OFFICER, Judged

_PERCENT = "%"


@dataclass(frozen=True)
class BcaJudged(Judged):
    """A protein concentration by BCA.

    Attributes:
        concentration: of the undiluted sample, in ug/uL; None without a curve or factor.
        measured_ug_per_ml: of the diluted sample.
        recoveries_percent: each standard but the blank, back-calculated.
    """

    concentration: Quantity | None
    measured_ug_per_ml: Decimal | None
    absorbance: Decimal | None
    variation_percent: Decimal | None
    dilution: Decimal | None
    curve: Curve | None
    recoveries_percent: Mapping[Decimal, Decimal | None]


def judge_bca(
    standards: Mapping[Decimal, Sequence[Decimal]],
    sample: Sequence[Decimal],
    *,
    dilution: Decimal | None,
    limits: Limits,
    wavelength_nm: int | None = None,
) -> BcaJudged:
    """Judge one sample against its standards. The fit is the method's, `bca.fit`.

    Args:
        standards: raw absorbances by level in ug/mL; level 0 is the blank, taken off all.
        sample: raw absorbances of the diluted sample.
        dilution: the factor that the analyst confirmed.
        wavelength_nm: where the plate was read, if the file says.
    """
    blank = mean(standards[Decimal(0)]) if standards.get(Decimal(0)) else None
    rows = [_blank_level(blank), _replicates(len(sample), limits), 
            _wavelength(wavelength_nm, limits), _bca_factor(dilution, limits)]  # fmt: skip
    zero = blank or Decimal(0)
    levels = {level: [each - zero for each in read] for level, read in standards.items() if read}
    points = [(level, mean(read)) for level, read in sorted(levels.items())]
    absorbances = [each - zero for each in sample]
    fitted, row = _curve(points, Fit(site.word(limits, "bca.fit")), limits)
    rows += [row, _spread(absorbances, levels, limits)]
    absorbance = mean(absorbances) if absorbances else None
    variation = variation_percent(absorbances)
    measured, recoveries = None, dict[Decimal, Decimal | None]()
    if fitted is not None:
        recoveries = {each[0]: fitted.recovery_percent(each) for each in points if each[0]}
        rows += [_recovered(recoveries, limits), _in_range(absorbances, points)]
        measured = None if absorbance is None else fitted.concentration(absorbance)
    known = measured is not None and dilution is not None and dilution >= 1
    concentration = (
        Quantity(measured * dilution, "ug/mL").to("ug/uL")  # type: ignore[operator]
        if known else None
    )  # fmt: skip
    return BcaJudged(
        tuple(rows), concentration, measured, absorbance, variation, dilution, fitted, recoveries
    )


def thousandfold(value: Quantity, low: Quantity, high: Quantity) -> Finding | None:
    """A warning where the value would hit its target when moved by a thousand (H15)."""
    found, bottom, top = value.value, low.to(value.unit).value, high.to(value.unit).value
    if bottom <= found <= top:
        return None
    for moved in (found * 1000, found / 1000):
        if bottom <= moved <= top:
            return warned(
                _("Concentration %(value)s", value=value),
                _(
                    "it is a thousand times off its target %(low)s to %(high)s, as if a unit had "
                    "been mistaken",
                    low=low,
                    high=high,
                ),
                _("check the unit of the entry"),
                OFFICER,
            )
    return None


def _blank_level(blank: Decimal | None) -> Row:
    if blank is None:
        return Row("bca-blank", stopped(
            _("Standards"), _("there is no blank (0 ug/mL) among them"),
            _("measure again with a blank"), OFFICER))  # fmt: skip
    return Row(
        "bca-blank", passed(_("Blank %(value)s", value=numbers.brief(blank)), _("taken off all"))
    )


def _replicates(count: int, limits: Limits) -> Row:
    needed = site.number(limits, "bca.replicates_min")
    what = _("Replicates of the sample: %(count)s", count=count)
    if count < needed:
        return Row(
            "bca-replicates",
            stopped(
                what,
                _("at least %(needed)s are needed", needed=needed),
                _("measure again"),
                OFFICER,
            ),
        )
    return Row("bca-replicates", passed(what, _("enough replicates")))


def _wavelength(found: int | None, limits: Limits) -> Row:
    wanted = site.amount(limits, "bca.wavelength", "nm")
    if found is not None and found != wanted:
        return Row("bca-wavelength", stopped(
            _("Read at %(found)s nm", found=found),
            _("the method reads at %(wanted)s nm", wanted=wanted),
            _("read the plate again"), OFFICER))  # fmt: skip
    return Row(
        "bca-wavelength",
        passed(
            _("Wavelength"), _("%(wanted)s nm", wanted=wanted) if found else _("not in the file")
        ),
    )


def _bca_factor(dilution: Decimal | None, limits: Limits) -> Row:
    if dilution is None or not dilution.is_finite() or dilution < 1:
        return Row("bca-dilution", stopped(
            _("Dilution factor"), _("it is missing or below 1"),
            _("enter the factor from the bench sheet"), OFFICER))  # fmt: skip
    what = _("Dilution factor %(factor)s", factor=dilution)
    least = site.number(limits, "bca.dilution_min")
    if dilution < least:
        return Row("bca-dilution", warned(
            what, _("less than %(least)s; a sample at its upper limit would leave the curve",
                    least=least), _("dilute more"), OFFICER))  # fmt: skip
    return Row("bca-dilution", passed(what, _("applied once")))


def _curve(
    points: Sequence[tuple[Decimal, Decimal]], fit: Fit, limits: Limits
) -> tuple[Curve | None, Row]:
    least = site.number(limits, "bca.r2_stop_below")
    try:
        fitted = curve(points, fit)
    except NoCurve as refused:
        return None, Row(
            "bca-curve",
            stopped(
                _("Standard curve"), _("%(why)s", why=refused.what), _("measure again"), OFFICER
            ),
        )
    what = _(
        "Standard curve, %(fit)s: R² %(r2)s",
        fit=fit.value,
        r2=numbers.plain(fitted.r2.quantize(Decimal("0.000001"))),
    )
    if fitted.r2 < least:
        return fitted, Row(
            "bca-curve",
            stopped(what, _("below %(least)s", least=least), _("measure again"), OFFICER),
        )
    return fitted, Row("bca-curve", passed(what, _("at least %(least)s", least=least)))


def _spread(
    sample: Sequence[Decimal], levels: Mapping[Decimal, Sequence[Decimal]], limits: Limits
) -> Row:
    most = site.amount(limits, "bca.replicate_cv_stop_above", _PERCENT)
    found = {_("sample"): variation_percent(sample)}
    for level, read in levels.items():
        if level and len(read) > 1:
            found[_("standard %(level)s", level=numbers.plain(level))] = variation_percent(read)
    bad = [(name, cv) for name, cv in found.items() if cv is None or cv > most]
    if bad:
        name, cv = bad[0]
        return Row("bca-variation", stopped(
            _("Replicates of %(name)s vary by %(cv)s %%", name=name,
              cv="-" if cv is None else numbers.brief(cv)),
            _("more than %(most)s %%", most=most), _("measure again"), OFFICER))  # fmt: skip
    return Row("bca-variation", passed(_("Replicates"), _("within %(most)s %%", most=most)))


def _recovered(recoveries: Mapping[Decimal, Decimal | None], limits: Limits) -> Row:
    low = site.amount(limits, "bca.back_calculated_min", _PERCENT)
    high = site.amount(limits, "bca.back_calculated_max", _PERCENT)
    most = site.number(limits, "bca.back_calculated_levels_out_max")
    out = [level for level, each in recoveries.items() if each is None or not low <= each <= high]
    what = _(
        "Standards outside %(low)s to %(high)s %% of what they are: %(count)s",
        low=low,
        high=high,
        count=len(out),
    )
    if len(out) > most:
        return Row(
            "bca-recovery",
            stopped(what, _("more than %(most)s", most=most), _("make new standards"), OFFICER),
        )
    return Row("bca-recovery", passed(what, _("at most %(most)s", most=most)))


def _in_range(sample: Sequence[Decimal], points: Sequence[tuple[Decimal, Decimal]]) -> Row:
    low, high = min(each for _level, each in points), max(each for _level, each in points)
    out = [each for each in sample if not low <= each <= high]
    if out or not sample:
        found = ", ".join(numbers.brief(each) for each in out) or "-"
        return Row("bca-range", stopped(
            _("Sample's absorbance %(found)s", found=found),
            _("outside the standards' %(low)s to %(high)s",
              low=numbers.brief(low), high=numbers.brief(high)),
            _("dilute again and measure"), OFFICER))  # fmt: skip
    return Row("bca-range", passed(_("Sample's absorbance"), _("within the standards")))
