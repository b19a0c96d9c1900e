"""The temperature of a place at its two doors: JSON for programs, pages for people."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest

from lims import custody
from lims.core import clock
from tests.custody.bench import logger_file
from tests.laboratory import PASSWORD

here = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def freezer(site, laboratory) -> str:
    return custody.make_place(
        laboratory.tara, name="Freezer 3", kind="freezer", temperature_class="-80C"
    ).code


def at(minutes: int) -> str:
    return clock.text(clock.now() + timedelta(minutes=minutes))


def test_a_program_links_delivers_and_asks(site, laboratory, freezer):
    linked = site.api("tara", f"/places/{freezer}/logger", {"serial": "TT-1", "minutes": 10})
    assert (linked.status_code, linked.json) == (200, {"code": freezer})
    laboratory.clock.forward(hours=1)
    readings = [{"at": at(-each), "cel": cel} for each, cel in ((20, "-80.5"), (10, "-58"),
                                                                (0, "-81"))]  # fmt: skip
    key = uuid4().hex
    sent = [
        site.api("tara", f"/places/{freezer}/readings", {"readings": readings}, key=key)
        for _each in range(2)
    ]
    assert [each.json["taken"] for each in sent] == [3, 3]
    again = site.api("tara", f"/places/{freezer}/readings", {"readings": readings})
    assert again.json == {
        "code": freezer, "taken": 0, "newest": {"at": at(0), "cel": "-81"}
    }  # fmt: skip
    told = site.api("tara", f"/places/{freezer}/temperature", method="get").json
    assert (told["standing"], told["now"]["cel"], told["logger"]) == ("good", "-81", "TT-1")
    assert [each["cel"] for each in told["readings"]] == ["-80.5", "-58", "-81"]
    kinds = [(each["kind"], each["level"], each["state"]) for each in told["episodes"]]
    assert ("excursion", "stop", "open") in kinds
    number = next(each["episode"] for each in told["episodes"] if each["kind"] == "excursion")
    asked = site.api("tara", f"/episodes/{number}", method="get").json
    assert (asked["place"], asked["items"], asked["extreme_cel"]) == (freezer, [], "-58")


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ([], "1 to 2000 entries"),
        ([{"at": "2026-11-27T10:00:00", "cel": "-80"}], "time zone"),
        ([{"at": "2026-11-27T10:00:00Z", "cel": "-80,5"}], "-80,5"),
        ([{"at": "2026-11-27T10:00:00Z", "cel": True}], "A number is needed"),
        ([{"at": "2026-11-27T10:00:00Z"}], "A reading has a time and a temperature"),
        (["-80"], "A reading has a time and a temperature"),
    ],
)
@here
def test_what_is_no_reading_is_told_by_its_line(site, freezer, readings, words):
    site.api("tara", f"/places/{freezer}/logger", {"serial": "TT-1", "minutes": 10})
    answer = site.api("tara", f"/places/{freezer}/readings", {"readings": readings})
    assert answer.status_code == 422, answer.json
    assert words in answer.get_data(as_text=True), answer.json


@here
def test_a_technician_reads_a_file_and_quality_signs_on_the_page(site, laboratory, freezer):
    site.api("tara", f"/places/{freezer}/logger", {"serial": "TT-1", "minutes": 10})
    start = clock.now()
    laboratory.clock.forward(hours=1)
    name, content = logger_file(
        start, [(each * 600, "-58" if each == 3 else "-80") for each in range(7)], serial="TT-1"
    )
    file = (io.BytesIO(content), name)
    address = f"/places/{freezer}/logger/files"
    done = site.send("tara", address, zone="UTC", unit="Cel", file=file)
    assert done.status_code == 303, done.get_data(as_text=True)[:2000]
    assert "7 readings were taken." in site.page("tara", done.location).text
    (episode,) = site.api("quin", f"/places/{freezer}/temperature", method="get").json["episodes"]
    address = f"/episodes/{episode['episode']}/assessment"
    wrong = site.send("quin", address, outcome="no-effect", reason="x", password="wrong")
    assert wrong.status_code in (401, 403, 409, 422)
    signed = site.send("quin", address, outcome="no-effect", reason="door", password=PASSWORD)
    assert signed.status_code == 303, signed.get_data(as_text=True)[:2000]
    assert "assessed as usable" in site.page("quin", signed.location).text
    refused = site.send("tara", address, outcome="no-effect", reason="x", password=PASSWORD)
    assert refused.status_code == 403
