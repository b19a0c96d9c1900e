"""Electronic signatures: the password again, in the same request as the thing signed.

A badge is a barcode and can be copied, and a PIN is short: neither signs (screens 0.8, 21 CFR
11.200).
"""

from sqlalchemy import select

from lims.core import clock, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.people import rules, throttle
from lims.people.errors import AccountDisabled, WrongSecret
from lims.people.models import Account
from lims.people.queries import name_of
from lims.people.signing_in import actor_by_password


def confirm(actor: Actor, password: str) -> None:
    """Refuse unless this is the actor's own password. A wrong one undoes the act it came with.

    Raises:
        NotAllowed: the actor is no person.
        WrongSecret: it is not; the wrong try is counted.
        TooManyTries: wait first; counted for her account, and for the address it comes from.
        AccountDisabled: the account was closed.
    """
    if actor.account is None:
        raise NotAllowed(_("Only a person with an account can sign; sign in as yourself."))
    attempt = throttle.Try(
        [
            throttle.Line(f"confirm:{actor.account}"),
            *throttle.address(actor.address, "confirm-address"),
        ]
    )
    with db.reading() as session:
        found = session.execute(
            select(Account.password_hash, Account.person_id, Account.disabled_at).where(
                Account.id == actor.account
            )
        ).one_or_none()
    mine = found is not None and found.person_id == actor.person
    if not rules.password_fits(found.password_hash if found and mine else None, password):
        attempt.wrong()
        raise WrongSecret(
            _(
                "This is not the password of %(name)s; nothing was signed. Type it again.",
                name=actor.name,
            ),
            field="password",
        )
    attempt.right()
    if found is None or found.disabled_at:
        raise AccountDisabled(_("This account is closed, so it signs nothing."))


def signature_of(
    login: str, *, meaning: str, password: str, station: str = "", address: str = ""
) -> tuple[Actor, dict[str, str]]:
    """Somebody else than the sender of a request signs in it, by her own name and password.

    Returns:
        Who she is, and what the entry of the signed act holds, as `signature` gives it.

    Raises:
        WrongSecret, TooManyTries, AccountDisabled: as at the sign-in; nothing is signed.
    """
    signer = actor_by_password(login, password, station, address=address)
    return signer, _signed(signer, meaning)


def signature(actor: Actor, *, meaning: str, password: str) -> dict[str, str]:
    """Confirm, and give what the entry of the signed act holds.

    Args:
        meaning: what the signature stands for, such as `released` (21 CFR 11.50).

    Returns:
        `signed_by` (person's id), `name` (as printed), `meaning`, `at` (UTC).

    Raises:
        BadInput: no meaning.
        WrongSecret: see `confirm`.
    """
    said = _meaning(meaning)
    confirm(actor, password)
    return _signed(actor, said)


def _meaning(meaning: str) -> str:
    said = " ".join(meaning.split())
    if not 1 <= len(said) <= 200:
        raise BadInput(_("Say what the signature means, such as released."), field="meaning")
    return said


def _signed(actor: Actor, meaning: str) -> dict[str, str]:
    with db.reading() as session:
        name = name_of(session, actor.person) if actor.person else actor.name
    return {
        "signed_by": actor.label,
        "name": name,
        "meaning": meaning,
        "at": clock.text(clock.now()),
    }
