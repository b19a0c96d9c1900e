"""Names, secrets and how long a sign-in lasts."""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from lims.core.errors import BadInput
from lims.core.permissions import PEOPLE, Role
from lims.core.words import Text as _

# OWASP's argon2id setting: 22-24 ms on the machines we run on, a quarter of the library's default.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}", re.ASCII)

BADGE_IDLE = timedelta(minutes=15)
PASSWORD_IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
TOKEN_PREFIX = "lims_"  # noqa: S105  so that a scanner of secrets can tell one


def login(given: str) -> str:
    """A name to sign in with, as stored.

    Raises:
        BadInput: not 2-40 of small letters, digits, dot, hyphen, underscore.
    """
    folded = folded_login(given)
    if folded is None:
        raise BadInput(
            _(
                "%(login)s is no user name; use 2 to 40 letters, digits, dots and hyphens.",
                login=given.strip()[:60] or "''",
            ),
            field="login",
        )
    return folded


def folded_login(given: str) -> str | None:
    """The name as stored; None where no account could have it."""
    folded = unicodedata.normalize("NFKC", given.strip()[:200]).lower()
    return folded if _LOGIN.fullmatch(folded) else None


def person_name(given: str) -> str:
    """The name people call her by.

    Raises:
        BadInput: empty, too long, or with control characters.
    """
    name = " ".join(unicodedata.normalize("NFC", given).split())
    if not 1 <= len(name) <= 100 or any(
        unicodedata.category(each) in ("Cc", "Cs") for each in name
    ):
        raise BadInput(_("Give the person's name, at most 100 characters."), field="name")
    return name


def roles(given: Iterable[Role | str]) -> list[str]:
    """Roles as stored.

    Raises:
        BadInput: none, or one that people do not have.
    """
    known = {each.value for each in PEOPLE}
    wanted = {str(getattr(each, "value", each)) for each in given}
    wrong = sorted(wanted - known)
    if wrong or not wanted:
        raise BadInput(
            _(
                "%(role)s is not a role; choose from %(roles)s.",
                role=", ".join(wrong)[:80] or "''",
                roles=", ".join(sorted(known)),
            ),
            field="roles",
        )
    return sorted(wanted)


def new_password(given: str, login: str) -> str:
    """The hash of a password that is good enough.

    Raises:
        BadInput: too short, too long, or the user's own name.
    """
    password = _normal(given)
    if not 10 <= len(password) <= 200:
        raise BadInput(
            _("A password has 10 to 200 characters; choose a longer one."), field="password"
        )
    if login in password.lower() and len(password) < len(login) + 10:
        raise BadInput(
            _("The password must not be built on the user name; choose another."),
            field="password",
        )
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def new_pin(given: str) -> str:
    """The hash of a PIN that is good enough.

    Raises:
        BadInput: not 4 to 12 digits, or all of them the same.
    """
    pin = _digits(given)
    if not (4 <= len(pin) <= 12 and pin.isascii() and pin.isdigit() and len(set(pin)) > 1):
        raise BadInput(
            _("A PIN has 4 to 12 digits, not all the same; choose another."), field="pin"
        )
    return _HASHER.hash(pin)


def password_fits(stored: str | None, given: str) -> bool:
    """Whether it is the password. Costs the same where there is none to compare with."""
    return _fits(stored, _normal(given))


def pin_fits(stored: str | None, given: str) -> bool:
    """Whether it is the PIN. Costs the same where there is none to compare with."""
    return _fits(stored, _digits(given))


def _fits(stored: str | None, given: str) -> bool:
    try:
        _HASHER.verify(stored or _nobodys(), given.encode("utf-8", "surrogatepass"))
    except VerificationError:
        return False
    return stored is not None


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _digits(pin: str) -> str:
    """Persian and Arabic digits are the same PIN."""
    folded = []
    for each in pin.strip():
        digit = unicodedata.decimal(each, None)
        folded.append(each if digit is None else str(digit))
    return "".join(folded)


def draw_secret() -> str:
    """A secret nobody can guess: 32 random bytes."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a drawn secret; it is random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def still_open(
    signed_in_by: str, opened_at: datetime, last_seen_at: datetime, now: datetime
) -> bool:
    """Whether a sign-in is neither idle for too long nor too old (H50).

    >>> from datetime import UTC
    >>> ten = datetime(2026, 5, 8, 10, tzinfo=UTC)
    >>> still_open("badge", ten, ten, ten + timedelta(minutes=16))
    False
    """
    idle = BADGE_IDLE if signed_in_by == "badge" else PASSWORD_IDLE
    return now - last_seen_at <= idle and now - opened_at <= LONGEST
