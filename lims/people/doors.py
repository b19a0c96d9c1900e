"""The doors of people: accounts, roles, badges. A token is made on its page alone (`pages`)."""

from collections.abc import Sequence
from typing import Any

from lims.core import codes, db
from lims.core.permissions import ROLE_NAMES, Actor, Role, requires
from lims.core.words import Text as _
from lims.people import permissions as may
from lims.people import queries, services
from lims.people import schemas as of
from lims.people.models import Account
from lims.web.doors import Doors


def _out(account: Account) -> dict[str, Any]:
    with db.reading() as session:
        return {
            "login": account.login,
            "roles": list(account.roles),
            "badge": queries.badge_of(session, account.id),
            "closed": account.disabled_at is not None,
        }


def _ticked(given: dict[str, Any]) -> list[Role]:
    """Take the boxes of the roles out of what was loaded."""
    return [each for each in of.ROLES if given.pop(each.value, False)]


@requires(may.ADD_USER)
def add(actor: Actor, *, login: str, password: str, **given: Any) -> dict[str, Any]:
    """Open an account."""
    roles = _ticked(given)
    return _out(services.add_user(actor, login=login, roles=roles, password=password, **given))


@requires(may.SET_ROLES)
def set_roles(actor: Actor, *, login: str, **given: Any) -> dict[str, Any]:
    """Say what an account is trusted with."""
    return _out(services.set_roles(actor, login, _ticked(given)))


@requires(may.DISABLE_USER)
def disable(actor: Actor, *, login: str) -> dict[str, Any]:
    """Close an account."""
    return _out(services.disable(actor, login))


@requires(may.REPLACE_BADGE)
def replace_badge(actor: Actor, *, login: str) -> dict[str, Any]:
    """Give a new badge."""
    return {"login": login, "badge": services.replace_badge(actor, login)}


def _everybody(session: db.Session) -> list[dict[str, Any]]:
    return [
        {
            "login": each["login"],
            "name": each["name"],
            "roles": each["roles"],
            "badge": each["badge"],
            "closed": each["disabled_at"] is not None,
        }
        for each in queries.users(session)
    ]


@requires(may.PRINT_BADGE)
def print_badge(actor: Actor, *, login: str, **given: Any) -> dict[str, Any]:
    """Print the badge of an account."""
    return {"login": login, "badge": services.print_badge(actor, login, **given)}


@requires(may.ADD_USER)
def everybody(actor: Actor) -> dict[str, Any]:
    """Every account."""
    with db.reading() as session:
        return {"people": _everybody(session), "next": None}


def about(actor: Actor, *, login: str) -> Sequence[tuple[Any, Any]]:
    """Whose account it is, and what it is trusted with now."""
    with db.reading() as session:
        account = queries.account_of(session, login)
        badge = queries.badge_of(session, account.id)
        roles = ", ".join(str(ROLE_NAMES[Role(each)]) for each in account.roles)
        return [
            (_("User name"), account.login),
            (_("Name"), queries.name_of(session, account.person_id)),
            (_("Roles"), roles),
            (_("Badge"), codes.grouped(badge) if badge else _("none")),
        ]


def _to_people(_answer: dict[str, Any]) -> str:
    return "/people"


doors = Doors("people")
doors.act(
    "/accounts",
    add,
    takes=of.AddIn,
    name="add",
    title=_("Open an account"),
    intro=_("One person may have several accounts; duties are separated by person."),
    after=_to_people,
    said=lambda answer: _(
        "Account %(login)s, badge %(badge)s",
        login=answer["login"],
        badge=codes.grouped(answer["badge"]),
    ),
    order=10,
)
doors.act(
    "/accounts/<login>/roles",
    set_roles,
    takes=of.RolesIn,
    name="set-roles",
    title=_("Set the roles"),
    intro=_("Tick all that she is to have; what is not ticked she loses at once."),
    on="account",
    about=about,
    after=_to_people,
    order=20,
)
doors.act(
    "/accounts/<login>/badge",
    replace_badge,
    name="replace-badge",
    title=_("Give a new badge"),
    intro=_("The old badge opens nothing any more."),
    on="account",
    about=about,
    after=_to_people,
    said=lambda answer: _(
        "New badge of %(login)s: %(badge)s",
        login=answer["login"],
        badge=codes.grouped(answer["badge"]),
    ),
    order=30,
)
doors.act(
    "/accounts/<login>/badge-labels",
    print_badge,
    takes=of.BadgeIn,
    name="print-badge",
    title=_("Print the badge"),
    intro=_("A lost badge is replaced by a new one instead: who finds it could type its code."),
    on="account",
    about=about,
    after=_to_people,
    said=lambda answer: _(
        "The badge of %(login)s waits at the printer: %(badge)s",
        login=answer["login"],
        badge=codes.grouped(answer["badge"]),
    ),
    order=25,
)
doors.act(
    "/accounts/<login>/closing",
    disable,
    name="disable",
    title=_("Close the account"),
    intro=_("For good: sign-ins, tokens and badge end at once."),
    on="account",
    about=about,
    after=_to_people,
    order=90,
)
doors.read("/accounts", everybody, name="accounts", title=_("Every account"))
