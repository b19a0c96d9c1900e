"""The doors of a place's temperature: its logger, its readings, and what quality says of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lims.core import clock, db
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import permissions as may
from lims.custody import places
from lims.custody.excursions import Read
from lims.custody.models import Place
from lims.custody.monitoring import assessing, rules, said, stood, taking
from lims.custody.monitoring import queries as known
from lims.custody.monitoring import schemas as of
from lims.custody.monitoring.models import Episode
from lims.custody.monitoring.rules import Standing
from lims.custody.place_kinds import temperature_name
from lims.custody.rules import Outcome, RecordState
from lims.web.doors import Doors

_DAY = timedelta(days=1)
_MOST = timedelta(days=400)


@requires(may.LINK_LOGGER)
def link(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Say which logger measures it."""
    return {"code": taking.link(actor, code=code, **given).code}


@requires(may.LINK_LOGGER)
def end(actor: Actor, *, code: str, reason: str) -> dict[str, Any]:
    """Say that its logger measures it no longer."""
    return {"code": taking.end(actor, code=code, reason=reason).code}


@requires(may.READ_PLACE_LOGGER)
def read_file(actor: Actor, *, code: str, **given: Any) -> dict[str, Any]:
    """Read a file of its logger."""
    return _came(taking.read_file(actor, code=code, **given))


@requires(may.READ_PLACE_LOGGER)
def deliver(
    actor: Actor, *, code: str, readings: Sequence[Read], serial: str = ""
) -> dict[str, Any]:
    """Deliver readings of its logger."""
    return _came(taking.deliver(actor, code=code, readings=readings, serial=serial))


@requires(may.ASSESS_EPISODE)
def assess(actor: Actor, *, episode_id: UUID, outcome: str, **given: Any) -> dict[str, Any]:
    """Decide about this part of its time."""
    return shown(assessing.assess(actor, episode_id=episode_id, outcome=Outcome(outcome), **given))


@requires(may.AGREE_EPISODE)
def agree(actor: Actor, *, episode_id: UUID, password: str) -> dict[str, Any]:
    """Agree to what quality decided."""
    return shown(assessing.agree(actor, episode_id=episode_id, password=password))


