"""The page of one thing: its lineage from the kit on, where it stood, and what is not known."""

import re
from decimal import Decimal

from lims import collection, custody, studies
from lims.core import clock, db
from tests.laboratory import Site
from tests.station.conftest import grown


def _text(site: Site, path: str, login: str = "tara") -> str:
    answer = site.page(login, path)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_sample_lineage_shows_the_kit_in_the_picture_and_in_the_list(site, laboratory):
    lot = laboratory.lot()
    with db.reading() as session:
        above = custody.ancestors(session, [custody.find(session, lot).id])
        tube = next(each for each in above if each.kind is custody.ItemKind.SPECIMEN)
        ((kit_id, _tube),) = collection.kits_and_tubes(session, [tube.id])
        kit = custody.item(session, kit_id).code
    for path in (f"/items/{lot}", f"/trace/{lot}"):
        page = _text(site, path)
        picture = page[page.index('<svg class="lineage"') : page.index("</svg>\n</div>")]
        written = page[page.index('class="lineage-list"') :]
        assert f'data-node="{kit}"' in picture
        assert f'href="/items/{kit}"' in written[: written.index("</details>")]
        assert all(f'data-node="{each.code}"' in picture for each in above)
        assert "Nothing was made from it yet." in page
    # And from the kit's own page all that became of it.
    assert f'data-node="{lot}"' in _text(site, f"/items/{kit}")


def test_why_it_is_held_is_said_in_the_readers_language(site, laboratory):
    tube = laboratory.specimen()
    studies.withdraw_consent(
        laboratory.clea, number=laboratory.number, reason="she moved away",
        material="keep_for_traceability",
    )  # fmt: skip
    for language, said in (
        ("en", "consent withdrawn; her choice for the material: keep it for traceability"),
        ("fa", "رضایت پس گرفته شد؛ انتخاب او برای نمونه‌ها: برای ردیابی نگه دارید"),
        ("zh", "已撤回知情同意；她对材料的选择：保存以便追溯"),
    ):
        site.page("tara", f"/language/{language}")
        page = _text(site, f"/items/{tube}")
        assert page.count(f"<bdi>{said}</bdi>") == 2, language  # the hold, and its entry
        assert "keep_for_traceability" not in page
    site.page("tara", "/language/en")
    kept = site.get("tara", f"/items/{tube}").json["holds"]
    assert [each["reason"] for each in kept] == [
        "consent withdrawn; her choice for the material: keep_for_traceability"
    ]


def test_a_wide_generation_opens_and_closes_without_script(site, laboratory):
    made = grown(laboratory.tara, laboratory.woman(), 30)
    folded = _text(site, f"/items/{made['lot']}")
    group = re.search(r'data-group="([^"]+-dose)"', folded)[1]
    assert "30" in re.search(rf'data-group="{group}".*?</a>', folded, re.DOTALL)[0]
    opened = _text(site, f"/items/{made['lot']}?open={group}")
    assert len(re.findall(r'<a href="/items/V\w+"><rect', opened)) == 30
    assert f'href="/items/{made["lot"]}#lineage"' in opened


def test_where_it_stood_is_told_with_the_cold_and_the_time_out(site, laboratory):
    made = grown(laboratory.tara, laboratory.woman(), 1)
    cold = custody.make_place(
        laboratory.tara, name="Freezer 2", kind="freezer", temperature_class="-80C"
    ).code
    bench = custody.make_place(
        laboratory.tara, name="Bench 9", kind="bench", temperature_class="room"
    ).code
    assert "never stood in one" in _text(site, f"/items/{made['dose']}")
    for place, minutes in ((cold, 30), (bench, 7), (cold, 0)):
        custody.move(laboratory.tara, code=made["dose"], to=place)
        laboratory.clock.forward(minutes=minutes)
    page = _text(site, f"/items/{made['dose']}")
    rests = re.findall(r'data-rest="\d+"><b><a href="/places/(\w+)"', page)
    assert rests[:3] == [cold, bench, cold]
    assert re.search(r"data-out>0 h 7 min 0 s", page)
    assert page.count('<li class="cold"') == 2


def test_a_long_trail_is_turned_over(site, laboratory):
    made = grown(laboratory.tara, laboratory.woman(), 90)
    page = _text(site, f"/items/{made['lot']}")
    seen = re.findall(r'data-event-id="(\d+)"', page)
    while older := re.search(r'href="([^"]*\?before=\d+)#custody"', page):
        page = _text(site, older[1])
        seen += re.findall(r'data-event-id="(\d+)"', page)
        assert "Newest entries" in page
    assert [int(each) for each in seen] == list(range(len(seen), 0, -1))
    assert len(seen) > 90
    # What no trail could hold is the newest again.
    assert 'data-event-id="1"' not in _text(site, f"/items/{made['lot']}?before=x")


def test_sample_gap_a_hole_is_hatched_and_named_in_text(site, laboratory):
    """A logger that was silent, and a place without one: neither is drawn as a flat line."""
    made = grown(laboratory.tara, laboratory.woman(), 1)
    measured, other = (
        custody.make_place(
            laboratory.tara, name=name, kind="freezer", temperature_class="-80C"
        ).code
        for name in ("Freezer 1", "Freezer 2")
    )
    custody.monitoring.link(laboratory.tara, code=measured, serial="TT-1", minutes=10)

    def reads(times: int) -> None:
        for _each in range(times):
            laboratory.clock.forward(minutes=10)
            now = custody.excursions.Read(clock.now(), Decimal("-80"))
            custody.monitoring.deliver(laboratory.tara, code=measured, readings=[now])

    custody.move(laboratory.tara, code=made["dose"], to=measured)
    reads(6)
    whole = _text(site, f"/items/{made['dose']}")
    assert '<svg class="curve"' in whole
    assert 'class="gap"' not in whole
    assert "data-silent" not in whole
    laboratory.clock.forward(hours=2)
    reads(3)
    custody.move(laboratory.tara, code=made["dose"], to=other)
    laboratory.clock.forward(hours=1)
    custody.move(laboratory.tara, code=made["dose"], to=measured)
    reads(3)
    page = _text(site, f"/items/{made['dose']}")
    assert len(re.findall(r'class="gap" [^>]*fill="url\(#hatch\)"', page)) == 2
    assert re.search(r"data-silent>No reading: <time.*?</time> – <time", page)
    assert re.search(r"data-unmeasured>No logger was there: <time.*?</time> – <time", page)
    # The line itself is broken there.
    assert len(re.findall(r'<(?:polyline|path) class="line"', page)) == 3
