"""Printed codes: nine characters, random, with a check character; and what a scan says.

A code is a type letter, seven random characters and an ISO 7064 mod 37,2 check character. The
symbol on a label carries the code, two characters for the copy, and a check over the eleven.
Practice codes have `Z` after the letter; a live system never draws one and refuses it.

Source: ISO/IEC 7064; the letters are this project's own.
"""

import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from stdnum.iso7064 import mod_37_2

from lims.core.errors import BadInput, Conflict
from lims.core.words import Text as _

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_NEVER_DRAWN = frozenset("*ILOU")
PRACTICE = "Z"
LENGTH, SYMBOL_LENGTH = 9, 12

LETTERS: Mapping[str, _] = {
    "S": _("specimen"),
    "C": _("culture vessel"),
    "L": _("lot"),
    "V": _("dose"),
    "Q": _("sample for quality control"),
    "K": _("kit"),
    "P": _("badge"),
    "W": _("wristband"),
    "R": _("reagent"),
    "E": _("equipment"),
    "A": _("place"),
    "X": _("command"),
    "T": _("shipment"),
    "B": _("pack around a dose"),
}


class WrongCheckCharacter(BadInput):
    """The code was misread, mistyped or damaged."""

    code = "code_check"


class NotACode(BadInput):
    """The text has not the shape of a code."""

    code = "code_shape"


class WrongKind(BadInput):
    """A good code of another kind."""

    code = "code_kind"


class PracticeCode(Conflict):
    """A practice code was offered to a live system."""

    code = "code_practice"


@dataclass(frozen=True)
class Scanned:
    """What a scanned or typed text says: the code, and the copy where a symbol was read."""

    code: str
    copy: int | None = None

    @property
    def letter(self) -> str:
        """The type letter."""
        return self.code[0]

    @property
    def practice(self) -> bool:
        """Whether it may exist in a practice system only."""
        return self.code[1] == PRACTICE


def check_character(body: str) -> str:
    """The ISO 7064 mod 37,2 check character of `body`.

    >>> check_character("G123417654321")
    'A'
    """
    return mod_37_2.calc_check_digit(body, alphabet=_CHECK)


def draw(letter: str, *, practice: bool = False) -> str:
    """A new random code. Uniqueness is the database's to say (a unique index, drawn again)."""
    if letter not in LETTERS:
        raise ValueError(f"no type letter {letter!r}")
    while True:
        body = "".join(secrets.choice(ALPHABET) for _each in range(7))
        if practice:
            body = PRACTICE + body[1:]
        elif body[0] == PRACTICE:
            continue
        code = letter + body
        check = check_character(code)
        if check not in _NEVER_DRAWN:
            return code + check


def valid(text: str) -> bool:
    """Whether the text is one of our codes or symbols with a right check character."""
    try:
        parse(text)
    except BadInput:
        return False
    return True


def parse(text: str, field: str | None = None) -> Scanned:
    """Read a scanned symbol (12 characters) or a typed code (9, spaces allowed).

    Raises:
        NotACode: it has not the shape of one.
        WrongCheckCharacter: it has, but the check character does not fit.
    """
    folded = fold(text)
    shaped = (
        len(folded) in (LENGTH, SYMBOL_LENGTH)
        and folded[0] in LETTERS
        and all(each in ALPHABET for each in folded[1:-1])
    )
    if not shaped:
        raise NotACode(
            _(
                "%(text)s is not one of our codes; they have a letter, seven characters and a "
                "check character. Scan the label again.",
                text=text.strip()[:40],
            ),
            field=field,
        )
    if check_character(folded[:-1]) != folded[-1] or (
        len(folded) == SYMBOL_LENGTH and check_character(folded[:8]) != folded[8]
    ):
        raise WrongCheckCharacter(
            _(
                "The check character of %(code)s does not fit, so it was misread or mistyped. "
                "Scan the label again.",
                code=grouped(folded),
            ),
            field=field,
        )
    if len(folded) == LENGTH:
        return Scanned(folded)
    return Scanned(folded[:LENGTH], copy_number(folded[LENGTH:-1]))


def expect(text: str, letters: str, field: str | None = None) -> Scanned:
    """Read a code of one of the given kinds.

    Raises:
        WrongKind: a good code, of another kind; names both.
    """
    scanned = parse(text, field)
    if scanned.letter not in letters:
        raise WrongKind(
            _(
                "%(code)s is a %(found)s; here a %(expected)s is needed. Scan the right label.",
                code=grouped(scanned.code),
                found=LETTERS[scanned.letter],
                expected=LETTERS[letters[0]],
            ),
            field=field,
        )
    return scanned


def symbol(code: str, copy: int) -> str:
    """What the barcode of one physical label carries: code, copy, check over the eleven."""
    if not 0 <= copy < len(ALPHABET) ** 2:
        raise ValueError(f"copy {copy} does not fit two characters")
    eleven = code + ALPHABET[copy // len(ALPHABET)] + ALPHABET[copy % len(ALPHABET)]
    return eleven + check_character(eleven)


def copy_number(two: str) -> int:
    """The copy number that two characters stand for."""
    return ALPHABET.index(two[0]) * len(ALPHABET) + ALPHABET.index(two[1])


def grouped(code: str) -> str:
    """The code as printed: groups of three.

    >>> grouped("S7K4M29XC")
    'S7K 4M2 9XC'
    """
    return " ".join(code[at : at + 3] for at in range(0, len(code), 3))


def fold(text: str) -> str:
    """Upper case, Persian and Arabic digits as ASCII, no spaces, hyphens or invisible marks."""
    if text.isascii() and text.isalnum():  # as scanners send it: nothing to fold
        return text.upper()
    folded = []
    for each in text.upper():
        if each.isspace() or each == "-" or unicodedata.category(each) in ("Cf", "Cc"):
            continue
        digit = unicodedata.decimal(each, None)
        folded.append(each if digit is None else str(digit))
    return "".join(folded)
