"""Finding people, and whom a token stands for. Nothing here writes."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lims import labels
from lims.core import clock, codes, db, mode
from lims.core.errors import NotAllowed, NotFound
from lims.core.permissions import Actor, Role
from lims.core.words import Text as _
from lims.people import rules
from lims.people.errors import NoSuchUser
from lims.people.models import Account, ApiToken, Badge, Person

_NAME = select(Person.name).where(Person.id == bindparam("id"))


def account_of(session: Session, login: str) -> Account:
    """The account of a name.

    Raises:
        NoSuchUser: nobody has it.
    """
    folded = rules.folded_login(login)
    found = folded and session.scalar(select(Account).where(Account.login == folded))
    if not found:
        raise NoSuchUser(
            _("No user is called %(login)s; check the name.", login=login.strip()[:60] or "''"),
            field="login",
        )
    return found


def by_badge(session: Session, code: str) -> Account:
    """The account of a badge that works.

    Raises:
        BadInput: not a badge's code.
        NotFound: no such badge, or it was replaced or its account closed.
        OldLabel: it was printed again since.
    """
    scanned = codes.expect(code, "P", field="badge")
    mode.admit(session, scanned)
    found = session.scalar(
        select(Account)
        .join(Badge, Badge.account_id == Account.id)
        .where(Badge.code == scanned.code, Badge.live, Account.disabled_at.is_(None))
    )
    if found is None:
        raise NotFound(
            _(
                "The badge %(code)s is not in use; ask the administrator for a new one.",
                code=codes.grouped(scanned.code),
            ),
            field="badge",
        )
    labels.check_copy(session, scanned)
    return found


def badge_of(session: Session, account_id: UUID) -> str | None:
    """The code of an account's badge; None once the account is closed."""
    return session.scalar(select(Badge.code).where(Badge.account_id == account_id, Badge.live))


def login_of(session: Session, account_id: UUID | None) -> str:
    """The name under which an account signs in; empty for none."""
    return session.scalar(select(Account.login).where(Account.id == account_id)) or ""


def name_of(session: Session, person_id: UUID | str) -> str:
    """What a person is called; the word of a machine stays as it is."""
    try:
        identity = person_id if isinstance(person_id, UUID) else UUID(person_id)
    except ValueError:
        return str(person_id)
    return session.scalar(_NAME, {"id": identity}) or str(person_id)


def names_of(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, str]:
    """What many people are called."""
    rows = session.execute(
        select(Person.id, Person.name).where(Person.id.in_(sorted(person_ids, key=str)))
    )
    return {row[0]: row[1] for row in rows}


def users(session: Session) -> Sequence[dict[str, Any]]:
    """Every account, by login: `login, name, person, roles, badge, disabled_at`."""
    found = session.execute(
        select(Account, Person.name, Badge.code)
        .join(Person, Person.id == Account.person_id)
        .outerjoin(Badge, (Badge.account_id == Account.id) & Badge.live)
        .order_by(Account.login)
    )
    return [
        {
            "login": account.login,
            "name": name,
            "person": str(account.person_id),
            "roles": list(account.roles),
            "badge": badge,
            "disabled_at": account.disabled_at,
        }
        for account, name, badge in found
    ]


def actor_of(session: Session, account: Account, *, station: str, signed_in_by: str) -> Actor:
    """The actor that an account is."""
    return Actor(
        person=account.person_id,
        account=account.id,
        name=name_of(session, account.person_id),
        roles=frozenset(Role(each) for each in account.roles),
        station=station,
        signed_in_by=signed_in_by,
        practice=mode.is_practice(session),
    )


# One question, built once: every request of a program begins with it.
_account, _person, _token = (each.__table__ for each in (Account, Person, ApiToken))
_BY_TOKEN = (
    select(_account.c.person_id, _account.c.id, _account.c.roles, _person.c.name)
    .select_from(
        _token.join(_account, _account.c.id == _token.c.account_id).join(
            _person, _person.c.id == _account.c.person_id
        )
    )
    .where(
        _token.c.token_hash == bindparam("hash"),
        _token.c.revoked_at.is_(None),
        _token.c.expires_at > bindparam("now"),
        _account.c.disabled_at.is_(None),
    )
)


def actor_by_token(token: str) -> Actor | None:
    """Whom a program's token stands for; None where it does not count (any more)."""
    with db.reading() as session:
        asked = {"hash": rules.digest(token), "now": clock.now()}
        found = session.execute(_BY_TOKEN, asked).one_or_none()
        if found is None:
            return None
        return Actor(
            person=found.person_id,
            account=found.id,
            name=found.name,
            roles=frozenset(Role(each) for each in found.roles),
            signed_in_by="token",
            practice=mode.is_practice(session),
        )


def actor_for(login: str) -> Actor:
    """A practice person as an actor, without her secret; for rehearsals.

    Raises:
        NotAllowed: this is a live system, where nobody acts in another's name (H56).
        NoSuchUser: nobody is called that.
    """
    with db.reading() as session:
        if not mode.is_practice(session):
            raise NotAllowed(
                _("In a live system nobody acts in another's name; sign in as yourself.")
            )
        return actor_of(session, account_of(session, login), station="", signed_in_by="practice")


def roles_of(session: Session, person_id: UUID) -> frozenset[Role]:
    """What a person is trusted with, over all her accounts that are not closed."""
    found = session.scalars(
        select(Account.roles).where(Account.person_id == person_id, Account.disabled_at.is_(None))
    )
    return frozenset(Role(each) for roles in found for each in roles)
