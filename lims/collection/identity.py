"""She says who she is: two identifiers, asked openly and compared with the identity store.

Nobody reads her name to her. A difference is a hard stop and is written to her stream, without
what was said.
"""

import unicodedata
from datetime import date

from sqlalchemy.orm import Session

from lims import studies
from lims.core.gate import Row, passed, stopped
from lims.core.words import Text as _


def stated_rows(session: Session, subject: studies.Subject, name: str, birth: date) -> list[Row]:
    """Whether both stated identifiers are hers."""
    known = studies.open_identity(session, subject)
    rows = []
    for row_id, what, agrees in (
        ("I01", _("name as she states it"), _folded(name) == _folded(known["name"])),
        ("I02", _("birth date as she states it"), birth.isoformat() == known["birth_date"]),
    ):
        if agrees:
            rows.append(Row(row_id, passed(what, _("agrees with her record"))))
        else:
            rows.append(
                Row(
                    row_id,
                    stopped(
                        what,
                        _("does not agree with the record of %(number)s", number=subject.number),
                        _("Put the kit aside and establish who she is."),
                        _("investigator"),
                    ),
                )
            )
    return rows


def _folded(name: str) -> str:
    # Marks and spacing differ between keyboards; letters do not.
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in plain if each.isalnum())
