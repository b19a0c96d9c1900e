"""The dossier on paper: what the page says, to be read and filed. It proves nothing by itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from lims import custody, labels
from lims.core import clock, codes
from lims.core.words import Text as _
from lims.core.words import language, speaking
from lims.interchange import rules
from lims.interchange.facts import Entry
from lims.interchange.page_words import SAID
from lims.ledger.models import LedgerSeal
from lims.web.happenings import words_of

_GATES = ("release.released", "dosing.given", "dosing.given-on-paper")
_MAIN = (
    "collection.collected", "collection.accepted", "culture.isolated", "culture.preconditioned",
    "culture.harvested", "isolation.lot-made", "isolation.run", "isolation.filled", "qc.reviewed",
    "qc.submitted", "qc.deviation-opened", "qc.finding-closed", "release.released",
    "studies.consented", "studies.eligible", "studies.allocated", "studies.withdrew",
    "custody.held", "custody.hold-lifted", "custody.blocked", "dosing.assigned", "dosing.issued",
    "dosing.thawed", "dosing.witnessed", "dosing.given", "dosing.given-on-paper",
    "dosing.not-given", "dosing.returned", "dosing.destroyed", "refused",
)  # fmt: skip


class _Paper(FPDF):
    """A4 in one language; right to left where it is written so."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self.foot = foot
        self.rtl = language() == "fa"
        self.set_auto_page_break(True, margin=18)
        self.set_margin(16)
        for style, name in (("", "sans"), ("B", "bold")):
            self.add_font("sans", style, str(labels.font_file(name)))
        self.add_font("mono", "", str(labels.font_file("mono")))
        if language() == "zh":
            face = labels.choose("中", "sans", "language")
            for style in ("", "B"):  # one file for both: a second one costs seconds
                self.add_font("zh", style, face.path, collection_font_number=face.index)
            self.set_fallback_fonts(["zh"], exact_match=True)
        self.set_text_shaping(self.rtl)
        self.alias_nb_pages()

    @property
    def start(self) -> Align:
        """Where lines begin."""
        return Align.R if self.rtl else Align.L

    def footer(self) -> None:
        """Dose, seal, page n of m."""
        self.set_y(-14)
        self.set_font("sans", size=8)
        self.cell(0, 6, f"{self.foot}   {self.page_no()} / {{nb}}", align=Align.C)

    def line_of(self, text: str, *, size: float = 10, bold: bool = False) -> None:
        """One paragraph."""
        self.set_font("sans", "B" if bold else "", size)
        self.multi_cell(0, size * 0.52, text, align=self.start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def head(self, text: str) -> None:
        """The head of a part, never alone at the foot of a page."""
        if self.get_y() > self.h - 45:
            self.add_page()
        self.ln(4)
        self.line_of(text, size=13, bold=True)
        self.ln(1)

    def pair(self, name: str, value: str, *, mono: bool = False) -> None:
        """A name and what it has."""
        name_w, value_w = 48.0, self.epw - 48
        left = self.l_margin
        y = self.get_y()
        self.set_font("sans", "B", 9.5)
        self.set_xy(left + value_w if self.rtl else left, y)
        self.multi_cell(name_w, 5.6, name, align=self.start, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.set_font("mono" if mono else "sans", "", 8 if mono else 9.5)
        self.set_xy(left if self.rtl else left + name_w, y)
        self.multi_cell(value_w, 5.6, value, align=self.start, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def draw(entries: Sequence[Entry], said: Mapping[str, Any], seal: LedgerSeal, spoken: str) -> bytes:
    """The paper of a dossier; figures and codes in Latin digits, times in UTC.

    Args:
        said: the facts of the dose.
        seal: one that covers all of the entries.
        spoken: the language.
    """
    with speaking(spoken):
        return _drawn(entries, said, seal)


def _drawn(entries: Sequence[Entry], said: Mapping[str, Any], seal: LedgerSeal) -> bytes:
    dose = codes.grouped(said["dose"])
    pdf = _Paper(f"{dose}   {_word('sealed')} {seal.number}")
    pdf.set_title(f"{SAID['title'].spoken('en')} {said['dose']}")
    pdf.set_creation_date(seal.at)
    pdf.set_lang(language())
    pdf.add_page()
    if said["dose"][1] == "Z":
        pdf.line_of(_word("practice"), size=12, bold=True)
    pdf.line_of(_word("title"), size=20, bold=True)
    pdf.ln(2)
    _facts(pdf, said, seal, entries)
    _holds(pdf, said["holds"])
    _lineage(pdf, said["lineage"])
    _signatures(pdf, entries)
    _gates(pdf, entries, said)
    _trail(pdf, entries)
    _proof(pdf, seal, entries)
    return bytes(pdf.output())


def _word(name: str, **values: Any) -> str:
    return str(_(SAID[name].message, **values))


def _at(instant: str) -> str:
    return clock.printed(datetime.fromisoformat(instant)) if instant else "-"


def _facts(
    pdf: _Paper, said: Mapping[str, Any], seal: LedgerSeal, entries: Sequence[Entry]
) -> None:
    streams = len({each["stream"] for each in entries})
    own = said["donor"] and said["donor"] == said["recipient"]
    for name, value in (
        ("dose", f"{codes.grouped(said['dose'])}   {said['name']}"),
        ("lot", f"{said['lot_name']}   {codes.grouped(said['lot'])}" if said["lot"] else "-"),
        ("study", said["study"] or "-"),
        ("recipient", said["recipient"] or "-"),
        ("arm", said["arm"] or "-"),
        ("donor", f"{said['donor'] or '-'} {_word('own') if own else ''}".strip()),
        ("state", str(custody.STATE_NAMES[custody.State(said["state"])])),
        ("given_at", _at(said["given_at"]) if said["given_at"] else _word("not_given")),
        ("sealed", f"{_word('seal_number', number=seal.number, size=seal.size)}, "
                   f"{clock.printed(seal.at)}"),
        ("entries", _word("entries_in", entries=len(entries), streams=streams)),
    ):  # fmt: skip
        pdf.pair(_word(name), value)


def _holds(pdf: _Paper, holds: Sequence[Mapping[str, Any]]) -> None:
    if not holds:
        return
    pdf.head(_word("holds"))
    for each in holds:
        what = (
            _word("lifted", time=_at(each["lifted_at"])) if each["lifted_at"] else _word("on_hold")
        )
        pdf.line_of(f"{codes.grouped(each['item'])}  {what}: {each['reason']}", size=9)


def _lineage(pdf: _Paper, lineage: Mapping[str, Any]) -> None:
    pdf.head(_word("lineage"))
    parents: dict[str, list[str]] = {}
    for edge in lineage["edges"]:
        parents.setdefault(edge["child"], []).append(codes.grouped(edge["parent"]))
    for each in lineage["items"]:
        kind = custody.KIND_NAMES[custody.ItemKind(each["kind"])]
        above = ", ".join(parents.get(each["code"], []))
        pdf.pair(
            f"{kind}",
            f"{codes.grouped(each['code'])}   {each['name']}" + (f"   < {above}" if above else ""),
        )


def _signatures(pdf: _Paper, entries: Sequence[Entry]) -> None:
    signed = [
        (each["at"], each["stream"].partition("/")[2], one)
        for each in entries
        for one in (each["data"].get("signature"), *each["data"].get("signatures", []))
        if isinstance(one, dict) and "meaning" in one
    ]
    if not signed:
        return
    pdf.head(_word("signatures"))
    for at, thing, one in sorted(signed, key=lambda each: each[0]):
        pdf.pair(_at(at), f"{one['name']}   «{one['meaning']}»   {codes.grouped(thing)}")


def _gates(pdf: _Paper, entries: Sequence[Entry], said: Mapping[str, Any]) -> None:
    streams = (f"item/{said['lot']}", f"item/{said['dose']}")
    for each in entries:
        if each["kind"] not in _GATES or each["stream"] not in streams:
            continue
        pdf.head(f"{_word('answers')}: {words_of(each['kind'])}, {_at(each['at'])}")
        rows = each["data"]["gate"]["rows"]
        passed = sum(1 for row in rows if row["result"] == "passed")
        pdf.line_of(_word("rows_passed", passed=passed, all=len(rows)), size=9)
        for row in rows:
            if row["result"] != "passed":
                pdf.line_of(f"! {row['id']}  {row['what']}: {row['why']}", size=9)


def _trail(pdf: _Paper, entries: Sequence[Entry]) -> None:
    pdf.head(f"{_word('trail')}: {_word('main_events')}")
    answers = {
        (each["stream"], each["data"]["counters"]["number"]): each
        for each in entries
        if "counters" in each["data"]
    }

    def put(each: Entry) -> None:
        thing = codes.grouped(each["stream"].partition("/")[2])
        reason = f"   {each['reason']}" if each["reason"] else ""
        answer = answers.get((each["stream"], each["number"]))
        said = f"   ({_word('answered_by', number=answer['number'])})" if answer else ""
        pdf.pair(
            _at(each["at"]), f"{words_of(each['kind'])}   {thing} #{each['number']}{reason}{said}"
        )
        # What answers an entry stands right beneath it.
        if answer:
            for name, now in sorted(answer["data"].get("now", {}).items()):
                pdf.line_of(f"{name}: {answer['data']['was'][name]} > {now}", size=9)
            put(answer)

    for each in sorted(entries, key=lambda entry: (entry["at"], entry["stream"], entry["number"])):
        answer = answers.get((each["stream"], each["number"]))
        corrected = answer is not None and answer["kind"] == "custody.corrected"
        if each["kind"] != "custody.corrected" and (each["kind"] in _MAIN or corrected):
            put(each)


def _proof(pdf: _Paper, seal: LedgerSeal, entries: Sequence[Entry]) -> None:
    pdf.head(_word("sealed"))
    keys = [each for each in entries if each["stream"] == rules.KEYS]
    pdf.pair(str(_("Root")), seal.root.hex(), mono=True)
    pdf.pair(_word("signed_by"), str(keys[-1]["data"]["kid"]), mono=True)
    pdf.ln(2)
    for each in (
        _(
            "This paper is for reading. The file it lies in checks itself: open index.html in a "
            "browser, or run verify.py, or lims dossier verify; these tell as well whether a "
            "witness outside of the laboratory co-signed."
        ),
        SAID["limits"],
    ):
        pdf.line_of(str(each), size=9)
