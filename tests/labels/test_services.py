"""Copies: numbered, one alive, and only the live one may be scanned."""

import io
import random
import threading

import pytest
from PIL import Image
from sqlalchemy import text

from lims import labels, ledger
from lims.core import codes, db
from lims.core.errors import BadInput, Conflict, NotAllowed
from lims.core.permissions import PEOPLE, WORKER, Role
from lims.labels import CopyState, RequestState, layout, printing
from lims.labels.models import LabelCopy, LabelRequest
from lims.labels.permissions import SEE
from tests.makers import actor

TUBE = "specimen_tube_50x20"


@pytest.fixture(autouse=True)
def label_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "labels"


def tube_fields(**changed):
    return {"subject": "IRC01-017", "material": "Menstrual blood", **changed}


def ask(person, code, template=TUBE, reason=None, **changed):
    fields = tube_fields(**changed) if template == TUBE else changed
    return labels.request(person, template=template, code=code, fields=fields, reason=reason)


def state(request):
    with db.reading() as session:
        return labels.request_by_id(session, request.id).state


def test_a_label_is_drawn_kept_and_reads_back(database, technician, label_folder):
    code = codes.draw("S")
    asked = ask(technician, code)

    labels.print_job(WORKER, asked.job)

    with db.reading() as session:
        (file,) = labels.drawn_files(session)
        assert labels.live_copy(session, code) == 1
        assert ledger.verify(session).ok
        kinds = [each.kind for each in ledger.entries_of(session, labels.stream(code))]
    assert kinds == ["labels.requested", "labels.drawn"]
    assert file.png == label_folder / f"{code}-01.png"
    assert labels.read_png(file.png.read_bytes()) == [
        ("datamatrix", codes.symbol(code, 1).encode())
    ]
    assert file.payload.encode() in file.zpl.read_bytes()
    assert state(asked) is RequestState.DRAWN


def test_printing_twice_changes_nothing(database, technician, label_folder):
    asked = ask(technician, codes.draw("S"))
    labels.print_job(WORKER, asked.job)
    before = {each: each.stat().st_mtime_ns for each in label_folder.iterdir()}

    labels.print_job(WORKER, asked.job)

    assert {each: each.stat().st_mtime_ns for each in label_folder.iterdir()} == before
    with db.reading() as session:
        assert ledger.verify(session).ok
        assert len(ledger.entries_of(session, labels.stream(asked.code))) == 2


def test_the_code_may_stand_among_the_fields_as_printed(database, technician):
    code, other = codes.draw("S"), codes.draw("S")

    def with_code(printed):
        fields = tube_fields(code=codes.grouped(printed))
        return labels.request(technician, template=TUBE, code=code, fields=fields)

    with pytest.raises(labels.FieldWrong):
        with_code(other)
    assert with_code(code).fields == tube_fields()


def test_label_reprint_needs_a_reason_and_kills_the_old_copy(database, technician):
    code = codes.draw("S")
    first = ask(technician, code)

    with pytest.raises(BadInput) as refused:
        ask(technician, code)
    assert refused.value.field == "reason"
    second = labels.reprint(technician, code=code, reason="smudged")

    assert (first.copy, second.copy) == (1, 2)
    assert second.fields == first.fields
    assert state(first) is RequestState.CANCELLED
    labels.print_job(WORKER, first.job)
    assert state(first) is RequestState.CANCELLED
    with db.reading() as session:
        assert labels.live_copy(session, code) == 2
        labels.check_copy(session, codes.Scanned(code, 2))
        labels.check_copy(session, codes.Scanned(code))
        assert ledger.verify(session).ok
        newest = ledger.entries_of(session, labels.stream(code))[-1]
    assert newest.reason == "smudged"


def test_H12_a_dead_copy_is_refused_every_time(database, technician, measured):
    code = codes.draw("S")
    ask(technician, code)
    for reason in ("smudged", "lost", "wrong stock"):
        labels.reprint(technician, code=code, reason=reason)
    trials = failures = 0
    with db.reading() as session:
        for copy in [0, 1, 2, 3, *range(5, 1024)]:
            trials += 1
            try:
                labels.check_copy(session, codes.parse(codes.symbol(code, copy)))
                failures += 1
            except labels.OldLabel:
                pass
        labels.check_copy(session, codes.parse(codes.symbol(code, 4)))
    measured("H12", trials=trials, failures=failures)
    assert failures == 0


