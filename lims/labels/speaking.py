"""The language in which a site's labels speak: one for all of them, whoever asks for one.

Whoever reads a label is not whoever had it printed, so the language of her pages is not that of
the label; what a label says is written once, when it is asked for, and is never translated again.
"""

from typing import Final

from lims.core import words
from lims.core.words import Text
from lims.labels.places import Template

FIRST: Final = "en"
_house: list[str] = [FIRST]


def use(language: str) -> None:
    """Let new labels speak this language, where their design does.

    Raises:
        ValueError: none of ours.
    """
    if language not in words.LANGUAGES:
        raise ValueError(language)
    _house[:] = [language]


def language() -> str:
    """What new labels speak, where their design does."""
    return _house[0]


def of(template: Template, wanted: str | None) -> str:
    """What a label of this design speaks if it may: English where the design knows no other."""
    return wanted if wanted in template.languages else FIRST


def said(value: str | Text, language: str) -> str:
    """What is printed of a value."""
    return value.spoken(language) if isinstance(value, Text) else value
