"""A printer's address leads to a printer of this site, and nowhere else (H59)."""

import socket

import pytest

from lims.core.errors import BadInput
from lims.labels import PrinterKind, PrinterSilent, addresses, sending
from tests import services_here

# Forms that lead to this computer, its neighbours or the cloud's services, or that hide where.
HIDDEN = (
    "2130706433:9100", "0x7f000001:9100", "0177.0.0.1:9100", "127.1:9100", "127.0.1:9100",
    "0x7f.1:9100", "3232235521:9100", "[::ffff:169.254.169.254]:9100", "169.254.169.254:9100",
    "169.254.169.254", "[fe80::1]:9100", "0.0.0.0:9100", "[::]:9100", "224.0.0.1:9100",
    "255.255.255.255:9100", "240.0.0.1:9100", "[ff02::1]:9100", "10.0.0.7:22", "10.0.0.7:5432",
    "10.0.0.7:6379", "10.0.0.7:80", "db.lab:5432", "zebra.lab:22", "10.0.0.7:0", "10.0.0.7:99999",
    "10.0.0.7:-1", "10.0.0.7:9100:9100", "user@10.0.0.7:9100", "http://10.0.0.7:9100",
    "10.0.0.7/a:9100", "10.0.0.7 :9100", "10.0.0.7\n:9100", "zebra..lab:9100", "-zebra.lab:9100",
    "zebra_1.lab:9100", "zebra.lab.:9100", ":9100", "", " ", "[10.0.0.7:9100", "10.0.0.256:9100",
    "1.2.3:9100", "۱۰.۰.۰.۷:9100", "10.0.0.7:۹۱۰۰", "zebrа.lab:9100", "[::ffff:7f00:1:9100",
    "%31%30.0.0.7:9100", "zebra.lab:9100#", "zebra.lab:9100?", "10.0.0.7:9100/", "a" * 200 + ":1",
    "10.0.0.7:9099", "10.0.0.7:9110", "169.254.1.1:9100", "[fe80::1%eth0]:9100", "0:9100",
    "10.0.0.7:9100\x00", "０:9100", "zebra.1:9100", "zebra.0x10:9100",
)  # fmt: skip
LIST = "10.20.0.0/24, 10.30.0.7:9200, zebra-1.lab:9100, printers.lab"
OUTSIDE = (
    "127.0.0.1:9100", "[::1]:9100", "localhost:9100", "10.20.1.7:9100", "10.20.0.7:9200",
    "10.20.0.7:22", "10.30.0.7:9100", "10.30.0.8:9200", "other.lab:22", "192.168.0.1:9100",
    "printers.lab:22", "[::ffff:127.0.0.1]:9100", "8.8.8.8:9100",
)  # fmt: skip
INSIDE = ("10.20.0.7:9100", "10.20.0.7", "10.30.0.7:9200", "zebra-1.lab:9100", "printers.lab",
          "[::ffff:10.20.0.9]:9100")  # fmt: skip


@pytest.fixture
def no_line(monkeypatch):
    """Every line that anything tries to open."""
    tried = []

    def refuse(address, **_more):
        tried.append(address)
        raise OSError("not in a test")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


def opened(address):
    """Add it as a printer and call it, as the product does; what stops it, None for nothing."""
    try:
        sending.check_address(PrinterKind.SOCKET, address, None)
        with sending.open_line(PrinterKind.SOCKET, address, answers=False, language="zpl"):
            return None
    except (BadInput, PrinterSilent) as stopped:
        return stopped


def test_H59_no_form_of_an_address_leads_past_the_rule(no_line, measured):
    let_in = [each for each in HIDDEN if not isinstance(opened(each), BadInput)]
    measured("H59", trials=len(HIDDEN), failures=len(let_in) + len(no_line))
    assert let_in == []
    assert no_line == []


def test_H59_with_a_list_nothing_outside_it_is_called(monkeypatch, no_line, measured):
    monkeypatch.setenv("LIMS_PRINTERS", LIST)
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_more: [(0, 0, 0, "", (_at(host), port))]
    )
    let_in = [each for each in OUTSIDE if not isinstance(opened(each), BadInput)]
    measured("H59", trials=len(OUTSIDE), failures=len(let_in) + len(no_line))
    assert let_in == []
    assert no_line == []
    for each in INSIDE:
        assert isinstance(opened(each), PrinterSilent), each
    assert len(no_line) == len(INSIDE)


def _at(host):
    """Where names lead in these tests."""
    names = {"zebra-1.lab": "10.40.0.1", "printers.lab": "10.20.0.8", "localhost": "127.0.0.1"}
    return names.get(host, "10.99.0.1" if host[-1].isalpha() else host)


@pytest.mark.parametrize("leads", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1"])
def test_H59_a_name_that_comes_to_lead_elsewhere_is_not_called(
    monkeypatch, no_line, measured, leads
):
    """A name is judged by where it leads when it is called, and the call goes just there."""
    monkeypatch.setenv("LIMS_PRINTERS", "printers.lab:9100")
    answers = iter(["10.20.0.8", leads])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, port, **_m: [(0, 0, 0, "", (next(answers), port))]
    )
    assert isinstance(opened("printers.lab:9100"), PrinterSilent)
    assert no_line == [("10.20.0.8", 9100)]
    assert isinstance(opened("printers.lab:9100"), BadInput)
    measured("H59", trials=2, failures=len(no_line) - 1)


def test_one_bad_answer_among_good_ones_stops_the_name(monkeypatch, no_line):
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda _host, port, **_m: [
            (0, 0, 0, "", (each, port)) for each in ("10.20.0.8", "169.254.169.254")
        ],
    )
    assert isinstance(opened("printers.lab:9100"), BadInput)
    assert no_line == []


@pytest.mark.parametrize("entry", ["10.20.0.0/99", "a b", "10.0.0.256", "zebra.lab:0", "http://a"])
def test_a_list_that_is_none_is_refused(monkeypatch, entry):
    monkeypatch.setenv("LIMS_PRINTERS", entry)
    with pytest.raises(BadInput, match="LIMS_PRINTERS"):
        addresses.listed()


def test_a_printer_taken_off_the_list_gets_nothing_more(monkeypatch):
    monkeypatch.setenv("LIMS_PRINTERS", f"127.0.0.1:{services_here.free_port()}")
    assert isinstance(opened("127.0.0.1:9100"), BadInput)
