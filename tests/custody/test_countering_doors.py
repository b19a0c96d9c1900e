"""Undo, correction and the mark of a work area through page and API."""

import re

from lims.core import codes
from tests.custody.test_doors import kit, place
from tests.site_here import Site, site, verified

__all__ = ["site"]


def large(text: str) -> list[str]:
    """Where the large undo buttons of a page send to."""
    return re.findall(r'<form class="undo" method="post" action="([^"]+)"', text)


def trail(here: Site, code: str) -> list[dict]:
    return here.api("auditor", f"/items/{code}/trail").json["entries"]


def test_a_move_is_undone_by_the_large_button_and_both_entries_show(site):
    code, shelf = kit(site), place(site, name="Shelf 3", kind="rack")
    site.done("tech", f"/items/{code}/moves", to=codes.grouped(shelf))
    entry = trail(site, code)[-1]["number"]
    shown = site.page("tech", f"/items/{code}").text
    assert large(shown) == [f"/items/{code}/undo"]
    assert re.search("For 10 min more, until <time datetime=", shown.replace("\n", " "))
    assert large(site.page("tech2", f"/items/{code}").text) == []
    assert large(site.page("tech", "/undo").text) == [f"/items/{code}/undo"]
    assert site.page("tech", "/scan?code=undo").location == "/undo"

    site.done("tech", f"/items/{code}/undo", entry=str(entry))

    shown = site.page("tech", f"/items/{code}").text
    assert large(shown) == []
    assert f'data-answered="{entry + 1}"' in shown
    assert f"undone by #{entry + 1}" in shown
    assert "undone or corrected" in site.page("tech", "/undo").text
    assert trail(site, code)[-1]["counters"] == entry
    assert verified() == []


def test_the_api_undoes_and_refuses_in_sentences_that_say_what_to_do(site):
    code, shelf = kit(site), place(site, name="Shelf 3", kind="rack")
    site.did("tech", f"/items/{code}/moves", {"to": shelf})
    entry = trail(site, code)[-1]["number"]
    path = f"/items/{code}/undo"
    foreign = site.api("tech2", path, {"entry": entry})
    late = site.api("tech", path, {"entry": entry}, method="POST")
    again = site.api("tech", path, {"entry": entry})
    first = site.api("tech", path, {"entry": 1})
    unknown = site.api("tech", path, {"entry": 77})
    auditor = site.api("auditor", path, {"entry": entry})
    assert late.json == {"code": code, "kind": "custody.moved", "undoes": entry}
    assert [(each.status_code, each.json["code"]) for each in (
        foreign, again, first, unknown, auditor
    )] == [
        (403, "not_allowed"), (409, "answered_already"), (409, "not_undoable"),
        (404, "entry_unknown"), (403, "not_allowed"),
    ]  # fmt: skip
    assert "Scan the thing to where it stands now" in foreign.json["detail"]


def test_an_observation_is_corrected_by_its_page_and_old_and_new_stand_there(site):
    code = kit(site)
    site.done("tech", f"/items/{code}/observations", note="frost", temperature="-61.5")
    entry = trail(site, code)[-1]["number"]
    path = f"/items/{code}/entries/{entry}/correction"
    assert path in site.page("tech", f"/items/{code}").text
    assert path not in site.page("tech2", f"/items/{code}").text
    assert "-61.5 °C" in site.page("tech", path).text

    site.done("tech", path, reason_code="misread", reason="read again", temperature="-16.5")

    shown = site.page("auditor", f"/items/{code}").text
    assert re.search(r"<s><bdi>-61\.5 °C</bdi></s> <bdi>-16\.5 °C</bdi>", shown)
    assert "misread from the instrument" in shown
    refused = site.api("tech2", path, {"reason_code": "typing", "reason": "x", "note": "ice"})
    stale = site.api("tech", path, {"reason_code": "typing", "reason": "x", "note": "ice"})
    empty = site.api("tech", f"/items/{code}/entries/{entry + 1}/correction",
                     {"reason_code": "typing", "reason": "x"})  # fmt: skip
    assert [refused.status_code, stale.json["code"], empty.status_code] == [
        403, "answered_already", 422,
    ]  # fmt: skip
    made = site.did("qc", f"/items/{code}/entries/{entry + 1}/correction",
                    {"reason_code": "typing", "reason": "x", "note": "ice"})  # fmt: skip
    assert made == {"code": code, "corrects": entry + 1, "was": {"note": "frost"},
                    "now": {"note": "ice"}}  # fmt: skip
    assert verified() == []


def test_a_place_is_marked_as_a_work_area_and_the_mark_taken_away_by_its_page(site):
    hood = place(site, name="Hood", kind="hood", temperature_class="room")
    assert "/work-area" not in site.page("tech", f"/places/{hood}").text
    assert site.api("tech", f"/places/{hood}/work-area", {}).status_code == 403
    assert f"/places/{hood}/work-area" in site.page("qc", f"/places/{hood}").text
    site.done("qc", f"/places/{hood}/work-area")
    assert site.api("qc", f"/places/{hood}/work-area", {}).json["code"] == "area_marked_already"
    assert "Work area" in site.page("qc", f"/places/{hood}").text
    site.done("admin", f"/places/{hood}/work-area/end", reason="moved house")
    assert site.api("qc", f"/places/{hood}/work-area/end", {"reason": "x"}).status_code == 409


def test_a_box_put_into_a_wrong_rack_is_undone_on_its_page(site):
    rack, other = (place(site, name=each, kind="rack") for each in ("Rack 1", "Rack 2"))
    box = site.did("tech", f"/places/{rack}/boxes", {"name": "Box", "rows": 1, "columns": 2})[
        "code"
    ]
    site.done("tech", f"/places/{box}/place-moves", to=other)
    shown = site.page("tech", f"/places/{box}").text
    assert large(shown) == [f"/places/{box}/undo"]
    (entry,) = re.findall(r'name="entry" value="(\d+)"', shown)
    site.done("tech", f"/places/{box}/undo", entry=entry)
    assert f"/places/{rack}" in site.page("tech", f"/places/{box}").text


def test_a_count_is_corrected_by_the_page_of_its_place(site):
    code, shelf = kit(site), place(site, name="Shelf 3", kind="rack")
    site.did("tech", f"/items/{code}/moves", {"to": shelf})
    site.done("tech", f"/places/{shelf}/counts", seen="")
    shown = site.page("tech", f"/places/{shelf}").text
    assert "as expected: 0; missing: 1; not expected: 0" in shown
    (path,) = re.findall(rf"/places/{shelf}/counts/\d+/correction", shown)
    assert path not in site.page("tech2", f"/places/{shelf}").text
    assert codes.grouped(code) in site.page("tech", path).text

    site.done("tech", path, reason_code="left-out", reason="behind the box", seen=code)

    shown = site.page("tech", f"/places/{shelf}").text
    assert "as expected: 1; missing: 0; not expected: 0" in shown
    assert "corrected by #" in site.page("tech", f"/items/{code}").text
    assert verified() == []
