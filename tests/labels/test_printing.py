"""A machine prints at most once: a real socket, a silent one, a dead one, and a killed worker."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from lims import labels, ledger
from lims.core import clock, codes, db, queue
from lims.core.errors import BadInput
from lims.core.permissions import WORKER, Role
from lims.labels import PrinterKind, RequestState, sending
from lims.labels.commands import printer as printer_command
from tests.makers import actor

SOAK = bool(os.environ.get("EXOTRACE_SOAK"))


@pytest.fixture(autouse=True)
def label_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "labels"


class FakePrinter:
    """A listening socket that keeps what it is sent.

    Args:
        manner: `takes` reads and closes, `silent` reads and never closes, `hangs up` takes
            ten bytes and breaks the line.
    """

    def __init__(self, manner="takes"):
        self.manner = manner
        self.labels = []
        self.held = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                line, _peer = self.server.accept()
            except OSError:
                return
            if self.manner == "hangs up":
                line.recv(10)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                line.close()
                continue
            data = b""
            while piece := line.recv(65536):
                data += piece
            self.labels.append(data)
            if self.manner == "silent":
                self.held.append(line)
            else:
                line.close()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for each in self.held:
            each.close()
        self.thread.join(5)


@contextmanager
def printer(manner="takes"):
    fake = FakePrinter(manner)
    labels.add_printer(
        actor(Role.ADMINISTRATOR), name="Z1", kind=PrinterKind.SOCKET, address=fake.address
    )
    try:
        yield fake
    finally:
        fake.close()


def ask(technician, code=None):
    return labels.request(
        technician,
        template="place_50x20",
        code=code or codes.draw("A"),
        fields={"name": "Freezer F1"},
    )


def state(asked):
    with db.reading() as session:
        return labels.request_by_id(session, asked.id).state


def test_a_label_reaches_a_real_socket_once(database, technician):
    with printer() as fake:
        asked = ask(technician)
        labels.print_label(WORKER, asked.id)
        labels.print_label(WORKER, asked.id)

    assert state(asked) is RequestState.SENT
    (stream,) = fake.labels
    assert codes.symbol(asked.code, 1).encode() in stream
    assert stream.startswith(b"^XA")
    with db.reading() as session:
        kinds = [each.kind for each in ledger.entries_of(session, labels.stream(asked.code))]
        assert kinds == ["labels.requested", "labels.drawn", "labels.sent"]
        assert ledger.verify(session).ok


def test_workers_that_race_send_one_label(database, technician):
    with printer() as fake:
        asked = ask(technician)
        threads = [
            threading.Thread(target=labels.print_label, args=(WORKER, asked.id)) for _ in range(5)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        labels.print_label(WORKER, asked.id)

    assert len(fake.labels) == 1
    assert state(asked) is RequestState.SENT


def test_a_printer_that_is_off_gets_the_label_later(database, technician):
    with printer() as fake:
        address = fake.address
    asked = ask(technician)

    with pytest.raises(labels.PrinterSilent, match=address):
        labels.print_label(WORKER, asked.id)

    assert state(asked) is RequestState.DRAWN
    with printer() as fake:
        labels.print_label(WORKER, asked.id)
    assert len(fake.labels) == 1
    assert state(asked) is RequestState.SENT


@pytest.mark.parametrize("manner", ["silent", "hangs up"])
def test_silence_never_counts_as_printed_and_is_never_sent_again(
    database, technician, monkeypatch, manner
):
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.3)
    with printer(manner) as fake:
        asked = ask(technician)
        labels.print_label(WORKER, asked.id)
        assert state(asked) is RequestState.UNCERTAIN
        labels.print_label(WORKER, asked.id)
        with clock.running(clock.SetClock(datetime(2099, 1, 1, tzinfo=UTC))):
            labels.sweep(WORKER)
        labels.print_label(WORKER, asked.id)

    assert len(fake.labels) == (1 if manner == "silent" else 0)
    assert state(asked) is RequestState.UNCERTAIN
    with db.reading() as session:
        assert ledger.verify(session).ok


def uncertain(technician, monkeypatch):
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.2)
    with printer("silent"):
        asked = ask(technician)
        labels.print_label(WORKER, asked.id)
    return asked


def test_a_scan_settles_an_uncertain_label(database, technician, monkeypatch):
    asked = uncertain(technician, monkeypatch)

    labels.stick(technician, scanned=codes.symbol(asked.code, 1))

    assert state(asked) is RequestState.SENT


def test_a_label_that_never_came_out_is_dead_and_can_be_asked_for_again(
    database, technician, monkeypatch
):
    asked = uncertain(technician, monkeypatch)

    labels.settle(technician, request_id=asked.id, printed=False)

    with db.reading() as session, pytest.raises(labels.OldLabel):
        labels.check_copy(session, codes.Scanned(asked.code, 1))
    with pytest.raises(labels.NotSettled):
        labels.settle(technician, request_id=asked.id, printed=True)
    assert labels.reprint(technician, code=asked.code, reason="no label came out").copy == 2
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_a_cancelled_label_is_not_sent(database, technician):
    with printer() as fake:
        first = ask(technician)
        second = labels.reprint(technician, code=first.code, reason="wrong stock")
        labels.print_label(WORKER, first.id)
        labels.print_label(WORKER, second.id)

    (stream,) = fake.labels
    assert codes.symbol(first.code, 2).encode() in stream


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
    labels.print_label(WORKER, asked.id)

    assert asked.printer == "places"
    assert (tmp_path / f"{asked.code}-01.zpl").is_file()
    labels.retire_printer(administrator, name="places")
    assert ask(technician).printer == "all"
    with db.reading() as session:
        assert ledger.verify(session).ok


@pytest.mark.parametrize("address", ["", "host:", "host:0", "host:99999", ":9100", "host:x"])
def test_an_address_that_is_none_is_refused(database, address):
    with pytest.raises(BadInput):
        labels.add_printer(
            actor(Role.ADMINISTRATOR), name="Z1", kind=PrinterKind.SOCKET, address=address
        )


def test_what_waited_too_long_is_sent_again(database, technician, monkeypatch):
    sent = []
    monkeypatch.setattr(queue, "send", lambda name, row: sent.append((name, row)))
    start = datetime(2026, 5, 8, tzinfo=UTC)
    with clock.running(clock.SetClock(start)) as _none:
        asked = ask(technician)
    sent.clear()

    with clock.running(clock.SetClock(start)):
        assert labels.sweep(WORKER) == 0
    with clock.running(clock.SetClock(datetime(2026, 5, 8, 0, 0, 6, tzinfo=UTC))):
        assert labels.sweep(WORKER) == 1

    assert sent == [("labels.print", asked.id)]


KILLED = """
import os, socket, sys
from uuid import UUID
from lims import labels, tables
from lims.core import db
from lims.core.permissions import WORKER
from lims.labels import printing, sending
db.use(db.open_database(sys.argv[1]))
at, request = sys.argv[3], UUID(sys.argv[2])
if at == "drawing":
    printing._draw_files = lambda row: os.kill(os.getpid(), 9)
