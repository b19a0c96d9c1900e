"""The arithmetic and the limits of growing cells: counts, doublings, passages, harvests.

Amounts are `Decimal` with the unit in the name; limits come from the site's or the study's file by
dotted name (`culture.viability_stop_below`, `harvest.duration_warn_above`). Mechanical
preconditioning has its own file, `mechanics.py`.

Source: domain sections 4.2-4.7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from lims.core import limits as site
from lims.core import numbers
from lims.core.errors import RuleBroken
from lims.core.gate import Row, passed, stopped, warned
from lims.core.limits import Limits
from lims.core.words import Text
from lims.core.words import Text as _
from lims.culture.mechanics import (
    Parameter,
    check_preconditioning,
    judge_mechanical_flag,
    judge_preconditioning,
    schema,
)

__all__ = [
    "MEDIA", "Growth", "ImpossibleCount", "Parameter", "cells_to_seed", "check_preconditioning",
    "counted_per_ml", "doubling_time_h", "growth", "judge_cold_storage", "judge_harvest",
    "judge_mechanical_flag",
    "judge_particles_per_cell", "judge_passage", "judge_preconditioning",
    "judge_thaw", "medium_name", "population_doublings", "schema", "viability_percent",
    "viable_cells", "volume_to_add_ml",
]  # fmt: skip

MEDIA: Mapping[str, Text] = {
    "serum_free": _("free of serum"),
    "ev_depleted_ultracentrifuged": _("vesicles removed by ultracentrifugation"),
    "ev_depleted_filtered": _("vesicles removed by filtration"),
    "ev_depleted_tff": _("vesicles removed by tangential flow"),
    "complete_serum": _("complete serum"),
}


def medium_name(kind: str) -> Text | str:
    """What a medium is called; a kind that only a site's file knows, as it stands."""
    return MEDIA.get(kind, kind)


_PERCENT = "%"
LEAD = _("head of the laboratory")
OFFICER = _("quality control officer")


class ImpossibleCount(RuleBroken):
    """Cells that cannot have been counted."""

    code = "impossible_count"


@dataclass(frozen=True)
class Growth:
    """One passage.

    Attributes:
        doublings: population doublings; None where no cell was left.
        cumulative: with all passages before; None where one of them is not known.
        doubling_time_h: None where nothing grew.
        nominal: the seeded number counts all nucleated cells (P0), so the doublings do too.
    """

    doublings: Decimal | None
    cumulative: Decimal | None
    doubling_time_h: Decimal | None
    nominal: bool


# --- arithmetic --------------------------------------------------------------------------------


def viable_cells(total: Decimal, viability_percent: Decimal) -> Decimal:
    """Living cells of all counted.

    Raises:
        ImpossibleCount: below zero, or a viability outside 0-100 %.
    """
    if total < 0 or not 0 <= viability_percent <= 100:
        raise ImpossibleCount(
            _(
                "%(total)s cells at %(viability)s %% cannot be; count again.",
                total=numbers.plain(total),
                viability=numbers.plain(viability_percent),
            )
        )
    return total * viability_percent / 100


def viability_percent(live: Decimal, dead: Decimal) -> Decimal | None:
    """Living cells in percent of all; None of none.

    Raises:
        ImpossibleCount: below zero.
    """
    if live < 0 or dead < 0:
        raise ImpossibleCount(_("A count is never below zero; count again."))
    return None if live + dead == 0 else live / (live + dead) * 100


def counted_per_ml(cells_in_squares: Sequence[int], dilution: Decimal) -> Decimal:
    """Cells per mL from a Neubauer chamber: the mean over large squares of 0.1 µL each.

    Args:
        dilution: all factors together, dye included (1:1 with dye is 2).

    Raises:
        ImpossibleCount: no square, a count below zero, or a factor below 1.
    """
    if not cells_in_squares or min(cells_in_squares) < 0 or dilution < 1:
        raise ImpossibleCount(
            _(
                "A count needs squares with counts of zero or more, and a dilution of 1 or more; "
                "count again."
            )
        )
    return Decimal(sum(cells_in_squares)) / len(cells_in_squares) * dilution * 10_000


