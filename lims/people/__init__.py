"""Who works here: people, their accounts and badges, sign-in, tokens, signatures.

A person is one human being and may have several accounts; duties are separated by person. A badge
with its PIN opens work at a shared bench for a short while; only the password signs, in the same
request as the thing signed. Nobody can act in another's name: there is no such function here.

Start reading at `models`, then `signing_in`.
"""

from lims.people.errors import (
    AccountDisabled,
    LoginTaken,
    NoSuchUser,
    TooManyTries,
    WrongSecret,
)
from lims.people.models import Account, ApiToken, Badge, Person, SignIn
from lims.people.queries import (
    account_of,
    actor_by_token,
    actor_for,
    badge_of,
    by_badge,
    name_of,
    names_of,
    roles_of,
    users,
)
from lims.people.rules import BADGE_IDLE
from lims.people.services import (
    add_user,
    change_password,
    create_token,
    disable,
    end_every_sign_in,
    print_badge,
    replace_badge,
    revoke_token,
    set_roles,
)
from lims.people.signing import confirm, signature, signature_of
from lims.people.signing_in import (
    actor_by_password,
    actor_by_sign_in,
    sign_in,
    sign_in_badge,
    sign_out,
)

__all__ = [
    "BADGE_IDLE",
    "Account",
    "AccountDisabled",
    "ApiToken",
    "Badge",
    "LoginTaken",
    "NoSuchUser",
    "Person",
    "SignIn",
    "TooManyTries",
    "WrongSecret",
    "account_of",
    "actor_by_password",
    "actor_by_sign_in",
    "actor_by_token",
    "actor_for",
    "add_user",
    "badge_of",
    "by_badge",
    "change_password",
    "confirm",
    "create_token",
    "disable",
    "end_every_sign_in",
    "name_of",
    "names_of",
    "print_badge",
    "replace_badge",
    "revoke_token",
    "roles_of",
    "set_roles",
    "sign_in",
    "sign_in_badge",
    "sign_out",
    "signature",
    "signature_of",
    "users",
]
