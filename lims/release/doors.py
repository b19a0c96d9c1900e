"""The doors of release: what a lot is, what its release asks, the signature, the certificate."""

from typing import Any

from flask import Response

from lims import custody, isolation
from lims.core import codes, db
from lims.core.gate import Result
from lims.core.permissions import Actor, requires
from lims.core.words import Text as _
from lims.custody import Item, ItemKind, State
from lims.release import gathering, lots, queries, recalling, recalls, schemas, signing
from lims.release import permissions as may
from lims.release.models import Recall
from lims.web.doors import Doors

doors = Doors("release")


def lot_out(item: Item) -> dict[str, Any]:
    """What a signature answers about its lot."""
    return {"code": item.code, "state": item.state, "name": item.name}


@requires(may.SEE)
def certificate(actor: Actor, *, code: str) -> Response:
    """The certificate of analysis as it was signed, byte for byte."""
    with db.reading() as session:
        item = custody.find(session, code, kinds=[ItemKind.LOT])
        found = lots.certificate(session, item)
        response = Response(found.pdf, content_type="application/pdf")
        # The state of the lot now would be a guess at what the paper says; the digest is its own.
        response.headers["Content-Disposition"] = f'inline; filename="CoA-{item.name}.pdf"'
        response.headers["ETag"] = f'"{found.sha256}"'
        return response


def _about(actor: Actor, *, code: str) -> list[tuple[Any, Any]]:
    return isolation.lot_facts(code)


def _shows(actor: Actor, *, code: str) -> dict[str, Any]:
    """The rows a release stands on; without a stop there is something to sign."""
    answer = gathering.answer(actor, code=code)
    # The signature itself is what the form asks for, so its own row cannot stand in its way.
    open_rows = [
        row
        for row in answer.rows
        if row.result is Result.STOPPED or (row.result is Result.PENDING and row.id != "R15")
    ]
    return {
        "rows": lots.sorted_rows(answer),
        "may_sign": not open_rows,
        "open_rows": len(open_rows),
        "code": code,
        "words": lots.words(),
    }


doors.read(
    "/lots", lots.lots, name="lots", title=_("Lots"), takes=schemas.LotsIn,
    gives=lambda found: {"lots": found},
)  # fmt: skip
doors.read("/lots/<code>", lots.dossier, name="lot", title=_("A lot"), letters={"code": "L"})
doors.read(
    "/lots/<code>/certificate",
    certificate,
    name="certificate",
    title=_("Certificate of analysis"),
    letters={"code": "L"},
)
doors.act(
    "/lots/<code>/release",
    signing.release,
    takes=schemas.ReleaseIn,
    gives=lot_out,
    name="release",
    title=_("Release"),
    intro=_("Read what the release stands on, then sign."),
    on="L",
    when=(State.AWAITING_REVIEW,),
    about=_about,
    template="release/sign.html",
    shows=_shows,
    after=lambda answer: f"/lots/{answer['code']}",
    said=lambda answer: _(
        "Lot %(name)s released, %(code)s", name=answer["name"], code=codes.grouped(answer["code"])
    ),
)
doors.act(
    "/lots/<code>/return-to-testing",
    signing.send_back,
    takes=schemas.SendBackIn,
    gives=lot_out,
    name="send-back",
    title=_("Send back to testing"),
    on="L",
    when=(State.AWAITING_REVIEW,),
    about=_about,
    after=lambda answer: f"/lots/{answer['code']}",
)
doors.act(
    "/lots/<code>/rejection",
    signing.reject,
    takes=schemas.RejectIn,
    gives=lot_out,
    name="reject",
    title=_("Reject the lot"),
    intro=_("Its vials are blocked and never given."),
    on="L",
    when=(State.IN_PROCESS, State.QUARANTINE, State.TESTING, State.AWAITING_REVIEW),
    about=_about,
    after=lambda answer: f"/lots/{answer['code']}",
)


# Recall


def _recall(
    actor: Actor, *, what: str, reason: str, reach: str = "whole", drill: bool = False
) -> Recall:
    return recalling.recall(
        actor, what=what, reason=reason, whole=reach == schemas.Reach.WHOLE, drill=drill
    )


def recall_out(row: Recall) -> dict[str, Any]:
    """A recall with everything it reaches, and everybody."""
    with db.reading() as session:
        return recalls.report(session, row)


def _recall_said(answer: dict[str, Any]) -> Any:
    if answer["drill"]:
        return _(
            "Drill %(reference)s: %(count)s items in %(ms)s ms; nothing was changed.",
            reference=answer["reference"],
            count=answer["reached"],
            ms=answer["took_ms"],
        )
    return _(
        "Recall %(reference)s: %(count)s items reached, %(blocked)s blocked.",
        reference=answer["reference"],
        count=answer["reached"],
        blocked=answer["blocked"],
    )


def _recall_page(answer: dict[str, Any]) -> str:
    return f"/recalls/{answer['reference']}"


def _is_called(actor: Actor, *, reference: str) -> list[tuple[Any, Any]]:
    with db.reading() as session:
        row = queries.recall_by_reference(session, reference)
        return [(_("Recall"), row.reference), (_("Of"), row.source), (_("Why"), row.reason)]


doors.act(
    "/recalls",
    _recall,
    permission=may.RECALL,
    takes=schemas.RecallIn,
    gives=recall_out,
    name="recall",
    title=_("Recall"),
    intro=_("Everything it reaches is blocked at once, wherever it is. A drill changes nothing."),
    after=_recall_page,
    said=_recall_said,
    template="release/recalls.html",
    shows=recalls.listing,
)
doors.act(
    "/recalls/<reference>/lifting",
    recalling.lift,
    takes=schemas.LiftIn,
    gives=recall_out,
    name="lift-recall",
    title=_("End the recall"),
    intro=_("Freed items go back to be judged again; none becomes usable by this signature."),
    about=_is_called,
    after=_recall_page,
)
doors.read("/recalls", recalls.listing, name="recalls", title=_("Recalls and drills"))
doors.read("/recalls/<reference>", recalls.recall_report, name="recall-report", title=_("A recall"))