def population_doublings(seeded: Decimal, harvested: Decimal) -> Decimal | None:
    """log2(harvested / seeded) of viable cells; None where none was harvested.

    Raises:
        ImpossibleCount: harvested below zero, or seeded not above it.
    """
    if harvested < 0 or seeded <= 0:
        raise ImpossibleCount(
            _(
                "%(seeded)s cells seeded and %(harvested)s harvested cannot be; correct them.",
                seeded=numbers.plain(seeded),
                harvested=numbers.plain(harvested),
            )
        )
    return None if harvested == 0 else (harvested / seeded).ln() / Decimal(2).ln()


def doubling_time_h(elapsed_h: Decimal, doublings: Decimal | None) -> Decimal | None:
    """Hours per doubling; None where nothing grew (never divided by zero or less)."""
    return None if doublings is None or doublings <= 0 else elapsed_h / doublings


def growth(
    seeded: Decimal,
    harvested: Decimal,
    elapsed_h: Decimal,
    *,
    before: Decimal | None = Decimal(0),
    nominal: bool = False,
) -> Growth:
    """One passage in figures.

    Args:
        before: cumulative doublings of the passages before; None where not known.
        nominal: whether the seeded number counts all nucleated cells (P0).

    Raises:
        ImpossibleCount: counts or a time that cannot be.
    """
    if elapsed_h <= 0:
        raise ImpossibleCount(
            _("%(hours)s hours in culture cannot be; correct the times.", hours=elapsed_h)
        )
    doublings = population_doublings(seeded, harvested)
    together = None if doublings is None or before is None else before + doublings
    return Growth(doublings, together, doubling_time_h(elapsed_h, doublings), nominal)


def cells_to_seed(density_per_cm2: Decimal, area_cm2: Decimal) -> Decimal:
    """Cells for a vessel.

    Raises:
        ImpossibleCount: a density or area not above zero.
    """
    if density_per_cm2 <= 0 or area_cm2 <= 0:
        raise ImpossibleCount(_("Density and area are above zero; correct them."))
    return density_per_cm2 * area_cm2


def volume_to_add_ml(cells: Decimal, cells_per_ml: Decimal) -> Decimal:
    """Millilitres of suspension that hold `cells`.

    Raises:
        ImpossibleCount: a suspension without cells.
    """
    if cells_per_ml <= 0 or cells < 0:
        raise ImpossibleCount(_("The suspension holds no cells; count it again."))
    return cells / cells_per_ml


# --- limits ------------------------------------------------------------------------------------


def judge_passage(
    *,
    viability_percent: Decimal,
    grown: Growth | None,
    limits: Limits,
    confluence_percent: Decimal | None = None,
    seeded_per_cm2: Decimal | None = None,
    donors_times_h: Sequence[Decimal] = (),
) -> tuple[Row, ...]:
    """The limits of one passage.

    Args:
        grown: None where the seeded cells were not counted, as in explants.
        seeded_per_cm2: of the vessels it goes into.
        donors_times_h: this donor's earlier doubling times, for their median.
    """
    rows = [
        _low("culture-viability", _("Viability"), viability_percent, "culture.viability", limits),
        *([] if grown is None else [_growth(grown, limits)]),
    ]
    if confluence_percent is not None:
        most = site.amount(limits, "culture.confluence_warn_above", _PERCENT)
        rows.append(_warn_if(
            "culture-confluence", confluence_percent > most,
            _("Confluence %(value)s %%", value=numbers.brief(confluence_percent)),
            _("over %(most)s %%", most=most), _("passage earlier next time")))  # fmt: skip
    if seeded_per_cm2 is not None:
        low = site.amount(limits, "culture.seeding_usual_min", "{cells}/cm2")
        high = site.amount(limits, "culture.seeding_usual_max", "{cells}/cm2")
        rows.append(_warn_if(
            "culture-seeding", not low <= seeded_per_cm2 <= high,
            _("Seeding density %(value)s cells/cm²", value=numbers.brief(seeded_per_cm2)),
            _("the usual range is %(low)s to %(high)s",
              low=numbers.brief(low), high=numbers.brief(high)),
            _("check count, volume and area")))  # fmt: skip
    if donors_times_h and grown is not None and grown.doubling_time_h is not None:
        factor = site.number(limits, "culture.doubling_time_warn_factor")
        usual = Decimal(median(donors_times_h))
        rows.append(_warn_if(
            "culture-doubling-time", grown.doubling_time_h > factor * usual,
            _("Doubling time %(value)s h", value=numbers.brief(grown.doubling_time_h)),
            _("her cells' median is %(median)s h", median=numbers.brief(usual)),
            _("look at the cells; consider ending the culture")))  # fmt: skip
    return tuple(rows)


