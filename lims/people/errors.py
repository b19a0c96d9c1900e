"""What can be refused about people."""

from lims.core.errors import Conflict, NotAllowed, NotFound
from lims.core.words import Text as _


class WrongSecret(NotAllowed):
    """Name and password, or badge and PIN, do not fit. Says the same for an unknown name."""

    code = "wrong_secret"


class AccountDisabled(NotAllowed):
    """The secret was right and the account is closed."""

    code = "account_disabled"


class TooManyTries(NotAllowed):
    """Too many wrong tries; a right one is refused as well for a while.

    Attributes:
        seconds: how long to wait.
    """

    code = "too_many_tries"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            _(
                "There were too many wrong tries, so this one was not looked at. Wait "
                "%(seconds)s seconds and try again; whoever is signed in can go on working.",
                seconds=seconds,
            )
        )
        self.seconds = seconds


class LoginTaken(Conflict):
    """Another account has this name."""

    code = "login_taken"


class NoSuchUser(NotFound):
    """No account has this name."""

    code = "no_such_user"
