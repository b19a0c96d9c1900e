"""Labels on sheets for an office printer: grids such as Avery's, begun at any label.

A grid is data in `label_templates/sheets.toml`. A label stands in the middle of its cell and is
never scaled: one that is larger than the cell is refused.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from lims.core.errors import BadInput, NotFound
from lims.core.words import Text as _
from lims.labels import formats
from lims.labels.elements import Drawing
from lims.labels.errors import DoesNotFit
from lims.labels.stocks import folder

MOST = 2_000


class NoSheet(NotFound):
    """No sheet has this name."""

    code = "label_sheet_unknown"


@dataclass(frozen=True)
class Sheet:
    """A sheet of labels, in millimetres: its size, its cells, where the first begins."""

    name: str
    about: str
    page_mm: tuple[float, float]
    columns: int
    rows: int
    first_mm: tuple[float, float]
    cell_mm: tuple[float, float]
    pitch_mm: tuple[float, float]

    @property
    def cells(self) -> int:
        """How many labels a sheet holds."""
        return self.columns * self.rows

    def corner(self, cell: int) -> tuple[float, float]:
        """Left and top of a cell, counted from 0 along the rows."""
        down, across = divmod(cell, self.columns)
        return (
            self.first_mm[0] + across * self.pitch_mm[0],
            self.first_mm[1] + down * self.pitch_mm[1],
        )


@cache
def sheets() -> dict[str, Sheet]:
    """Every sheet, by name."""
    text = (folder() / "sheets.toml").read_text(encoding="utf-8")
    return {
        name: Sheet(
            name,
            each["about"],
            tuple(each["page_mm"]),
            each["columns"],
            each["rows"],
            tuple(each["first_mm"]),
            tuple(each["cell_mm"]),
            tuple(each["pitch_mm"]),
        )
        for name, each in tomllib.loads(text).items()
    }


def sheet(name: str) -> Sheet:
    """One sheet.

    Raises:
        NoSheet: lists those there are.
    """
    found = sheets().get(name)
    if found is None:
        raise NoSheet(
            _(
                "There is no sheet %(name)s; there are %(names)s.",
                name=name[:40],
                names=", ".join(sheets()),
            ),
            field="sheet",
        )
    return found


def pdf(drawings: Sequence[Drawing], on: Sheet, *, start: int = 1) -> bytes:
    """The labels on as many sheets as they need.

    Args:
        start: the first free label of the first sheet, counted from 1 along the rows.

    Raises:
        BadInput: no label, too many, or no such place on the sheet.
        DoesNotFit: a label is larger than a cell.
    """
    if not 1 <= len(drawings) <= MOST:
        raise BadInput(_("A print has 1 to %(most)s labels.", most=MOST), field="labels")
    if not 1 <= start <= on.cells:
        raise BadInput(
            _("The sheet %(name)s has labels 1 to %(most)s.", name=on.name, most=on.cells),
            field="start",
        )
    page = formats.paper(*on.page_mm)
    for at, each in enumerate(drawings, start - 1):
        cell = at % on.cells
        if at == start - 1 or cell == 0:
            page.add_page()
        left, top = on.corner(cell)
        spare = _spare(each, on)
        formats.put(page, each, left + spare[0] / 2, top + spare[1] / 2)
    return bytes(page.output())


def _spare(drawing: Drawing, on: Sheet) -> tuple[float, float]:
    wide, tall = float(drawing.template.width_mm), float(drawing.template.height_mm)
    spare = on.cell_mm[0] - wide, on.cell_mm[1] - tall
    if min(spare) < 0:
        raise DoesNotFit(
            _(
                "The label %(template)s has %(size)s mm and a label of the sheet %(sheet)s "
                "%(cell)s mm; choose another sheet.",
                template=drawing.template.name,
                size=f"{wide:g} x {tall:g}",
                sheet=on.name,
                cell=f"{on.cell_mm[0]:g} x {on.cell_mm[1]:g}",
            ),
            field="sheet",
        )
    return spare