def judge_harvest(
    *,
    medium: str,
    duration_h: Decimal,
    passage: int,
    cumulative: Decimal | None,
    viability_percent: Decimal | None,
    cells: Decimal | None,
    volume_ul: int | None,
    limits: Limits,
    confluence_percent: Decimal | None = None,
) -> tuple[Row, ...]:
    """The limits of one harvest of conditioned medium.

    Args:
        medium: one of `harvest.media`; complete serum is none of them.
        duration_h: conditioning, from the change of medium to the harvest.
        cumulative: doublings so far; None where a passage was not counted.
    """
    media = site.words(limits, "harvest.media")
    what = _("Harvest medium %(medium)s", medium=medium or "-")
    good = passed(what, _("free of foreign vesicles"))
    bad = stopped(what, _("vesicles of serum or platelets would be counted as product"),
                  _("discard this medium; wash and harvest again"), OFFICER)  # fmt: skip
    rows = [Row("harvest-medium", good if medium in media else bad)]
    missing = [name for name, value in (
        (_("viability"), viability_percent), (_("cell number"), cells), (_("volume"), volume_ul),
    ) if value is None or value < 0]  # fmt: skip
    if missing:
        rows.append(Row("harvest-figures", stopped(
            _("Figures of the harvest"), _("missing: %(name)s", name=missing[0]),
            _("count and measure before going on"), LEAD)))  # fmt: skip
    else:
        rows.append(Row("harvest-figures", passed(_("Figures of the harvest"), _("complete"))))
    if viability_percent is not None:
        rows.append(_low("harvest-viability", _("Viability"), viability_percent,
                         "harvest.viability", limits))  # fmt: skip
    low = site.amount(limits, "harvest.duration_warn_below", "h")
    high = site.amount(limits, "harvest.duration_warn_above", "h")
    rows.append(_warn_if(
        "harvest-duration", not low <= duration_h <= high,
        _("Conditioned for %(hours)s h", hours=numbers.brief(duration_h)),
        _("the usual time is %(low)s to %(high)s h", low=low, high=high),
        _("say why")))  # fmt: skip
    rows.append(_high("harvest-passage", _("Passage"), Decimal(passage), "culture.passage_harvest",
                      limits))  # fmt: skip
    if cumulative is None:
        rows.append(Row("harvest-doublings", warned(
            _("Cumulative doublings"), _("not known: a passage was not counted"),
            _("say why the cells may be used"), LEAD)))  # fmt: skip
    else:
        rows.append(_high("harvest-doublings", _("Cumulative doublings"), cumulative,
                          "culture.cpd_harvest", limits))  # fmt: skip
    if confluence_percent is not None:
        least = site.amount(limits, "harvest.confluence_warn_below", _PERCENT)
        most = site.amount(limits, "harvest.confluence_warn_above", _PERCENT)
        rows.append(_warn_if(
            "harvest-confluence", not least <= confluence_percent <= most,
            _("Confluence at the start %(value)s %%", value=numbers.brief(confluence_percent)),
            _("the usual range is %(low)s to %(high)s %%", low=least, high=most),
            _("say why")))  # fmt: skip
    return tuple(rows)


