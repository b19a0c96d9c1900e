"""The labels of a fill: printed = stuck on + destroyed + what nobody has accounted for (H14).

A label that lies about is stuck on the next donor's vial. So a label counts once it was scanned
back where it sticks, and a fill closes, and its lot is released, only when none is left over.

Source: domain 7.6 and 13.26.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from lims import custody, labels
from lims.custody import Item, ItemKind
from lims.isolation import queries


@dataclass(frozen=True)
class FillLabels:
    """The labels of all that a lot was filled into: its vials, and samples of it.

    Attributes:
        open: codes whose label nobody has accounted for.
        bare: codes of what is still here and has no label that counts.
    """

    printed: int
    applied: int
    destroyed: int
    open: tuple[str, ...]
    bare: tuple[str, ...]

    @property
    def settled(self) -> bool:
        """Whether nothing is open and everything has its label."""
        return not self.open and not self.bare


def labels_of(session: Session, lot: Item) -> FillLabels:
    """How the labels of a lot's vials and samples stand now."""
    filled = [
        *queries.vials_of(session, lot.id),
        *(
            each
            for each in custody.children(session, lot.id)
            if each.kind in (ItemKind.QC_SAMPLE, ItemKind.RETAINED)
        ),
    ]
    codes = [each.code for each in filled]
    here = [each.code for each in filled if each.state not in custody.FINAL]
    tally = labels.tally(session, codes)
    return FillLabels(
        tally.printed,
        tally.applied,
        tally.destroyed,
        tuple(labels.not_stuck(session, codes)),
        tuple(labels.without_label(session, here)),
    )
