"""Pages of label designs: what is printed, what waits, both drawn side by side."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from lims import labels, people
from lims.core import db, permissions, words
from lims.core.words import Text as _
from lims.labels.permissions import DESIGN, LOOK
from lims.web import auth

blueprint = Blueprint("label_designs", __name__)


@blueprint.get("/label-designs")
def listing() -> ResponseReturnValue:
    """Every label with the version that is printed and the one that waits."""
    actor = auth.current_actor()
    found = labels.designs_now(actor)
    return render_template(
        "qc/label_designs.html",
        title=_("Label designs"),
        designs=found,
        words=labels.DESIGN_WORDS,
        named=labels.design_named,
        waiting=sum(each["state"] in labels.DESIGN_UNDECIDED for each in found),
        for_me=sum(each["waits_for_me"] for each in found),
        may_decide=permissions.allowed(actor, DESIGN),
    )


@blueprint.get("/label-designs/<template>")
def design(template: str) -> ResponseReturnValue:
    """One label: the version in force and the one in its file, drawn in a language."""
    actor = auth.current_actor()
    permissions.ask(actor, LOOK)
    with db.reading() as session:
        found = labels.design_standing(session, template)
        languages = found.deployed.languages
        chosen = request.args.get("drawn", words.language())
        return render_template(
            "qc/label_design.html",
            title=_("Label design: %(name)s", name=labels.design_named(template)),
            found=found,
            label=found.deployed,
            names={
                each: people.name_of(session, each)
                for row in found.history
                for each in (row.proposed_by, row.decided_by)
                if each is not None
            },
            words=labels.DESIGN_WORDS,
            spoken=languages,
            drawn=chosen if chosen in languages else "en",
            may_decide=permissions.allowed(actor, DESIGN),
            for_me=labels.design_waits_for(found, actor),
        )


@blueprint.get("/label-designs/<template>/<digest>/picture")
def picture(template: str, digest: str) -> Response:
    """The longest content of a version, drawn as copy 00, which every scan refuses."""
    drawn = labels.design_picture(
        auth.current_actor(),
        template=template,
        digest=digest,
        language=request.args.get("drawn", "en"),
    )
    answer = Response(drawn, content_type="image/png")
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
