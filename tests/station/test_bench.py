"""The station over HTTP: first goes into second, batches, looking, badges; without a script."""

import json
import re
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from uuid import uuid4

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from sqlalchemy import event, func, select

from lims import custody, labels, ledger, people
from lims.core import clock, codes, db
from lims.ledger.models import LedgerEntry
from lims.station import orders
from lims.station.rehearsal.leaving import print_labels
from tests.approved import put_in_force
from tests.conftest import SOAK
from tests.custody import bench as made
from tests.site_here import MENSTRUAL, PASSWORD, Site, secret, site, verified  # noqa: F401

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Station:
    """A station's page, as a browser without a script uses it."""

    def __init__(self, of: Site, who: str = "tech") -> None:
        self.client = of.browser(who)
        self.carried: dict[str, str] = {}

    def scan(self, text: str, **more: str) -> "Station":
        """Send one scan with what the page carries."""
        safe = more.pop("_csrf", "") or secret(self.client)  # which is a page of its own
        sent = {"_csrf": safe, "_key": uuid4().hex, **self.carried, "code": text}
        self.answer = self.client.post("/station", data={**sent, **more})
        self.text = self.answer.get_data(as_text=True)
        found = re.search(r"data-carried='([^']*)'", self.text)
        if found:
            self.carried = json.loads(found[1].replace("&#34;", '"'))
        return self

    @property
    def verdict(self) -> str:
        return re.findall(r'data-verdict="(\w+)"', self.text)[0]


@pytest.fixture
def here(site: Site) -> SimpleNamespace:  # noqa: F811
    """A station with a shelf, a box of four slots in it, two freezers, and three vials."""
    tech = site.actor("tech")

    def place(name: str, kind: str, parent: str | None = None) -> str:
        return custody.make_place(
            tech, name=name, kind=kind, temperature_class="-80C", parent=parent
        ).code

    freezer, other = place("F2", "freezer"), place("F3", "freezer")
    shelf = place("Shelf 1", "shelf", freezer)
    box = custody.make_box(tech, name="Box 7", parent=shelf, rows=2, columns=2).code
    (woman,) = made.women(MENSTRUAL, 1)
    vials = [made.thing(custody.ItemKind.DOSE, donor=woman) for _each in range(3)]
    return SimpleNamespace(
        site=site, freezer=freezer, other=other, shelf=shelf, box=box, vials=vials
    )


def moves() -> int:
    """How many moves stand in the trail."""
    with db.reading() as session:
        return session.scalar(
            select(func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == "custody.moved")
        )


def where(code: str) -> str:
    """The name of the place where an item stands."""
    with db.reading() as session:
        found = custody.place(session, custody.find(session, code).place_id)
        return found.name if found else ""


def test_first_goes_into_second(here):
    at, vial = Station(here.site), here.vials[0]

    at.scan(vial)
    assert at.verdict == "ok"
    assert at.carried["hand"] == vial
    assert codes.grouped(vial) in at.text
    assert moves() == 0
    at.scan(here.box)
    assert (at.verdict, at.carried["hand"], moves()) == ("ok", "", 1)
    assert where(vial) == "Box 7 A1"
    assert "Box 7 A1" in at.text
    assert "data-event-id" in at.text


def test_scan_direction_box_then_vial_writes_nothing(here):
    at = Station(here.site).scan(here.box).scan(here.vials[0])

    assert (at.verdict, at.carried["hand"], moves()) == ("ask", here.vials[0], 0)
    assert "To put it there, scan the place again: Box 7" in at.text
    assert "Nothing was recorded." in at.text
    at.scan(here.box)
    assert (at.verdict, moves()) == ("ok", 1)


def test_a_vial_after_a_vial_puts_the_first_down(here):
    one, two, _three = here.vials
    at = Station(here.site).scan(one).scan(two)

    assert (at.verdict, at.carried["hand"]) == ("ask", two)
    assert codes.grouped(one) in at.text
    at.scan(here.box)
    assert (where(one), where(two)) == ("", "Box 7 A1")


