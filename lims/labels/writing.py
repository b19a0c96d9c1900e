"""Paper to write on or to read: A4, each text in a font that has its letters."""

import re

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from lims.core import clock, words
from lims.core.words import Text as _
from lims.labels.fonts import choose

_LATIN = re.compile(r"[A-Za-z0-9(](?:[^\u0600-\u06ff]*[A-Za-z0-9)%])?")


class Paper(FPDF):
    """A4 that begins on the side of its language.

    Args:
        foot: which paper it is; it stands at the foot of each page.
        practice: says so at the head of each page.
        begin: with a first page.
    """

    def __init__(self, foot: str, *, practice: bool, begin: bool = True) -> None:
        super().__init__(format="A4")
        self.foot, self.practice = foot, practice
        self.side = "R" if words.language() == "fa" else "L"
        self.set_margins(14, 12)
        self.set_auto_page_break(True, margin=14)
        self.set_creation_date(clock.now())
        self.set_title(foot)
        if begin:
            self.add_page()

    def header(self) -> None:
        """That nothing here is real, on each page; one word of it for readers of any language."""
        if self.practice:
            said = str(_("PRACTICE - not for human use"))
            word = "" if said.startswith("PRACTICE") else "PRACTICE  "
            self.say(word + said, bold=True, size=12)

    def footer(self) -> None:
        """Which paper it is, on each page."""
        self.set_y(-11)
        self.say(f"{self.foot}   {self.page_no()}", size=8)

    def say(self, text: str, *, size: float = 10, bold: bool = False, high: float = 5.4) -> None:
        """Words over the whole width."""
        text = self.kept_apart(text)
        self.face(text, size, bold=bold)
        self.multi_cell(0, high, text, align=self.side, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def kept_apart(self, text: str) -> str:
        """Latin words and figures as one run: after Persian a date would read from its end."""
        if self.side == "L":
            return text
        return _LATIN.sub(lambda found: f"\u200e{found[0]}\u200e", text)

    def face(self, text: str, size: float, *, bold: bool = False, mono: bool = False) -> None:
        """The font for a text, in its direction."""
        face = choose(text, ("mono" if mono else "bold" if bold else "sans"), "sheet")
        family = f"{face.path}#{face.index}"
        if family.lower() not in self.fonts:
            self.add_font(family, "", face.path, collection_font_number=face.index)
        self.set_font(family, size=size)
        self.set_text_shaping(True, direction="rtl" if self.side == "R" else "ltr")
