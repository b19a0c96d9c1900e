"""Accounts, roles, badges and tokens through their pages and the API."""

import pytest

from lims import labels, people
from lims.core import db
from lims.station.rehearsal import giving
from tests.site_here import site

__all__ = ["site"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_accounts_are_opened_changed_and_closed_by_the_administrator(site):
    site.done("admin", "/accounts", login="mina", name="Mina Rad", technician="yes",
              password="violet tram sings low", pin="5820")  # fmt: skip
    site.done("admin", "/accounts/mina/roles", analyst="yes", qc_officer="yes")
    site.done("admin", "/accounts/mina/badge")
    own = site.api("admin", "/accounts/admin/roles", {"investigator": True})
    shown = {each["login"]: each for each in site.api("admin", "/accounts").json["people"]}
    site.done("admin", "/accounts/mina/closing")
    again = site.api("admin", "/accounts/mina/closing", {})

    assert set(shown["mina"]["roles"]) == {"analyst", "qc_officer"}
    assert own.status_code == 403
    assert again.status_code == 409
    assert site.page("tech", "/people").status_code == 403
    assert "Mina Rad" in site.page("admin", "/people").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_is_shown_once_to_its_owner_and_kept_nowhere(site, database):
    wrong = site.form("analyst", "/token", days="5", password="something else")
    made = site.form("analyst", "/token", days="5", password="amber kettle walks north")
    token = made.text.split("data-token>")[1].split(">")[1].split("<")[0]
    client = site.app.test_client(use_cookies=False)
    asked = client.get("/api/v1/studies", headers={"Authorization": f"Bearer {token}"})

    kept = []
    with database.engine.connect() as connection:
        for table in db.Base.metadata.sorted_tables:
            kept += [table.name for row in connection.execute(table.select()) if token in str(row)]

    assert wrong.status_code in (403, 422)
    assert "data-token" not in wrong.text
    assert asked.status_code == 200
    assert kept == []


def test_a_badge_is_printed_by_the_administrator_and_its_older_print_opens_nothing(site):
    path = "/accounts/tech/badge-labels"
    with db.reading() as session:
        users = people.users(session)
    code = next(each["badge"] for each in users if each["login"] == "tech")

    site.done("admin", path)
    first = giving.symbol(code)
    people.sign_in_badge(first, "4071", "bench-1")
    without = site.api("admin", path, {})
    site.done("admin", path, reason="The card broke.")
    second = giving.symbol(code)
    with db.reading() as session:
        asked = labels.newest_request(session, code)

    assert (asked.template, asked.fields["name"]) == ("badge_85x54", "Tech")
    assert (without.status_code, without.json["field"]) == (422, "reason")
    assert first != second
    with pytest.raises(labels.OldLabel):
        people.sign_in_badge(first, "4071", "bench-1")
    assert people.sign_in_badge(second, "4071", "bench-1")[0].name == "Tech"
    assert site.api("tech", path, {"reason": "I want one."}).status_code == 403
