"""An app with the demonstration's doors, and people who may and may not."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from lims import app as application
from lims.core import db
from lims.core.permissions import Role
from lims.settings import Settings
from lims.web import auth, doors
from tests import apps, services_here
from tests.makers import actor
from tests.web import demo


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A site in Tehran without a proxy."""
    return apps.settings_of(tmp_path)


@pytest.fixture
def people() -> demo.People:
    """A technician, who may weigh, and an auditor, who may not."""
    return demo.People(
        actor(Role.TECHNICIAN, name="Sara Ahmadi"), actor(Role.AUDITOR, name="Li Wei")
    )


@pytest.fixture
def web(
    database: db.Database,
    settings: Settings,
    people: demo.People,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Flask]:
    """The app over an empty database, with one feature: the demonstration."""
    kept, loaders = dict(doors.ACTS), list(auth._loader)
    demo.called.times, demo.called.last = 0, {}
    shown = demo.doors()
    monkeypatch.setattr(application, "FEATURES", ("demo",))
    monkeypatch.setattr(application, "_has", lambda feature, part: part == "doors")
    monkeypatch.setattr(application, "import_module", lambda name: SimpleNamespace(doors=shown))
    monkeypatch.setattr(application, "_find_people", lambda: None)
    auth.use(
        auth.Loader(
            people.sign_in,
            people.sign_in_badge,
            people.sign_out,
            people.by_sign_in,
            people.by_token,
        )
    )
    made = application.create_app(settings, database)
    made.testing = True
    yield made
    doors.ACTS.clear()
    doors.ACTS.update(kept)
    auth._loader[:] = loaders


@pytest.fixture
def api(web: Flask):
    """Send JSON as the technician, or as whoever a token names."""
    client = web.test_client(use_cookies=False)

    def send(path: str, body=None, *, token: str = "t", method: str = "POST", **headers: str):
        sent = {each.replace("_", "-"): value for each, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        given = (
            {}
            if body is None
            else (
                {"data": body, "content_type": "application/json"}
                if isinstance(body, str | bytes)
                else {"json": body}
            )
        )
        return client.open("/api/v1" + path, method=method, headers=sent, **given)

    return send


class Browser:
    """A person at a browser without script: she opens pages and sends their forms."""

    def __init__(self, web: Flask) -> None:
        self.client = web.test_client()

    def secret(self) -> str:
        """The secret of this browser's forms, as a page carries it."""
        self.client.get("/sign-in")
        with self.client.session_transaction() as session:
            return session.get("csrf", "")

    def sign_in(self, login: str = "tech", password: str = "right", **more: str):
        return self.client.post(
            "/sign-in",
            data={"_csrf": self.secret(), "login": login, "password": password, **more},
        )

    def send(self, path: str, secret: str | None = None, **data: object):
        kept = self.secret() if secret is None else secret
        return self.client.post(path, data={"_csrf": kept, **data})


@pytest.fixture
def browser(web: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(web)


@pytest.fixture
def address(web) -> Iterator[str]:
    """The app on a port of its own."""
    with services_here.listening(web) as url:
        yield url


@pytest.fixture
def page(chromium, address) -> Iterator[object]:
    """The demonstration's form, opened by a technician; tones are counted and not sounded."""
    context = chromium.new_context(base_url=address, viewport={"width": 1024, "height": 768})
    context.add_init_script(
        "window.heard = []; window.exotrace = "
        "{tone: (kind) => window.heard.push(kind), vibrate: () => {}};"
    )
    shown = context.new_page()
    shown.faults = []
    shown.on("pageerror", lambda fault: shown.faults.append(str(fault)))
    shown.goto(f"/sign-in?next={demo.PATH}")
    shown.fill("#login", "tech")
    shown.fill("#password", "right")
    shown.press("#password", "Enter")
    shown.wait_for_url("**" + demo.PATH)
    yield shown
    assert shown.faults == []
    context.close()