@requires(may.READ)
def temperature(
    actor: Actor, *, code: str, since: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    """How warm it is and was; the last day unless asked otherwise, four hundred days at most."""
    with db.reading() as session:
        place = places.place_by_code(session, code, "code")
        now = known.now_in(session, place)
        end = until or clock.now()
        start = max(since or end - _DAY, end - _MOST)
        measured = now.place if now else place
        ids = [each.id for each in known.loggers_of(session, measured.id)]
        return {
            "code": place.code,
            "temperature_class": place.temperature_class,
            "measured_at": measured.code if ids else None,
            "logger": now.logger.serial if now else None,
            "standing": (now.standing if now else Standing.NO_LOGGER).value,
            "now": _reading(now.newest) if now and now.newest else None,
            "from": start,
            "until": end,
            "readings": [_reading(each) for each in known.readings(session, ids, start, end)],
            "episodes": [
                shown(each) for each in known.episodes_within(session, measured.id, start, end)
            ],
        }


@requires(may.READ)
def episode(actor: Actor, *, episode_id: UUID) -> dict[str, Any]:
    """A part of a place's time that was not good, what stood there, and what was decided."""
    with db.reading() as session:
        row = assessing.found(session, episode_id)
        place = known.place_of(session, row)
        there = stood.in_place(session, place, row.began_at, row.ended_at or clock.now())
        return shown(row) | {
            "place": place.code,
            "items": [each.code for each in there],
            "reason": row.reason,
            "signed_at": row.signed_at,
            "agreed_at": row.agreed_at,
        }


def shown(row: Episode) -> dict[str, Any]:
    """An episode as a door answers it."""
    return {
        "episode": str(row.id),
        "kind": row.kind.value,
        "level": row.level.value,
        "from": row.began_at,
        "until": row.ended_at,
        "extreme_cel": row.extreme_cel,
        "state": row.state.value,
        "outcome": row.outcome.value if row.outcome else None,
    }


def _reading(each: Read) -> dict[str, Any]:
    return {"at": each.at, "cel": each.cel}


def _came(answer: taking.Taken) -> dict[str, Any]:
    return {
        "code": answer.place.code,
        "taken": answer.taken,
        "newest": _reading(answer.newest) if answer.newest else None,
    }


def about_place(actor: Actor, *, code: str) -> Sequence[tuple[Any, Any]]:
    """Which place it is, and how warm."""
    with db.reading() as session:
        place = places.place_by_code(session, code, "code")
        return [
            (_("Place"), place.name),
            (_("Temperature"), temperature_name(place.temperature_class)),
            *said.now_facts(session, place),
        ]


def about_episode(actor: Actor, *, episode_id: UUID) -> Sequence[tuple[Any, Any]]:
    """Which place, when, how far, and how it stands."""
    with db.reading() as session:
        return said.facts_of(session, assessing.found(session, episode_id))


def _has_logger(place: Place) -> bool:
    with db.reading() as session:
        return known.logger_of(session, place.id) is not None


def _may_have_logger(place: Place) -> bool:
    return (
        rules.band_of(place.temperature_class) is not None
        and place.kind not in ("slot", "transport", "site")
        and not _has_logger(place)
    )


def _at_place(answer: dict[str, Any]) -> str:
    return f"/places/{answer['code']}/temperature"


def _at_episode(answer: dict[str, Any]) -> str:
    return f"/episodes/{answer['episode']}"


def _how_it_stands(answer: dict[str, Any]) -> _:
    return _("Temperature record: %(state)s", state=said.STATES[RecordState(answer["state"])])


def declare(doors: Doors) -> None:
    """Declare what is done about a place's temperature."""
    doors.act(
        "/places/<code>/logger",
        link,
        takes=of.LinkIn,
        name="link-logger",
        title=_("Link a temperature logger"),
        intro=_("The logger that lies in this place and measures it from now on."),
        on="A",
        about=about_place,
        after=_at_place,
        said=lambda _answer: _("The logger is linked."),
        order=40,
        fits=_may_have_logger,
    )
    doors.act(
        "/places/<code>/logger/end",
        end,
        takes=of.EndIn,
        name="end-logger",
        title=_("Take its logger away"),
        intro=_("From now on nobody knows how warm it is here."),
        on="A",
        about=about_place,
        after=_at_place,
        said=lambda _answer: _("The logger is taken away."),
        order=44,
        fits=_has_logger,
    )
    doors.act(
        "/places/<code>/logger/files",
        read_file,
        takes=of.FileIn,
        name="read-place-logger",
        title=_("Read its temperature logger"),
        intro=_("The file as the logger gave it. What was read before counts once."),
        on="A",
        about=about_place,
        after=_at_place,
        said=lambda answer: _("%(count)s readings were taken.", count=answer["taken"]),
        order=42,
        fits=_has_logger,
    )
    doors.act(
        "/places/<code>/readings",
        deliver,
        takes=of.DeliveryIn,
        name="deliver-readings",
        title=_("Deliver readings of a place"),
        on="A",
        page=False,
    )
    doors.read(
        "/places/<code>/temperature",
        temperature,
        takes=of.TemperaturesIn,
        name="place-temperature",
        title=_("How warm a place is and was"),
        letters={"code": "A"},
    )
    doors.act(
        "/episodes/<uuid:episode_id>/assessment",
        assess,
        takes=of.AssessIn,
        name="assess-episode",
        title=_("Assess the temperature record"),
        intro=_("What is on hold because of it stays so until you have signed."),
        on="episode",
        about=about_episode,
        after=_at_episode,
        said=_how_it_stands,
        order=5,
        fits=lambda row: (
            row.ended_at is not None and row.state in (RecordState.OPEN, RecordState.UNUSABLE)
        ),
    )
    doors.act(
        "/episodes/<uuid:episode_id>/agreement",
        agree,
        takes=of.SignIn,
        name="agree-episode",
        title=_("Agree to the assessment"),
        intro=_("Only where you have agreed as well can a dose that stood there be given."),
        on="episode",
        about=about_episode,
        after=_at_episode,
        said=_how_it_stands,
        order=6,
        fits=lambda row: row.state is RecordState.ASSESSED and row.agreed_at is None,
    )
    doors.read(
        "/episodes/<uuid:episode_id>",
        episode,
        name="episode",
        title=_("A part of a place's temperature record"),
    )
