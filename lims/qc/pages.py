"""The page on which a test is chosen before its result is entered."""

from dataclasses import replace

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from lims import custody, isolation
from lims.core import codes, db, permissions
from lims.core.words import Text as _
from lims.labels.permissions import DESIGN
from lims.qc import design_pages, doors, entering, queries
from lims.qc import permissions as may
from lims.qc.showing import limit_of
from lims.web import auth, nav
from lims.web.steps import ACTS

blueprint = Blueprint("qc", __name__, template_folder="templates")
blueprint.register_blueprint(design_pages.blueprint)
nav.add(_("Label designs"), "/label-designs", DESIGN.granted_to, order=85)
CHOICE = replace(
    doors.ENTER,
    name="enter-choice",
    path="/lots/<code>/results",
    title=_("Enter results"),
    on="L",
    when=(custody.State.QUARANTINE.value, custody.State.TESTING.value),
    api=False,
)
ACTS["qc", CHOICE.name] = CHOICE


@blueprint.get(CHOICE.path)
def choose(code: str) -> ResponseReturnValue:
    """The tests of a lot that want a result by hand, and where files are read."""
    actor = auth.current_actor()
    permissions.ask(actor, may.ENTER)
    scanned = codes.expect(code, "L", "code").code
    with db.reading() as session:
        item = custody.find(session, scanned, kinds=[custody.ItemKind.LOT])
        lot = isolation.lot_of(session, item.id)
        tests = [
            {
                "id": test["id"],
                "title": test["title"],
                "limit": limit_of(test["limit"]),
                "url": doors.ENTER.url(code=scanned, test=test["id"]),
            }
            for test in lot.specification
            if test["id"] not in entering.DERIVED
            and queries.standing_result(session, item.id, test["id"]) is None
        ]
        samples = [
            each.code for each in queries.samples_of(session, item.id, custody.ItemKind.QC_SAMPLE)
        ]
    return render_template(
        "qc/tests.html",
        title=CHOICE.title,
        about=isolation.lot_facts(scanned),
        tests=tests,
        samples=samples,
        code=scanned,
    )
