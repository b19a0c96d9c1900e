"""A choice of words that are known only when the form is made, such as the arms of a study."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from lims.core.words import Text
from lims.web.entries import Choice


class OneOf(Choice):
    """One of some words; loads as plain text.

    Args:
        words: what may be chosen, in the order of the form.
        labels: what people read, by word; the word with its joints opened where there is none.
    """

    def __init__(
        self,
        words: Iterable[str],
        labels: Mapping[str, Text | str] | None = None,
        **kwargs: Any,
    ) -> None:
        listed = list(dict.fromkeys(words))
        # A functional enum: its type is made of data, which no checker can follow.
        values: Any = StrEnum("Words", [(f"WORD_{n}", each) for n, each in enumerate(listed)])  # type: ignore[misc]
        shown: Any = {each: opened(each) for each in listed} | dict(labels or {})
        super().__init__(values, shown, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).value


def opened(word: str) -> str:
    """A word of a study file as prose: `use_for_others` is `use for others`."""
    return word.replace("_", " ").replace("-", " ")
