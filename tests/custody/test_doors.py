"""Custody through its doors: places, moves, hand-overs, holds, and what is read of an item."""

import base64
from datetime import date, timedelta
from io import BytesIO

import pytest

from lims import studies
from lims.core import clock, codes, db
from lims.custody import ItemKind, find, transfers
from tests.custody import bench
from tests.site_here import BORN, MENSTRUAL, NAME, PASSWORD, Site, entries, site, verified

__all__ = ["site"]
FREEZER = {"name": "Freezer 2", "kind": "freezer", "temperature_class": "-80C"}


def kit(here: Site) -> str:
    return here.did(
        "tech",
        f"/studies/{MENSTRUAL}/kits",
        {"device_lot": "CUP-7", "device_expires_on": "2031-01-01"},
    )["kit"]


def place(here: Site, **change) -> str:
    return here.did("tech", "/places", {**FREEZER, **change})["code"]


def test_an_item_moves_and_passes_from_hand_to_hand_by_page(site):
    code = kit(site)
    site.done("tech", "/places", **FREEZER)
    shelf = place(site, name="Shelf 3", kind="rack")
    site.done("tech", f"/items/{code}/moves", to=codes.grouped(shelf))
    site.done("tech", f"/items/{code}/handovers", to=site.badge("nurse"))
    site.done("nurse", f"/items/{code}/acceptance", condition="intact")
    shown = site.page("nurse", f"/items/{code}/moves").text
    card = site.api("auditor", f"/items/{code}").json

    assert "Shelf 3" in shown
    assert card["place"] == {"code": shelf, "name": "Shelf 3"}
    assert card["holder"] == "Nurse"
    with db.reading() as session:
        assert [each.condition for each in transfers(session, find(session, code).id)] == ["intact"]
    assert verified() == []


def test_the_same_through_the_api_and_only_the_holder_hands_over(site):
    code, shelf = kit(site), place(site)
    moved = site.did("tech", f"/items/{code}/moves", {"to": shelf})
    others = site.api("tech2", f"/items/{code}/handovers", {"to": site.badge("nurse")})
    early = site.api("nurse", f"/items/{code}/acceptance", {})
    offered = site.did("tech", f"/items/{code}/handovers", {"to": site.badge("nurse")})
    taken = site.did("nurse", f"/items/{code}/acceptance", {"condition": "intact"})

    assert (moved["place"], moved["holder"]) == (shelf, "Tech")
    assert offered["receiver"] == "Nurse"
    assert taken["holder"] == "Nurse"
    assert [others.json["code"], early.json["code"]] == ["not_here", "not_here"]


def test_a_hold_is_seen_and_only_quality_lifts_it(site):
    code = kit(site)
    site.done("tech", f"/items/{code}/holds", reason="The box was open.")
    held = site.api("auditor", f"/items/{code}").json["holds"]
    refused = site.api("tech", f"/items/{code}/holds/lifting", {"reason": "closed again"})
    site.done("qc", f"/items/{code}/holds/lifting", reason="Another box was meant.")
    again = site.api("qc", f"/items/{code}/holds/lifting", {"reason": "once more"})

    assert [each["reason"] for each in held] == ["The box was open."]
    assert refused.status_code == 403
    assert again.status_code == 409
    assert site.api("auditor", f"/items/{code}").json["holds"] == []


def test_card_lineage_and_trail_tell_what_befell_and_never_who_she_is(site):
    number, box = site.consented(), kit(site)
    tube = site.did(
        "nurse",
        f"/kits/{box}/issue",
        {"participant": number, "stated_name": NAME, "stated_birth_date": BORN},
    )["code"]
    site.did("qc", f"/items/{tube}/holds", {"reason": "label smudged"})

    card = site.api("tech", f"/items/{tube}")
    lineage = site.api("tech", f"/items/{tube}/lineage")
    trail = site.api("tech", f"/items/{tube}/trail")
    first = site.api("tech", f"/items/{tube}/trail?limit=1").json
    rest = site.api("tech", f"/items/{tube}/trail?after={first['next']}").json

    assert card.json["donor"] == number
    assert lineage.json == {"code": tube, "up": [], "down": []}
    assert [set(each) for each in trail.json["entries"]] == [
        {"number", "kind", "at", "person", "station", "reason", "counters"}
    ] * len(trail.json["entries"])
    assert (trail.json["entries"][-1]["kind"], trail.json["entries"][-1]["person"]) == (
        "custody.held",
        "Qc",
    )
    assert first["entries"] + rest["entries"] == trail.json["entries"]
    assert not any(
        word in each.text for each in (card, lineage, trail) for word in (NAME, BORN, "figures")
    )


