"""Nothing leaves a label, and no two things on it share a dot (H13)."""

from collections.abc import Sequence

from lims.core.words import Text as _
from lims.labels.dots import Box
from lims.labels.elements import Standing
from lims.labels.errors import DoesNotFit

Thing = tuple[str, Box]


def refuse(
    standing: Standing, mine: Sequence[Thing], symbols: int, others: Sequence[Thing] = ()
) -> None:
    """Refuse what runs over the edge, or over something.

    Args:
        mine: the things asked about, its `symbols` first, each with its quiet zone.
        others: what they stand among, asked about before.

    Raises:
        DoesNotFit: names both.
    """
    for at, (name, (left, top, right, bottom)) in enumerate(mine):
        if left < 0 or top < 0 or right > standing.width or bottom > standing.height:
            raise _outside(standing, name, at < symbols)
        for many in (mine[at + 1 :], others):
            for other, (left_, top_, right_, bottom_) in many:
                if left < right_ and left_ < right and top < bottom_ and top_ < bottom:
                    raise _overlap(standing, name, other)


def _outside(standing: Standing, name: str, symbol: bool) -> DoesNotFit:
    if symbol:
        what = _(
            "The symbol with its quiet zone is larger than the label %(template)s at "
            "%(dpi)s dots an inch; choose another resolution.",
            template=standing.template.name,
            dpi=standing.dpi,
        )
    else:
        what = _(
            "%(field)s runs over the edge of the label %(template)s; shorten it.",
            field=name,
            template=standing.template.name,
        )
    return DoesNotFit(what, field=name)


def _overlap(standing: Standing, one: str, other: str) -> DoesNotFit:
    return DoesNotFit(
        _(
            "On the label %(template)s, %(one)s and %(other)s overlap; shorten one.",
            template=standing.template.name,
            one=one,
            other=other,
        ),
        field=other,
    )
