"""Scans, the item page, the start page and the trace, over a bed that is ready."""

import json
import re
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from lims import custody
from lims.core import codes, db
from lims.custody import Item
from lims.station import commands
from lims.station.rehearsal import giving
from tests.dosing.test_doors import Caller, Tablet, web  # noqa: F401


def test_a_scan_says_what_it_is_and_what_can_be_done(web, bed):  # noqa: F811
    woman, pari = bed.world.first, Caller(web, bed, "pari")
    answer = pari.post("/scans", code=giving.symbol(woman.dose), station="bench-1")
    assert answer.status_code == 200, answer.json
    assert (answer.json["kind"], answer.json["code"], answer.json["copy"]) == (
        "dose",
        woman.dose,
        1,
    )
    assert {"label": "State", "value": "thawed"} in answer.json["card"]
    assert [each["name"] for each in answer.json["next"]].count("dosing.destroy-dose") == 1
    typed = pari.post("/scans", code=codes.grouped(woman.dose), station="bench-1")
    assert typed.json["copy"] is None


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (lambda _here: codes.draw("V", practice=True), 404, "item_unknown"),
        (lambda _here: codes.draw("R", practice=True), 404, "code_unknown"),
        (lambda here: here.world.first.dose[:-1] + "*", 422, None),
        (lambda here: codes.symbol(here.world.first.dose, 9), 409, None),
        (lambda _here: codes.draw("V"), 409, "code_practice"),
    ],
    ids=["unknown", "no such kind", "damaged", "old label", "live code"],
)
def test_what_leads_nowhere_stops_and_says_that_nothing_was_recorded(
    web, bed, make, status, code  # noqa: F811
):  # fmt: skip
    scanned = make(bed)
    answer = Caller(web, bed, "tara").post("/scans", code=scanned, station="")
    assert answer.status_code == status, answer.json
    if code:
        assert answer.json["code"] == code
    tablet = Tablet(web, bed, "tara")
    tablet.get("/scan?code=" + scanned)
    assert tablet.verdict == "stop"
    assert "Nothing was recorded." in tablet.text


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("]d2010952123454321310LOT26A", "gs1", "(01)09521234543213(10)LOT26A"),
        ("CAT-4711", "supplier", "CAT-4711"),
    ],
)
def test_a_suppliers_code_is_told_from_ours_and_leads_nowhere(web, bed, text, kind, said):  # noqa: F811
    answer = Caller(web, bed, "tara").post("/scans", code=text, station="")
    assert answer.status_code == 200, answer.json
    assert (answer.json["kind"], answer.json["code"], answer.json["url"]) == (kind, said, None)
    assert answer.json["next"] == []
    tablet = Tablet(web, bed, "tara")
    tablet.get("/scan?" + urlencode({"code": text}))
    assert tablet.verdict == "stop"
    assert said in tablet.text


def test_a_wristband_on_another_page_shows_nobody(web, bed):  # noqa: F811
    woman, tablet = bed.world.first, Tablet(web, bed, "clea")
    answer = tablet.get("/scan?code=" + giving.symbol(woman.band))
    assert answer.status_code == 200
    assert tablet.verdict == "stop"
    assert "Wristbands are for the bedside page." in tablet.text
    assert woman.number not in tablet.text
    assert woman.name not in tablet.text


def test_a_badge_gives_a_hint(web, bed):  # noqa: F811
    tablet = Tablet(web, bed, "clea")
    tablet.get("/scan?code=" + bed.stage.badges["cyra"])
    assert tablet.verdict == "ask"


def test_every_item_has_its_page(web, bed):  # noqa: F811
    tablet = Tablet(web, bed, "auda")
    with db.reading() as session:
        every = [(each.code, each.kind) for each in session.scalars(select(Item))]
    for code, _kind in every:
        answer = tablet.get("/scan?code=" + code)
        assert answer.status_code == 303
        answer = tablet.get(answer.location)
        assert answer.status_code == 200, code
        assert codes.grouped(code) in tablet.text
        while older := re.search(r'href="(/items/\w+\?before=\d+)#custody"', tablet.text):
            tablet.get(older[1])
        assert 'data-event-id="1"' in tablet.text
    assert len({kind for _code, kind in every}) >= 6


def test_the_page_of_a_dose_shows_where_it_came_from(web, bed):  # noqa: F811
    woman, tablet = bed.world.first, Tablet(web, bed, "pari")
    tablet.get(f"/items/{woman.dose}")
    with db.reading() as session:
        item = custody.find(session, woman.dose)
        above = [each.code for each in custody.ancestors(session, [item.id])]
    assert all(f"/items/{code}" in tablet.text for code in above)
    assert "Clea Nasrin" in tablet.text
    assert f"/items/{woman.dose}/labels" in tablet.text
    assert f"/doses/{woman.dose}/destruction" in tablet.text


def test_ending_a_dose_is_never_the_large_button(web, bed):  # noqa: F811
    tablet = Tablet(web, bed, "clea")
    tablet.get(f"/items/{bed.world.first.dose}")
    large = re.findall(r'class="button main" href="([^"]+)"', tablet.text)
    assert large[0] == "/bedside"
    assert not any("destruction" in each or "return" in each for each in large)