def test_H07_H53_wrong_codes_and_fields_are_refused_and_nothing_is_written(site, measured):
    code, shelf = kit(site), place(site, one_item=True)
    taken = kit(site)
    site.did("tech", f"/items/{taken}/moves", {"to": shelf})
    changed = codes.ALPHABET[(codes.ALPHABET.index(shelf[3]) + 1) % len(codes.ALPHABET)]
    misread = shelf[:3] + changed + shelf[4:]
    before = entries()
    tried = [
        (422, "code_check", f"/items/{code}/moves", {"to": misread}),
        (422, "code_kind", f"/items/{code}/moves", {"to": code}),
        (404, "place_unknown", f"/items/{code}/moves", {"to": codes.draw("A")}),
        (409, "slot_taken", f"/items/{code}/moves", {"to": shelf}),
        (409, "code_practice", f"/items/{code}/moves", {"to": codes.draw("A", practice=True)}),
        (404, "item_unknown", f"/items/{codes.draw('S')}/moves", {"to": shelf}),
        (422, "code_kind", f"/items/{shelf}/moves", {"to": shelf}),
        (422, None, f"/items/{code}/moves", {"to": shelf, "state": "released"}),
        (422, None, f"/items/{code}/moves", {}),
        (422, "code_kind", f"/items/{code}/handovers", {"to": shelf}),
        (404, "not_found", f"/items/{code}/handovers", {"to": codes.draw("P")}),
        (422, None, f"/items/{code}/holds", {"reason": "  "}),
        (422, None, "/places", {**FREEZER, "kind": "attic"}),
    ]

    faults = []
    for status, wanted, path, body in tried:
        refused = site.api("tech", path, body)
        if refused.status_code != status or (wanted and refused.json["code"] != wanted):
            faults.append((path, body, refused.status_code, refused.json))

    measured("H07", trials=len(tried), failures=len(faults) + entries() - before)
    assert faults == []
    assert entries() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_wrong_role_is_refused_at_both_doors(site):
    code = kit(site)
    before = entries()
    tried = [
        ("auditor", f"/items/{code}/moves"),
        ("sponsor", f"/items/{code}/handovers"),
        ("admin", f"/items/{code}/acceptance"),
        ("nurse", f"/items/{code}/holds"),
        ("doctor", f"/items/{code}/holds/lifting"),
        ("nurse", "/places"),
    ]

    refused = [site.api(who, path, {}) for who, path in tried]
    pages = [site.page(who, path) for who, path in tried]

    assert [each.json["code"] for each in refused] == ["not_allowed"] * len(tried)
    assert [each.status_code for each in pages] == [403] * len(tried)
    assert entries() == before


def test_whereabouts_are_asked_by_an_instant_with_its_offset(site):
    code, shelf = kit(site), place(site)
    before = clock.now()
    site.did("tech", f"/items/{code}/moves", {"to": shelf})
    now = site.api("auditor", f"/items/{code}/whereabouts").json
    asked = {
        at: site.api("auditor", f"/items/{code}/whereabouts?at={at}").json
        for at in (
            "2001-01-01T00:00:00Z",
            before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "2099-01-01T03:30:00+03:30",
        )
    }
    wrong = site.api("auditor", f"/items/{code}/whereabouts?at=2026-01-01T00:00:00")

    assert [each["place"] for each in asked.values()] == [None, None, now["place"]]
    assert now["place"] == {"code": shelf, "name": "Freezer 2"}
    assert now["holder"] == "Tech"
    assert now["entry"]["stream"] == f"item/{code}"
    assert wrong.status_code == 422