elif at == "before":
    sending.send = lambda *a: os.kill(os.getpid(), 9)
elif at == "after":
    real = sending.send
    def send(*a):
        real(*a)
        os.kill(os.getpid(), 9)
    sending.send = send
labels.print_label(WORKER, request)
"""


def test_H12_a_killed_worker_never_prints_twice_and_loses_nothing_silently(
    database, database_url, technician, measured
):
    rounds = 20 if SOAK else 1
    trials = duplicates = silent = 0
    with printer() as fake:
        asked = []
        for _each in range(rounds):
            for at in ("drawing", "before", "after"):
                one = ask(technician)
                done = subprocess.run(
                    [sys.executable, "-c", KILLED, database_url, str(one.id), at], check=False
                )
                assert done.returncode == -signal.SIGKILL
                asked.append(one)
                trials += 1
        later = datetime.now(UTC).replace(year=2099)
        with clock.running(clock.SetClock(later)):
            labels.sweep(WORKER)
            for one in asked:
                labels.print_label(WORKER, one.id)
            labels.sweep(WORKER)
            for one in asked:
                labels.print_label(WORKER, one.id)
        time.sleep(0.1)
    for one in asked:
        came = sum(codes.symbol(one.code, 1).encode() in each for each in fake.labels)
        duplicates += came > 1
        # Whatever did not surely come out is on the list that a person must clear.
        silent += came == 0 and state(one) is not RequestState.UNCERTAIN
        silent += came == 1 and state(one) not in (RequestState.SENT, RequestState.UNCERTAIN)
    measured("H12", trials=trials, failures=duplicates + silent, duplicates=duplicates)
    assert duplicates == 0
    assert silent == 0
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_a_printer_is_added_tried_and_retired_on_the_console(database):
    def run(*arguments):
        done = CliRunner().invoke(printer_command, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    fake = FakePrinter()
    try:
        run("add", "Z1", "--address", fake.address, "--for", "cryovial_dose_33x13", "--json")
        assert run("test", "Z1", "--json")["template"] == "cryovial_dose_33x13"
    finally:
        fake.close()

    (stream,) = fake.labels
    assert codes.symbol("V7K4M29YJ", 0).encode() in stream
    with pytest.raises(labels.PrinterSilent):
        labels.test_printer(actor(Role.ADMINISTRATOR), name="Z1")
    assert run("retire", "Z1", "--json")["in_use"] is False
    assert [each["name"] for each in run("list", "--json")["printers"]] == ["Z1"]
    with db.reading() as session:
        assert ledger.verify(session).ok
