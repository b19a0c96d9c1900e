"""Why the program itself did something: kept in English, said in the reader's language.

A reason is part of the record, so it is kept as a whole sentence that can be read without any
program. Where a page shows one of ours, it is known again by its form and said anew; what a person
wrote is shown as it was written.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lims.core import codes
from lims.core.words import Exact, Text

Words = Mapping[Any, Text] | Callable[[str], object]
_known: list["Because"] = []
_PLACE = re.compile(r"%\((\w+)\)s")


class Because:
    """A reason that the program itself gives.

    Args:
        sentence: with its places, to be translated.
        words: how what stands in a place is said, by the place: words for each that may stand
            there (also several with commas between), or what puts it in words. Where something
            else stands there, it is another reason.

    >>> GONE = Because(Text("%(how)s on the way"), how={"lost": Text("it was lost")})
    >>> GONE.kept(how="lost")
    'lost on the way'
    >>> str(said("lost on the way")), str(said("stolen on the way"))
    ('it was lost on the way', 'stolen on the way')
    """

    def __init__(self, sentence: Text, **words: Words) -> None:
        self.sentence = sentence
        self.words = words
        pieces = _PLACE.split(sentence.message)
        self._form = re.compile(
            "".join(
                f"(?P<{piece}>{_shape(words.get(piece))})" if place % 2 else re.escape(piece)
                for place, piece in enumerate(pieces)
            )
        )
        _known.append(self)

    def kept(self, **values: str | None) -> str:
        """What the record says."""
        return self.sentence.message % values if values else self.sentence.message

    def heard(self, kept: str) -> Text | None:
        """The sentence for a reader; None where this is another reason."""
        found = self._form.fullmatch(kept)
        if found is None:
            return None
        values = {
            name: _heard(value, self.words[name]) if name in self.words else value
            for name, value in found.groupdict().items()
        }
        return None if None in values.values() else Text(self.sentence.message, **values)


def _shape(words: Words | None) -> str:
    """What a place looks like: of words that are known only these, so a colon behind ends them."""
    if not isinstance(words, Mapping):
        return ".+"
    one = "|".join(re.escape(each) for each in words)
    return f"(?:{one})(?:, (?:{one}))*"


def _heard(kept: str, words: Words) -> object:
    """What stands in a place, in words; None where it is none of what may stand there."""
    if not isinstance(words, Mapping):
        return words(kept)
    return joined(", ", (words[each] for each in kept.split(", ")))


def joined(mark: str, said: Iterable[object]) -> Text:
    """Several words or sentences in a row, each in the reader's language."""
    values = {str(number): each for number, each in enumerate(said)}
    row = mark.join(f"%({number})s" for number in values)
    return Text(row, **values)


def a_code(kept: str) -> Exact | None:
    """One of our codes, or several with commas between, as they are printed."""
    each = kept.split(", ")
    if not all(map(codes.valid, each)):
        return None
    return Exact(", ".join(map(codes.grouped, each)))


def said(kept: str | None) -> Text | str:
    """A reason in the reader's language where it is one of ours; otherwise as it was written."""
    if not kept:
        return ""
    return next((found for each in _known if (found := each.heard(kept)) is not None), kept)
