"""Coming in and going out. Call these directly, never inside `acts.once`: their answer is a secret.

A sign-in is a row here and a random token in the browser; ending the row ends it everywhere (H50).
Opening one at a station ends the one that was open there.
"""

import logging
from dataclasses import replace
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import OperationalError

from lims import labels
from lims.core import clock, codes, db, mode
from lims.core.errors import BadInput, TemporaryFailure
from lims.core.permissions import Actor, Role
from lims.core.words import Text as _
from lims.people import rules, throttle
from lims.people.errors import AccountDisabled, WrongSecret
from lims.people.models import Account, Badge, Person, SignIn
from lims.people.queries import actor_of

log = logging.getLogger(__name__)

# One question, built once: every request of a page begins with it.
_account, _person, _sign_in = (each.__table__ for each in (Account, Person, SignIn))
_BY_SIGN_IN = (
    select(
        _sign_in.c.id,
        _sign_in.c.station,
        _sign_in.c.signed_in_by,
        _sign_in.c.opened_at,
        _sign_in.c.last_seen_at,
        _account.c.id.label("account"),
        _account.c.person_id,
        _account.c.roles,
        _person.c.name,
    )
    .select_from(
        _sign_in.join(_account, _account.c.id == _sign_in.c.account_id).join(
            _person, _person.c.id == _account.c.person_id
        )
    )
    .where(
        _sign_in.c.token_hash == bindparam("hash"),
        _sign_in.c.closed_at.is_(None),
        _account.c.disabled_at.is_(None),
    )
)


def sign_in(
    login: str, password: str, station: str = "", *, address: str = ""
) -> tuple[Actor, str]:
    """Open a sign-in with name and password.

    Args:
        station: the bench it is for, where it is shared.
        address: where the request came from, to slow down sweeps over many names.

    Returns:
        The actor, and the token for the cookie; only its hash is kept.

    Raises:
        WrongSecret: the two do not fit, or nobody is called that: one answer, one cost.
        TooManyTries: wait first.
        AccountDisabled: they fit, and the account is closed.
    """
    account = _by_password(login, password, address)
    return _open(account, station, "password")


def actor_by_password(login: str, password: str, station: str = "", *, address: str = "") -> Actor:
    """A second person at an open sign-in, by her own name and password.

    Opens nothing and ends nothing: she acts in this one request, as the witness at a bed does,
    and whoever works here stays signed in.

    Raises:
        WrongSecret, TooManyTries, AccountDisabled: as `sign_in`.
    """
    account = _by_password(login, password, address)
    if account.disabled_at:
        raise AccountDisabled(
            _("This account is closed; ask the administrator, if you still work here.")
        )
    with db.reading() as session:
        joined = actor_of(session, account, station=station, signed_in_by="password")
    return replace(joined, address=address)


def _by_password(login: str, password: str, address: str) -> Account:
    folded = rules.folded_login(login)
    typed = folded or login.strip()[:200]
    attempt = throttle.Try([throttle.Line(f"login:{typed}"), *throttle.address(address)])
    with db.reading() as session:
        account = folded and session.scalar(select(Account).where(Account.login == folded))
    if not rules.password_fits(account.password_hash if account else None, password) or not account:
        attempt.wrong()
        raise WrongSecret(
            _("This user name and password do not fit together. Check both and try again."),
            field="password",
        )
    attempt.right()
    return account


def sign_in_badge(code: str, pin: str, station: str, *, address: str = "") -> tuple[Actor, str]:
    """Open a sign-in at a bench with badge and PIN. It never signs.

    Raises:
        BadInput: not a badge's code.
        OldLabel: the badge was printed again since.
        WrongSecret: badge and PIN do not fit, or the badge is not in use.
        TooManyTries: wait first.
    """
    scanned = codes.expect(code, "P", field="badge")
    with db.reading() as session:
        mode.admit(session, scanned)
        labels.check_copy(session, scanned)
    attempt = throttle.Try([throttle.Line(f"badge:{scanned.code}"), *throttle.address(address)])
    with db.reading() as session:
        account = session.scalar(
            select(Account)
            .join(Badge, Badge.account_id == Account.id)
            .where(Badge.code == scanned.code, Badge.live)
        )
    if not rules.pin_fits(account.pin_hash if account else None, pin) or not account:
        attempt.wrong()
        raise WrongSecret(
            _("This badge and PIN do not fit together. Scan your badge and type its PIN again."),
            field="pin",
        )
    attempt.right()
    return _open(account, station, "badge")


def _open(account: Account, station: str, signed_in_by: str) -> tuple[Actor, str]:
    if len(station) > 60 or not station.isprintable():
        raise BadInput(_("A station's name has at most 60 characters."), field="station")
    token, now = rules.draw_secret(), clock.now()
    with db.transaction() as session:
        if account.disabled_at or session.scalar(
            select(Account.disabled_at).where(Account.id == account.id)
        ):
            raise AccountDisabled(
                _("This account is closed; ask the administrator, if you still work here.")
            )
        if station:
            session.execute(
                update(SignIn)
                .where(SignIn.station == station, SignIn.closed_at.is_(None))
                .values(closed_at=now)
            )
        session.add(
            SignIn(
                token_hash=rules.digest(token),
                account_id=account.id,
                station=station,
                signed_in_by=signed_in_by,
                opened_at=now,
                last_seen_at=now,
            )
        )
        actor = actor_of(session, account, station=station, signed_in_by=signed_in_by)
    return actor, token


def sign_out(token: str) -> None:
    """End a sign-in; one that is not open stays as it is."""
    with db.transaction() as session:
        session.execute(
            update(SignIn)
            .where(SignIn.token_hash == rules.digest(token), SignIn.closed_at.is_(None))
            .values(closed_at=clock.now())
        )


def actor_by_sign_in(token: str) -> Actor | None:
    """Whom an open sign-in stands for, with the roles of this moment.

    None where it was ended, stood idle for too long (15 min after a badge, 60 min after a
    password), is older than 12 h, or its account was closed.
    """
    now = clock.now()
    with db.reading() as session:
        found = session.execute(_BY_SIGN_IN, {"hash": rules.digest(token)}).one_or_none()
        if found is None or not rules.still_open(
            found.signed_in_by, found.opened_at, found.last_seen_at, now
        ):
            return None
        actor = Actor(
            person=found.person_id,
            account=found.account,
            name=found.name,
            roles=frozenset(Role(each) for each in found.roles),
            station=found.station,
            signed_in_by=found.signed_in_by,
            practice=mode.is_practice(session),
        )
    if now - found.last_seen_at >= rules.SEEN_EVERY and not db.in_transaction():
        _seen(found.id)
    return actor


def _seen(sign_in_id: UUID) -> None:
    """Keep that she is working. A busy database is no reason to refuse her."""
    now = clock.now()
    try:
        with db.transaction() as session:
            session.execute(
                update(SignIn)
                .where(SignIn.id == sign_in_id, SignIn.last_seen_at < now)
                .values(last_seen_at=now)
            )
    except (TemporaryFailure, OperationalError) as busy:
        log.warning("a sign-in was not marked as seen: %s", type(busy).__name__)
