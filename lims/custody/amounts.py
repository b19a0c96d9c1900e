"""What may leave a vessel, what may be put together, how often it may thaw. Knows no database.

Volumes are whole microlitres. Limits come from the site's or the study's file by dotted name.

Source: domain.md 5.4, 6.8, 4.7 and 13.24.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lims.core import limits as site
from lims.core import numbers
from lims.core.gate import Row, passed, stopped, warned
from lims.core.limits import Limits
from lims.core.words import Text as _
from lims.custody.rules import ItemKind

LEAD = _("head of the laboratory")
OFFICER = _("quality control officer")
# Which limit says how often a thing of this kind may thaw, and whether more than that stops.
_THAWS = {
    ItemKind.FLASK: ("bank.thaws_max", True),
    ItemKind.QC_SAMPLE: ("thaw.dose_thaws_max", False),
    ItemKind.RETAINED: ("thaw.dose_thaws_max", False),
}


@dataclass(frozen=True)
class Balance:
    """What came out of a vessel, in whole microlitres.

    Attributes:
        loss_ul: in minus out; below zero where more came out than was in.
    """

    row: Row
    in_ul: int
    out_ul: int
    loss_ul: int
    loss_percent: Decimal | None


def mass_balance(
    parent_ul: int,
    *,
    children_ul: Sequence[int],
    limits: Limits,
    qc_ul: int = 0,
    retained_ul: int = 0,
    waste_ul: int = 0,
) -> Balance:
    """Whether what came out adds up to what was in.

    More out than 102 % of in stops (it was measured wrongly, or is something else); more than
    10 % unexplained loss warns; an amount below zero stops. Limits: `mass_balance.*`.
    """
    parts = [*children_ul, qc_ul, retained_ul, waste_ul]
    out = sum(parts)
    loss = parent_ul - out
    percent = Decimal(loss) / parent_ul * 100 if parent_ul > 0 else None
    what = _("%(out)s µL out of %(in)s µL", **{"out": out, "in": parent_ul})
    most = site.amount(limits, "mass_balance.output_of_input_stop_above", "%")
    warn = site.amount(limits, "mass_balance.unexplained_loss_warn_above", "%")
    if parent_ul < 0 or min(parts) < 0:
        finding = stopped(what, _("an amount is below zero"), _("correct the amounts"), OFFICER)
    elif Decimal(out) * 100 > most * parent_ul:
        finding = stopped(what, _("more than %(most)s %% came out", most=most),
                          _("measure again; look for a mix-up"), OFFICER)  # fmt: skip
    elif percent is not None and percent > warn:
        finding = warned(what, _("%(loss)s %% is lost without a reason",
                                 loss=numbers.brief(percent, 5)),
                         _("look for the loss and say what it was"), LEAD)  # fmt: skip
    else:
        finding = passed(what, _("it adds up"))
    return Balance(Row("mass-balance", finding), parent_ul, out, loss, percent)


def judge_pool(donors: Collection[str], *, autologous: bool, approved: bool, limits: Limits) -> Row:
    """Whether these donors' cells or medium may be put together.

    Args:
        approved: whether an approved process version names pooling; never helps an autologous one.
    """
    count = len(set(donors))
    what = _("Material of %(count)s donors", count=count)
    if count <= 1:
        return Row("culture-pool", passed(what, _("one donor")))
    if autologous:
        return Row("culture-pool", stopped(
            what, _("an autologous product has one donor"),
            _("put nothing together; set both aside"), OFFICER))  # fmt: skip
    if not approved and site.word(limits, "culture.pooling_donors") == "stop":
        return Row("culture-pool", stopped(
            what, _("no approved process allows pooling"),
            _("put nothing together"), OFFICER))  # fmt: skip
    return Row(
        "culture-pool",
        warned(what, _("pooling mixes donors"), _("say which process version allows it"), OFFICER),
    )


def judge_thaws(kind: ItemKind, thaws: int, limits: Limits) -> Row:
    """Whether a thing may thaw once more.

    Cells thaw once and a second time stops; a sample that thaws more often than a dose warns, for
    what is measured in it is no longer what a dose is. Nothing limits other material.

    Args:
        thaws: how often, this time included, and what it came from included.
    """
    what = _("Thawed %(count)s times", count=thaws)
    limit = _THAWS.get(kind)
    if limit is None:
        return Row("thaws", passed(what, _("counted")))
    name, stops = limit
    most = site.number(limits, name)
    if thaws <= most:
        return Row("thaws", passed(what, _("at most %(most)s", most=most)))
    if stops:
        return Row("thaws", stopped(
            what, _("a vial of cells is thawed once"), _("discard the vial"), OFFICER))  # fmt: skip
    return Row("thaws", warned(
        what, _("more often than a dose is: results from it will not count as a dose's"),
        _("take a sample that was thawed less often, or say why"), OFFICER))  # fmt: skip
