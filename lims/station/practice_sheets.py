"""The practice sheets: codes of a demonstration on A4, to scan from paper, and what each comes to.

Wristband codes stand here as paper copies alone, and only of bands that were cancelled: whoever
scans one learns that it is stopped, and no sheet can stand in for a band on an arm (H28).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fpdf.enums import XPos, YPos
from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import custody, labels, studies
from lims.core import clock, codes
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, Place, State
from lims.station import orders, tasks

SIDE_MM = 18.0
"""Of a symbol, without its quiet zone."""
_COLUMNS = 4
_HEAD = 18  # mm of a section's title and first sentence
_PLACES = (("box", 4), ("shelf", 2), ("rack", 1), ("freezer", 1), ("bench", 1), ("incubator", 1))
_CONTAINERS = (
    (ItemKind.DOSE, State.AVAILABLE, 13),
    (ItemKind.FLASK, State.GROWING, 2),
    (ItemKind.QC_SAMPLE, State.STORED, 2),
    (ItemKind.RETAINED, State.STORED, 2),
    (ItemKind.LOT, State.RELEASED, 1),
)
_GTIN = "09506000134352"  # the number of GS1's own examples


@dataclass(frozen=True)
class Card:
    """One code: what it is, what the symbol says, and what is to be known of it.

    Attributes:
        text: what a reader gives; it stands below the symbol.
        gs1: a supplier's element string with brackets, where it is no code of ours.
    """

    title: str
    text: str
    note: str = ""
    gs1: str = ""


@dataclass(frozen=True)
class Section:
    """Codes that belong together, on one page."""

    title: str
    intro: str
    cards: Sequence[Card]
    wide: bool = False


def pdf(session: Session, practisers: Sequence[dict[str, str]]) -> bytes:
    """All sheets, in the language being spoken.

    Args:
        practisers: practice people whose badges are printed, with their PINs.
    """
    return draw(sections(session, practisers))


def sections(session: Session, practisers: Sequence[dict[str, str]]) -> list[Section]:
    """What is printed, from what is there now."""
    return [
        Section(
            str(_("Badges")),
            str(_("Scan a badge at the station or the sign-in page, then type its PIN.")),
            [
                Card(each["name"], labels.live_symbol(session, each["badge"]),
                     str(_("PIN %(pin)s", pin=each["pin"])))
                for each in practisers
            ],
        ),
        Section(
            str(_("Commands")),
            str(_("Each can be typed as a word as well.")),
            [
                Card(str(order.title),
                     codes.symbol(orders.code_of(name, practice=True), orders.COPY),
                     str(order.about))
                for name, order in orders.ORDERS.items()
            ],
        ),
        Section(
            str(_("Places")),
            str(_("Scan a thing first, then the place it goes into.")),
            [Card(each.name, labels.live_symbol(session, each.code)) for each in _places(session)],
        ),
        Section(
            str(_("Reagents, as a supplier labels them")),
            str(_("The station shows what the supplier's code says: number, lot, expiry.")),
            _reagents(),
        ),
        Section(
            str(_("Wristbands, copied on paper")),
            str(_("A band is scanned on the arm. These copies are cancelled: each must stop.")),
            list(_paper_bands(session))[:2],
        ),
        Section(
            str(_("Containers")),
            str(_("Cut them out and put them on tubes, or scan them from here.")),
            [_container(session, each) for each in _containers(session)],
        ),
        Section(
            str(_("Traps")),
            str(_("Each of these is wrong. Scan it, and see what happens.")),
            list(_traps(session)),
            wide=True,
        ),
    ]  # fmt: skip


def _places(session: Session) -> Iterator[Place]:
    for kind, number in _PLACES:
        yield from session.scalars(
            select(Place).where(Place.kind == kind).order_by(Place.name.desc()).limit(number)
        )


def _containers(session: Session) -> Iterator[Item]:
    for kind, state, number in _CONTAINERS:
        found = select(Item).where(Item.kind == kind, Item.state == state)
        if kind is ItemKind.DOSE:
            found = found.where(Item.expires_at > clock.now())
        yield from session.scalars(found.order_by(Item.name, Item.code).limit(number))


def _container(session: Session, item: Item) -> Card:
    kind = str(custody.KIND_NAMES[item.kind])
    return Card(kind, labels.live_symbol(session, item.code), item.name or "")


def _reagents() -> list[Card]:
    made = []
    for title, days, lot in (
        (_("Medium, in date"), 200, "MED-2291"),
        (_("Trypsin, expired"), -20, "TRY-0107"),
    ):
        expires = clock.now() + timedelta(days=days)
        gs1 = f"(01){_GTIN}(17){expires:%y%m%d}(10){lot}"
        made.append(Card(str(title), gs1, gs1=gs1))
    return made


def _paper_bands(session: Session) -> Iterator[Card]:
    for band in studies.cancelled_bands(session):
        yield Card(
            str(_("Wristband, paper copy")),
            codes.symbol(band.code, 1),
            str(_("STOP. This band was cancelled; scan the band on the arm.")),
        )


def _traps(session: Session) -> Iterator[Card]:
    now = clock.now()
    material = tasks.material(session)

    def vial(where: Callable[[Item], Any]) -> Item | None:
        found = select(Item).where(Item.kind == ItemKind.DOSE).order_by(Item.name, Item.code)
        return next((each for each in session.scalars(found) if where(each)), None)

    if "dose" in material:
        yield Card(
            str(_("Dose of another woman")),
            material["dose"],
            str(_("At the bedside, after the band of anybody else: STOP. It is meant for another "
                  "woman; put it aside and call the pharmacy.")),
        )  # fmt: skip
    expired = vial(lambda each: bool(each.expires_at and each.expires_at <= now))
    if expired is not None:
        yield Card(
            str(_("Expired vial")),
            labels.live_symbol(session, expired.code),
            str(_("At the station: CHECK, it has expired. At the bedside: STOP.")),
        )
    blocked = vial(lambda each: each.state is State.BLOCKED)
    if blocked is not None:
        yield Card(
            str(_("Quarantined vial")),
            labels.live_symbol(session, blocked.code),
            str(_("At the station: CHECK, it is blocked. At the bedside: STOP.")),
        )
    for code, copy in labels.void_copies(session, "V")[:1]:
        yield Card(
            str(_("Old label")),
            codes.symbol(code, copy),
            str(_("STOP. A new label was printed for this vial, and this one is dead.")),
        )
    yield Card(
        str(_("Damaged label")),
        _damaged(material.get("second", orders.code_of("LOOK", practice=True))),
        str(_("STOP. Its check character does not fit; scan again, or print a new label.")),
    )
    yield from list(_paper_bands(session))[2:3]


def _damaged(code: str) -> str:
    """A symbol of which one character was lost and another read."""
    whole = codes.symbol(code, 1)
    swapped = "7" if whole[4] != "7" else "4"
    return whole[:4] + swapped + whole[5:]


class _Sheets(labels.Paper):
    """Cells of four in a row, or a row for each code with what should happen beside it."""

    def section(self, section: Section) -> None:
        """Kept together where a page can hold it."""
        rows = len(section.cards) if section.wide else -(-len(section.cards) // _COLUMNS)
        high = SIDE_MM + (14 if section.wide else 27 if self._long(section) else 18)
        if self.get_y() + _HEAD + rows * high > self.h - 16 or self.page == 0:
            self.add_page()
        self.say(section.title, size=15, bold=True, high=8)
        self.say(section.intro)
        top = self.get_y() + 2
        for at, card in enumerate(section.cards):
            row, column = (at, 0) if section.wide else divmod(at, _COLUMNS)
            if section.wide:
                self._row(card, top + row * high)
            else:
                self._cell(card, column, top + row * high)
        self.set_y(top + rows * high + 2)

    @staticmethod
    def _long(section: Section) -> bool:
        return any(len(each.note) > 20 or each.gs1 for each in section.cards)

    def _cell(self, card: Card, column: int, top: float) -> None:
        wide = self.epw / _COLUMNS
        left = self.l_margin + wide * (column if self.side == "L" else _COLUMNS - 1 - column)
        self.symbol(card, left + (wide - SIDE_MM) / 2, top + 2)
        below = self._at(left, top + SIDE_MM + 4, wide, card.text, 8, align="C", ltr=True)
        below = self._at(left, below, wide, card.title, 9.5, bold=True, align="C")
        self._at(left + 1, below, wide - 2, card.note, 7.5, align="C")

    def _row(self, card: Card, top: float) -> None:
        left = self.l_margin if self.side == "L" else self.w - self.r_margin - 44
        beside, wide = self.l_margin + (48 if self.side == "L" else 0), self.epw - 48
        self.symbol(card, left + 13, top + 2)
        self._at(left, top + SIDE_MM + 4, 44, card.text, 8, align="C", ltr=True)
        below = self._at(beside, top + 3, wide, card.title, 12, bold=True, align=self.side)
        self._at(beside, below + 1, wide, card.note, 11, align=self.side)

    def symbol(self, card: Card, left: float, top: float) -> None:
        """The modules as rectangles, with a quiet zone that the cell leaves."""
        if card.gs1:
            says = labels.symbol_says("gs1_datamatrix", card.gs1, "gs1")
            rows = labels.symbol_rows("gs1_datamatrix", says)
        else:
            rows = labels.symbol_rows("datamatrix", card.text)
        module = SIDE_MM / len(rows[0])
        self.set_fill_color(0)
        for y, row in enumerate(rows):
            for run in re.finditer("1+", row):
                x, wide = left + run.start() * module, len(run[0]) * module
                self.rect(x, top + y * module, wide, module, "F")

    def _at(
        self,
        left: float,
        top: float,
        wide: float,
        text: str,
        size: float,
        *,
        bold: bool = False,
        align: str = "L",
        ltr: bool = False,
    ) -> float:
        """A text from there on; where the next one may begin."""
        if not text:
            return top
        self.face(text, size, bold=bold, mono=ltr)
        if ltr:
            self.set_text_shaping(True, direction="ltr")
        self.set_xy(left, top)
        self.multi_cell(
            wide, size * 0.45, text if ltr else self.kept_apart(text), align=align,
            new_x=XPos.LMARGIN, new_y=YPos.NEXT,
        )  # fmt: skip
        return float(self.get_y())


def draw(found: Sequence[Section]) -> bytes:
    """The sections as A4."""
    paper = _Sheets(str(_("Practice sheets")), practice=True, begin=False)
    for section in found:
        paper.section(section)
    return bytes(paper.output())
