"""A live system refuses the codes of a demonstration, in words (`demo_live_refuses`)."""

import re

import pytest
from sqlalchemy import select

from lims import labels
from lims.core import codes, db, isbt128
from lims.labels.models import LabelRequest
from lims.station import orders

LETTERS = sorted(codes.LETTERS)


def practice(letter: str) -> str:
    """A code of a demonstration."""
    if letter == "X":
        return orders.code_of("UNDO", practice=True)
    return codes.draw(letter, practice=True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("letter", LETTERS)
def test_demo_live_refuses_every_kind_of_practice_code(site, letter):
    code = practice(letter)
    for text in (code, codes.symbol(code, 1)):
        page = site.send("tara", "/station", code=text).text
        assert 'data-verdict="stop"' in page
        assert f"{codes.grouped(code)} is a practice code; this is a live system" in page
        answer = site.api("tara", "/scans", {"code": text, "station": "B1"})
        assert (answer.status_code, answer.json["code"]) == (409, "code_practice")


def test_demo_live_refuses_moving_into_and_of_what_is_practised_with(site):
    specimen = site.lab.specimen()
    vial, box = practice("V"), practice("A")
    for code, to in ((specimen, box), (vial, box)):
        answer = site.api("tara", f"/items/{code}/moves", {"to": to})
        assert (answer.status_code, answer.json["code"]) == (409, "code_practice")


def test_demo_live_refuses_a_practice_badge(site):
    browser = site.app.test_client()
    token = re.search(r'name="_csrf" value="([^"]+)"', browser.get("/sign-in").text)[1]
    form = {"_csrf": token, "badge": practice("P"), "pin": "123456"}
    answer = browser.post("/sign-in/badge", data=form)
    assert answer.status_code >= 400
    assert not [each for each in answer.headers.getlist("Set-Cookie") if "sign-in=" in each]


@pytest.mark.parametrize("number", sorted(isbt128.DEMONSTRATION))
@pytest.mark.parametrize("switched_on", [None, "A1234"])
def test_demo_live_refuses_donation_numbers_of_a_demonstration(site, number, switched_on):
    isbt128.use(switched_on)
    try:
        text = f"={number}17123456{'69' if number == 'A9999' else '00'}"
        page = site.send("tara", "/station", code=text).text
        assert 'data-verdict="stop"' in page
        assert f"{number} is the facility number of demonstrations" in page
    finally:
        isbt128.use(None)


def test_demo_live_refuses_to_print_a_demonstrations_facility_number(site):
    code = codes.draw("A")
    with pytest.raises(codes.PracticeCode, match="A9999"):
        labels.request(
            site.lab.tara,
            template="place_50x20", code=code,
            fields={"code": codes.grouped(code), "name": "=A9999171234569"},
        )  # fmt: skip
    with db.reading() as session:
        asked = select(LabelRequest).where(LabelRequest.code == code)
        assert session.scalar(asked) is None