def test_a_work_area_is_cleared_by_its_pages_and_a_box_sent_by_them(site):
    hood = place(site, name="Hood 1", kind="hood", temperature_class="room", work_area=True)
    ice, shelf = place(site, name="Dry ice", kind="transport"), place(site)
    her = studies.register(
        bench.somebody(), study=MENSTRUAL, name="Laleh", birth_date=date(1994, 5, 2)
    )
    code = bench.thing(donor=her)
    site.done("tech", f"/items/{code}/moves", to=hood)
    opened = site.page("tech2", f"/places/{hood}").text
    site.done("tech", f"/items/{code}/moves", to=ice)
    site.done("tech", f"/places/{hood}/clearing", waste_out="yes", cleaned="yes")
    site.done("tech2", f"/places/{hood}/clearance", password=PASSWORD)
    site.done("tech", f"/places/{ice}/dispatch", to=shelf, hours="4", password=PASSWORD)
    travelling = site.page("tech2", f"/places/{ice}").text
    site.done("tech2", f"/places/{ice}/receipt", seen=code, password=PASSWORD)
    held = site.page("tech2", f"/places/{ice}").text

    assert f"open for {her.number}" in opened
    assert "/clearing" in opened
    assert "/receipt" in travelling
    assert "/dispatch" not in travelling
    assert "/shipments/" in held
    assert site.api("auditor", f"/items/{code}").json["holder"] == "Tech2"
    assert verified() == []


def test_a_loggers_file_is_read_by_the_pages_and_its_curve_is_drawn(site):
    ice = place(site, name="Cool box", kind="transport", temperature_class="2-8C")
    shelf = place(site)
    her = studies.register(
        bench.somebody(), study=MENSTRUAL, name="Laleh", birth_date=date(1994, 5, 2)
    )
    code = bench.thing(donor=her)
    site.done("tech", f"/items/{code}/moves", to=ice)
    site.done("tech", f"/places/{ice}/dispatch", to=shelf, hours="4", password=PASSWORD)
    with clock.running(clock.SetClock(clock.now() + timedelta(hours=2))):
        _read_drawn_and_assessed(site, ice, code)


def _read_drawn_and_assessed(site: Site, ice: str, code: str) -> None:
    """The box has been on its way for two hours."""
    sent = clock.now() - timedelta(hours=2)
    name, content = bench.logger_file(
        sent, [(each * 600, "9.5" if each == 3 else "4") for each in range(9)]
    )
    said = {"seen": code, "password": PASSWORD, "unit": "Cel", "zone": ""}
    refused = site.form("tech2", f"/places/{ice}/receipt", file=(BytesIO(content), name), **said)
    assert (refused.status_code, "names no time zone" in refused.text) == (422, True)
    url = site.done(
        "tech2", f"/places/{ice}/receipt", file=(BytesIO(content), name), **{**said, "zone": "UTC"}
    )
    page = site.page("tech2", url).text
    assert url.startswith("/shipments/")
    assert 'data-temperature="open"' in page
    assert (page.count('class="line"'), page.count('class="gap"')) == (1, 1)
    assert (page.count('class="outside"'), page.count('class="limit"')) == (1, 2)
    assert "farthest at 9.5 °C" in page
    assert "No reading from" in page
    assert "/assessment" not in page
    files = site.api("auditor", url).json["files"]
    kept = site.page("auditor", f"{url}/files/{files[0]['sha256']}")
    assert kept.data == content
    assert site.page("auditor", f"{url}/files/{'0' * 64}").status_code == 404

    again = {"name": "again.csv", "content": base64.b64encode(content).decode()}
    twice = site.api("tech", f"{url}/temperature", {"file": again, "zone": "UTC", "unit": "Cel"})
    assert (twice.status_code, twice.json["code"]) == (409, "logger_file_known")
    signed = {"outcome": "no-effect", "reason": "-", "password": PASSWORD}
    assert site.api("tech", f"{url}/assessment", signed).status_code == 403
    assert f'href="{url}/assessment"' in site.page("qc", url).text
    site.done(
        "qc", f"{url}/assessment", outcome="no-effect", reason="10 minutes", password=PASSWORD
    )
    site.done("doctor", f"{url}/agreement", password=PASSWORD)
    found = site.api("auditor", url).json
    assert (found["temperature"], found["assessment"]["outcome"]) == ("assessed", "no-effect")
    assert found["assessment"]["agreed_at"]
    for language in ("fa", "zh"):
        site.browser("qc").get(f"/language/{language}?next={url}")
        assert "9.5 °C" in site.page("qc", url).text
    assert site.page("qc", "/shipments/00000000-0000-4000-8000-000000000000").status_code == 404


