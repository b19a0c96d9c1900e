"""Label designs by page, API and console: seen side by side, signed by two, or rejected (H13)."""

import json
from io import BytesIO

import pytest
from click.testing import CliRunner
from PIL import Image

from lims import labels, ledger
from lims.core import console, db
from lims.labels import layout
from lims.labels.label_commands import label
from tests.laboratory import PASSWORD

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PLACE = "place_50x20"
ALL = "/label-designs/approval"


def digest():
    return layout.load(PLACE).digest


def state(site, login="tara"):
    found = site.get(login, "/label-designs").json["designs"]
    return {each["template"]: each["state"] for each in found}


def test_two_officers_put_all_that_ship_in_force_by_page(site):
    page = site.page("quin", "/label-designs").text
    assert f'data-designs-waiting="{len(layout.names())}"' in page
    assert f'href="{ALL}"' in page
    assert ALL not in site.page("tara", "/label-designs").text
    assert "data-designs-waiting" in site.page("tara", "/printers").text

    assert site.send("quin", ALL, password="another horse").status_code in (403, 422)
    assert set(state(site).values()) == {"waiting"}
    first = site.send("quin", ALL, password=PASSWORD)
    assert (first.status_code, first.location) == (303, "/label-designs")
    assert set(state(site).values()) == {"proposed"}
    assert site.send("quin", ALL, password=PASSWORD).status_code == 422
    assert site.send("rosa", ALL, password=PASSWORD).status_code == 303
    assert set(state(site).values()) == {"approved"}
    assert "data-designs-waiting" not in site.page("tara", "/printers").text
    with db.reading() as session:
        (last,) = ledger.entries_of(session, f"label-design/{PLACE}")[-1:]
        assert ledger.verify(session).ok
    assert last.kind == "labels.design-approved"


def test_one_design_is_looked_at_rejected_and_approved_by_api(site):
    at = f"/label-designs/{PLACE}/{digest()}"
    signed = {"password": PASSWORD}
    assert site.api("tara", f"{at}/approval", signed).status_code == 403
    assert site.api("quin", f"{at}/approval", {"password": "no"}).status_code in (403, 422)
    assert site.api("quin", f"{at}/approval", signed).json["state"] == "proposed"
    own = site.api("quin", f"{at}/approval", signed)
    assert (own.status_code, own.json["code"]) == (403, "own_label_design")
    assert site.api("rosa", f"{at}/rejection", signed).status_code == 422
    why = {**signed, "reason": "the name is too small"}
    assert site.api("rosa", f"{at}/rejection", why).json["state"] == "rejected"
    assert "the name is too small" in site.page("tara", f"/label-designs/{PLACE}").text
    for officer in ("rosa", "quin"):
        assert site.api(officer, f"{at}/approval", signed).status_code == 200
    assert state(site)[PLACE] == "approved"
    other = site.api("rosa", f"/label-designs/{PLACE}/{'0' * 64}/approval", signed)
    assert (other.status_code, other.json["code"]) == (409, "label_design_decided")
    assert site.page("quin", "/label-designs/no_such_label").status_code == 404


def test_every_design_is_drawn_in_each_of_its_languages_and_small(site):
    for name in layout.names():
        template = layout.load(name)
        shown = site.page("tara", f"/label-designs/{name}?drawn=fa").text
        assert f"/label-designs/{name}/{template.digest}/picture?drawn=" in shown
        for language in template.languages:
            answer = site.page(
                "tara", f"/label-designs/{name}/{template.digest}/picture?drawn={language}"
            )
            assert (answer.status_code, answer.content_type) == (200, "image/png")
            assert len(answer.data) < 60_000
            with Image.open(BytesIO(answer.data)) as picture:
                picture.verify()
    at = f"/label-designs/{PLACE}/{digest()}/picture"
    assert site.page("tara", f"{at}?drawn=xx").status_code == 422
    assert site.page("tara", f"/label-designs/{PLACE}/{'0' * 64}/picture").status_code == 404


def test_the_console_lists_every_design_with_its_state(site):
    def listed():
        ran = CliRunner().invoke(label, ["designs", "--json"], standalone_mode=False)
        return ran.return_value, json.loads(ran.stdout)

    code, found = listed()
    assert (code, found["ok"]) == (1, False)
    assert [each["template"] for each in found["designs"]] == layout.names()
    for officer in ("quin", "rosa"):
        assert site.api(officer, ALL, {"password": PASSWORD}).status_code == 200
    code, found = listed()
    assert (code, found["ok"]) == (0, True)
    assert {each["approved"] for each in found["designs"]} == {1}
    assert labels.designs_now(console.actor())
