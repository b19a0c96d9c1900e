"""Whether a label's content fits a version of its design, before anything is kept or printed."""

from collections.abc import Mapping
from contextlib import suppress

from lims.core.words import Text as _
from lims.labels import speaking
from lims.labels.drawing import draw
from lims.labels.errors import FieldWrong, FontMissing
from lims.labels.places import SEALED, Template

_NOTHING = ("", "no")


def known_to(version: Template, fields: Mapping[str, str]) -> dict[str, str]:
    """Of these fields, those that a version has a place for."""
    return {name: value for name, value in fields.items() if name in version.fields}


def fits(
    version: Template,
    fields: Mapping[str, str],
    code: str,
    copy: int,
    language: str | None,
    *,
    whole: bool,
) -> None:
    """Draw the content, with stand-ins for what is withheld; a font may be missing here.

    Args:
        whole: refuse any field that the version does not know; otherwise those alone that say
            something, for a label never says less than was asked.

    Raises:
        FieldWrong, DoesNotFit: it does not fit.
    """
    stand_in = {name: text for name, text in SEALED.items() if name in version.fields}
    known = dict(fields) if whole else known_to(version, fields)
    lost = sorted(name for name in set(fields) - set(known) if fields[name] not in _NOTHING)
    if lost:
        raise FieldWrong(
            _(
                "The design of %(template)s that is in force has no place for %(field)s.",
                template=version.name,
                field=lost[0],
            ),
            field=lost[0],
        )
    with suppress(FontMissing):
        drawn = {**known, **stand_in}
        draw(version, drawn, code, copy, language=speaking.of(version, language))
