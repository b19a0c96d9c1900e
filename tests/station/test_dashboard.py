"""The start page: what runs out, what ran out, what was stopped, and what nobody knows."""

import re
from datetime import timedelta
from decimal import Decimal

from lims import custody, studies
from lims.core import clock, db, space
from lims.core.permissions import Role
from lims.custody import ItemKind
from lims.station import waiting
from tests.station.conftest import grown


def _list(actor, name: str) -> list:
    (chosen,) = [each for each in waiting.LISTS if each.id == name]
    with db.reading() as session:
        return list(chosen.find(session, actor))


def _dose(laboratory, number: str, days: int) -> str:
    with db.transaction() as session:
        her = studies.subject_by_number(session, number)
        return custody.make(
            laboratory.tara, ItemKind.DOSE, study_id=her.study_id, donor_id=her.id, step="test",
            expires_at=clock.now() + timedelta(days=days),
        ).code  # fmt: skip


def test_a_thing_without_a_name_is_told_without_a_gap(site, laboratory):
    _dose(laboratory, laboratory.woman(), 2)
    (line,) = _list(laboratory.quin, "expiring")
    assert re.fullmatch(r"dose, [a-z ]+", str(line.said)), line.said


def test_what_runs_out_stands_in_the_order_of_its_day(site, laboratory):
    number = laboratory.woman()
    in_twenty, in_two, in_sixty, gone = (
        _dose(laboratory, number, days) for days in (20, 2, 60, -1)
    )
    expiring = _list(laboratory.quin, "expiring")
    assert [(each.code, each.late) for each in expiring] == [(in_two, True), (in_twenty, False)]
    assert [each.code for each in _list(laboratory.quin, "expired")] == [gone]
    laboratory.clock.forward(hours=24 * 21)
    assert [each.code for each in _list(laboratory.quin, "expiring")] == []
    assert {each.code for each in _list(laboratory.quin, "expired")} == {gone, in_two, in_twenty}
    page = site.page("quin", "/").text
    assert f'href="/items/{in_two}"' in page
    assert in_sixty not in page


def test_dash_no_data_not_green(site, laboratory):
    place = custody.make_place(
        laboratory.tara, name="Freezer 3", kind="freezer", temperature_class="-80C"
    ).code
    custody.make_place(laboratory.tara, name="Bench 2", kind="bench", temperature_class="room")
    (line,) = _list(laboratory.tara, "warmth")
    address = f"/places/{place}/temperature"
    assert (line.url, line.late, str(line.late_word)) == (address, True, "NO LOGGER")
    assert 'data-standing="no-logger"' in site.page("tara", f"/places/{place}").text

    monitoring = custody.monitoring
    monitoring.link(laboratory.tara, code=place, serial="TT-1", minutes=10)
    for minutes, cel, word, standing in (
        (0, "-81", None, "good"),
        (10, "-58", "OUT OF LIMITS", "outside"),
        (10, "-80", None, "good"),
        (21, None, "NO DATA", "no-data"),
    ):
        laboratory.clock.forward(minutes=minutes)
        if cel:
            reading = custody.excursions.Read(clock.now(), Decimal(cel))
            monitoring.deliver(laboratory.tara, code=place, readings=[reading])
        (line,) = _list(laboratory.tara, "warmth")
        assert (line.late, str(line.late_word) if line.late else None) == (bool(word), word)
        page = site.page("tara", "/").text
        assert ('<b class="late">' in page.partition('id="l-warmth"')[2]) is bool(word)
        for address in (f"/places/{place}", f"/places/{place}/temperature", "/storage"):
            shown = site.page("tara", address).text
            assert re.findall(r'data-standing="([a-z-]+)"', shown) == [standing], address
    assert "for 21 min; the last was -80 °C" in page


def test_what_is_too_warm_waits_for_quality_and_is_opened_from_there(site, laboratory):
    place = custody.make_place(
        laboratory.tara, name="Freezer 3", kind="freezer", temperature_class="-80C"
    ).code
    custody.monitoring.link(laboratory.tara, code=place, serial="TT-1", minutes=10)
    for cel in ("-81", "-58", "-81"):
        reading = custody.excursions.Read(clock.now(), Decimal(cel))
        custody.monitoring.deliver(laboratory.tara, code=place, readings=[reading])
        laboratory.clock.forward(minutes=10)
    (line,) = _list(laboratory.quin, "episodes")
    assert str(line.said) == "Freezer 3: out of limits for 10 min, farthest at -58 °C"
    assert (line.late, str(line.late_word)) == (True, "on hold")
    page = site.page("quin", line.url).text
    assert "Assess the temperature record" in page
    assert 'data-outside="600"' in page
    assert f'href="{line.url}"' in site.page("quin", f"/places/{place}/temperature").text


def test_what_was_stopped_is_told_for_a_day(site, laboratory):
    hood = custody.make_place(
        laboratory.tara, name="Hood 1", kind="hood", temperature_class="room", work_area=True
    ).code
    hers, others = (
        grown(laboratory.tara, laboratory.woman(name=name), 1)["lot"] for name in ("Ann", "Bea")
    )
    assert site.api("tara", f"/items/{hers}/moves", {"to": hood}).status_code == 200
    assert _list(laboratory.quin, "refusals") == []
    stopped = site.api("tara", f"/items/{others}/moves", {"to": hood})
    assert stopped.json["verdict"] == "stop"
    told = _list(laboratory.quin, "refusals")
    assert f"/items/{others}" in [each.url for each in told]
    assert 'href="/waiting/refusals"' in site.page("quin", "/").text
    laboratory.clock.forward(hours=25)
    assert _list(laboratory.quin, "refusals") == []


def test_every_list_is_counted_and_at_most_seven_are_drawn(site, laboratory):
    number = laboratory.woman()
    _dose(laboratory, number, 2)
    for login, who in laboratory.actors.items():
        page = site.page(login, "/").text
        shown = dict(
            re.findall(r'href="/waiting/([a-z-]+)"><span class="count" data-count="(\d+)"', page)
        )
        assert set(shown) == {each.id for each in waiting.lists_for(who)}, login
        assert page.count('<section class="card" id="l-') <= 7
        if Role.CLINICIAN in who.roles and len(who.roles) == 1:
            assert "/lots/" not in page.partition("<main")[2]


def test_a_disk_that_fills_is_told_to_whoever_runs_the_system(site, monkeypatch, tmp_path):
    assert _list(None, "room") == []
    space.watch([tmp_path])
    monkeypatch.setattr(space, "LEAST_PERCENT", 101)
    try:
        (line,) = _list(None, "room")
    finally:
        space.watch([])
    assert line.late
    assert "of the disk under the records is free; below 101 %" in str(line.said)
    (chosen,) = [each for each in waiting.LISTS if each.id == "room"]
    assert chosen.roles == {Role.ADMINISTRATOR}