def judge_cold_storage(hours: Decimal, limits: Limits) -> Row:
    """How long conditioned medium stood at 2-8 °C before it was spun or frozen."""
    most = site.amount(limits, "harvest.cold_storage_warn_above", "h")
    return _warn_if(
        "harvest-cold", hours > most, _("Stood %(hours)s h at 2-8 °C", hours=numbers.brief(hours)),
        _("more than %(most)s h", most=most), _("freeze at -80 °C next time"),
    )  # fmt: skip


def judge_particles_per_cell(per_cell: Decimal, limits: Limits) -> Row:
    """Whether a yield is plausible."""
    most = site.amount(limits, "harvest.particles_per_cell_warn_above", "{particles}/{cell}")
    return _warn_if(
        "harvest-yield", per_cell > most,
        _("%(value)s particles per cell", value=numbers.brief(per_cell)),
        _("more than %(most)s is implausible", most=numbers.brief(most)),
        _("check count, dilution and volume"),
    )  # fmt: skip


def judge_thaw(*, thaws: int, viability_percent: Decimal | None, limits: Limits) -> tuple[Row, ...]:
    """The limits of a thawed vial of cells.

    Args:
        thaws: how often, this time included.
    """
    most = site.number(limits, "bank.thaws_max")
    what = _("Thawed %(count)s times", count=thaws)
    again = stopped(what, _("a vial of cells is thawed once"), _("discard the vial"), OFFICER)
    rows = [Row("bank-thaws", again if thaws > most else passed(what, _("once")))]
    if viability_percent is not None:
        rows.append(_low("bank-viability", _("Viability after thawing"), viability_percent,
                         "bank.post_thaw_viability", limits))  # fmt: skip
    return tuple(rows)


# --- the parts ---------------------------------------------------------------------------------


def _low(id_: str, name: Text, value: Decimal, limit: str, limits: Limits) -> Row:
    """A percentage that warns below one limit and stops below another."""
    warn = site.amount(limits, f"{limit}_warn_below", _PERCENT)
    stop = site.amount(limits, f"{limit}_stop_below", _PERCENT)
    what = _("%(name)s %(value)s %%", name=name, value=numbers.brief(value))
    if not 0 <= value <= 100:
        return Row(id_, stopped(what, _("outside 0 to 100 %"), _("count again"), LEAD))
    if value < stop:
        return Row(id_, stopped(what, _("below %(limit)s %%", limit=stop),
                                _("do not use these cells"), LEAD))  # fmt: skip
    if value < warn:
        return Row(id_, warned(what, _("below %(limit)s %%", limit=warn), _("say why"), LEAD))
    return Row(id_, passed(what, _("at least %(limit)s %%", limit=warn)))


def _high(id_: str, name: Text, value: Decimal, limit: str, limits: Limits) -> Row:
    """A count that warns above one limit and stops above another."""
    warn = site.number(limits, f"{limit}_warn_above")
    stop = site.number(limits, f"{limit}_stop_above")
    what = _("%(name)s %(value)s", name=name, value=numbers.brief(value))
    if value > stop:
        return Row(id_, stopped(what, _("over %(limit)s", limit=stop),
                                _("do not use these cells"), LEAD))  # fmt: skip
    if value > warn:
        return Row(id_, warned(what, _("over %(limit)s", limit=warn), _("say why"), LEAD))
    return Row(id_, passed(what, _("at most %(limit)s", limit=warn)))


def _growth(grown: Growth, limits: Limits) -> Row:
    most = site.number(limits, "culture.pd_one_passage_warn_above")
    if grown.doublings is None or grown.doublings <= 0:
        return Row(
            "culture-growth",
            warned(_("Population doublings"), _("no growth"), _("look at the cells"), LEAD),
        )
    return _warn_if(
        "culture-growth", grown.doublings > most,
        _("Population doublings %(value)s", value=numbers.brief(grown.doublings)),
        _("more than %(most)s in one passage is a typing error as a rule", most=most),
        _("check both counts"),
    )  # fmt: skip


def _warn_if(id_: str, wrong: bool, what: Text, why: Text, do_now: Text) -> Row:
    if wrong:
        return Row(id_, warned(what, why, do_now, LEAD))
    return Row(id_, passed(what, _("as usual")))
