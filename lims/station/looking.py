"""What /look is shown with: made-up things that no database knows, in the reader's language."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from lims import custody, labels, release
from lims.core import clock, codes
from lims.core.gate import Answer, Finding, Row, passed, pending, stopped, warned
from lims.core.words import Text as _
from lims.core.words import language
from lims.custody import KIND_NAMES, STATE_NAMES, Item, ItemKind, Place, State
from lims.station import sheet, slots
from lims.station.layers import draw
from lims.station.lineage import Drawn
from lims.station.lines import Line
from lims.station.stays import Rest
from lims.station.trails import Undo
from lims.studies import Cell, Mark, Part, Step
from lims.web import fields, forms, verdicts
from lims.web.looks import RIGHT_TO_LEFT

_QC = _("QC officer")
_LETTERS = {
    ItemKind.SPECIMEN: "S",
    ItemKind.FLASK: "C",
    ItemKind.HARVEST: "C",
    ItemKind.LOT: "L",
    ItemKind.DOSE: "V",
}


class Look(StrEnum):
    """How a tube looks."""

    CLEAR = "clear"
    CLOUDY = "cloudy"


class EveryIn(fields.Shape):
    """One of every control."""

    code = fields.Code("SL", required=True, label=_("Code"), help=_("Scan the code on the thing."))
    tubes = fields.Codes("S", label=_("Codes"))
    volume = fields.Amount(
        "mL", smallest="uL", units=("mL", "uL"), required=True, label=_("Volume")
    )  # fmt: skip
    weight = fields.Amount("mL", smallest="uL", label=_("Volume in mL"))
    days = fields.Whole(label=_("Days"))
    at = fields.Moment(required=True, prefill=clock.now, label=_("Given at"))
    born = fields.Day(label=_("Birth date"))
    look = fields.Choice(
        Look, {Look.CLEAR: _("clear"), Look.CLOUDY: _("cloudy")}, required=True,
        label=_("Appearance"),
    )  # fmt: skip
    state = fields.Choice(State, STATE_NAMES, label=_("State"))
    sealed = fields.Flag(required=True, label=_("Is the seal whole?"))
    sure = fields.Flag(box=True, label=_("It holds one item only"))
    note = fields.Words(lines=True, longest=200, label=_("Note"))
    name = fields.Words(longest=60, label=_("Full name"))
    password = fields.Secret(label=_("Her password, to sign"))
    file = fields.File(label=_("File"))
    reasons = fields.Reasons(label=_("Reason"))


def _code(letter: str, number: int) -> str:
    """A code of practice that no thing carries."""
    tried = (
        f"{letter}Z{at:06d}{each}" for at in range(number, number + 40) for each in codes.ALPHABET
    )
    return next(each for each in tried if codes.valid(each))


def _findings() -> list[Finding]:
    dose = codes.grouped(_code("V", 4217))
    what = _("Dose %(code)s", code=dose)
    return [
        stopped(what, _("it is for another participant"),
                _("Put it in the red tray and call the pharmacy."), _("Pharmacist")),
        warned(what, _("it is not for this visit"), _("Ask the investigator and write her reason."),
               _("Investigator")),
        pending(what, _("not asked yet")),
        passed(what, _("a dose of this trial, under its live label")),
    ]  # fmt: skip


def _answer() -> Answer:
    found = _findings()
    return Answer(
        "look", clock.now(), tuple(Row(f"B{at:02}", each) for at, each in enumerate(found))
    )


def _panels(findings: Sequence[Finding]) -> list[verdicts.Panel]:
    made = [verdicts.done(_("All checks passed."), codes.grouped(_code("V", 4217)))]
    for kind, finding in zip(("stop", "ask", "wait"), findings, strict=False):
        made.append(
            verdicts.Panel(
                kind,
                str(finding.what),
                str(finding.why),
                str(finding.do_now or ""),
                str(finding.call or ""),
                recorded=kind == "wait",
                rows=(Row("B07", findings[1]),) if kind == "stop" else (),
            )
        )
    return made


def answers(zone: ZoneInfo) -> dict[str, Any]:
    """The four verdicts, the words of states, buttons, what is said beside a thing."""
    now = clock.now()
    return {
        "panels": _panels(_findings()),
        "states": STATE_NAMES,
        "state_of": State,
        "printer_words": labels.PRINTER_WORDS,
        "now": now,
        "undo": Undo("/look", _code("V", 4217), 128, _("moved"), now + timedelta(minutes=9), 9),
        "answer": _answer(),
        "words": release.words(),
        "acts": [
            SimpleNamespace(title=each, url=lambda **_which: "/look")
            for each in (_("Hand it over"), _("Put it on hold"), _("Destroy it"))
        ],
    }


def controls(zone: ZoneInfo) -> dict[str, Any]:
    """One of every control, some of them refused."""
    faults: Mapping[str, list[Any]] = {
        name: [_("This is needed; fill it in.")] for name in ("code", "volume", "at", "sealed")
    }
    held = {"look": "clear", "days": "3", "note": str(_("looks cloudy"))}
    asked = (Row("B07", _findings()[1]),)
    return {"controls": forms.controls(EveryIn(), zone, held=held, faults=faults, asked=asked)}


def lists(zone: ZoneInfo) -> dict[str, Any]:
    """Facts, lines, tables, trails, a journey, where it stood; and each of them empty."""
    now = clock.now()
    item = Item(code=_code("V", 4217), kind=ItemKind.DOSE, state=State.RELEASED, thaw_count=0)
    given = [
        SimpleNamespace(code=item.code, participant="SARI-021", at=now, from_paper=True)
    ]  # fmt: skip
    return {
        "lines": [
            Line(f"/items/{item.code}", item.code, STATE_NAMES[State.FILLED], now, late=True),
            Line("/participants/SARI-021", "SARI-021", KIND_NAMES[ItemKind.KIT], now),
        ],
        "given": given,
        "journey": [
            Step(_("Consent"), Mark.DONE, now),
            Step(_("Eligibility"), Mark.STOPPED, now, _("it is not for this visit")),
            Step(_("Given"), Mark.OPEN),
        ],
        "part": Part(
            _("Doses meant for her"),
            (_("Code"), _("State"), _("Expires")),
            [
                (
                    Cell(each, f"/items/{each}", code=True),
                    Cell(STATE_NAMES[state]),
                    Cell(date(2026, 12, 1)),
                )
                for each, state in ((item.code, State.RELEASED), (_code("V", 9), State.ON_HOLD))
            ],
            _("None."),
        ),
        "bare": Part(_("Findings"), (), [], _("None was opened.")),
        "who": "Sara Ahmadi",
        "number": 128,
        "none": 0,
        "printer_words": labels.PRINTER_WORDS,
    }


def things(zone: ZoneInfo) -> dict[str, Any]:
    """A lineage, where a thing stood, its labels; and none of these."""
    now, place = clock.now(), _freezer()
    rests = [
        Rest(place if at % 2 else None, "Sara Ahmadi" if at % 3 else "",
             now - timedelta(days=at + 1), now - timedelta(days=at), timedelta(days=1),
             bool(at % 2), 100 - at)
        for at in range(7)
    ]  # fmt: skip
    item = Item(code=_code("V", 4217), kind=ItemKind.DOSE, state=State.RELEASED, thaw_count=0)
    return {
        "rests": rests, "item": item, "out": timedelta(minutes=4), "cold": True,
        "in_words": custody.in_words, "drawn": _lineage(), "kinds": KIND_NAMES,
        "states": STATE_NAMES, "copies": [
            (SimpleNamespace(copy=2, state=labels.CopyState.LIVE, stuck_at=now, void_reason=""),
             SimpleNamespace(id=UUID(int=2))),
            (SimpleNamespace(copy=1, state=labels.CopyState.VOID, stuck_at=None, void_reason="Z1"),
             SimpleNamespace(id=UUID(int=1))),
        ],
    }  # fmt: skip


def _freezer() -> Place:
    return Place(code=_code("A", 12), name="Freezer 2", kind="freezer", temperature_class="-80C")


def warmth(zone: ZoneInfo) -> dict[str, Any]:
    """A place as it stands in four ways, and a day with a warm spell and a silence."""
    now, place = clock.now(), _freezer()
    monitoring, read = custody.monitoring, custody.excursions.Read
    logger = SimpleNamespace(serial="TT-77")
    stands = [
        monitoring.Now(place, logger, newest, standing)  # type: ignore[arg-type]
        for newest, standing in (
            (read(now - timedelta(minutes=1), Decimal("-81.2")), monitoring.Standing.GOOD),
            (read(now - timedelta(minutes=2), Decimal("-58.4")), monitoring.Standing.OUTSIDE),
            (read(now - timedelta(minutes=43), Decimal("-80.3")), monitoring.Standing.NO_DATA),
            (None, monitoring.Standing.NO_DATA),
        )
    ]
    begins = now - timedelta(hours=24)
    readings = [
        read(begins + timedelta(minutes=at), Decimal(-58 if 480 < at < 560 else -80 - at // 10 % 2))
        for at in range(0, 1441, 10)
        if not 900 < at < 1100
    ]
    drawn = monitoring.drawing.of_readings(readings, place, begins, now)
    return {
        "stands": stands,
        "warmth": drawn,
        "edge": monitoring.drawing.edges(begins, now, zone),
        "degrees": monitoring.said.degrees,
        "told": monitoring.said,
        "in_words": custody.in_words,
        "place": place,
        "listed": 3,
    }


def _lineage() -> Drawn:
    kinds = [ItemKind.SPECIMEN, ItemKind.FLASK, ItemKind.HARVEST, ItemKind.LOT,
             *[ItemKind.DOSE] * 8]  # fmt: skip
    items: dict[Any, Any] = {
        UUID(int=at): Item(
            id=UUID(int=at),
            code=_code(_LETTERS[kind], at),
            kind=kind,
            state=State.EXHAUSTED if kind is ItemKind.FLASK else State.QUARANTINE,
        )
        for at, kind in enumerate(kinds, 1)
    }
    keys = list(items)
    edges = [(keys[min(at, 3)], keys[at + 1]) for at in range(len(keys) - 1)]
    picture = draw(
        keys,
        edges,
        kind=lambda key: str(items[key].kind.value),
        here=keys[3],
        mirrored=language() in RIGHT_TO_LEFT,
    )
    parents = {child: [items[parent].code] for parent, child in edges}
    return Drawn(picture.layers, picture.lines, picture.width, picture.height, items, keys[3],
                 parents, childless=False)  # fmt: skip


def box(zone: ZoneInfo) -> dict[str, Any]:
    """A small box with a slot of every mark."""
    marks = iter(("", "x", "!", "Q", "E", "", None, None, "x", None, "", "Q"))
    kinds = list(slots.LETTERS)
    rows = []
    for row in "ABC":
        made = []
        for column in range(1, 5):
            mark = next(marks)
            place = Place(code=_code("A", column), position=f"{row}{column}", name=f"{row}{column}")
            item = None
            if mark is not None:
                kind = kinds[(column + ord(row)) % len(kinds)]
                item = Item(code=_code("V", column * 31), kind=kind, state=State.RELEASED)
            made.append(slots.Slot(place, item, mark or ""))
        rows.append(made)
    freezer = Place(code=_code("A", 12), name="Freezer 2", kind="freezer", temperature_class="-80C")
    place = Place(code=_code("A", 40), name="Box 07", kind="box", temperature_class="-80C")
    empty = [
        [
            slots.Slot(Place(code=_code("A", at), position=f"D{at}", name=f"D{at}"), None, "")
            for at in range(1, 5)
        ]
    ]
    return {
        "rows": rows, "empty": empty, "place": place, "way": [freezer, place],
        "fill": SimpleNamespace(used=9, free=3, capacity=12),
        "letters": slots.LETTERS, "marks": slots.MARKS, "kinds": KIND_NAMES, "states": STATE_NAMES,
        "may_move": True,
    }  # fmt: skip


def bed(zone: ZoneInfo) -> dict[str, Any]:
    """The bedside's steps, its large verdicts and every row beneath."""
    scan = next(each for each in controls(zone)["controls"] if each.name == "code")
    return {"answer": _answer(), "control": scan}


def paper(zone: ZoneInfo) -> dict[str, Any]:
    """What is printed: verdicts, commands with their symbols, facts and a table."""
    return answers(zone) | lists(zone) | {"commands": sheet.commands(practice=True)[:2]}


SHOWN: Mapping[str, Callable[[ZoneInfo], dict[str, Any]]] = {
    "answers": answers,
    "forms": controls,
    "lists": lists,
    "things": things,
    "warmth": warmth,
    "slots": box,
    "bed": bed,
    "paper": paper,
}
