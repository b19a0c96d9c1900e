"""Who works here, and a token of one's own. A token is shown once and kept nowhere."""

from typing import Any

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from lims.core import db, permissions
from lims.core.errors import DomainError
from lims.core.permissions import PEOPLE, ROLE_NAMES, Role
from lims.core.words import Text as _
from lims.people import permissions as may
from lims.people import queries, schemas, services
from lims.people.signing import confirm
from lims.web import auth, errors, forms, nav, verdicts
from lims.web.doors import ACTS, acts_for

blueprint = Blueprint("people", __name__, template_folder="templates")
nav.add(_("People"), "/people", {Role.ADMINISTRATOR}, order=80)
nav.add(_("Token"), "/token", PEOPLE & {Role.ADMINISTRATOR, Role.ANALYST}, order=90)


@blueprint.get("/people")
def everybody() -> ResponseReturnValue:
    """Every account, its roles and its badge, and what can be done with it."""
    actor = auth.current_actor()
    permissions.ask(actor, may.ADD_USER)
    with db.reading() as session:
        return render_template(
            "people/list.html",
            title=_("People"),
            users=queries.users(session),
            roles={each.value: name for each, name in ROLE_NAMES.items()},
            add=ACTS["people", "add"],
            acts=acts_for("account", None, actor),
        )


@blueprint.route("/token", methods=["GET", "POST"])
def token() -> ResponseReturnValue:
    """A token for a program that works for the person who signs in here; never a signature."""
    actor = auth.current_actor()
    permissions.ask(actor, may.TOKEN)
    schema = schemas.TokenIn()
    secret, panel, status = "", None, 200
    faults: dict[str, Any] = {}
    if request.method == "POST":
        try:
            asked: Any = schema.load(forms.raw(schema, request.form, request.files))
            confirm(actor, asked["password"])
            with db.reading() as session:
                login = queries.login_of(session, actor.account)
            secret = services.create_token(actor, login, asked["days"])
        except ValidationError as invalid:
            faults, panel = (
                errors.faults_of(invalid),
                verdicts.of_error(errors.of_validation(invalid)),
            )
            status = 422
        except DomainError as refusal:
            panel, status = verdicts.of_error(refusal), errors.status_of(refusal)
            faults = {refusal.field: [str(refusal.what)]} if refusal.field else {}
    shown = render_template(
        "people/token.html",
        title=_("A token for a program"),
        secret=secret,
        panel=panel,
        controls=forms.controls(
            schema, current_app.config["TIME_ZONE"], held=request.form, faults=faults
        ),
    )
    return shown, status
