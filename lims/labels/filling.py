"""What a feature fills in, checked before anything is drawn."""

import re
import unicodedata
from collections.abc import Mapping

from lims.core import codes
from lims.core.words import Text as _
from lims.labels.errors import FieldWrong
from lims.labels.places import Template

LONGEST = 200
_JOINER = "\u200c"
"""The zero-width non-joiner, which Persian spelling needs."""
_BAND = re.compile(r"(?=(W[0-9A-Z]{8}))")


def checked(template: Template, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields as they will be printed.

    Raises:
        FieldWrong: a field is missing, unknown, or may not be printed.
    """
    for name in fields:
        if name not in template.fields:
            raise FieldWrong(
                _(
                    "The label %(template)s has no field %(field)s; it has %(fields)s.",
                    template=template.name,
                    field=str(name)[:40],
                    fields=", ".join(sorted(template.fields)),
                ),
                field=str(name)[:40],
            )
    values = {name: printable(template, name, value) for name, value in fields.items()}
    for name in sorted(template.required):
        if not values.get(name):
            raise FieldWrong(
                _(
                    "The label %(template)s needs the field %(field)s; fill it in.",
                    template=template.name,
                    field=name,
                ),
                field=name,
            )
    for name in template.flags:
        if values.setdefault(name, "no") not in ("yes", "no"):
            raise FieldWrong(
                _(
                    "The field %(field)s says yes or no, not %(value)s.",
                    field=name,
                    value=values[name],
                ),
                field=name,
            )
    return values


def printable(template: Template, name: str, value: str) -> str:
    """The value as it will be printed; a label takes letters, never commands (H57)."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise FieldWrong(
            _(
                "The field %(field)s is a text of at most %(longest)s letters.",
                field=name,
                longest=LONGEST,
            ),
            field=name,
        )
    plain = value.isascii() and value.isprintable()
    folded = (value if plain else unicodedata.normalize("NFC", value)).strip()
    for each in "" if plain else folded:
        if unicodedata.category(each)[0] == "C" and each != _JOINER:
            raise FieldWrong(
                _(
                    "The field %(field)s contains the character %(code)s, which cannot be printed; "
                    "take it out.",
                    field=name,
                    code=f"U+{ord(each):04X}",
                ),
                field=name,
            )
    if template.code_letters != "W" and carries_band(folded):
        raise FieldWrong(
            _(
                "The field %(field)s contains the code of a wristband, which may stand on a "
                "wristband only. Take it out.",
                field=name,
            ),
            field=name,
        )
    return " ".join(folded.split(" "))


def carries_band(text: str) -> bool:
    """Whether a wristband's code stands anywhere in the text (H28)."""
    return any(codes.valid(found) for found in _BAND.findall(codes.fold(text)))
