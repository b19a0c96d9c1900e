"""The downtime sheet of a dose (form D-1): what two people write on when the system is away.

It says who by her number alone, and never the four figures of the label: the second person reads
them off the container when the sheet is entered. Printed while a dose waits, so that it is at hand.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from fpdf.enums import XPos, YPos
from sqlalchemy.orm import Session

from lims import custody, isolation, labels, studies
from lims.core import clock, codes, db, mode
from lims.core.errors import NotFound
from lims.core.permissions import Actor, requires
from lims.core.units import ml
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.dosing import facts as told
from lims.dosing import permissions as may
from lims.dosing import queries
from lims.dosing.asked import Asked
from lims.dosing.errors import NotOut
from lims.dosing.gathering import facts_of
from lims.dosing.schemas import SeenIn
from lims.web.fields import Flag

_OUT = (State.ALLOCATED, State.ISSUED, State.THAWED)


@requires(may.SHEET)
def sheet(actor: Actor, *, code: str) -> Response:
    """The downtime sheet of a dose that is meant for somebody, PDF.

    Raises:
        NotOut: it is meant for nobody, or it is gone.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE])
        meant = queries.assignment_of(session, item.id)
        if item.state not in _OUT or meant is None:
            raise NotOut(
                _(
                    "The dose %(code)s is %(state)s; a downtime sheet is for a dose on its way "
                    "to a participant.",
                    code=codes.grouped(item.code),
                    state=custody.STATE_NAMES[item.state],
                ),
                field="code",
            )
        subject = studies.subject(session, meant.subject_id)
        drawn = _draw(session, item, subject)
    response = Response(drawn, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="D-1-{item.code}.pdf"'
    return response


@requires(may.SHEET)
def scanned(actor: Actor, *, code: str) -> Response:
    """The sheet a dose was entered from, byte for byte as it was sent.

    Raises:
        NotFound: none was sent.
    """
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.DOSE])
        kept = queries.paper_of(session, item.id)
    if kept is None or kept.sheet is None:
        raise NotFound(
            _("No scanned sheet is kept for %(code)s.", code=codes.grouped(item.code)),
            field="code",
        )
    response = Response(kept.sheet, content_type=kept.sheet_kind)
    response.headers["Content-Disposition"] = f'attachment; filename="D-1-{item.code}"'
    response.headers["ETag"] = f'"{kept.sheet_sha256}"'
    return response


class _Paper(labels.Paper):
    """With pairs, lines to write on, and questions with boxes."""

    def pair(self, name: str, value: str) -> None:
        """What something is called, and what it is."""
        self.say(f"{name}: {value}", high=5.6)

    def blank(self, *names: str) -> None:
        """Lines to write on, side by side, each with its name."""
        width = self.epw / len(names)
        left, top = self.l_margin, self.get_y()
        if top > self.h - 28:
            self.add_page()
            top = self.get_y()
        for at, name in enumerate(names if self.side == "L" else names[::-1]):
            self.set_xy(left + at * width, top)
            self.face(name, 8, bold=False)
            self.cell(width - 4, 4, name, align=self.side)
            self.line(left + at * width, top + 10.5, left + (at + 1) * width - 4, top + 10.5)
        self.set_xy(left, top + 12.5)

    def tick(self, question: str) -> None:
        """A question with a box for yes and one for no."""
        top = self.get_y()
        if top > self.h - 24:
            self.add_page()
            top = self.get_y()
        left = self.side == "L"
        edge = self.l_margin if left else self.w - self.r_margin - 34
        answers = (str(_("yes")), str(_("no")))
        for at, answer in enumerate(answers if left else answers[::-1]):
            x = edge + at * 17
            self.rect(x if left else x + 13, top + 0.9, 3.6, 3.6)
            self.face(answer, 8, bold=False)
            self.set_xy(x + 4.2 if left else x, top)
            self.cell(12, 5.4, answer, align=self.side)
        self.set_xy(self.l_margin + (36 if self.side == "L" else 0), top)
        self.face(question, 9.5, bold=False)
        self.multi_cell(
            self.epw - 36, 5.4, question, align=self.side, new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )


