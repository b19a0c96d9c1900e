"""Doors of a dose on paper: the sheet to print, the form it comes in by, what pages say of it."""

import base64
import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from lims.core import clock, words
from lims.labels import writing
from lims.station.rehearsal import giving
from tests.bed import FIGURES
from tests.dosing.test_doors import ALONE, Caller, Tablet, web  # noqa: F401

MOMENTS = ("checked_at", "drawn_up_at", "started_at", "ended_at")
PNG = b"\x89PNG\r\n\x1a\n" + b"scanned" * 9


def filled(bed, woman) -> dict[str, str]:
    """The form as a browser sends it."""
    now = clock.now().astimezone(ZoneInfo("Asia/Shanghai"))

    def at(minutes: int) -> str:
        return (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")

    looked = {
        name: "yes" if value is True else str(value)
        for name, value in giving.seen(bed.stage, woman, 1500).items()
        if name != "sites_ul"
    }
    return looked | {
        "participant": woman.number,
        "checked_at": at(6),
        "drawn_up_at": at(3),
        "draw_up_witnessed": "yes",
        "started_at": at(2),
        "ended_at": at(1),
        "sites": "1.5",
        "residual": "0.1",
        "residual.unit": "mL",
        "wasted": "0",
        "wasted.unit": "mL",
        **{f"{name}.zone": "Asia/Shanghai" for name in MOMENTS},
        "band": woman.band,
        "witness_band": woman.band,
        "witness_dose": woman.dose,
        "figures": FIGURES,
        "reason": "no network on the ward",
        "operator": bed.stage.logins["clea"],
        "operator_password": bed.stage.passwords["clea"],
        "witness": bed.stage.logins["cyra"],
        "witness_password": bed.stage.passwords["cyra"],
    }


def test_the_form_enters_it_and_every_page_says_that_it_came_from_paper(web, bed):  # noqa: F811
    woman = bed.world.first
    tablet = Tablet(web, bed, "pari")
    tablet.get(f"/items/{woman.dose}")
    assert f"/doses/{woman.dose}/paper-record" in tablet.text
    tablet.get(f"/doses/{woman.dose}/paper-record")
    assert "while this system could not be used" in tablet.text
    bed.clock.forward(minutes=5)
    tablet.send(
        f"/doses/{woman.dose}/paper-record",
        **filled(bed, woman),
        sheet=(io.BytesIO(PNG), "d-1.png"),
    )
    assert "Entered from paper; every check had passed." in tablet.text
    assert "data-from-paper" in tablet.text
    assert "given, recorded from paper" in tablet.text
    assert not ALONE.search(tablet.text)
    kept = tablet.client.get(f"/doses/{woman.dose}/paper-record/sheet")
    assert kept.data == PNG
    assert kept.headers["Content-Disposition"].startswith("attachment")
    tablet.get(f"/participants/{woman.number}")
    assert "From paper" in tablet.text


def test_a_form_that_is_refused_comes_back_without_a_secret(web, bed):  # noqa: F811
    woman, tablet = bed.world.first, Tablet(web, bed, "clea")
    sent = filled(bed, woman) | {"witness_password": "not hers at all"}
    answer = tablet.send(f"/doses/{woman.dose}/paper-record", **sent)
    assert answer.status_code in (401, 403, 409, 422)
    assert bed.state(str(woman.dose)) == "thawed"
    for secret in (bed.stage.passwords["clea"], "not hers at all"):
        assert secret not in tablet.text
    assert not ALONE.search(tablet.text)


def test_the_api_answers_both_times_and_what_had_not_passed(web, bed):  # noqa: F811
    woman, clea = bed.world.first, Caller(web, bed, "clea")
    gave = clock.now() - timedelta(minutes=2)
    body = {name: {"yes": True}.get(value, value) for name, value in filled(bed, woman).items()} | {
        "checked_at": clock.text(gave - timedelta(minutes=4)),
        "drawn_up_at": clock.text(gave),
        "started_at": clock.text(gave),
        "ended_at": clock.text(gave),
        "sites": [{"value": "1.5", "unit": "mL"}],
        "residual": {"value": "0.1", "unit": "mL"},
        "wasted": {"value": "0", "unit": "mL"},
        "sheet": {"name": "d-1.png", "content": base64.b64encode(PNG).decode()},
        "seal_intact": False,
    }
    body = {name: value for name, value in body.items() if "." not in name}
    bed.clock.forward(hours=2)
    answer = clea.post(f"/doses/{woman.dose}/paper-record", **body)
    assert answer.status_code == 200, answer.json
    assert answer.json["recorded_from_paper"] is True
    assert clock.parse(answer.json["given_at"]) == gave
    assert clock.parse(answer.json["recorded_at"]) == clock.now()
    assert [each["id"] for each in answer.json["failed"]] == ["B18"]
    assert answer.json["finding"].endswith("-F1")
    assert clea.get(f"/doses/{woman.dose}/paper-record/sheet").data == PNG
    again = clea.post(f"/doses/{woman.dose}/paper-record", **body)
    assert (again.status_code, again.json["code"]) == (409, "already_given")


@pytest.mark.parametrize("language", ["en", "fa", "zh"])
def test_the_downtime_sheet_is_a_pdf_in_every_language(web, bed, language):  # noqa: F811
    woman, pari = bed.world.first, Tablet(web, bed, "pari")
    pari.get(f"/items/{woman.dose}")
    assert f"/doses/{woman.dose}/downtime-sheet" in pari.text
    with words.speaking(language):
        answer = pari.client.get(
            f"/doses/{woman.dose}/downtime-sheet", headers={"Accept-Language": language}
        )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert len(answer.data) > 10_000


def test_the_downtime_sheet_says_who_by_number_and_holds_no_figures(web, bed, monkeypatch):  # noqa: F811
    woman, said = bed.world.first, []
    choose = writing.choose
    monkeypatch.setattr(
        writing, "choose", lambda text, *more: said.append(text) or choose(text, *more)
    )
    answer = Tablet(web, bed, "pari").client.get(f"/doses/{woman.dose}/downtime-sheet")
    assert answer.status_code == 200
    text = "\n".join(said)
    assert woman.number in text
    assert woman.name not in text
    assert FIGURES not in text
    assert "cycle" in text
    assert "Did she say the name of the record?" in text


def test_a_sheet_is_for_a_dose_on_its_way_and_for_those_who_give(web, bed):  # noqa: F811
    woman = bed.world.first
    assert Caller(web, bed, "tara").get(f"/doses/{woman.dose}/downtime-sheet").status_code == 403
    bed.given(bed.ready(woman))
    pari = Caller(web, bed, "pari")
    assert pari.get(f"/doses/{woman.dose}/downtime-sheet").status_code == 409
    assert pari.get(f"/doses/{woman.dose}/paper-record/sheet").status_code == 404