def test_a_place_shows_what_stands_there(web, bed):  # noqa: F811
    tablet = Tablet(web, bed, "clea")
    place = bed.stage.places["theatre"]
    assert tablet.get("/scan?code=" + place).location.endswith(f"/places/{place}")
    tablet.get(f"/places/{place}")
    assert f"/items/{bed.world.first.dose}" in tablet.text


LOGINS = ("tara", "ana", "quin", "pari", "clea", "ines", "sora", "adel", "auda")


@pytest.mark.parametrize("login", LOGINS)
def test_dash_counts_equal_the_length_of_their_lists(web, bed, login):  # noqa: F811
    tablet = Tablet(web, bed, login)
    tablet.get("/")
    shown = re.findall(
        r'href="(/waiting/[a-z-]+)"><span class="count" data-count="(\d+)"', tablet.text
    )
    for url, count in shown:
        tablet.get(url)
        assert tablet.text.count("data-line=") == int(count), url
    if login in ("clea", "pari"):
        assert dict(shown)["/waiting/" + ("mine" if login == "clea" else "issued")] == "2"


def test_dash_roles_a_clinician_sees_no_number_of_a_lot(web, bed):  # noqa: F811
    """Whoever releases sees lots on her first page; whoever gives doses sees none of anybody's."""
    with db.reading() as session:
        lots = [each for each in session.scalars(select(Item.code)) if each.startswith("L")]
    seen = {}
    for login in ("quin", "clea"):
        tablet = Tablet(web, bed, login)
        tablet.get("/")
        pages = [tablet.text]
        for url in re.findall(r'href="(/waiting/[a-z-]+)"', tablet.text):
            tablet.get(url)
            pages.append(tablet.text)
        seen[login] = {
            each for each in lots for page in pages if each in page or codes.grouped(each) in page
        }
    assert lots
    assert seen["clea"] == set()


def test_dash_roles_nobody_opens_the_list_of_another_role(web, bed):  # noqa: F811
    assert Tablet(web, bed, "tara").get("/waiting/to-release").status_code == 404


def test_a_trace_names_everything_above_and_below_and_who_received(web, bed):  # noqa: F811
    woman = bed.world.first
    bed.given(bed.ready(woman))
    with db.reading() as session:
        dose, lot = (custody.find(session, code) for code in (woman.dose, woman.lot))
        above = {each.code for each in custody.ancestors(session, [dose.id])}
        below = {each.code for each in custody.descendants(session, [lot.id])}
    run = CliRunner().invoke(commands.trace, [woman.dose, "--json"])
    traced = json.loads(run.stdout)
    assert run.exit_code == 0
    assert {each["code"] for each in traced["up"]} == above
    assert traced["down"] == []
    assert [(each["code"], each["participant"]) for each in traced["given"]] == [
        (woman.dose, woman.number)
    ]
    answer = Caller(web, bed, "quin").get(f"/trace/{woman.lot}")
    assert {each["code"] for each in answer.json["down"]} == below
    assert [each["participant"] for each in answer.json["given"]] == [woman.number]
    tablet = Tablet(web, bed, "quin")
    tablet.get(f"/trace/{woman.lot}")
    assert f"/participants/{woman.number}" in tablet.text


def test_a_label_is_replaced_and_the_old_one_stops(web, bed):  # noqa: F811
    woman, tablet = bed.world.second, Tablet(web, bed, "pari")
    old = giving.symbol(woman.dose)
    tablet.send(f"/items/{woman.dose}/labels", reason="smudged")
    assert tablet.verdict == "ok"
    assert giving.symbol(woman.dose) != old
    tablet.get("/scan?code=" + old)
    assert tablet.verdict == "stop"
    _found, answer = bed.check(woman, old)
    assert "B06" in [row.id for row in answer.rows if row.result == "stopped"]


def test_a_period_is_typed_in_either_calendar_and_in_the_digits_of_the_reader(web, bed):  # noqa: F811
    tablet = Tablet(web, bed, "quin")
    tablet.client.set_cookie("language", "fa")
    form = tablet.get("/trace").get_data(as_text=True)
    assert 'name="since.calendar"' in form
    assert 'type="date"' not in form

    asked = {"code": "A", "since": "۱۴۰۴/۱۲/۱۱", "since.calendar": "jalali", "until": ""}
    gone_on = tablet.client.get("/trace?" + urlencode(asked))
    assert (gone_on.status_code, gone_on.location) == (303, "/trace/A?from=2026-03-02")

    wrong = tablet.client.get("/trace?" + urlencode(asked | {"since": "۱۴۰۴/۱۳/۱۱"}))
    assert wrong.status_code == 422
    assert "۱۴۰۴/۱۳/۱۱" in wrong.get_data(as_text=True)


def test_a_period_that_fits_nothing_keeps_what_was_asked(web, bed):  # noqa: F811
    tablet = Tablet(web, bed, "quin")
    answer = tablet.get(f"/trace/{bed.world.first.dose}?from=2026-03-02")

    assert answer.status_code == 422
    assert 'value="2026-03-02"' in answer.get_data(as_text=True)