def test_scan_inhand_expires(here):
    at = Station(here.site).scan(here.vials[0]).scan(here.box, age="61000")

    assert (at.verdict, at.carried["hand"], moves()) == ("ok", here.box, 0)
    later = Station(here.site).scan(here.vials[0])
    with clock.running(clock.SetClock(clock.now() + timedelta(seconds=61))):
        later.scan(here.box)
    assert (later.carried["hand"], moves()) == (here.box, 0)


def test_a_box_goes_onto_a_shelf_and_never_a_shelf_into_a_box(here):
    at = Station(here.site).scan(here.box).scan(here.other)
    assert at.verdict == "ok"
    with db.reading() as session:
        box = custody.place_by_code(session, here.box)
        assert custody.place(session, box.parent_id).name == "F3"
    at = Station(here.site).scan(here.shelf).scan(here.box)
    assert (at.verdict, at.carried["hand"]) == ("ask", here.box)


def test_what_lies_there_already_is_no_move(here):
    at = Station(here.site).scan(here.vials[0]).scan(here.box)
    at.scan(here.vials[0]).scan(here.box)

    assert (at.verdict, moves(), where(here.vials[0])) == ("ok", 1, "Box 7 A1")
    assert "is already in" in at.text


def test_a_repeated_scan_acts_once_and_answers_the_same(here):
    at = Station(here.site).scan(here.vials[0])
    before = dict(at.carried)
    first = at.scan(here.box, _key="same").text
    at.carried = before
    again = at.scan(here.box, _key="same").text

    assert moves() == 1
    said = re.compile(r'verdict-what">([^<]+)<')
    assert said.findall(first) == said.findall(again)
    assert "was: nowhere" in again


def test_a_repeated_scan_names_its_own_entry_whatever_was_done_since(here):
    at = Station(here.site).scan(here.vials[0])
    before = dict(at.carried)
    first = at.scan(here.shelf, _key="same").carried["done"]
    Station(here.site, "tech2").scan(here.vials[0]).scan(here.freezer)
    at.carried = before

    assert first
    assert at.scan(here.shelf, _key="same").carried["done"] == first


def test_a_move_by_two_scans_asks_the_database_little(here):
    at = Station(here.site).scan(here.vials[0]).scan(here.shelf)  # what is learnt once is known
    safe, asked = secret(at.client), []

    def count(_connection, _cursor, statement, *_more):
        if not statement.startswith("BEGIN"):
            asked.append(" ".join(statement.split()))

    event.listen(db.current().engine, "before_cursor_execute", count)
    try:
        at.scan(here.vials[0], _csrf=safe).scan(here.freezer, _csrf=safe)
    finally:
        event.remove(db.current().engine, "before_cursor_execute", count)
    assert moves() == 2
    assert len(asked) <= 20, "\n".join(asked)


def test_an_old_scan_is_not_made_now_but_what_was_done_is_still_answered(here):
    at = Station(here.site).scan(here.vials[0])
    before, then = dict(at.carried), clock.now()
    old = clock.text(then - timedelta(minutes=3))
    assert at.scan(here.box, at=old, age="1000").verdict == "stop"
    assert moves() == 0
    at.carried = dict(before)
    assert at.scan(here.box, at=clock.text(then), age="1000", _key="kept").verdict == "ok"
    with clock.running(clock.SetClock(then + timedelta(minutes=5))):
        at.carried = dict(before)
        assert at.scan(here.box, at=clock.text(then), age="1000", _key="kept").verdict == "ok"
    assert moves() == 1


def test_a_batch_writes_each_scan_at_once_under_one_id(here):
    at = Station(here.site).scan("BATCH").scan(here.box)
    batch = at.carried["batch"]
    for vial in here.vials:
        assert at.scan(vial).verdict == "ok"
    assert at.scan(here.vials[0]).verdict == "ok"  # a repeat is no error
    unknown = codes.draw("V")
    assert at.scan(unknown).verdict == "stop"
    assert at.carried["count"] == "3"
    assert at.scan(here.freezer).verdict == "ask"

    assert moves() == 3
    with db.reading() as session:
        commands = session.scalars(
            select(LedgerEntry.body).where(LedgerEntry.kind == "custody.moved")
        )
        assert all(batch in bytes(each).decode() for each in commands)
    at.scan("done")
    assert at.verdict == "ask"
    assert unknown in at.text
    assert at.carried["mode"] == "single"


