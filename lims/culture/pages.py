"""The page on which a modality is chosen before its form."""

from dataclasses import replace

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lims import custody
from lims.core import codes, permissions
from lims.core import limits as site
from lims.core.words import Text as _
from lims.culture import doors, schemas
from lims.culture import permissions as may
from lims.web import auth
from lims.web.steps import ACTS

blueprint = Blueprint("culture", __name__, template_folder="templates")
# The next step of a growing vessel is this page; the forms, one for each modality, follow it.
CHOICE = replace(
    doors.PRECONDITION,
    name="precondition-choice",
    path="/cultures/<code>/preconditioning",
    title=_("Mechanical preconditioning"),
    on="C",
    when=(custody.State.GROWING.value,),
    api=False,
)
ACTS["culture", CHOICE.name] = CHOICE


@blueprint.get(CHOICE.path)
def choose(code: str) -> ResponseReturnValue:
    """The modalities of this site, as buttons."""
    actor = auth.current_actor()
    permissions.ask(actor, may.GROW)
    scanned = codes.expect(code, "C", "code")
    limits = doors.limits_of(scanned.code, custody.ItemKind.FLASK)
    modalities = [
        (
            doors.PRECONDITION.url(code=scanned.code, modality=name),
            schemas.MODALITIES.get(name, name),
        )
        for name in site.words(limits, "preconditioning.modalities")
    ]
    return render_template(
        "culture/modalities.html",
        title=CHOICE.title,
        about=doors.about_item(actor, code=scanned.code),
        modalities=modalities,
    )
