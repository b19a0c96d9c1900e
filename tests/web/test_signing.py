"""Signing in through the pages with the real people behind them."""

import pytest

from lims import app as application
from lims import people as who
from lims.core import clock, db
from lims.core.permissions import Role
from lims.web import auth
from tests.makers import actor
from tests.web.conftest import Browser

PASSWORD = "a long enough word 7"


@pytest.fixture
def real(database, settings, monkeypatch):
    """The app with the real people and no feature besides; Sara works here."""
    kept = list(auth._loader)
    monkeypatch.setattr(application, "FEATURES", ())
    made = application.create_app(settings, database)
    account = who.add_user(
        actor(Role.ADMINISTRATOR),
        login="sara",
        name="Sara Ahmadi",
        roles=[Role.TECHNICIAN],
        password=PASSWORD,
        pin="246813",
    )
    with db.reading() as session:
        made.extensions["badge"] = who.badge_of(session, account.id)
    yield made
    auth._loader[:] = kept


def test_a_person_signs_in_works_and_signs_out(real):
    browser = Browser(real)
    assert browser.sign_in("sara", "wrong").status_code == 403
    assert browser.sign_in("sara", PASSWORD).status_code == 303

    assert "Sara Ahmadi" in browser.client.get("/").text
    old = browser.client.get_cookie("sign-in").value
    assert browser.send("/sign-out").status_code == 303
    thief = real.test_client()
    thief.set_cookie("sign-in", old)
    assert thief.get("/").status_code == 303


def test_a_badge_and_its_pin_open_the_bench(real):
    browser = Browser(real)
    code = real.extensions["badge"]

    wrong = browser.send("/sign-in/badge", badge=code, pin="000000")
    assert wrong.status_code == 403
    assert "000000" not in wrong.text
    assert browser.send("/sign-in/badge", badge=code, pin="246813").status_code == 303
    assert "Sara Ahmadi" in browser.client.get("/").text


def test_H50_a_sign_in_left_open_ends_by_itself(real, measured):
    browser = Browser(real)
    standing = clock.SetClock(clock.now())
    with clock.running(standing):
        browser.send("/sign-in/badge", badge=real.extensions["badge"], pin="246813")
        assert browser.client.get("/").status_code == 200
        standing.forward(minutes=16)
        after = browser.client.get("/").status_code
        measured("H50", trials=1, failures=int(after != 303))
        assert after == 303