def test_scan_undo_takes_the_last_move_back_by_an_entry_of_its_own(here):
    at = Station(here.site).scan(here.vials[0]).scan(here.shelf).scan(here.vials[0]).scan(here.box)
    assert where(here.vials[0]) == "Box 7 A1"
    at.scan("UNDO")
    assert (at.verdict, where(here.vials[0])) == ("ok", "Shelf 1")
    at.scan("UNDO")
    assert at.verdict == "ask"
    assert "nothing to undo" in at.text
    assert verified() == []


def test_undo_batch_takes_each_back(here):
    at = Station(here.site).scan("BATCH").scan(here.box)
    for vial in here.vials:
        at.scan(vial)
    at.scan("DONE").scan("UNDO BATCH")
    assert at.verdict == "ok"
    assert [where(each) for each in here.vials] == [""] * 3
    assert verified() == []


def test_what_another_moved_since_is_not_undone_here(here):
    at = Station(here.site).scan(here.vials[0]).scan(here.box)
    Station(here.site, "tech2").scan(here.vials[0]).scan(here.shelf)
    at.scan("UNDO")
    assert (at.verdict, where(here.vials[0])) == ("stop", "Shelf 1")


def test_looking_writes_nothing_until_done(here):
    at = Station(here.site).scan("look")
    for each in (here.vials[0], here.box, here.vials[1], here.shelf):
        assert at.scan(each).verdict == "ok"
        assert "LOOK ONLY" in at.text
    assert moves() == 0
    at.scan("DONE").scan(here.vials[0]).scan(here.box)
    assert moves() == 1


@pytest.mark.parametrize("role", ["auditor"])
def test_who_may_not_move_is_told_and_nothing_moves(here, role):
    at = Station(here.site, role).scan(here.vials[0]).scan(here.box)

    assert (at.verdict, moves()) == ("stop", 0)


def test_a_full_box_is_a_stop_and_the_vial_stays_in_hand(here):
    tech = here.site.actor("tech")
    small = custody.make_box(tech, name="Small", parent=here.shelf, rows=1, columns=1).code
    at = Station(here.site).scan(here.vials[0]).scan(small).scan(here.vials[1]).scan(small)

    assert (at.verdict, at.carried["hand"], moves()) == ("stop", here.vials[1], 1)
    assert "no free slot" in at.text
    at.scan(here.box)
    assert (at.verdict, moves()) == ("ok", 2)


def test_what_is_held_asks_and_what_is_gone_stops(here):
    qc = here.site.actor("qc")
    custody.hold(qc, code=here.vials[0], reason="late result")
    at = Station(here.site).scan(here.vials[0])
    assert (at.verdict, at.carried["hand"]) == ("ask", here.vials[0])
    assert "late result" in at.text


def test_the_sheet_of_commands_decodes_to_the_commands(here):
    page = here.site.page("tech", "/station/commands").get_data(as_text=True)
    drawn = re.findall(r'<svg class="symbol" viewBox="0 0 (\d+) \d+".*?<path d="([^"]+)"', page)
    read = []
    for size, path in drawn:
        image = Image.new("L", (int(size) * 8,) * 2, 255)
        pen = ImageDraw.Draw(image)
        for x, y in re.findall(r"M(\d+) (\d+)", path):
            left, top = int(x) * 8, int(y) * 8
            pen.rectangle((left, top, left + 7, top + 7), fill=0)
        (found,) = zxingcpp.read_barcodes(image)
        read.append(found.text)

    assert len(read) == len(orders.ORDERS)
    assert [orders.ordered(each, practice=False).name for each in read] == list(orders.ORDERS)


def test_a_wristband_and_an_unknown_code_are_stops(here):
    at = Station(here.site).scan(codes.draw("W"))
    assert at.verdict == "stop"
    assert "Wristbands are for the bedside page." in at.text
    for text in (codes.draw("V"), codes.draw("E"), "CAT-4711", "]d20109521234543213"):
        assert at.scan(text).verdict == "stop"
        assert "Nothing was recorded." in at.text
    assert moves() == 0