def test_what_can_be_done_with_a_sample_stands_on_its_page_and_is_done_there(site):
    her = studies.register(
        bench.somebody(), study=MENSTRUAL, name="Laleh", birth_date=date(1994, 5, 2)
    )
    one, two, three = (
        bench.thing(ItemKind.QC_SAMPLE, donor=her, volume_ul=1000) for _each in range(3)
    )
    shown = site.page("tech", f"/items/{one}").text
    for path in ("parts", "pools", "thaws", "losses", "end", "destruction"):
        assert f"/items/{one}/{path}" in shown
    assert f"/items/{one}/destruction" not in site.page("nurse", f"/items/{one}").text
    site.done("tech", f"/items/{one}/thaws")
    site.done("tech", f"/items/{one}/parts", volumes="0.2 mL\n0.3", into="part", waste="50 uL")
    site.done("tech", f"/items/{one}/losses", cause="spill", volume="0.05")
    pool = site.did("tech", f"/items/{one}/pools", {"others": [two]})
    asked = site.api("tech", f"/items/{three}/end", {"waste": {"value": "0.5", "unit": "mL"}})
    site.done("tech", f"/items/{three}/end", waste="0.5", reason="dried up over night")
    site.did("qc", f"/items/{pool['code']}/holds", {"reason": "late result"})
    alone = site.form(
        "tech", f"/items/{pool['code']}/destruction", cause="unfit", witness="tech",
        witness_password=PASSWORD,
    )  # fmt: skip
    page = site.done(
        "tech", f"/items/{pool['code']}/destruction", cause="unfit", witness="tech2",
        witness_password=PASSWORD,
    )  # fmt: skip
    said = site.page("tech", f"/items/{one}").text
    final = site.page("tech", f"/items/{pool['code']}").text

    assert pool["volume"] == {"value": "1.4", "unit": "mL"}
    assert (asked.status_code, asked.json["code"]) == (409, "gate_stopped")
    assert alone.status_code == 403
    assert page == f"/items/{pool['code']}"
    assert 'data-thaws="1"' in said
    assert "spilt" in said
    assert "/destruction" not in final.replace("labels/destruction", "")
    assert site.api("tech", f"/items/{pool['code']}").json["thaws"] == 1
    assert [site.api("tech", f"/items/{each}").json["state"] for each in (one, two, three)] == [
        "exhausted"
    ] * 3
    assert verified() == []


def test_a_shipment_is_labelled_scanned_and_received_by_its_label_through_the_doors(site):
    ice, shelf = place(site, name="Dry ice", kind="transport"), place(site, name="Tangdu")
    her = studies.register(
        bench.somebody(), study=MENSTRUAL, name="Laleh", birth_date=date(1994, 5, 2)
    )
    code = bench.thing(donor=her)
    site.done("tech", f"/items/{code}/moves", to=ice)
    sent = site.did(
        "tech", f"/places/{ice}/dispatch", {"to": shelf, "hours": 4, "password": PASSWORD}
    )
    address, label = f"/shipments/{sent['shipment']}", sent["label"]
    hers, others = site.page("tech", address).text, site.page("tech2", address).text
    form = site.page("tech", f"{address}/label").text
    said = {
        "sender": "Laboratory, Sari", "recipient": "Tangdu Hospital", "contact": "+98 11 0000",
        "material": "un3373", "dry_ice_kg": "5",
    }  # fmt: skip
    unsaid = site.api("tech", f"{address}/label", {**said, "contact": " "})
    refused = site.api("auditor", f"{address}/label", said)
    site.done("tech", f"{address}/label", **said)
    again = site.form("tech", f"{address}/label", **said)
    asked = site.did("tech", f"{address}/label", {**said, "reason": "wet"})
    reprinted = site.form("tech", f"/items/{label}/labels", reason="torn").location
    received = site.form("tech2", f"/places/{label}/receipt", seen=code, password=PASSWORD)
    late = site.api("tech2", f"/places/{label}/receipt", {"seen": [code], "password": PASSWORD})

    assert f"{address}/label" in hers
    assert "/receipt" not in hers  # whoever sent it does not receive it
    assert f"/places/{label}/receipt" in others
    assert 'value="Tangdu"' in form
    assert unsaid.status_code == 422
    assert refused.status_code == 403
    assert again.status_code == 422
    assert "say why a new one is needed" in again.text
    assert asked["label"] == label
    assert reprinted == f"/scan?code={label}"
    assert received.location == address
    assert (late.status_code, late.json["code"]) == (409, "not_travelling")
    assert f"{address}/label" not in site.page("tech", address).text
    assert site.api("tech2", f"{address}", method="GET").json["label"] == label
    assert verified() == []
