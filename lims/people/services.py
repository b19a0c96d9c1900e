"""Who works here and what with: acts of administration, each with its entry.

They write on `person/<id>`. Sign-ins leave no entry: they change nothing about an item, and every
entry says who acted, at which station and by which means.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lims import labels, ledger
from lims.core import clock, codes, db, mode
from lims.core.errors import BadInput, Conflict, NotAllowed, NotFound, TemporaryFailure
from lims.core.permissions import ROLE_NAMES, Actor, Role, requires
from lims.core.words import Text as _
from lims.people import permissions, queries, rules
from lims.people.errors import LoginTaken
from lims.people.models import Account, ApiToken, Badge, Person, SignIn
from lims.people.queries import account_of
from lims.people.signing import confirm

_DRAWS = 20


def stream(person: UUID) -> str:
    """Where the entries about a person stand."""
    return f"person/{person}"


@requires(permissions.ADD_USER)
def add_user(
    actor: Actor,
    /,
    *,
    login: str,
    name: str | None = None,
    roles: Iterable[Role | str],
    password: str,
    pin: str | None = None,
    person: UUID | str | None = None,
) -> Account:
    """Open an account, with a badge.

    Args:
        name: what people call her; not needed with `person`.
        pin: opens the bench together with the badge; without one the badge opens nothing.
        person: somebody who has an account already: her id, or one of her logins.

    Raises:
        BadInput: a name, role, password or PIN that cannot be.
        LoginTaken: another account has the name.
        NotAllowed: an administrator may not open an account for herself.
    """
    wanted = rules.login(login)
    trusted = rules.roles(roles)
    hashes = rules.new_password(password, wanted), rules.new_pin(pin) if pin else None
    with db.transaction() as session:
        owner = _owner(session, actor, name, person)
        if session.scalar(select(Account.id).where(Account.login == wanted)):
            raise _taken(wanted)
        account = Account(
            id=uuid4(),
            login=wanted,
            person_id=owner.id,
            roles=trusted,
            disabled_at=None,
            secret_set_at=clock.now(),
            password_hash=hashes[0],
            pin_hash=hashes[1],
        )
        try:
            with session.begin_nested():
                session.add(account)
                session.flush()
        except IntegrityError:  # somebody took the name since we looked
            raise _taken(wanted) from None
        badge = _give_badge(session, account)
        ledger.record(
            actor,
            stream(owner.id),
            "people.account_opened",
            {"login": wanted, "roles": trusted, "badge": badge.code, "pin": bool(pin)},
            rows=[owner, account, badge],
        )
    return account


def _owner(session: Session, actor: Actor, name: str | None, person: UUID | str | None) -> Person:
    if person is None:
        owner = Person(id=uuid4(), name=rules.person_name(name or ""))
        session.add(owner)
        session.flush()
        return owner
    if isinstance(person, str):
        person = account_of(session, person).person_id
    _not_oneself(actor, person)
    known = session.get(Person, person)
    if known is None:
        raise NotFound(_("No such person is known here; check the id."), field="person")
    if name and rules.person_name(name) != known.name:
        raise Conflict(
            _(
                "This person is called %(name)s here; leave the name out or correct it.",
                name=known.name,
            ),
            field="name",
        )
    return known


def _give_badge(session: Session, account: Account) -> Badge:
    practice = mode.is_practice(session)
    for _draw in range(_DRAWS):
        badge = Badge(
            id=uuid4(), code=codes.draw("P", practice=practice), account_id=account.id, live=True
        )
        try:
            with session.begin_nested():
                session.add(badge)
                session.flush()
        except IntegrityError:  # that code is somebody's
            continue
        return badge
    raise TemporaryFailure(_("No free badge code was found; try again."))


@requires(permissions.DISABLE_USER)
def disable(actor: Actor, /, login: str) -> Account:
    """Close an account for good: sign-ins, tokens and badge end with it, in the same commit.

    Raises:
        NoSuchUser: nobody is called that.
        Conflict: it is closed already.
    """
    now = clock.now()
    with db.transaction() as session:
        account = _locked(session, login)
        if account.disabled_at:
            raise Conflict(_("The account %(login)s is closed already.", login=account.login))
        account.disabled_at = now
        rows: list[object] = [account]
        for badge in session.scalars(
            select(Badge).where(Badge.account_id == account.id, Badge.live)
        ):
            badge.live = False
            rows.append(badge)
        for token in session.scalars(
            select(ApiToken).where(ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None))
        ):
            token.revoked_at = now
            rows.append(token)
        _end_sign_ins(session, account)
        ledger.record(
            actor,
            stream(account.person_id),
            "people.account_closed",
            {"login": account.login},
            rows=rows,
        )
    return account


@requires(permissions.SET_ROLES)
def set_roles(actor: Actor, /, login: str, roles: Iterable[Role | str]) -> Account:
    """Say what an account is trusted with, from the next request on.

    Raises:
        BadInput: not a role.
        NotAllowed: nobody changes her own.
        NoSuchUser: nobody is called that.
    """
    trusted = rules.roles(roles)
    with db.transaction() as session:
        account = _locked(session, login)
        _not_oneself(actor, account.person_id)
        before = list(account.roles)
        if before == trusted:
            return account
        account.roles = trusted
        ledger.record(
            actor,
            stream(account.person_id),
            "people.roles_set",
            {"login": account.login, "before": before, "after": trusted},
            rows=[account],
        )
    return account


@requires(permissions.REPLACE_BADGE)
def replace_badge(actor: Actor, /, login: str) -> str:
    """Give a new badge; the one before opens nothing any more. Answers its code."""
    with db.transaction() as session:
        account = _locked(session, login)
        _usable(account)
        old = session.scalars(select(Badge).where(Badge.account_id == account.id, Badge.live)).all()
        for badge in old:
            badge.live = False
        session.flush()
        new = _give_badge(session, account)
        session.execute(
            update(SignIn)
            .where(
                SignIn.account_id == account.id,
                SignIn.signed_in_by == "badge",
                SignIn.closed_at.is_(None),
            )
            .values(closed_at=clock.now())
        )
        ledger.record(
            actor,
            stream(account.person_id),
            "people.badge_replaced",
            {"login": account.login, "before": [each.code for each in old], "after": new.code},
            rows=[*old, new],
        )
    return new.code


@requires(permissions.PRINT_BADGE)
def print_badge(
    actor: Actor, /, login: str, *, reason: str | None = None, printer: str | None = None
) -> str:
    """Print the badge that an account has, and let the print before it open nothing any more.

    A worn badge is printed again under its code; a lost one is replaced (`replace_badge`).
    Answers its code.

    Args:
        reason: needed once it was printed.
        printer: by name; otherwise the one that holds its stock.

    Raises:
        NoSuchUser: nobody is called that.
        BadInput: it was printed before, and no reason is given.
        NoPrinter: none has this name.
    """
    with db.transaction() as session:
        account = _locked(session, login)
        _usable(account)
        # An account that is open has one.
        code: str = queries.badge_of(session, account.id)  # type: ignore[assignment]
        labels.request(
            actor,
            template="badge_85x54",
            code=code,
            fields={
                "code": codes.grouped(code),
                "name": queries.name_of(session, account.person_id),
                "role": ", ".join(
                    ROLE_NAMES[Role(each)].spoken(labels.language()) for each in account.roles
                ),
            },
            reason=reason,
            printer=printer,
        )
    return code


@requires(permissions.OWN_SECRET)
def change_password(
    actor: Actor, /, *, password: str, new: str | None = None, pin: str | None = None
) -> None:
    """Change one's own password or PIN, showing the password; other sign-ins end.

    Raises:
        WrongSecret: `password` is not the present one.
        BadInput: the new one is not good enough.
    """
    if new is None and pin is None:
        raise BadInput(_("Give a new password or a new PIN."), field="new")
    confirm(actor, password)
    with db.transaction() as session:
        account = db.locked(session, select(Account).where(Account.id == actor.account))
        if account is None:
            raise NotFound(_("This account is not known here."))
        if new is not None:
            account.password_hash = rules.new_password(new, account.login)
        if pin is not None:
            account.pin_hash = rules.new_pin(pin)
        account.secret_set_at = clock.now()
        _end_sign_ins(session, account)
        ledger.record(
            actor,
            stream(account.person_id),
            "people.secret_changed",
            {"login": account.login, "password": new is not None, "pin": pin is not None},
            rows=[account],
        )


@requires(permissions.TOKEN)
def create_token(actor: Actor, /, login: str, days: int) -> str:
    """Make a token for a program that works for a person; entries say `token`, and it never signs.

    The answer is the secret itself, shown once: do not call this inside `acts.once`, which keeps
    answers.

    Raises:
        NotAllowed: another's token is made on the console only.
        BadInput: not 1 to 366 days.
        Conflict: the account is closed.
    """
    if not 1 <= days <= 366:
        raise BadInput(_("A token lasts 1 to 366 days; choose a number of days."), field="days")
    secret = rules.TOKEN_PREFIX + rules.draw_secret()
    with db.transaction() as session:
        account = _locked(session, login)
        _own_or_console(actor, account)
        _usable(account)
        token = ApiToken(
            id=uuid4(),
            account_id=account.id,
            token_hash=rules.digest(secret),
            expires_at=clock.now() + timedelta(days=days),
            revoked_at=None,
        )
        session.add(token)
        session.flush()
        ledger.record(
            actor,
            stream(account.person_id),
            "people.token_made",
            {"login": account.login, "token": token.id, "days": days},
            rows=[token],
        )
    return secret


@requires(permissions.TOKEN)
def revoke_token(actor: Actor, /, token: str | UUID) -> None:
    """End a token, shown as itself or by its id; one that has ended stays so.

    Raises:
        NotFound: no such token.
        NotAllowed: another's token is ended on the console only.
    """
    known = (
        ApiToken.id == token
        if isinstance(token, UUID)
        else ApiToken.token_hash == rules.digest(token)
    )
    with db.transaction() as session:
        found = db.locked(session, select(ApiToken).where(known))
        account = session.get(Account, found.account_id) if found else None
        if found is None or account is None:
            raise NotFound(_("No such token is known here; it may have been mistyped."))
        _own_or_console(actor, account)
        if found.revoked_at:
            return
        found.revoked_at = clock.now()
        ledger.record(
            actor,
            stream(account.person_id),
            "people.token_revoked",
            {"login": account.login, "token": found.id},
            rows=[found],
        )


def _locked(session: Session, login: str) -> Account:
    known = account_of(session, login)
    account = db.locked(session, select(Account).where(Account.id == known.id))
    return account or known


def _end_sign_ins(session: Session, account: Account) -> None:
    session.execute(
        update(SignIn)
        .where(SignIn.account_id == account.id, SignIn.closed_at.is_(None))
        .values(closed_at=clock.now())
    )


def end_every_sign_in(session: Session) -> None:
    """Nobody is signed in any more: in a restored copy, those who had signed out would be again."""
    session.execute(update(SignIn).where(SignIn.closed_at.is_(None)).values(closed_at=clock.now()))


def _usable(account: Account) -> None:
    if account.disabled_at:
        raise Conflict(
            _("The account %(login)s is closed; open another for this person.", login=account.login)
        )


def _not_oneself(actor: Actor, person: UUID) -> None:
    if actor.person == person:
        raise NotAllowed(_("Nobody gives roles or accounts to herself; ask another administrator."))


def _own_or_console(actor: Actor, account: Account) -> None:
    if actor.account != account.id and Role.OPERATOR not in actor.roles:
        raise NotAllowed(
            _("A token speaks for its owner, so only she can make or end it; sign in as her own.")
        )


def _taken(login: str) -> LoginTaken:
    return LoginTaken(
        _("The user name %(login)s is taken; choose another.", login=login), field="login"
    )