def test_H04_double_slips_at_the_station_move_nothing(here, measured):
    """Edits that pass the check character, offered as the thing, as the place, and in a batch."""
    chance, offered = Random(20261121), []
    wanted = 1000 if SOAK else 16
    while len(offered) < wanted:
        code = chance.choice([*here.vials, here.box, here.shelf])
        changed = list(code)
        for at in chance.sample(range(codes.LENGTH), 2):
            changed[at] = chance.choice([each for each in codes.ALPHABET if each != code[at]])
        slip = "".join(changed)
        if codes.valid(slip):
            offered.append(slip)
    accepted = []
    for number, slip in enumerate(offered):
        at = Station(here.site)
        if number % 3 == 0:
            at.scan(slip).scan(here.box)
        elif number % 3 == 1:
            at.scan(here.vials[0]).scan(slip)
        else:
            at.scan("BATCH").scan(here.box).scan(slip)
        if moves():
            accepted.append(slip)
            break
    measured("H04", trials=len(offered), failures=len(accepted), edit="double, at the station")
    assert accepted == []


def test_print_and_verify_are_about_the_thing_in_hand(here):
    at = Station(here.site).scan("PRINT")
    assert at.verdict == "ask"
    at.scan(here.vials[0]).scan("print")
    assert at.answer.headers["Location"] == f"/items/{here.vials[0]}/labels"
    assert Station(here.site).scan(here.vials[0]).scan("verify").verdict == "stop"  # typed


@pytest.mark.parametrize(
    ("command", "of_thing", "of_place"),
    [
        ("PRINT", "/items/{}/labels", ""),
        ("HOLD", "/items/{}/holds", ""),
        ("OPEN", "/items/{}", "/places/{}"),
        ("NOTE", "/items/{}/observations", ""),
    ],
)
def test_a_command_goes_on_to_the_page_of_what_is_in_hand(here, command, of_thing, of_place):
    at = Station(here.site).scan(here.vials[0]).scan(orders.code_of(command, practice=False))
    assert at.answer.headers["Location"] == of_thing.format(here.vials[0])
    assert at.client.get(at.answer.headers["Location"]).status_code == 200

    at = Station(here.site).scan(here.box).scan(command)
    if of_place:
        assert at.answer.headers["Location"] == of_place.format(here.box)
        assert at.client.get(at.answer.headers["Location"]).status_code == 200
    else:
        assert at.verdict == "ask"
        assert "A place is in hand" in at.text
    assert Station(here.site).scan(command).verdict == "ask"


@pytest.mark.parametrize(
    "typed", ["note frost at the cap", "یادداشت frost at the cap", "备注 frost at the cap"]
)
def test_a_note_is_of_the_thing_in_hand_which_stays_there(here, typed):
    at = Station(here.site).scan(here.vials[0]).scan(typed)
    assert (at.verdict, at.carried["hand"]) == ("ok", here.vials[0])
    with db.reading() as session:
        last = ledger.last_of(session, f"item/{here.vials[0]}")
    assert (last.kind, last.data) == ("custody.observed", {"note": "frost at the cap"})
    at.scan(here.box)
    assert (at.verdict, where(here.vials[0])) == ("ok", "Box 7 A1")
    assert verified() == []


def test_a_note_of_nothing_of_a_place_or_too_long_is_refused(here):
    assert Station(here.site).scan("NOTE frost").verdict == "ask"
    at = Station(here.site).scan(here.box).scan("NOTE frost")
    assert (at.verdict, "A place is in hand" in at.text) == ("ask", True)
    at = Station(here.site).scan(here.vials[0]).scan("NOTE " + "x" * 301)
    assert (at.verdict, "at most 300" in at.text) == ("stop", True)
    assert Station(here.site, "auditor").scan(here.vials[0]).scan("NOTE frost").verdict == "stop"
    with db.reading() as session:
        assert ledger.last_of(session, f"item/{here.vials[0]}").kind != "custody.observed"


def test_H50_another_badge_locks_the_first_person_at_once(here, measured):
    with db.reading() as session:
        other = people.badge_of(session, people.account_of(session, "tech2").id)
    at = Station(here.site).scan(here.vials[0])
    at.scan(other)
    assert 'name="pin"' in at.text
    assert at.answer.status_code == 200
    refused = at.scan(here.box)

    opened = refused.answer.status_code != 401
    measured("H50", trials=1, failures=int(opened or moves() > 0), what="another badge")
    assert not opened
    assert moves() == 0
    signed = at.client.post(
        "/sign-in/badge",
        data={"_csrf": secret(at.client), "badge": other, "pin": "4071", "next": "/station"},
    )
    assert signed.headers["Location"] == "/station"
    assert "Tech2" in at.client.get("/station").get_data(as_text=True)


