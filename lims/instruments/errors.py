"""Why an instrument's file was not read. Each refusal names the file and the place in it."""

from lims.core.errors import BadInput
from lims.core.words import Text
from lims.core.words import Text as _


class NotReadable(BadInput):
    """The file cannot be read as what it claims to be.

    Args:
        file: its name, as given.
        where: the place in it: a section, a line, a well.
        why: one sentence: what was found there, and what to do.
    """

    code = "instrument_file"

    def __init__(self, file: str, where: Text | str, why: Text) -> None:
        super().__init__(
            _("%(file)s, %(where)s: %(why)s", file=file, where=where, why=why), why=why, field=file
        )
        self.file = file
        self.where = where


class UnknownMaker(NotReadable):
    """No reader recognises the file."""

    code = "instrument_unknown"


class WrongKind(NotReadable):
    """A good file of another kind than the one asked for."""

    code = "instrument_kind"


class TooLarge(NotReadable):
    """Larger than any file of these instruments."""

    code = "instrument_too_large"


class Truncated(NotReadable):
    """The file ends before its own tables do."""

    code = "instrument_truncated"


class SectionMissing(NotReadable):
    """A section without which nothing can be judged is not there."""

    code = "instrument_section"


class TwoTables(NotReadable):
    """Two tables claim the same figures, and nothing says which holds."""

    code = "instrument_two_tables"


class UnitMissing(NotReadable):
    """A figure stands there without the unit it needs, or with another."""

    code = "instrument_unit"
