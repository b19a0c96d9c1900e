"""A machine prints at most once, in order: a real socket, faults of the printer, killed workers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from lims import labels, ledger
from lims.core import clock, codes, db, queue
from lims.core.errors import BadInput
from lims.core.permissions import WORKER, Role
from lims.labels import PrinterKind, RequestState, printing, raw, turns
from lims.labels.commands import printer as printer_command
from lims.labels.models import Health
from tests.conftest import SOAK
from tests.labels import printer_here
from tests.makers import actor
from tests.services_here import until


@pytest.fixture(autouse=True)
def label_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(raw, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(raw, "STATUS_SECONDS", 0.2)
    return tmp_path / "home" / "labels"


@contextmanager
def printer(name="Z1", **manner):
    """A printer that the site knows; unless told otherwise it gives no answer to questions."""
    answers = manner.setdefault("answers", False)
    with printer_here.printer(**manner) as here:
        labels.add_printer(
            actor(Role.ADMINISTRATOR),
            name=name,
            kind=PrinterKind.SOCKET,
            address=here.address,
            answers=answers,
        )
        yield here


def ask(technician, code=None, printer=None):
    return labels.request(
        technician,
        template="place_50x20",
        code=code or codes.draw("A"),
        fields={"name": "Freezer F1"},
        printer=printer,
    )


def state(asked):
    with db.reading() as session:
        return labels.request_by_id(session, asked.id).state


def turn(name="Z1"):
    with db.reading() as session:
        return turns.of(session, name)


def later(seconds=30):
    return clock.running(clock.SetClock(datetime.now(UTC) + timedelta(seconds=seconds)))


def trail(asked):
    with db.reading() as session:
        return [each.kind for each in ledger.entries_of(session, labels.stream(asked.code))]


def sound():
    with db.reading() as session:
        return ledger.verify(session).ok


def test_a_label_reaches_a_real_socket_once(database, technician):
    with printer() as here:
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
        labels.print_job(WORKER, asked.job)
        assert until(lambda: here.out, 2)

    assert state(asked) is RequestState.SENT
    assert here.printed == [codes.symbol(asked.code, 1)]
    assert trail(asked) == ["labels.requested", "labels.sent"]
    assert sound()


def test_only_a_printer_that_says_so_has_printed(database, technician):
    with printer(answers=True, seconds=0.3) as here:
        asked = ask(technician)
        begun = time.monotonic()
        labels.print_job(WORKER, asked.job)

        assert time.monotonic() - begun > 0.3
        assert here.printed == [codes.symbol(asked.code, 1)]
    assert state(asked) is RequestState.PRINTED
    assert trail(asked) == ["labels.requested", "labels.printed"]
    assert turn().health is Health.READY
    assert sound()


def test_whether_a_printer_answers_is_found_out(database, technician):
    with printer_here.printer() as speaks, printer_here.printer(answers=False) as mute:
        for name, each in (("A", speaks), ("B", mute)):
            labels.add_printer(
                actor(Role.ADMINISTRATOR),
                name=name,
                kind=PrinterKind.SOCKET,
                address=each.address,
            )
        asked = {name: [ask(technician, printer=name) for _n in range(2)] for name in "AB"}
        for name in "AB":
            labels.print_job(WORKER, asked[name][0].job)
    assert {state(each) for each in asked["A"]} == {RequestState.PRINTED}
    assert {state(each) for each in asked["B"]} == {RequestState.SENT}
    assert (turn("A").answered, turn("B").answered) == (True, False)


def test_workers_that_race_send_one_label_each_and_in_order(database, technician):
    with printer() as here:
        asked = [ask(technician) for _each in range(5)]
        threads = [
            threading.Thread(target=labels.print_job, args=(WORKER, each.job)) for each in asked
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        for each in asked:
            labels.print_job(WORKER, each.job)
        assert until(lambda: len(here.out) == 5, 2)

    assert here.printed == [codes.symbol(each.code, 1) for each in asked]
    assert {state(each) for each in asked} == {RequestState.SENT}


def test_labels_of_one_act_are_one_job_and_one_message(database, technician, monkeypatch):
    sent = []
    monkeypatch.setattr(queue, "send", lambda name, row: sent.append((name, row)))
    with printer() as here:
        with db.transaction():
            asked = [ask(technician) for _each in range(4)]
        assert sent == [("labels.print", asked[0].job)]
        assert [(each.job, each.place) for each in asked] == [
            (asked[0].job, place) for place in (1, 2, 3, 4)
        ]
        labels.print_job(WORKER, asked[0].job)
        assert until(lambda: len(here.out) == 4, 2)
    assert here.printed == [codes.symbol(each.code, 1) for each in asked]


def test_the_first_label_of_a_job_leaves_before_the_last_is_drawn(
    database, technician, monkeypatch
):
    drawn = []
    real = printing.draw

    def draw(row, by, at):
        made = real(row, by, at)
        drawn.append(time.monotonic())
        return made

    monkeypatch.setattr(printing, "draw", draw)
    with printer() as here:
        with db.transaction():
            asked = [ask(technician) for _each in range(500 if SOAK else 8)]
        while state(asked[-1]) is RequestState.WAITING:
            labels.print_job(WORKER, asked[0].job)
        assert until(lambda: len(here.out) == len(asked), 5)
        assert here.when[0] < drawn[-1]


def test_a_printer_that_is_off_gets_the_label_later(database, technician):
    with printer() as here:
        address = here.address
    asked = ask(technician)

    labels.print_job(WORKER, asked.job)

    assert state(asked) is RequestState.WAITING
    assert turn().health is Health.SILENT
    assert turn().said == "no-answer"
    assert address
    with printer() as here:
        labels.print_job(WORKER, asked.job)
        assert state(asked) is RequestState.WAITING  # it is left alone for a moment
        with later():
            labels.print_job(WORKER, asked.job)
        assert until(lambda: here.out, 2)
    assert state(asked) is RequestState.SENT


@pytest.mark.parametrize("quiet", [False, True])
def test_no_paper_stops_before_anything_leaves(database, technician, quiet):
    with printer(answers=True, paper=0, quiet_in_trouble=quiet) as here:
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
        assert state(asked) is RequestState.WAITING
        assert turn().health is (Health.SILENT if quiet else Health.STOPPED)
        assert here.buffer == []

        here.refill()
        with later():
            labels.print_job(WORKER, asked.job)
        assert state(asked) is RequestState.PRINTED
        assert len(here.out) == 1


@pytest.mark.parametrize("quiet", [False, True])
def test_paper_that_runs_out_in_the_middle_leaves_one_uncertain(database, technician, quiet):
    """The last label of a roll may be whole or half: the printer only says that none is left."""
    with printer(answers=True, paper=2, quiet_in_trouble=quiet, seconds=0.05) as here:
        with db.transaction():
            asked = [ask(technician) for _each in range(4)]
        labels.print_job(WORKER, asked[0].job)
        assert [state(each) for each in asked] == [
            RequestState.PRINTED,
            RequestState.UNCERTAIN,
            RequestState.WAITING,
            RequestState.WAITING,
        ]
        here.refill()
        with later():
            labels.print_job(WORKER, asked[0].job)
    assert here.printed == [codes.symbol(each.code, 1) for each in asked]
    assert [state(each) for each in asked[2:]] == [RequestState.PRINTED] * 2


@pytest.mark.parametrize("manner", [{"closes": False}, {"drops_after": 10}])
def test_label_states_silence_is_never_printed_and_never_sent_again(database, technician, manner):
    with printer(**manner) as here:
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
        assert state(asked) is RequestState.UNCERTAIN
        labels.print_job(WORKER, asked.job)
        with clock.running(clock.SetClock(datetime(2099, 1, 1, tzinfo=UTC))):
            labels.sweep(WORKER)
            labels.print_job(WORKER, asked.job)
        assert here.lines == 1

    assert state(asked) is RequestState.UNCERTAIN
    assert sound()


def uncertain(technician):
    with printer(closes=False):
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
    return asked


def test_a_scan_settles_an_uncertain_label(database, technician):
    asked = uncertain(technician)

    labels.stick(technician, scanned=codes.symbol(asked.code, 1))

    assert state(asked) is RequestState.VERIFIED


def test_a_label_that_never_came_out_is_dead_and_can_be_asked_for_again(database, technician):
    asked = uncertain(technician)

    labels.settle(technician, request_id=asked.id, printed=False)

    with db.reading() as session, pytest.raises(labels.OldLabel):
        labels.check_copy(session, codes.Scanned(asked.code, 1))
    with pytest.raises(labels.NotSettled):
        labels.settle(technician, request_id=asked.id, printed=True)
    assert labels.reprint(technician, code=asked.code, reason="no label came out").copy == 2
    assert sound()


def test_a_cancelled_label_is_not_sent(database, technician):
    with printer() as here:
        first = ask(technician)
        second = labels.reprint(technician, code=first.code, reason="wrong stock")
        labels.print_job(WORKER, first.job)
        labels.print_job(WORKER, second.job)
        assert until(lambda: here.out, 2)

    assert here.printed == [codes.symbol(first.code, 2)]
    assert state(first) is RequestState.CANCELLED


def test_a_label_that_was_scanned_is_not_sent(database, technician):
    """The record may be older than the paper, as after a restore."""
    with printer() as here:
        asked = ask(technician)
        labels.stick(technician, scanned=codes.symbol(asked.code, 1))
        labels.print_job(WORKER, asked.job)
    assert here.lines == 0
    assert state(asked) is RequestState.VERIFIED


def test_a_printer_with_stock_for_a_label_is_chosen(database, technician, tmp_path):
    administrator = actor(Role.ADMINISTRATOR)
    labels.add_printer(administrator, name="all", kind=PrinterKind.FILE, address=str(tmp_path))
    labels.add_printer(
        administrator,
        name="places",
        kind=PrinterKind.FILE,
        address=str(tmp_path),
        templates=["place_50x20"],
    )

    asked = ask(technician)
    labels.print_job(WORKER, asked.job)

    assert asked.printer == "places"
    assert (tmp_path / f"{asked.code}-01.zpl").is_file()
    assert state(asked) is RequestState.PRINTED
    labels.retire_printer(administrator, name="places")
    assert ask(technician).printer == "all"
    assert sound()


@pytest.mark.parametrize(("language", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_folder_takes_pictures_and_pages(database, technician, tmp_path, language, begins):
    labels.add_printer(
        actor(Role.ADMINISTRATOR),
        name="F1",
        kind=PrinterKind.FILE,
        address=str(tmp_path),
        language=language,
    )
    asked = ask(technician)
    labels.print_job(WORKER, asked.job)
    assert (tmp_path / f"{asked.code}-01.{language}").read_bytes().startswith(begins)
    assert state(asked) is RequestState.PRINTED


def test_a_turn_is_held_by_one_and_falls_to_the_next_in_time(database):
    turns.make("Z1")
    assert turns.take("Z1", "one")
    assert turns.take("Z1", "one")
    assert not turns.take("Z1", "two")
    with later(60):
        assert turns.take("Z1", "two")
        assert not turns.take("Z1", "one")
    turns.release("Z1", "one")
    assert turn().holder == "two"
    turns.release("Z1", "two")
    assert turn().holder is None


def test_a_worker_slower_than_its_turn_sends_nothing(database, technician, monkeypatch):
    """Whoever lost the turn between drawing and sending finds that out before a byte leaves."""
    real = printing.draw

    def draw(row, by, at):
        made = real(row, by, at)
        with db.transaction() as session:
            turns.of(session, "Z1").holder = "somebody else"
        return made

    with printer() as here:
        asked = ask(technician)
        monkeypatch.setattr(printing, "draw", draw)
        labels.print_job(WORKER, asked.job)
        assert here.out == []
    assert state(asked) is RequestState.WAITING


def test_what_waited_too_long_is_sent_again(database, technician, monkeypatch):
    sent = []
    monkeypatch.setattr(queue, "send", lambda name, row: sent.append((name, row)))
    start = datetime(2026, 5, 8, tzinfo=UTC)
    with clock.running(clock.SetClock(start)), printer() as _here:
        asked = ask(technician)
        alone = labels.request(
            technician,
            template="place_50x20",
            code=codes.draw("A"),
            fields={"name": "F2"},
        )
        sent.clear()
        assert labels.sweep(WORKER) == 0
        with clock.running(clock.SetClock(start + timedelta(seconds=6))):
            assert labels.sweep(WORKER) == 1
    with db.reading() as session:
        (row,) = labels.printers(WORKER)
        assert {asked.printer, alone.printer} == {"Z1"}
        assert session is not None
    assert sent == [("labels.work", row.id)]


KILLED = """
import os, sys
from lims import labels, tables
from lims.core import db
from lims.core.permissions import WORKER
from lims.labels import printing, raw
db.use(db.open_database(sys.argv[1]))
at, job = sys.argv[3], int(sys.argv[2])
def die(*a, **k):
    os.kill(os.getpid(), 9)
