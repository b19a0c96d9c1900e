"""The doors of label designs: approved one by one or all at once, or rejected."""

from typing import Any

from lims import labels, people
from lims.core import db
from lims.core.permissions import Actor
from lims.core.words import Text as _
from lims.qc import label_designs
from lims.web import fields
from lims.web.doors import Doors

_HERE = "/label-designs"
_SIGNS = _("It signs that you have looked at the drawing and its description.")


def _password() -> fields.Secret:
    return fields.Secret(required=True, label=_("Your password"), help=_SIGNS)


class SignIn(fields.Shape):
    """A signature."""

    password = _password()


class RejectIn(fields.Shape):
    """Why a design is not to be used, signed."""

    reason = fields.Words(lines=True, required=True, label=_("What is wrong with it"))
    password = _password()


def design_out(row: labels.LabelDesign) -> dict[str, Any]:
    """What a step answers about a version."""
    return {
        "template": row.template,
        "number": row.number,
        "digest": row.digest,
        "state": row.state,
    }


def _designs_out(rows: list[labels.LabelDesign]) -> dict[str, Any]:
    return {"designs": [design_out(each) for each in rows]}


def _about(actor: Actor, *, template: str, digest: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        found = labels.design_standing(session, template)
        rows: list[tuple[Any, Any]] = [
            (_("Label"), template),
            (_("Version"), digest[:12]),
            (_("State"), labels.DESIGN_WORDS[found.state]),
        ]
        if found.known is not None:
            rows.append((_("Proposed by"), people.name_of(session, found.known.proposed_by)))
        return rows


def _about_all(actor: Actor) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        waiting = [
            each.template
            for each in labels.design_standings(session)
            if labels.design_waits_for(each, actor)
        ]
    return [(_("Waiting for you"), ", ".join(waiting) or "-")]


def _said(answer: dict[str, Any]) -> _:
    if answer["state"] == "approved":
        return _("%(name)s is in force and printed from now on", name=answer["template"])
    return _("%(name)s is proposed; another person puts it in force", name=answer["template"])


def _said_all(answer: dict[str, Any]) -> _:
    states = [each["state"] for each in answer["designs"]]
    return _(
        "%(approved)s in force, %(proposed)s proposed and waiting for another person",
        approved=states.count("approved"),
        proposed=states.count("proposed"),
    )


def declare(doors: Doors) -> None:
    """Declare them with the others of quality control."""
    doors.act(
        "/label-designs/approval",
        label_designs.approve_designs,
        takes=SignIn,
        gives=_designs_out,
        name="approve-designs",
        title=_("Approve all label designs that wait"),
        intro=_("Look at each drawing first. Two persons sign; the second puts them in force."),
        about=_about_all,
        after=lambda _answer: _HERE,
        said=_said_all,
    )
    doors.act(
        "/label-designs/<template>/<digest>/approval",
        label_designs.approve_design,
        takes=SignIn,
        gives=design_out,
        name="approve-design",
        title=_("Approve this label design"),
        intro=_("Two persons sign; the second puts it in force."),
        about=_about,
        after=lambda _answer: _HERE,
        said=_said,
    )
    doors.act(
        "/label-designs/<template>/<digest>/rejection",
        label_designs.reject_design,
        takes=RejectIn,
        gives=design_out,
        name="reject-design",
        title=_("Reject this label design"),
        intro=_("The version before goes on printing."),
        about=_about,
        after=lambda _answer: _HERE,
        said=lambda answer: _("%(name)s is rejected", name=answer["template"]),
    )
