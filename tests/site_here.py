"""A whole site for tests of doors: the real application, people with passwords, both trials."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from lims import ledger, people, studies
from lims.core import clock, db
from lims.core.permissions import Actor, Role
from lims.ledger.models import LedgerEntry
from lims.studies import protocol
from tests.apps import app_over

PASSWORD = "amber kettle walks north"
NAME, BORN = "Roya Karimi", "1990-03-04"
OPERATOR = Actor(None, None, "operator:test", frozenset({Role.OPERATOR}))
MENSTRUAL, CORD = "IRCT20210228050535N2", "TANGDU-ME-UCMSC"
LOGINS = {
    "tech": Role.TECHNICIAN,
    "tech2": Role.TECHNICIAN,
    "analyst": Role.ANALYST,
    "qc": Role.QC_OFFICER,
    "doctor": Role.INVESTIGATOR,
    "doctor2": Role.INVESTIGATOR,
    "nurse": Role.CLINICIAN,
    "sponsor": Role.SPONSOR,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMINISTRATOR,
}


@dataclass
class Site:
    """One site: send JSON or forms as any of its people."""

    app: Flask
    tokens: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, Any] = field(default_factory=dict)

    def token(self, who: str) -> str:
        """Her token, made at first use."""
        if who not in self.tokens:
            self.tokens[who] = people.create_token(OPERATOR, who, 5)
        return self.tokens[who]

    def api(self, who: str, path: str, body: dict | None = None, *, method: str = "") -> Any:
        """Send JSON (or ask, without a body) as her."""
        client = self.app.test_client(use_cookies=False)
        return client.open(
            "/api/v1" + path,
            method=method or ("GET" if body is None else "POST"),
            headers={"Authorization": f"Bearer {self.token(who)}"},
            json=body,
        )

    def did(self, who: str, path: str, body: dict) -> dict:
        """The answer of an act that must succeed."""
        answer = self.api(who, path, body, method="POST")
        assert answer.status_code == 200, answer.json
        return answer.json

    def browser(self, who: str) -> Any:
        """Her browser, signed in."""
        if who not in self.browsers:
            client = self.app.test_client()
            client.get("/sign-in")
            sent = client.post(
                "/sign-in", data={"_csrf": secret(client), "login": who, "password": PASSWORD}
            )
            assert sent.status_code == 303, sent.text
            self.browsers[who] = client
        return self.browsers[who]

    def page(self, who: str, path: str) -> Any:
        """A page as she sees it."""
        return self.browser(who).get(path)

    def form(self, who: str, path: str, **data: Any) -> Any:
        """Send a form as her; files as (stream, name)."""
        client = self.browser(who)
        assert client.get(path).status_code == 200, f"{who} sees no form at {path}"
        return client.post(
            path,
            data={"_csrf": secret(client), **data},
            content_type="multipart/form-data",
        )

    def done(self, who: str, path: str, **data: Any) -> str:
        """Send a form that must succeed; the page that follows, with its DONE panel."""
        sent = self.form(who, path, **data)
        assert sent.status_code == 303, re.sub(r"<[^>]+>|\s+", " ", sent.text)
        following = self.browser(who).get(sent.location)
        if following.status_code == 404:  # an item's page is another feature's
            following = self.browser(who).get("/studies")
        assert 'data-verdict="ok"' in following.text
        return sent.location

    def actor(self, who: str) -> Actor:
        """Her as an actor, signed in by password."""
        found, _sign_in = people.sign_in(who, PASSWORD)
        return found

    def badge(self, who: str) -> str:
        """The code of her badge."""
        with db.reading() as session:
            return people.badge_of(session, people.account_of(session, who).id)

    # The way to a woman who may be worked with

    def registered(self, study: str = MENSTRUAL, kind: str = "participant") -> str:
        """A number, of somebody who has said nothing yet."""
        return self.did(
            "nurse",
            f"/studies/{study}/participants",
            {"name": NAME, "birth_date": BORN, "kind": kind},
        )["number"]

    def consented(self, study: str = MENSTRUAL, kind: str = "participant") -> str:
        """The number of somebody who has consented to everything."""
        number = self.registered(study, kind)
        with db.reading() as session:
            asked = studies.protocol_of(studies.study_by_code(session, study)).consent
        covers = asked.covers if kind == "participant" else asked.donor_covers
        self.did(
            "nurse",
            f"/participants/{number}/consents",
            {"form_version": "3", "signed_at": ago(hours=1), **dict.fromkeys(covers, True)},
        )
        return number


def secret(client: Any) -> str:
    """The secret of a browser's forms."""
    client.get("/studies")
    with client.session_transaction() as session:
        return session.get("csrf", "")


def ago(**span: int) -> str:
    """An instant in the past, as JSON carries it."""
    return clock.text(clock.now() - timedelta(**span))


def local(**span: int) -> str:
    """The same as a form sends it: local time of the site."""
    return (
        (clock.now() - timedelta(**span))
        .astimezone(ZoneInfo("Asia/Tehran"))
        .strftime("%Y-%m-%dT%H:%M")
    )


def entries() -> int:
    """How many entries tell of something done: neither a token made nor a gate that stopped."""
    with db.reading() as session:
        return session.scalar(
            select(func.count())
            .select_from(LedgerEntry)
            .where(LedgerEntry.stream.not_like("person/%"), LedgerEntry.kind != "refused")
        )


def verified() -> list:
    """What the ledger finds wrong."""
    with db.reading() as session:
        return ledger.verify(session).breaks


@pytest.fixture
def site(database: db.Database, tmp_path: Path) -> Site:
    """The application over an empty database, its people, and both trials loaded."""
    made = app_over(tmp_path, database)
    for login, role in LOGINS.items():
        people.add_user(
            OPERATOR, login=login, name=login.title(), roles=[role], password=PASSWORD, pin="4071"
        )
    for path in protocol.shipped():
        studies.load(
            OPERATOR,
            document=protocol.read_file(path),
            site_document=protocol.demonstration_site_text(),
        )
    return Site(made)
