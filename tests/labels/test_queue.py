"""The queue as people see and change it: by the API, on the pages, and what the trail says."""

import re

import pytest

from lims import labels, ledger
from lims.core import codes, db
from lims.core.permissions import WORKER, Role
from lims.labels import PrinterKind, RequestState, raw
from tests.labels import printer_here
from tests.labels.test_printing import ask, later, printer, state, turn
from tests.makers import actor
from tests.services_here import until


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(raw, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(raw, "STATUS_SECONDS", 0.2)


def add(name, here, **more):
    labels.add_printer(
        actor(Role.ADMINISTRATOR), name=name, kind=PrinterKind.SOCKET, address=here.address, **more
    )


def several(technician, count, printer=None):
    with db.transaction():
        return [ask(technician, printer=printer) for _each in range(count)]


def sound():
    with db.reading() as session:
        return ledger.verify(session).ok


def test_a_paused_printer_gets_nothing_until_it_is_resumed(site, technician):
    with printer() as here:
        asked = several(technician, 2)
        answer = site.api("tara", "/printers/Z1/pause", {"reason": "wrong stock"})
        assert answer.status_code == 200, answer.json
        assert site.api("tara", "/printers/Z1/pause", {"reason": "again"}).status_code == 409
        labels.print_job(WORKER, asked[0].job)
        labels.sweep(WORKER)
        assert here.lines == 0
        (seen,) = site.get("tara", "/printers").json["printers"]
        assert (seen["state"], seen["waiting"]) == ("paused", 2)

        assert site.api("tara", "/printers/Z1/resumption", {}).json["paused"] is False
        labels.print_job(WORKER, asked[0].job)
        assert until(lambda: len(here.out) == 2, 2)
    with db.reading() as session:
        kinds = [each.kind for each in ledger.entries_of(session, "printer/Z1")]
    assert kinds == ["labels.printer-set", "labels.printer-paused", "labels.printer-resumed"]
    assert sound()


def test_what_waits_moves_to_another_printer_and_what_left_does_not(site, technician):
    with printer_here.printer(paper=1) as first, printer_here.printer() as second:
        add("A", first)
        add("B", second)
        asked = several(technician, 3, "A")
        labels.print_job(WORKER, asked[0].job)
        went = [state(each) for each in asked]
        moved = site.api("tara", "/printers/A/queue/moves", {"to": "B"})
        assert moved.status_code == 200, moved.json
        waited = went.count(RequestState.WAITING)
        assert moved.json == {"labels": waited, "printer": "B"}
        labels.print_job(WORKER, asked[0].job)
        assert [state(each) for each in asked[:1]] == went[:1]
        assert second.printed == [codes.symbol(each.code, 1) for each in asked[-waited:]]
        assert site.api("tara", "/printers/A/queue/moves", {"to": "B"}).status_code == 409
        assert site.api("tara", "/printers/A/queue/moves", {"to": "C"}).status_code == 404
        assert site.api("tara", "/printers/C/queue/moves", {"to": "A"}).status_code == 404
    assert sound()


def test_a_job_without_a_printer_moves_to_the_first_that_there_is(site, technician):
    asked = several(technician, 2)
    labels.print_job(WORKER, asked[0].job)
    assert {state(each) for each in asked} == {RequestState.DRAWN}
    with printer_here.printer() as here:
        add("B", here)
        answer = site.api("tara", f"/print-jobs/{asked[0].job}/moves", {"to": "B"})
        assert answer.json == {"labels": 2, "printer": "B"}
        labels.print_job(WORKER, asked[0].job)
    assert {state(each) for each in asked} == {RequestState.PRINTED}


def test_a_cancelled_job_is_dead_and_the_labels_can_be_asked_for_again(site, technician):
    with printer() as here:
        asked = several(technician, 2)
        path = f"/print-jobs/{asked[0].job}/cancellation"
        assert site.api("tara", path, {"reason": "too many"}).json["labels"] == 2
        labels.print_job(WORKER, asked[0].job)
        assert here.lines == 0
        assert {state(each) for each in asked} == {RequestState.CANCELLED}
        with db.reading() as session:
            assert labels.live_copy(session, asked[0].code) is None
        assert site.api("tara", path, {"reason": "too many"}).status_code == 409
        again = labels.reprint(technician, code=asked[0].code, reason="needed after all")
        labels.print_job(WORKER, again.job)
        assert until(lambda: here.out, 2)
        assert here.printed == [codes.symbol(asked[0].code, 2)]
    assert sound()


@pytest.mark.parametrize("answers", [True, False])
def test_a_test_label_goes_first_even_while_paused(site, technician, answers):
    with printer(answers=answers) as here:
        asked = several(technician, 1)
        site.api("tara", "/printers/Z1/pause", {"reason": "test first"})
        assert site.api("tara", "/printers/Z1/test", {}).status_code == 200
        labels.print_job(WORKER, asked[0].job)
        assert until(lambda: len(here.out) == 1, 2)
        (symbol,) = here.printed
        assert codes.parse(symbol).copy == 0
        assert state(asked[0]) is RequestState.WAITING
        (seen,) = site.get("tara", "/printers").json["printers"]
        assert "Test label" in seen["test"]
        labels.print_job(WORKER, asked[0].job)
        assert len(here.out) == 1, "a test label is printed once"


def test_what_became_of_a_label_is_said_by_a_person(site, technician):
    with printer(closes=False):
        asked = several(technician, 2)
        labels.print_job(WORKER, asked[0].job)
        with later():
            labels.print_job(WORKER, asked[0].job)
    lost, there = asked
    assert {state(each) for each in asked} == {RequestState.UNCERTAIN}
    answer = site.api("tara", f"/print-copies/{lost.id}/settling", {"printed": False})
    assert answer.json["state"] == "failed"
    answer = site.api("tara", f"/print-copies/{there.id}/settling", {"printed": True})
    assert answer.json["state"] == "printed"
    assert (
        site.api("tara", f"/print-copies/{there.id}/settling", {"printed": True}).status_code == 409
    )
    assert site.api("tara", "/print-copies/x/settling", {"printed": True}).status_code == 404


def test_a_job_counts_printed_verified_destroyed_and_open(site, technician):
    with printer(answers=True):
        asked = several(technician, 4)
        labels.print_job(WORKER, asked[0].job)

        def counts():
            found = site.get("tara", f"/print-jobs/{asked[0].job}").json
            return tuple(found[each] for each in ("printed", "verified", "destroyed", "open"))

        assert counts() == (4, 0, 0, 4)
        labels.stick(technician, scanned=codes.symbol(asked[0].code, 1))
        labels.destroy(technician, code=asked[1].code, reason="torn")
        assert counts() == (4, 1, 1, 2)
        labels.reprint(technician, code=asked[2].code, reason="smudged")
        assert counts() == (4, 1, 2, 1)  # the new copy is in a job of its own
        labels.stick(technician, scanned=codes.symbol(asked[3].code, 1))
        assert counts() == (4, 2, 2, 0)
    listed = site.get("tara", "/print-jobs").json["jobs"]
    assert [each["copies"] for each in listed] == [1, 4]
    (still,) = site.get("tara", "/print-jobs?open=true").json["jobs"]
    assert still["copies"] == 1


def test_the_pages_say_what_is_there(site, technician):
    assert "No printer yet" in site.page("tara", "/printers").text
    with printer(answers=True, paper=0) as here:
        asked = several(technician, 2)
        labels.print_job(WORKER, asked[0].job)
        shown = site.page("tara", "/printers").text
        assert 'data-state="stopped"' in shown
        assert "no labels left" in shown
        assert 'data-waiting="2"' in shown
        here.refill(1)
        site.send("tara", "/printers/Z1/resumption", _key="k1")
        assert turn().rests_until is None
        labels.print_job(WORKER, asked[0].job)
    shown = site.page("tara", f"/print-jobs/{asked[0].job}").text
    found = re.findall(r'data-state="(\w+)"', shown)
    assert found == ["uncertain", "waiting"]
    assert "settling" in shown
    assert site.page("tara", "/print-jobs/99999").status_code == 404
    assert site.page("tara", "/print-jobs/x").status_code == 404


def test_who_may_not_change_the_queue_sees_it_without_buttons(site, technician):
    with printer():
        several(technician, 1)
        assert site.api("sora", "/printers/Z1/pause", {"reason": "x"}).status_code == 403
        shown = site.page("sora", "/printers").text
    assert 'data-printer="Z1"' in shown
    assert "/pause" not in shown


@pytest.mark.parametrize("copies", [1, 3])
def test_every_wristband_differs_from_every_label(database, technician, copies):
    """A band's symbol begins with its own letter, at every copy, and no other label carries one."""
    band, label = codes.draw("W"), codes.draw("V")
    for number in range(1, copies + 1):
        assert codes.symbol(band, number)[0] == "W" != codes.symbol(label, number)[0]


def test_the_page_of_a_copy_shows_what_it_says_to_whoever_may_see_it(site):
    vial = asked_for_one(site)
    address = f"/print-copies/{vial.id}"
    shown = site.page("tara", f"/print-jobs/{vial.job}").text
    page = site.page("tara", address).text
    drawn = site.page("tara", f"{address}/picture")
    answer = site.get("tara", f"{address}/picture")
    assert f'href="{address}"' in shown
    assert f'src="{address}/picture"' in page
    assert codes.grouped(vial.code) in page
    for each in (drawn, answer):
        assert each.mimetype == "image/png"
        assert each.headers["Cache-Control"] == "no-store"
        assert labels.read_png(each.data) == [("datamatrix", codes.symbol(vial.code, 0).encode())]
    assert f'href="{address}"' not in site.page("sora", f"/print-jobs/{vial.job}").text
    for path in (address, f"{address}/picture"):
        assert site.page("sora", path).status_code == 403
    assert site.get("sora", f"{address}/picture").status_code == 403
    for wrong in ("x", "00000000-0000-0000-0000-000000000000"):
        assert site.page("tara", f"/print-copies/{wrong}").status_code == 404
        assert site.get("tara", f"/print-copies/{wrong}/picture").status_code == 404


def asked_for_one(site):
    """One label of a thing that was asked for."""
    code = codes.draw("S")
    return labels.request(
        site.lab.tara, template="specimen_tube_50x20", code=code,
        fields={"subject": "IRC01-017", "material": "Menstrual blood"},
    )  # fmt: skip