def test_a_new_wristband_cancels_the_old_one(database, technician):
    band = codes.draw("W")
    fields = {"subject": "IRC01-017"}
    labels.request(technician, template="wristband_250x25", code=band, fields=fields)
    labels.reprint(technician, code=band, reason="torn")

    with db.reading() as session, pytest.raises(labels.OldLabel, match="old label"):
        labels.check_copy(session, codes.parse(codes.symbol(band, 1)))


def test_the_database_itself_refuses_a_second_living_copy(database, technician):
    code = codes.draw("S")
    ask(technician, code)
    with pytest.raises(Exception, match=r"(?i)unique"), database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO labels_copy (id, version, code, copy, state) "
                "VALUES ('00000000000000000000000000000001', 1, :code, 2, 'live')"
            ),
            {"code": code},
        )


def test_stations_that_reprint_at_once_leave_one_living_copy(database, technician):
    code = codes.draw("S")
    ask(technician, code)
    made, refused = [], []

    def again(number):
        try:
            made.append(labels.reprint(technician, code=code, reason=f"smudged {number}").copy)
        except Conflict:
            refused.append(number)

    threads = [threading.Thread(target=again, args=(each,)) for each in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(made) + len(refused) == 6
    assert len(set(made)) == len(made) >= 1
    with db.reading() as session:
        live = session.query(LabelCopy).filter_by(code=code, state=CopyState.LIVE).count()
        assert live == 1
        assert labels.live_copy(session, code) == max(made)
        assert ledger.verify(session).ok


def test_what_does_not_fit_is_refused_when_it_is_asked_for(database, technician):
    code = codes.draw("S")
    with pytest.raises(labels.DoesNotFit):
        ask(technician, code, material="Menstrual blood " * 5)
    with db.reading() as session:
        assert labels.live_copy(session, code) is None
        assert ledger.entries_of(session, labels.stream(code)) == []


def test_a_missing_font_fails_the_label_and_not_the_act(database, technician, monkeypatch):
    monkeypatch.setenv("LIMS_FONT_ZH", "/nowhere.ttf")
    asked = ask(technician, codes.draw("S"), material="经血")

    labels.print_job(WORKER, asked.job)

    with db.reading() as session:
        row = labels.request_by_id(session, asked.id)
        assert row.state is RequestState.FAILED
        assert "LIMS_FONT_ZH" in row.error


def test_a_name_is_on_the_band_and_nowhere_in_the_records(database, technician, label_folder):
    name, band = "Fatemeh Mohammadi", codes.draw("W")
    with pytest.raises(labels.FieldWrong):
        labels.request(
            technician, template="wristband_250x25", code=band, fields={"full_name": name}
        )
    asked = labels.request(
        technician, template="wristband_250x25", code=band, fields={"subject": "IRC01-017"}
    )
    before = dict(printing._loaders)
    labels.withheld("W")(
        lambda code: {"full_name": name, "birth_date": "1991-SEP-23"} if code == band else {}
    )
    try:
        labels.print_job(WORKER, asked.job)
    finally:
        printing._loaders.clear()
        printing._loaders.update(before)

    zpl = label_folder / f"{band}-01.zpl"
    assert name.encode() in zpl.read_bytes()
    assert zpl.stat().st_mode & 0o077 == 0
    with database.engine.connect() as connection:
        for table in ("labels_request", "labels_copy", "ledger_entry"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert "Mohammadi" not in repr(rows)
    assert labels.forget(band) == 2
    assert not zpl.exists()


def test_scanning_back_says_that_it_sticks(database, technician):
    code = codes.draw("S")
    ask(technician, code)

    stuck = labels.stick(technician, scanned=codes.symbol(code, 1))

    assert stuck.stuck_at is not None
    with pytest.raises(labels.OldLabel):
        labels.stick(technician, scanned=code)
    with db.reading() as session:
        assert labels.tally(session, [code]) == labels.Tally(1, 1, 0)
        assert ledger.verify(session).ok
    labels.reprint(technician, code=code, reason="smudged")
    with db.reading() as session:
        found = labels.tally(session, [code])
        assert (found.printed, found.destroyed, found.open) == (2, 1, 1)


def test_an_edit_of_a_copy_by_hand_shows(database, technician):
    code = codes.draw("S")
    ask(technician, code)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE labels_copy SET state = 'void'"))
    with db.reading() as session:
        assert not ledger.verify(session).ok


def test_practice_codes_are_refused_in_a_live_system(database, technician):
    with pytest.raises(codes.PracticeCode):
        ask(technician, codes.draw("S", practice=True))


@pytest.mark.parametrize("role", [Role.SPONSOR, Role.AUDITOR])
def test_who_only_looks_prints_nothing(database, technician, role):
    code = codes.draw("S")
    asked = ask(technician, code)
    somebody = actor(role)
    for call in (
        lambda: labels.reprint(somebody, code=code, reason="x"),
        lambda: labels.stick(somebody, scanned=codes.symbol(code, 1)),
        lambda: labels.settle(somebody, request_id=asked.id, printed=True),
        lambda: labels.print_job(technician, asked.job),
        lambda: labels.add_printer(
            technician, name="Z1", kind=labels.PrinterKind.SOCKET, address="h"
        ),
    ):
        with pytest.raises(NotAllowed):
            call()


def test_every_template_can_be_asked_for(database, technician, monkeypatch):
    monkeypatch.setattr(printing, "_loaders", {"V": lambda _code: {"readback": "4821"}})
    pick = random.Random(1)
    names = layout.names()
    pick.shuffle(names)
    for name in names:
        template = layout.load(name)
        fields = {
            key: value
            for key, value in template.example.items()
            if key not in template.withheld | {"code"}
        }
        code = codes.draw(template.code_letters[0])
        asked = labels.request(technician, template=name, code=code, fields=fields)
        labels.print_job(WORKER, asked.job)
    with db.reading() as session:
        found = labels.drawn_files(session)
        assert len(found) == len(names)
        assert session.query(LabelRequest).filter_by(state=RequestState.DRAWN).count() == len(names)
    for each in found:
        assert Image.open(io.BytesIO(each.png.read_bytes())).width > 100


def test_print_requests_and_printers_are_shown_to_whoever_may_look(database, technician):
    code = codes.draw("S")
    asked = ask(technician, code)
    assert [each.id for each in labels.requests(technician)] == [asked.id]
    assert labels.printers(technician) == []
    nobody = actor(name="nobody")
    for look in (labels.requests, labels.printers):
        with pytest.raises(NotAllowed):
            look(nobody)


def test_a_picture_of_a_label_is_scanned_by_nobody_and_says_what_the_label_said(
    database, technician
):
    asked = ask(technician, codes.draw("S"))
    made = labels.redraw(technician, request_id=asked.id)
    assert labels.read_png(made.png) == [("datamatrix", codes.symbol(asked.code, 0).encode())]
    with db.reading() as session, pytest.raises(labels.OldLabel):
        labels.check_copy(session, codes.parse(codes.symbol(asked.code, 0)))
    other = ask(technician, codes.draw("S"), subject="IRC01-018")
    assert labels.redraw(technician, request_id=other.id).png != made.png
    with db.reading() as session:
        assert labels.live_copy(session, asked.code) == 1
    assert state(asked) is RequestState.WAITING  # looking prints nothing


def test_a_picture_fetches_neither_a_name_nor_the_figures_of_a_vial(
    database, technician, monkeypatch
):
    fetched = []

    def loader(code):
        fetched.append(code)
        return {"full_name": "Laleh Ahmadi", "birth_date": "1994-MAY-08", "readback": "8317"}

    for letter in "WV":
        monkeypatch.setitem(printing._loaders, letter, loader)
    for template in ("wristband_250x25", "dose_vial_38x25"):
        known = layout.load(template)
        fields = {
            name: value
            for name, value in known.example.items()
            if name not in known.withheld and name != "code"
        }
        asked = labels.request(
            technician, template=template, code=codes.draw(known.code_letters), fields=fields
        )
        made = labels.redraw(technician, request_id=asked.id, format="svg")
        assert b"8317" not in made.bytes
        zpl = labels.redraw(technician, request_id=asked.id, format="zpl").bytes
        assert b"Laleh" not in zpl
        assert b"8317" not in zpl
    assert fetched == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # permissions know none
@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_who_prints_no_labels_and_audits_none_sees_no_picture(database, technician, role):
    asked = ask(technician, codes.draw("S"))
    if role in SEE.granted_to:
        assert labels.redraw(actor(role), request_id=asked.id).png
        assert labels.one_request(actor(role), request_id=str(asked.id)).id == asked.id
        return
    for look in (
        lambda: labels.redraw(actor(role), request_id=asked.id),
        lambda: labels.one_request(actor(role), request_id=str(asked.id)),
    ):
        with pytest.raises(NotAllowed):
            look()
