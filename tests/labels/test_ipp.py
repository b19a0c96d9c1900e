"""A real CUPS between us and the printer; and print servers that say odd things."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from lims import labels, ledger
from lims.core import codes, db
from lims.core.errors import BadInput
from lims.core.permissions import WORKER, Role
from lims.labels import PrinterKind, RequestState, ipp
from lims.labels.errors import Interrupted, NotTaken
from lims.labels.models import Health
from tests import services_here
from tests.labels import printer_here
from tests.labels.test_printing import ask, later, state, turn
from tests.makers import actor
from tests.services_here import until


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))


def add(address, name="C1", **more):
    return labels.add_printer(
        actor(Role.ADMINISTRATOR), name=name, kind=PrinterKind.IPP, address=address, **more
    )


def remote(asked):
    with db.reading() as session:
        return labels.request_by_id(session, asked.id).remote


def test_labels_go_through_a_real_cups_once_and_in_order(database, technician):
    with (
        printer_here.printer(answers=False) as here,
        services_here.cups({"zebra": f"socket://{here.address}"}) as server,
    ):
        add(f"{server}/printers/zebra")
        with db.transaction():
            asked = [ask(technician) for _each in range(3)]
        labels.print_job(WORKER, asked[0].job)
        labels.print_job(WORKER, asked[0].job)
        assert {state(each) for each in asked} == {RequestState.SENT}
        assert until(lambda: len(here.out) == 3, 20)
        assert here.printed == [codes.symbol(each.code, 1) for each in asked]

        def told():
            labels.sweep(WORKER)
            return {remote(each) for each in asked} == {None}

        assert until(told, 20)
        # A print server handed it to its device; only a scan says that it lies there.
        assert {state(each) for each in asked} == {RequestState.SENT}
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_a_label_that_cups_gives_up_is_uncertain(database, technician):
    """Somebody cancels it at the print server, when some of it may have come out."""
    cancel = 0x0008
    with services_here.cups({"off": f"socket://127.0.0.1:{services_here.free_port()}"}) as server:
        address = f"{server}/printers/off"
        add(address)
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
        labels.sweep(WORKER)
        assert state(asked) is RequestState.SENT
        assert remote(asked) is not None
        ipp._ask(ipp.server(address), cancel, {"job-id": (ipp._INTEGER, remote(asked))})
        labels.sweep(WORKER)
        assert state(asked) is RequestState.UNCERTAIN
        labels.print_job(WORKER, asked.job)
        labels.settle(technician, request_id=asked.id, printed=False)
    assert state(asked) is RequestState.FAILED


def test_a_queue_that_is_not_there_gets_nothing(database, technician):
    with services_here.cups({"zebra": "file:///dev/null"}) as server:
        add(f"{server}/printers/other")
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
        assert state(asked) is RequestState.WAITING
        assert turn("C1").health is Health.SILENT
        add(f"{server}/printers/zebra")
        with later():
            labels.print_job(WORKER, asked.job)
        assert state(asked) is RequestState.SENT
    with later(60):
        again = ask(technician)
        labels.print_job(WORKER, again.job)
    assert state(again) is RequestState.WAITING


@pytest.mark.parametrize(
    "address",
    [
        "ipp://cups.lab", "ipp://cups.lab/", "http://cups.lab/printers/a", "ipp://u:p@cups.lab/a",
        "ipp://cups.lab/a?x=1", "ipp://cups.lab:22/printers/a", "ipp://169.254.169.254/a",
        "ipp://cups.lab/a b", "ipp:///a",
    ],
)  # fmt: skip
def test_an_address_that_is_no_queue_is_refused(database, address):
    with pytest.raises(BadInput):
        add(address)


@contextmanager
def server_that_says(*answers):
    """An HTTP server that gives one answer after the other, whatever it is asked."""
    left = list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while left:
                try:
                    line, _peer = listening.accept()
                except OSError:
                    return
                with line:
                    asked = line.recv(1_000_000)
                    head, _blank, body = asked.partition(b"\r\n\r\n")
                    wanted = int(head.lower().partition(b"content-length:")[2].split()[0])
                    while len(body) < wanted:
                        body += line.recv(65536)
                    said = left.pop(0)
                    if said is not None:
                        line.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield f"ipp://127.0.0.1:{listening.getsockname()[1]}/printers/a"


def http(body, status="200 OK", more=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def said(status=0, **numbers):
    body = struct.pack(">BBHIB", 2, 0, status, 1, 4)
    for name, number in numbers.items():
        spelled = name.replace("_", "-").encode()
        body += struct.pack(f">BH{len(spelled)}sHi", 0x21, len(spelled), spelled, 4, number)
    return http(body + b"\x03")


READY = said(printer_state=3)


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        (None, RequestState.UNCERTAIN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nab", RequestState.UNCERTAIN),
        (http(b"\x02\x00"), RequestState.UNCERTAIN),
        (said(), RequestState.UNCERTAIN),
        (said(job_id=7), RequestState.SENT),
        (said(status=0x0506), RequestState.FAILED),
        (http(b"", "307 Moved", "Location: ipp://127.0.0.1:5432/a\r\n"), RequestState.FAILED),
        (http(b"", "500 Broken"), RequestState.FAILED),
    ],
)
def test_what_a_print_server_says_decides_and_silence_is_uncertain(
    database, technician, answer, becomes
):
    with server_that_says(READY, answer) as address:
        add(address)
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
        assert state(asked) is becomes


def test_a_stopped_queue_gets_nothing(database, technician):
    with server_that_says(said(printer_state=5)) as address:
        add(address)
        asked = ask(technician)
        labels.print_job(WORKER, asked.job)
    assert state(asked) is RequestState.WAITING
    assert turn("C1").health is Health.STOPPED


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_an_answer_cut_anywhere_is_no_answer(cut):
    whole = READY.partition(b"\r\n\r\n")[2]
    assert ipp.decoded(whole) == {"printer-state": 3}
    if cut < len(whole):
        with pytest.raises((Interrupted, NotTaken)):
            ipp.decoded(whole[:cut])
