"""Label designs as people see them: words, a list, and a picture of each version."""

from collections.abc import Mapping
from typing import Any

from lims.core import db
from lims.core.errors import BadInput
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.labels import approving, formats
from lims.labels import permissions as may
from lims.labels.designs import standings, version
from lims.labels.drawing import draw

DESIGN_WORDS: Mapping[str, _] = {
    "waiting": _("waits for its first approval"),
    "proposed": _("waits for a second person"),
    "approved": _("in force"),
    "rejected": _("rejected"),
    "superseded": _("replaced"),
}


@requires(may.LOOK)
def designs_now(actor: Actor) -> list[dict[str, Any]]:
    """Every label: the version in force, and how the one in its file stands."""
    with db.reading() as session:
        return [
            {
                "template": each.template,
                "about": each.deployed.about,
                "digest": each.deployed.digest,
                "state": each.state,
                "number": each.known.number if each.known else None,
                "approved": each.approved.number if each.approved else None,
                "approved_digest": each.approved.digest if each.approved else None,
                "approved_at": each.approved.decided_at if each.approved else None,
                "reason": each.known.reason if each.known else None,
                "waits_for_me": approving.waits_for(each, actor),
            }
            for each in standings(session)
        ]


@requires(may.LOOK)
def design_picture(actor: Actor, *, template: str, digest: str, language: str = "en") -> bytes:
    """The example of a version as a PNG: its longest content, as copy 00, which no scan takes.

    Raises:
        NoTemplate: there is no such version.
        BadInput: it does not speak this language.
    """
    with db.reading() as session:
        chosen = version(session, template, digest)
    if language not in chosen.languages:
        raise BadInput(
            _("This label speaks %(languages)s.", languages=", ".join(chosen.languages)),
            field="language",
        )
    fields = dict(chosen.example)
    code = fields.pop("code")
    return formats.png(draw(chosen, fields, code, 0, language=language))