def test_nobody_signed_in_sees_only_what_kind_it_is(here):
    client = here.site.app.test_client()
    assert "Scan your badge" in client.get("/station").get_data(as_text=True)
    sent = client.post("/station", data={"_csrf": secret(client), "code": here.vials[0]})
    text = sent.get_data(as_text=True)

    assert sent.status_code == 401
    assert 'data-verdict="ask"' in text
    assert "dose" in text
    assert "state" not in text.lower()
    assert moves() == 0


def test_a_bench_can_be_named_and_entries_say_where(here):
    client = here.site.browser("tech2")
    client.post("/station/name", data={"_csrf": secret(client), "name": "BENCH-2"})
    assert "BENCH-2" in client.get("/station").get_data(as_text=True)


def test_a_batch_counts_what_it_put_of_what_stood_with_its_first_thing(here):
    tech = here.site.actor("tech")
    table = custody.make_place(tech, name="Table 4", kind="bench", temperature_class="room").code
    for vial in here.vials:
        custody.put(tech, code=vial, to=table)
    at = Station(here.site).scan("BATCH").scan(here.box)
    assert "expected" not in at.text
    assert "1 of 3 expected" in at.scan(here.vials[0]).text
    assert "Table 4" in at.text
    assert "2 of 3 expected" in at.scan(here.vials[1]).text
    assert "2 of 3 expected" in at.scan(here.vials[1]).text  # already here, and no error
    custody.put(tech, code=here.vials[2], to=here.other)  # somebody took it elsewhere
    assert "2 of 2 expected" in at.scan(here.vials[0]).text
    at.carried["origin"] = "A"  # what the page carries is not believed
    assert at.scan(here.vials[0]).answer.status_code == 200


def test_a_bench_at_a_freezer_is_a_setting_of_the_device(here):
    client = here.site.browser("tech")
    sent = {"_csrf": secret(client), "name": "F2 door", "layout": "freezer"}
    client.post("/station/name", data=sent)
    assert 'class="station bench freezer"' in client.get("/station").get_data(as_text=True)
    client.post("/station/name", data={"_csrf": secret(client), "name": "F2 door"})
    assert "bench freezer" not in client.get("/station").get_data(as_text=True)


def shipped(here) -> tuple[str, str]:
    """A box of one vial on its way: the code and the address of the shipment."""
    tech = here.site.actor("tech")
    ice = custody.make_place(tech, name="Ice", kind="transport", temperature_class="-80C").code
    custody.move(tech, code=here.vials[0], to=ice)
    sent = custody.dispatch(tech, code=ice, to=here.other, hours=4, password=PASSWORD)
    custody.label_shipment(
        tech, shipment_id=sent.id, sender="A", recipient="B", contact="C", material="none"
    )
    return sent.code, f"/shipments/{sent.id}"


def test_the_label_of_a_shipment_leads_to_it_and_takes_nothing_in_hand(here):
    code, address = shipped(here)
    label = codes.symbol(code, 1)
    station = Station(here.site, "tech2")
    opened = station.scan(label)
    assert (opened.answer.status_code, opened.answer.location) == (303, address)
    assert station.scan(here.vials[1]).carried["hand"]
    before = moves()
    station.scan("LOOK")
    looked = station.scan(label)
    assert (looked.verdict, looked.answer.status_code) == ("ok", 200)
    assert codes.grouped(code) in looked.text
    station.scan("DONE")
    station.scan("BATCH")
    station.scan(here.other)
    asked = station.scan(label)
    assert asked.verdict == "ask"
    assert station.carried["aim"] == here.other
    assert moves() == before
    assert verified() == []


