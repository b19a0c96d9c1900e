"""`lims user` and `lims token`: opening accounts on the console."""

import sys

import click

from lims.core import acts, console, db
from lims.core.errors import BadInput
from lims.core.permissions import PEOPLE
from lims.core.words import Text as _

_ROLES = ", ".join(sorted(each.value for each in PEOPLE))


@click.group("user")
def user_() -> None:
    """Open and close accounts."""


@user_.command("add")
@click.argument("login", metavar="NAME")
@click.option("--role", "roles", multiple=True, required=True, help=f"One or more of {_ROLES}.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, first line."
)
@click.option("--pin-stdin", is_flag=True, help="Read the PIN of the badge from the second line.")
@click.option("--name", default=None, help="What people call her; the login unless given.")
@click.option("--person", default=None, metavar="LOGIN", help="A further account of this person.")
@console.as_json
def add(
    login: str,
    roles: tuple[str, ...],
    password_stdin: bool,
    pin_stdin: bool,
    name: str | None,
    person: str | None,
    as_json: bool,
) -> int:
    """Open an account, with a badge."""
    from lims import people

    if not password_stdin:
        raise BadInput(
            _(
                "Give the password on standard input and say --password-stdin, so that it "
                "stands in no history."
            ),
            field="password_stdin",
        )
    password = sys.stdin.readline().rstrip("\r\n")
    pin = sys.stdin.readline().strip() if pin_stdin else None
    actor = console.actor()

    def call() -> dict[str, object]:
        account = people.add_user(
            actor,
            login=login,
            name=name or (None if person else login),
            roles=roles,
            password=password,
            pin=pin,
            person=person,
        )
        with db.reading() as session:
            return {
                "login": account.login,
                "person": str(account.person_id),
                "name": people.name_of(session, account.person_id),
                "roles": list(account.roles),
                "badge": people.badge_of(session, account.id),
            }

    done = acts.once(actor, None, acts.digest_of("user add", login), call).answer
    console.answer(done, as_json, f"{done['login']}: {', '.join(done['roles'])}, {done['badge']}")
    return 0


@user_.command("disable")
@click.argument("login", metavar="NAME")
@console.as_json
def disable(login: str, as_json: bool) -> int:
    """Close an account for good, with its sign-ins, badge and tokens."""
    from lims import people

    actor = console.actor()

    def call() -> dict[str, object]:
        account = people.disable(actor, login)
        return {"login": account.login, "disabled": True}

    done = acts.once(actor, None, acts.digest_of("user disable", login), call).answer
    console.answer(done, as_json, f"{done['login']}: closed")
    return 0


@user_.command("list")
@console.as_json
def list_(as_json: bool) -> int:
    """Every account."""
    from lims import people

    with db.reading() as session:
        found = people.users(session)
    lines = [
        f"{each['login']}: {each['name']}, {', '.join(each['roles'])}, "
        f"{'closed' if each['disabled_at'] else each['badge']}"
        for each in found
    ]
    console.answer({"users": found}, as_json, *lines)
    return 0


@click.group("token")
def token_() -> None:
    """Tokens for programs."""


@token_.command("create")
@click.option("--user", "login", required=True, metavar="NAME")
@click.option("--days", required=True, type=int, help="1 to 366.")
@console.as_json
def create(login: str, days: int, as_json: bool) -> int:
    """Make a token; it is shown once."""
    from lims import people

    # Not through acts.once: that keeps answers, and this one is a secret.
    secret = people.create_token(console.actor(), login, days)
    console.answer({"token": secret, "user": login, "days": days}, as_json, secret)
    return 0


@token_.command("revoke")
@click.option(
    "--token-stdin", is_flag=True, required=True, help="Read the token from standard input."
)
@console.as_json
def revoke(token_stdin: bool, as_json: bool) -> int:
    """End a token."""
    from lims import people

    people.revoke_token(console.actor(), sys.stdin.readline().strip())
    console.answer({"revoked": True}, as_json, "revoked")
    return 0
