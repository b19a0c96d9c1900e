"""Everything a person reads, in her language.

A `Text` is an English sentence with named places, put into words only when somebody reads it.
The sentence is its own key; `lims/translations/<language>.po` holds the other languages.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

LANGUAGES: Mapping[str, str] = {"en": "English", "fa": "فارسی", "zh": "中文"}
_language: ContextVar[str] = ContextVar("language", default="en")
_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
_NO_BREAK = "\u00a0"
_BEFORE_UNIT = re.compile(r"(?<=[0-9]) (?=[°%A-Za-zµ])")
_COUNTS = frozenset({"count", "days", "hours", "minutes", "seconds"})
_CATALOGUES = Path(__file__).parent.parent / "translations"


class Text:
    """A sentence that has not been said yet.

    >>> str(Text("No item carries the code %(code)s.", code="S7K4M29XC"))
    'No item carries the code S7K4M29XC.'
    """

    __slots__ = ("message", "values")

    def __init__(self, message: str, /, **values: Any) -> None:
        self.message = message
        self.values = values

    def __str__(self) -> str:
        return self.spoken(_language.get())

    def spoken(self, language: str) -> str:
        """The sentence in `language`; English where it has not been translated."""
        sentence = catalogue(language).get(self.message, self.message)
        if not self.values:
            return sentence
        with speaking(language):
            return sentence % {name: _spoken(name, value) for name, value in self.values.items()}

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Text)
            and self.message == other.message
            and self.values == other.values
        )

    def __hash__(self) -> int:
        return hash(self.message)

    def __repr__(self) -> str:
        return f"Text({self.spoken('en')!r})"


def _spoken(place: str, value: Any) -> str:
    """What stands in a place: a count in the reader's digits, all else as it is written."""
    return local(value) if place in _COUNTS and type(value) is int else str(value)


def local(value: Any) -> str:
    """A count, or another number of prose, in the digits of the language that is spoken.

    Codes, doses and whatever is compared with print keep the digits of the print.
    """
    digits = str(value)
    return digits.translate(_PERSIAN) if _language.get() == "fa" else digits


class Exact:
    """Something within a sentence that is written from the left in every language.

    >>> str(Exact("-64.5 °C"))
    '-64.5 °C'
    """

    __slots__ = ("written",)

    def __init__(self, written: str) -> None:
        self.written = written

    def __str__(self) -> str:
        if _language.get() != "fa":
            return self.written
        # Isolated, so that sign, unit and order stay where they are; and no line ends between a
        # figure and its unit, for the unit would begin the next line at the other side.
        return f"\u2066{_BEFORE_UNIT.sub(_NO_BREAK, self.written)}\u2069"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Translations of one language by English sentence; empty for English."""
    path = _CATALOGUES / f"{language}.po"
    if language == "en" or not path.exists():
        return {}
    with path.open("rb") as file:
        return {
            str(message.id): str(message.string)
            for message in read_po(file)
            if message.id and message.string and not message.fuzzy
        }


def language() -> str:
    """The language being spoken now."""
    return _language.get()


@contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Speak `chosen` for a while; an unknown language is English."""
    token = _language.set(chosen if chosen in LANGUAGES else "en")
    try:
        yield
    finally:
        _language.reset(token)