def test_a_shipment_answers_a_scan_by_page_and_api_and_an_old_label_of_it_stops(here):
    code, address = shipped(here)
    got = here.site.browser("tech2").get(f"/scan?code={codes.symbol(code, 1)}")
    sender, receiver = (
        here.site.did(who, "/scans", {"code": codes.symbol(code, 1)}) for who in ("tech", "tech2")
    )
    assert (got.status_code, got.location) == (303, address)
    assert (sender["kind"], sender["code"], sender["copy"]) == ("shipment", code, 1)
    assert receiver["url"] == address
    assert receiver["next"][0]["url"] == f"/places/{code}/receipt"
    labelled = [each["name"] for each in sender["next"]]
    assert "custody.label-shipment" in labelled
    labels.reprint(here.site.actor("tech"), code=code, reason="torn")
    old = here.site.api("tech2", "/scans", {"code": codes.symbol(code, 1)})
    page = here.site.browser("tech2").get(f"/scan?code={codes.symbol(code, 1)}")
    assert old.json["code"] == "label_old"
    assert "old label" in page.text
    assert page.status_code == old.status_code
    unknown = here.site.api("tech2", "/scans", {"code": codes.draw("T")})
    assert (unknown.status_code, unknown.json["code"]) == (404, "shipment_unknown")


def test_commands_are_printed_as_labels_again_and_again_and_none_cancels_another(
    here, monkeypatch, tmp_path
):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path))
    put_in_force()
    first = here.site.did("tech", "/station/commands/labels", {"station": "Safety cabinet 2"})
    second = here.site.did("tech2", "/station/commands/labels", {"station": "F2"})
    assert first["labels"] == second["labels"] == len(orders.ORDERS)
    assert first["job"] != second["job"]
    print_labels()
    with db.reading() as session:
        files = [each for each in labels.drawn_files(session) if each.code[0] == "X"]
        assert len(files) == 2 * len(orders.ORDERS)
        for name in orders.ORDERS:
            code = orders.code_of(name, practice=False)
            found = labels.copies(session, code)
            assert [each.copy for each, _asked in found] == [2, 1]
            assert {each.state for each, _asked in found} == {labels.CopyState.LIVE}
            assert [asked.fields["station"] for _copy, asked in found] == ["F2", "Safety cabinet 2"]
    for file in files:
        read = labels.read_png(file.png.read_bytes())
        assert read == [("datamatrix", codes.symbol(file.code, file.copy).encode())]
    station = Station(here.site)
    for copy in (1, 2):  # whichever hangs there
        looked = station.scan(codes.symbol(orders.code_of("LOOK", practice=False), copy))
        assert (looked.verdict, looked.carried["mode"]) == ("ok", "look")
        station.scan("DONE")
    tech = here.site.actor("tech")
    for job in (first["job"], second["job"]):
        assert labels.job_by_number(tech, number=str(job)).open == 0
    assert labels.recent_jobs(tech, open_only=True) == [
        each for each in labels.recent_jobs(tech) if each.template not in ("command_70x37",)
    ]
    assert verified() == []


def test_whoever_may_print_nothing_prints_no_commands_and_sees_no_button(here):
    page = here.site.page("tech", "/station/commands").get_data(as_text=True)
    assert 'href="/station/commands/labels"' in page
    for who in ("auditor", "sponsor"):
        refused = here.site.api(who, "/station/commands/labels", {"station": ""})
        assert (refused.status_code, refused.json["code"]) == (403, "not_allowed")
        shown = here.site.page(who, "/station/commands").get_data(as_text=True)
        assert 'href="/station/commands/labels"' not in shown
    nobody = here.site.app.test_client().get("/station/commands").get_data(as_text=True)
    assert 'href="/station/commands/labels"' not in nobody
    wide = here.site.api("tech", "/station/commands/labels", {"station": "W" * 60})
    assert (wide.status_code, wide.json["code"]) == (422, "label_does_not_fit")
    printed = here.site.done("tech", "/station/commands/labels", station="Hood 1")
    assert printed.startswith("/print-jobs/")


@pytest.mark.parametrize("language", ["en", "fa", "zh"])
def test_every_command_has_room_on_its_label_in_every_language(here, language):
    labels.speak(language)
    try:
        for order in orders.ORDERS.values():
            assert labels.has_room("command_70x37", "name", order.title), order.name
            assert labels.has_room("command_70x37", "about", order.about), order.name
        assert here.site.did("tech", "/station/commands/labels", {})["labels"] == len(orders.ORDERS)
    finally:
        labels.speak("en")
