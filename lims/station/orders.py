"""Commands that are scanned off a sheet or typed as a word: the same on every installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from lims.core import codes, words
from lims.core.words import Text as _


@dataclass(frozen=True)
class Order:
    """One command.

    Attributes:
        name: its word in English, as it stands on the sheet.
        title: its word in the reader's language.
        about: what it does, in one sentence.
        page: where it goes on with a thing in hand; empty for what is done right here.
        page_of_place: the same with a place in hand; empty where it says nothing of a place.
    """

    name: str
    title: _
    about: _
    page: str = ""
    page_of_place: str = ""


ORDERS: Mapping[str, Order] = {
    each.name: each
    for each in (
        Order("UNDO", _("UNDO"), _("Takes the last move back, within ten minutes.")),
        Order("UNDO BATCH", _("UNDO BATCH"), _("Takes back everything that this batch put.")),
        Order("DONE", _("DONE"), _("Ends a batch or looking, or puts down what is in hand.")),
        Order("BATCH", _("BATCH"), _("Everything scanned after it goes into one place.")),
        Order("LOOK", _("LOOK"), _("Scans only show what things are, until DONE.")),
        Order("VERIFY", _("VERIFY"), _("The label in hand sticks where it belongs.")),
        Order("PRINT", _("PRINT"), _("A new label for what is in hand."), "/items/{code}/labels"),
        Order("HOLD", _("HOLD"), _("Stops the use of what is in hand."), "/items/{code}/holds"),
        Order(
            "OPEN", _("OPEN"), _("The page of what is in hand."), "/items/{code}", "/places/{code}"
        ),
        Order(
            "NOTE",
            _("NOTE"),
            _("What you see of the thing in hand; typed with the words after it, it is noted."),
            "/items/{code}/observations",
        ),
        Order("HELP", _("HELP"), _("What can be scanned here.")),
        Order("SIGN-OUT", _("SIGN-OUT"), _("Ends your work here.")),
    )
}
COPY = 1  # a sheet may be printed as often as wanted; it is no label of a thing


def code_of(name: str, *, practice: bool) -> str:
    """The code of a command; it follows from its name, so that a sheet works everywhere.

    >>> code_of("LOOK", practice=True)[:2]
    'XZ'
    """
    number = int.from_bytes(sha256(f"exotrace command {name}".encode()).digest(), "big")
    while True:
        body = ""
        for _each in range(7):
            number, at = divmod(number, len(codes.ALPHABET))
            body += codes.ALPHABET[at]
        if practice:
            body = codes.PRACTICE + body[1:]
        check = codes.check_character("X" + body)
        if check in codes.ALPHABET and practice == (body[0] == codes.PRACTICE):
            return "X" + body + check


def note_in(text: str) -> str:
    """The words that follow NOTE in any language, as they were typed; empty for anything else."""
    first, _space, rest = text.strip().partition(" ")
    order = _said().get(first.casefold())
    return rest.strip() if order is ORDERS["NOTE"] else ""


def ordered(text: str, *, practice: bool) -> Order | None:
    """The command that a word or a code says; None for anything else."""
    said = _said().get(text.strip().casefold())
    return said or _printed(practice=practice).get(codes.fold(text)[: codes.LENGTH])


@cache  # neither changes while a process runs, and every scan is looked up in both
def _said() -> Mapping[str, Order]:
    found: dict[str, Order] = {}
    for order in ORDERS.values():
        for word in (order.name, *(order.title.spoken(each) for each in words.LANGUAGES)):
            found.setdefault(word.casefold(), order)
    return found


@cache
def _printed(*, practice: bool) -> Mapping[str, Order]:
    return {code_of(each.name, practice=practice): each for each in ORDERS.values()}
