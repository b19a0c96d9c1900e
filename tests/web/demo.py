"""A feature that exists for these tests alone: one gate, a few acts, one read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import uuid4

from lims import ledger
from lims.core import codes, db
from lims.core.errors import Conflict, NotFound, RuleBroken, TemporaryFailure
from lims.core.gate import Check, Gate, passed, stopped, warned
from lims.core.permissions import Actor, Role, permission, requires
from lims.core.words import Text as _
from lims.web import fields
from lims.web.doors import Doors

WEIGH = permission("demo:thing:weigh", granted_to={Role.TECHNICIAN}, about="Weigh a thing.")
SPECIMEN, PLACE = codes.draw("S"), codes.draw("A")
PATH = f"/things/{SPECIMEN}/weight"


class Mood(StrEnum):
    """How it looks."""

    CLEAR = "clear"
    CLOUDY = "cloudy"


class WeighIn(fields.Shape):
    """Everything that a form can ask."""

    volume = fields.Amount(
        "mL",
        smallest="uL",
        above=0,
        at_most=100,
        units=("mL", "uL"),
        required=True,
        label=_("Volume in the tube"),
        help=_("As read on the scale, to 1 µL."),
    )
    place = fields.Code("A", required=True, label=_("Place"), help=_("Scan the shelf."))
    at = fields.Moment(label=_("Time of weighing"))
    born = fields.Day(label=_("Day of making"))
    mood = fields.Choice(
        Mood, {Mood.CLEAR: _("clear"), Mood.CLOUDY: _("cloudy")}, required=True, label=_("Look")
    )
    sealed = fields.Flag(required=True, label=_("Is the seal whole?"))
    note = fields.Words(lines=True, longest=200, label=_("Note"))
    pin = fields.Secret(label=_("PIN"))
    reasons = fields.Reasons(label=_("Reasons"))


class WeighOut(fields.Shape):
    """What was weighed."""

    code = fields.Code()
    volume = fields.Amount("mL")
    place = fields.Code()
    number = fields.Whole()


@dataclass
class Called:
    """How often the service ran, and what it was given."""

    times: int = 0
    last: dict = field(default_factory=dict)


called = Called()


def _cold(volume: object) -> object:
    if str(volume) == "13 mL":
        return stopped(
            _("Specimen %(code)s", code=SPECIMEN),
            _("It was warm for 5 h; the limit is 4 h."),
            _("Put it into quarantine."),
            _("QC officer"),
        )
    if str(volume) == "14 mL":
        return warned(
            _("Specimen %(code)s", code=SPECIMEN),
            _("It was warm for 3 h."),
            _("Write down why you go on."),
            _("QC officer"),
        )
    return passed(_("Specimen"), _("cold enough"))


GATE = Gate("demo", (Check("D01", _cold), Check("D02", lambda v: passed(_("Tube"), _("whole")))))


@requires(WEIGH)
def weigh(actor: Actor, *, code: str, volume, place, mood, sealed, **rest) -> dict:
    """Weigh, unless one of the demonstration volumes says otherwise."""
    with db.transaction():
        called.times += 1
        called.last = {"code": code, "volume": volume, "place": place, **rest}
        GATE.require(volume, codes=(code,), reasons=rest.get("reasons"))
        faults = {
            "1 mL": NotFound(_("No item carries the code %(code)s.", code=code)),
            "2 mL": Conflict(_("It was weighed before.")),
            "3 mL": RuleBroken(_("This tube holds 2 mL at most.")),
            "4 mL": TemporaryFailure(_("The scale did not answer; try again.")),
            "5 mL": ZeroDivisionError("secret detail of the inside"),
        }
        if str(volume) in faults:
            raise faults[str(volume)]
        ledger.record(actor, f"item/{code}", "demo.weighed", {"volume": str(volume)})
        return {"code": code, "volume": volume, "place": place, "number": called.times}


def look(actor: Actor, *, code: str, deep: bool = False) -> dict:
    """What it is."""
    return {"code": code, "deep": deep, "who": actor.name}


def about(actor: Actor, *, code: str) -> list:
    """What stands beside the form."""
    return [(_("Specimen"), codes.grouped(code)), (_("State"), _("clear"))]


def doors() -> Doors:
    """The demonstration's doors, new at each call."""
    made = Doors("demo")
    made.act(
        "/things/<code>/weight",
        weigh,
        takes=WeighIn,
        gives=WeighOut,
        name="weigh",
        title=_("Weigh a specimen"),
        intro=_("Put the tube on the scale."),
        on="S",
        when=("collected",),
        about=about,
        after=lambda answer: f"/things/{answer['code']}/weight",
    )
    made.read(
        "/things/<code>",
        look,
        name="look",
        title=_("A thing"),
        takes=LookIn,
        letters={"code": "S"},
    )
    return made


class LookIn(fields.Shape):
    """How to look."""

    deep = fields.Flag()


@dataclass
class People:
    """Who can sign in here: the loader's side of the contract, with two people."""

    technician: Actor
    auditor: Actor
    open: dict[str, Actor] = field(default_factory=dict)

    def sign_in(
        self, login: str, password: str, station: str, *, address: str
    ) -> tuple[Actor, str]:
        who = {"tech": self.technician, "audit": self.auditor}.get(login)
        if who is None or password != "right":
            raise Conflict(_("The name or the password is wrong. Try again."))
        return who, self._opened(who)

    def sign_in_badge(
        self, code: str, pin: str, station: str, *, address: str
    ) -> tuple[Actor, str]:
        codes.expect(code, "P", "badge")
        return self.technician, self._opened(self.technician)

    def _opened(self, who: Actor) -> str:
        token = uuid4().hex
        self.open[token] = who
        return token

    def sign_out(self, token: str) -> None:
        self.open.pop(token, None)

    def by_sign_in(self, token: str) -> Actor | None:
        return self.open.get(token)

    def by_token(self, token: str) -> Actor | None:
        return {"t": self.technician, "a": self.auditor}.get(token)


def reset() -> Iterator[None]:
    """Start counting anew."""
    called.times, called.last = 0, {}
    yield
