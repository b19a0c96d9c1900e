"""The label of a shipment: a code of its own for one way, and never the label of its box."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from lims import custody, labels, ledger
from lims.core import codes, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import PEOPLE, Role
from lims.custody import consigning, ways
from lims.custody.errors import NotTravelling, ShipmentUnknown
from lims.custody.models import Shipment
from lims.custody.permissions import SHIP
from lims.labels import DoesNotFit, OldLabel
from lims.labels.models import LabelRequest
from lims.station.rehearsal.leaving import print_labels
from tests.approved import put_in_force
from tests.custody import bench
from tests.custody.bench import a_place, badge, kinds
from tests.laboratory import PASSWORD
from tests.makers import actor

SAID = {
    "sender": "Cell therapy laboratory, Imam Khomeini Hospital, Razi Street, Sari, Iran",
    "recipient": "Department of Reproductive Medicine, Tangdu Hospital, Xi'an 710038, China",
    "contact": "24 h: +98 11 0000 0000 Dr Rezaei",
    "material": "un3373",
    "dry_ice_kg": Decimal("12.5"),
    "seal": "004512",
}


@pytest.fixture
def pair(donor):
    """The one who sends and the one who receives."""
    return badge("tara")[0], badge("teo")[0]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMS_HOME", str(tmp_path / "home"))


def sent(who, donor, box=None, number=1):
    """A box on its way with so many things; the box, the shipment and what is in it."""
    box = box or a_place(name="Dry ice 1", kind="transport")
    things = [bench.thing(donor=donor) for _each in range(number)]
    for code in things:
        custody.move(who, code=code, to=box)
    site = a_place(name="Site B", kind="site")
    shipment = custody.dispatch(who, code=box, to=site, hours=4, password=PASSWORD)
    return box, shipment, things


def labelled(who, shipment, **changed):
    """Its label, asked for; the request."""
    row = custody.label_shipment(who, shipment_id=shipment.id, **{**SAID, **changed})
    with db.reading() as session:
        return labels.newest_request(session, row.code)


def live(code):
    with db.reading() as session:
        return labels.live_copy(session, code)


def test_a_shipment_has_a_label_of_its_own_and_its_box_keeps_the_one_it_has(donor, pair, home):
    put_in_force()
    tara, _teo = pair
    box, shipment, things = sent(tara, donor, number=3)
    assert shipment.code[0] == "T"
    assert codes.valid(shipment.code)

    asked = labelled(tara, shipment)

    assert (live(shipment.code), live(box)) == (1, 1)
    assert asked.fields["number"] == "Seal 004512"
    assert asked.fields["regulation"] == (
        "UN 3373 BIOLOGICAL SUBSTANCE, CATEGORY B; UN 1845 DRY ICE 12.5 kg"
    )
    assert asked.fields["content"].startswith("lot × 3; human material")
    assert (asked.fields["storage"], asked.fields["frozen"]) == ("≤ -70 °C", "yes")
    said = " ".join(asked.fields.values())
    assert donor.number not in said  # the carrier learns nothing of her
    assert not any(code in said for code in things)
    print_labels()
    with db.reading() as session:
        (file,) = [each for each in labels.drawn_files(session) if each.code == shipment.code]
    payload = codes.symbol(shipment.code, 1).encode()
    assert labels.read_png(file.png.read_bytes()) == [
        ("code128", payload), ("datamatrix", payload)
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["fa", "zh"])
def test_it_speaks_the_language_of_the_site_and_names_dangerous_goods_in_english(
    donor, pair, home, language
):
    put_in_force()
    tara, _teo = pair
    _box, shipment, _things = sent(tara, donor)
    labels.speak(language)
    try:
        asked = labelled(tara, shipment)
        print_labels()
    finally:
        labels.speak("en")
    assert custody.KIND_NAMES[custody.ItemKind.LOT].spoken(language) in asked.fields["content"]
    assert not asked.fields["content"].isascii()
    assert asked.fields["regulation"].isascii()
    with db.reading() as session:
        assert [each.code for each in labels.drawn_files(session)].count(shipment.code) == 1


def test_another_label_needs_a_reason_and_the_old_one_stops(donor, pair):
    tara, teo = pair
    _box, shipment, things = sent(tara, donor)
    labelled(tara, shipment)
    with pytest.raises(BadInput) as refused:
        labelled(tara, shipment)
    assert refused.value.field == "reason"
    assert live(shipment.code) == 1

    labelled(tara, shipment, reason="wet")

    old, new = (codes.symbol(shipment.code, copy) for copy in (1, 2))
    with pytest.raises(OldLabel):
        custody.receive_shipment(teo, code=old, seen=things, password=PASSWORD)
    drawn_by_hand = codes.symbol(shipment.code, 0)
    with pytest.raises(OldLabel):
        custody.receive_shipment(teo, code=drawn_by_hand, seen=things, password=PASSWORD)
    came = custody.receive_shipment(teo, code=new, seen=things, password=PASSWORD)
    assert list(came.received) == things


def test_a_label_left_on_a_box_never_opens_its_next_way(donor, pair):
    tara, teo = pair
    box, first, things = sent(tara, donor)
    labelled(tara, first)
    custody.receive_shipment(teo, code=first.code, seen=things, password=PASSWORD)
    with pytest.raises(NotTravelling, match="Take it off"):
        custody.receive_shipment(teo, code=first.code, seen=[], password=PASSWORD)
    _box, second, others = sent(tara, donor, box)
    assert second.code != first.code

    for label in (first.code, codes.symbol(first.code, 1)):
        with pytest.raises(NotTravelling, match="Take it off") as refused:
            custody.receive_shipment(teo, code=label, seen=others, password=PASSWORD)
        assert refused.value.field == "code"
    with pytest.raises(ShipmentUnknown):
        custody.receive_shipment(teo, code=codes.draw("T"), seen=others, password=PASSWORD)
    with pytest.raises(codes.WrongKind):
        custody.receive_shipment(teo, code=others[0], seen=others, password=PASSWORD)

    assert custody.receive_shipment(teo, code=second.code, seen=others, password=PASSWORD)


def test_whoever_waits_for_the_lock_does_not_receive_the_next_way_by_the_old_label(
    donor, pair, monkeypatch
):
    tara, teo = pair
    box, first, things = sent(tara, donor)
    custody.receive_shipment(teo, code=box, seen=things, password=PASSWORD)
    _box, second, others = sent(tara, donor, box)
    # It was on its way when it was looked up, and no longer when the box was held.
    monkeypatch.setattr(consigning, "box_of", lambda _session, _text: box)
    with pytest.raises(NotTravelling):
        custody.receive_shipment(teo, code=first.code, seen=others, password=PASSWORD)
    assert custody.receive_shipment(teo, code=second.code, seen=others, password=PASSWORD)


def test_a_shipment_from_before_there_were_codes_goes_on_and_is_given_one_with_its_label(
    donor, pair, standing
):
    tara, teo = pair
    box, shipment, things = sent(tara, donor)
    with db.transaction() as session:  # as the migration leaves it
        row = session.get_one(Shipment, shipment.id)
        row.code = None
        session.flush()
        ledger.record(bench.OPERATOR, f"place/{box}", "custody.shipment-coded", rows=[row])
    with db.reading() as session:
        assert custody.shipment_facts(session, session.get_one(Shipment, shipment.id))

    asked = labelled(tara, shipment)

    assert asked.code[0] == "T"
    assert kinds(box, "place")[-1] == "custody.shipment-coded"
    assert custody.receive_shipment(teo, code=asked.code, seen=things, password=PASSWORD)


def test_what_has_no_room_or_was_received_is_not_labelled_and_nothing_is_kept(donor, pair):
    tara, teo = pair
    box, shipment, things = sent(tara, donor)
    with pytest.raises(DoesNotFit):
        labelled(tara, shipment, contact="W" * 190)
    with pytest.raises(BadInput, match="material"):
        labelled(tara, shipment, material="gold")
    assert live(shipment.code) is None
    custody.receive_shipment(teo, code=box, seen=things, password=PASSWORD)
    with pytest.raises(NotTravelling, match="needs no label"):
        labelled(tara, shipment)
    with db.reading() as session:
        assert labels.newest_request(session, shipment.code) is None


def test_many_kinds_are_counted_where_their_names_have_no_room(donor, pair):
    tara, _teo = pair
    _box, shipment, _things = sent(tara, donor)
    with db.reading() as session:
        (item,) = ways.manifest(session, session.get_one(Shipment, shipment.id))
        session.expunge(item)
    every = []
    for kind in custody.ItemKind:
        every += [custody.Item(kind=kind) for _each in range(12)]
    said = str(consigning._content(every))
    assert said.startswith(f"Things: {len(every)};")
    assert str(consigning._content([item])).startswith("lot × 1;")


def test_a_reactive_marker_of_any_donor_in_the_box_puts_the_sign_on_it(donor, pair, monkeypatch):
    tara, _teo = pair
    asked_of = []

    def reactive(_session, donors):
        asked_of.append(set(donors))
        return True

    monkeypatch.setattr(consigning, "_hazards", [lambda _session, _donors: False, reactive])
    _box, shipment, _things = sent(tara, donor)
    assert labelled(tara, shipment).fields["biohazard"] == "yes"
    assert asked_of == [{donor.id}]
    monkeypatch.setattr(consigning, "_hazards", consigning._hazards[:1])
    assert labelled(tara, shipment, reason="again").fields["biohazard"] == "no"


def test_a_form_begins_with_what_was_said_last_and_a_recipient_only_of_the_same_place(donor, pair):
    tara, teo = pair
    box, first, things = sent(tara, donor)
    with db.reading() as session:
        said = consigning.first_words(session, session.get_one(Shipment, first.id))
    assert said["recipient"] == "Site B"
    assert said["contact"] == ""
    labelled(tara, first)
    custody.receive_shipment(teo, code=box, seen=things, password=PASSWORD)
    _box, second, _others = sent(tara, donor, box)  # to another place of the same name
    with db.reading() as session:
        said = consigning.first_words(session, session.get_one(Shipment, second.id))
    assert said == {
        "sender": SAID["sender"], "contact": SAID["contact"], "recipient": "Site B",
    }  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # permissions know none
@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_who_may_not_send_prints_no_label_of_a_shipment(donor, pair, role):
    tara, _teo = pair
    _box, shipment, _things = sent(tara, donor)
    who = actor(role)
    if role in SHIP.granted_to:
        assert custody.label_shipment(who, shipment_id=shipment.id, **SAID).code
        return
    with pytest.raises(NotAllowed):
        custody.label_shipment(who, shipment_id=shipment.id, **SAID)
    with db.reading() as session:
        asked = select(LabelRequest).where(LabelRequest.code == shipment.code)
        assert session.scalar(asked) is None


def test_a_code_that_another_shipment_has_is_drawn_again(donor, pair, monkeypatch):
    tara, _teo = pair
    _box, first, _things = sent(tara, donor)
    fresh = codes.draw("T")
    drawn = iter([first.code, first.code, fresh])
    real = codes.draw
    monkeypatch.setattr(
        codes, "draw", lambda letter, **how: next(drawn) if letter == "T" else real(letter, **how)
    )
    _box, second, _others = sent(tara, donor, a_place(name="Dry ice 2", kind="transport"))
    assert second.code == fresh


def test_technicians_and_no_auditor_are_among_those_who_send():
    assert Role.TECHNICIAN in SHIP.granted_to
    assert Role.AUDITOR not in SHIP.granted_to
