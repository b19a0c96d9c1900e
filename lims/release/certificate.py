"""The certificate of analysis: what was tested, against which limit, with which result."""

from contextlib import closing
from typing import Any

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from sqlalchemy.orm import Session

from lims import custody, isolation, labels, ledger, studies
from lims.core import clock, codes, mode, units
from lims.core.gate import Answer
from lims.core.words import Text as _
from lims.release import facts as told
from lims.studies.protocol import PRODUCT_NAMES

_COLUMNS = (16, 58, 44, 44, 28)


class _Page(FPDF):
    """A4 with the lot and the page number at the foot."""

    def __init__(self, foot: str, *, practice: bool) -> None:
        super().__init__(format="A4")
        self.foot, self.practice = foot, practice
        self.set_auto_page_break(True, margin=18)
        for style, name in (("", "sans"), ("B", "bold")):
            self.add_font("sans", style, str(labels.font_file(name)))
        self.alias_nb_pages()

    def close(self) -> None:
        """Let the fonts' files go: an act that is undone midway never comes to `output`."""
        for font in self.fonts.values():
            file = getattr(font, "ttfont", None)
            if file is not None:
                file.close()

    def header(self) -> None:
        """That nothing here is real, on each page."""
        if self.practice:
            self.set_font("sans", "B", 12)
            text = str(_("PRACTICE - not for human use"))
            self.cell(0, 8, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        """Lot, page n of m."""
        self.set_y(-14)
        self.set_font("sans", size=8)
        self.cell(0, 6, f"{self.foot}   {self.page_no()} / {{nb}}", align="C")


def draw(
    session: Session,
    item: custody.Item,
    lot: isolation.Lot,
    facts: told.ReleaseFacts,
    answer: Answer,
    signature: dict[str, str],
) -> bytes:
    """The certificate as PDF, in the language being spoken; figures and codes in Latin digits."""
    study = studies.study(session, item.study_id)  # type: ignore[arg-type]
    foot = f"{lot.name}  {codes.grouped(item.code)}"
    with closing(_Page(foot, practice=mode.is_practice(session))) as pdf:
        return _drawn(pdf, session, study, item, lot, facts, answer, signature)


def _drawn(
    pdf: _Page,
    session: Session,
    study: studies.Study,
    item: custody.Item,
    lot: isolation.Lot,
    facts: told.ReleaseFacts,
    answer: Answer,
    signature: dict[str, str],
) -> bytes:
    pdf.set_title(f"CoA {lot.name}")
    pdf.set_creation_date(clock.now())
    pdf.add_page()
    pdf.set_font("sans", "B", 18)
    pdf.cell(0, 12, str(_("Certificate of analysis")), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    for name, value in (
        (_("Lot"), f"{lot.name}   {codes.grouped(item.code)}"),
        (_("Study"), study.code),
        (_("Product"), str(PRODUCT_NAMES[lot.product])),
        (_("Made"), clock.printed(lot.made_at)),
        (_("Expires"), clock.printed(item.expires_at) if item.expires_at else "-"),
        (_("Specification"), lot.specification_digest[:16]),
        (_("Vials"), str(len(isolation.vials_of(session, item.id)))),
        (_("Volume filled"), str(units.ml(_filled(session, item)))),
    ):
        _pair(pdf, str(name), value)
    pdf.ln(3)
    _results(pdf, lot, facts)
    pdf.ln(4)
    _pair(pdf, str(_("Conclusion")), str(_("meets the specification; released for use")))
    _pair(pdf, str(_("Signed by")), signature["name"])
    _pair(pdf, str(_("Meaning")), signature["meaning"])
    _pair(pdf, str(_("At")), clock.printed(answer.at))
    pdf.ln(2)
    _seal(pdf, ledger.newest_seal(session))
    return bytes(pdf.output())


def _seal(pdf: FPDF, seal: ledger.Seal | None) -> None:
    """The newest seal of the trail when this was signed, complete: who keeps the paper can later
    show whether the trail still grows from it.
    """
    if seal is None:
        _pair(pdf, str(_("Seal of the trail")), str(_("none: nothing had been sealed yet")))
        return
    what = _("no. %(number)s over %(size)s entries", number=seal.number, size=seal.size)
    root = seal.root.hex()
    _pair(pdf, str(_("Seal of the trail")), f"{what}, {clock.printed(seal.at)}")
    _pair(pdf, str(_("Its root")), " ".join(root[at : at + 16] for at in range(0, 64, 16)))
    _pair(pdf, str(_("Its key")), seal.key_id)


def _filled(session: Session, item: custody.Item) -> int:
    found = isolation.fill_of(session, item.id)
    return found.filled_ul if found else 0


def _pair(pdf: FPDF, name: str, value: str) -> None:
    pdf.set_font("sans", "B", 10)
    pdf.cell(45, 6.5, name)
    pdf.set_font("sans", size=10)
    pdf.multi_cell(0, 6.5, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _results(pdf: FPDF, lot: isolation.Lot, facts: told.ReleaseFacts) -> None:
    heads = (_("Test"), _("What"), _("Limit"), _("Result"), _("Verdict"))
    verdicts = {
        told.Judged.MET: _("met"),
        told.Judged.REPORTED: _("reported"),
        told.Judged.OUTSIDE: _("outside"),
        told.Judged.STOPS: _("outside"),
    }
    pdf.set_font("sans", "B", 9)
    _row(pdf, [str(head) for head in heads], fill=True)
    pdf.set_font("sans", size=9)
    by_test: dict[str, list[told.TestResult]] = {}
    for result in facts.results:
        by_test.setdefault(result.test, []).append(result)
    for test in lot.specification:
        for result in by_test.get(test["id"], []):
            verdict = verdicts[result.judged] if result.judged else _("not entered")
            note = _("set aside") if result.invalidated else verdict
            _row(pdf, [test["id"], test["title"], _limit(test), result.value, str(note)])


def _limit(test: dict[str, Any]) -> str:
    return str(_("report")) if test["limit"] == "report" else str(test["limit"])


def _row(pdf: FPDF, cells: list[str], *, fill: bool = False) -> None:
    pdf.set_fill_color(230, 236, 240)
    for text, width in zip(cells, _COLUMNS, strict=True):
        shown = text
        while pdf.get_string_width(shown) > width - 2 and len(shown) > 4:
            shown = shown[:-2] + "…"
        pdf.cell(width, 6, shown, border="B", fill=fill)
    pdf.ln(6)