def _draw(session: Session, item: Item, subject: studies.Subject) -> bytes:
    read = studies.protocol_of(studies.study(session, subject.study_id))
    facts = facts_of(session, Asked(dose=item.code, participant=subject.number))
    zone = ZoneInfo(facts.time_zone)
    lot = isolation.lot_of(session, isolation.vial_of(session, item.id).lot_id)
    arm = read.arm(subject.arm) if subject.arm else None
    foot = f"D-1  {codes.grouped(item.code)}  {clock.printed(clock.now())}"
    paper = _Paper(foot, practice=mode.is_practice(session))
    paper.say(str(_("Downtime sheet D-1")), bold=True, size=17, high=9)
    paper.say(
        str(
            _(
                "Only while the system cannot be used. Two people, both codes written by hand. "
                "Give nothing where an answer is no. Enter the sheet as soon as the system is "
                "back, and keep the empty container for it."
            )
        )
    )
    paper.ln(1.5)
    shown: list[tuple[Any, str]] = [
        (_("Participant"), subject.number),
        (_("Study"), read.code),
        (_("Dose"), codes.grouped(item.code)),
        (_("Lot"), f"{lot.name}, {codes.grouped(custody.item(session, lot.item_id).code)}"),
        (_("Volume"), str(ml(item.volume_ul or 0))),
        (_("Use before"), _at(item.expires_at, zone)),
        (_("Time window"), _window(facts.window, zone)),
    ]
    if arm is not None and not read.blinded:
        shown[2:2] = [(_("Arm"), arm.code), (_("Product"), arm.product_title)]
        shown += [
            (_("Needle or catheter"), (arm.device or "-").replace("_", " ")),
            (_("Route"), arm.route_title or "-"),
        ]
    if facts.plan is not None:
        shown.append((_("To be given"), _planned(facts.plan)))
    for name, value in shown:
        paper.pair(str(name), value)
    paper.ln(1.5)
    _to_fill_in(paper, prp=facts.lot is not None and facts.lot.prp)
    return bytes(paper.output())


def _at(instant: datetime | None, zone: ZoneInfo) -> str:
    if instant is None:
        return "-"
    local = instant.astimezone(zone)
    return f"{clock.printed(instant)} ({local:%Y-%m-%d %H:%M} {zone.key})"


def _planned(plan: told.Plan) -> str:
    if plan.site_low_ul is None or plan.site_high_ul is None:
        return f"{ml(plan.total_low_ul)} - {ml(plan.total_high_ul)}"
    return str(
        _(
            "%(low)s to %(high)s at each site, at most %(sites)s sites",
            low=ml(plan.site_low_ul),
            high=ml(plan.site_high_ul),
            sites=plan.most_sites,
        )
    )


def _window(
    window: told.TransferWindow | told.CycleWindow | told.AnyTime | None, zone: ZoneInfo
) -> str:
    if isinstance(window, told.TransferWindow):
        if window.planned_at is None:
            return str(_("no date of the embryo transfer is recorded"))
        return str(
            _(
                "due at %(due)s; embryo transfer planned for %(time)s",
                due=_at(window.planned_at - window.lead, zone),
                time=_at(window.planned_at, zone),
            )
        )
    if isinstance(window, told.CycleWindow):
        return str(
            _(
                "day %(first)s to %(last)s of her cycle; day 1 was %(day)s",
                first=window.first,
                last=window.last,
                day=window.day1.isoformat() if window.day1 else "-",
            )
        )
    return "-"


def _to_fill_in(paper: _Paper, *, prp: bool) -> None:
    paper.say(str(_("The person giving")), bold=True, size=11)
    paper.blank(
        str(_("Check on paper begun")), str(_("Wristband, as the person giving wrote it")),
        str(_("Code of the dose")),
    )  # fmt: skip
    paper.tick(str(_("Did she say the name of the record?")))
    paper.tick(str(_("Did she say the birth date of the record?")))
    for name, asked in SeenIn().fields.items():
        if isinstance(asked, Flag) and not (prp and name == "fully_thawed"):
            paper.tick(str(asked.label))
    paper.blank(
        str(_("Lot of the needle or catheter")), str(_("Its expiry date")), str(_("Thawed")),
        str(_("Thawed by (user name)")),
    )  # fmt: skip
    paper.say(str(_("The second person")), bold=True, size=11)
    paper.blank(
        str(_("Wristband, as the second person wrote it")),
        str(_("Dose, as the second person wrote it")),
    )
    paper.tick(str(_("Did the second person watch the drawing up?")))
    paper.say(str(_("Given")), bold=True, size=11)
    paper.blank(str(_("Drawn up")), str(_("Injection started")), str(_("Injection ended")))
    paper.blank(
        str(_("Volume given at each site")), str(_("Left in device and container")),
        str(_("Spilt or wasted")),
    )  # fmt: skip
    paper.blank(str(_("Who gave it (user name)")), str(_("Signature")))
    paper.blank(str(_("Second person (user name)")), str(_("Signature")))