if at == "drawing":
    printing.draw = die
elif at == "before":
    raw.Raw.send = die
elif at == "after":
    real = raw.Raw.send
    def send(*a):
        real(*a)
        die()
    raw.Raw.send = send
labels.print_job(WORKER, job)
"""


def test_H12_a_killed_worker_never_prints_twice_and_loses_nothing_silently(
    database, database_url, technician, measured
):
    rounds = 20 if SOAK else 1
    trials = duplicates = silent = 0
    with printer() as here:
        asked = []
        for _each in range(rounds):
            for at in ("drawing", "before", "after"):
                one = ask(technician)
                done = subprocess.run(
                    [sys.executable, "-c", KILLED, database_url, str(one.job), at], check=False
                )
                assert done.returncode == -signal.SIGKILL
                asked.append(one)
                trials += 1
                with later(60 * trials):
                    labels.print_job(WORKER, one.job)
                turns.release("Z1", turn().holder or "")
        with later(10**6):
            labels.sweep(WORKER)
            for one in asked:
                labels.print_job(WORKER, one.job)
        time.sleep(0.2)
    for one in asked:
        came = here.printed.count(codes.symbol(one.code, 1))
        duplicates += came > 1
        # Whatever did not surely come out is on the list that a person must clear.
        silent += came == 0 and state(one) is not RequestState.UNCERTAIN
        silent += came == 1 and state(one) not in (RequestState.SENT, RequestState.UNCERTAIN)
    measured("H12", trials=trials, failures=duplicates + silent, duplicates=duplicates)
    assert duplicates == 0
    assert silent == 0
    assert sound()


def test_a_printer_is_added_tried_and_retired_on_the_console(database):
    def run(*arguments):
        done = CliRunner().invoke(printer_command, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    with printer_here.printer() as here:
        run("add", "Z1", "--address", here.address, "--for", "dose_vial_38x25", "--json")
        assert run("test", "Z1", "--json")["template"] == "dose_vial_38x25"
        assert here.printed == [codes.symbol("V7K4M29YJ", 0)]

    with pytest.raises(labels.PrinterSilent):
        labels.test_printer(actor(Role.ADMINISTRATOR), name="Z1")
    assert run("retire", "Z1", "--json")["in_use"] is False
    assert [each["name"] for each in run("list", "--json")["printers"]] == ["Z1"]
    assert sound()


@pytest.mark.parametrize(
    "wrong", [{"dpi": 72}, {"language": "pdf"}, {"address": "10.0.0.7:22"}, {"name": "a b"}]
)
def test_a_printer_that_cannot_be_is_refused(database, wrong):
    given = {"name": "Z1", "kind": PrinterKind.SOCKET, "address": "10.0.0.7:9100"}
    with pytest.raises(BadInput):
        labels.add_printer(actor(Role.ADMINISTRATOR), **(given | wrong))
    assert os.environ.get("LIMS_PRINTERS") is None
