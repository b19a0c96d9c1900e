"""The pack around a dose: a label of its own that is no vial's, at no bed and on no page."""

import pytest
from sqlalchemy import func, select

from lims import custody, dosing, isolation, labels, ledger
from lims.core import codes, db
from lims.core.errors import BadInput, DomainError, NotAllowed
from lims.core.gate import GateStopped, Result
from lims.core.permissions import PEOPLE
from lims.custody import StateRefused
from lims.dosing import packing
from lims.dosing.errors import PackOver, PackUnknown
from lims.dosing.models import Pack
from lims.dosing.permissions import PACK
from lims.labels import DoesNotFit, OldLabel
from lims.station.rehearsal import giving
from lims.station.rehearsal.leaving import print_labels
from tests.approved import put_in_force
from tests.bed import FIGURES
from tests.dosing.test_doors import Caller, Tablet, web  # noqa: F401
from tests.dosing.test_services import administered, supply_plasma
from tests.makers import actor

CONTACT = "Tangdu Hospital, Xi'an; Dr Li, +86 29 0000 0000"


@pytest.fixture
def issued(bed):
    """A woman whose dose was issued and not given."""
    supply_plasma(bed)
    return bed.world.plasma


def packed(bed, woman, **more) -> Pack:
    return dosing.label_pack(bed.actor("pari"), code=woman.dose, contact=CONTACT, **more)


def live(code: str) -> int | None:
    with db.reading() as session:
        return labels.live_copy(session, code)


def found(text: str):
    with db.reading() as session:
        return dosing.pack_by_code(session, text)


def test_the_label_of_a_pack_cancels_no_vials_and_holds_no_code_of_one(bed, issued, monkeypatch,
                                                                       tmp_path):  # fmt: skip
    monkeypatch.setenv("LIMS_HOME", str(tmp_path))
    put_in_force()
    vial = live(issued.dose)

    pack = packed(bed, issued)

    assert pack.code[:2] == "BZ"
    assert live(issued.dose) == vial == 1
    assert live(pack.code) == 1
    with db.reading() as session:
        asked = labels.newest_request(session, pack.code)
    said = asked.fields
    assert (said["subject"], said["contact"]) == (issued.number, CONTACT)
    assert said["autologous"] == "yes"
    assert said["product"] == "Autologous PRP"
    assert said["content"].startswith("1 vial of ")
    folded = codes.fold(" ".join(said.values()))
    assert issued.dose not in folded
    assert FIGURES not in folded
    print_labels()
    with db.reading() as session:
        (file,) = [each for each in labels.drawn_files(session) if each.code == pack.code]
        assert ledger.verify(session).ok
    assert labels.read_png(file.png.read_bytes()) == [
        ("code128", codes.symbol(pack.code, 1).encode())
    ]


@pytest.mark.parametrize("language", ["fa", "zh"])
def test_the_label_of_a_pack_speaks_the_language_of_the_site(bed, issued, language):
    labels.speak(language)
    try:
        pack = packed(bed, issued)
    finally:
        labels.speak("en")
    with db.reading() as session:
        asked = labels.newest_request(session, pack.code)
    assert asked.language == language
    for name in ("product", "route", "content"):
        assert not asked.fields[name].isascii(), name


def test_a_pack_scanned_at_the_bed_in_place_of_the_vial_is_stopped_by_whoever_scans_it(bed, issued):
    pack = packed(bed, issued)
    for text in (pack.code, codes.symbol(pack.code, 1)):
        looked = giving.seen(bed.stage, issued, 1500)
        _check, answer = dosing.start_check(
            bed.actor("clea"), dose=text, participant=issued.number,
            band=giving.symbol(issued.band), seen=looked,
        )  # fmt: skip
        assert answer.verdict == "stop"
        assert "B06" in answer.ids(Result.STOPPED)
        asked = dosing.ask(bed.actor("ines"), dose=text, participant=issued.number)
        assert "B06" in asked.ids(Result.STOPPED)
        _check, answer = dosing.start_check(
            bed.actor("clea"), dose=giving.symbol(issued.dose), participant=issued.number,
            band=text, seen=looked,
        )  # fmt: skip
        assert answer.verdict == "stop"
    good, answer = bed.check(issued)
    assert answer.verdict != "stop", answer.ids(Result.STOPPED)
    # The second person scans for herself; the pack is not what the first has scanned.
    _check, answer = dosing.witness(
        bed.actor("cyra"), check_id=good.id, band=giving.symbol(issued.band),
        dose=codes.symbol(pack.code, 1), figures=FIGURES,
        password=bed.stage.passwords["cyra"],
    )  # fmt: skip
    assert answer.verdict == "stop"
    with pytest.raises(GateStopped):
        bed.given(good.id)
    assert administered() == 0


def test_no_act_on_a_dose_takes_the_code_of_its_pack(bed, issued, web):  # noqa: F811
    pack = packed(bed, issued)
    pari, clea = (Caller(web, bed, who) for who in ("pari", "clea"))
    for who, path, body in (
        (pari, "issue", {"to": bed.stage.badges["clea"]}),
        (pari, "assignment", {"participant": issued.number}),
        (pari, "pack", {"contact": CONTACT}),
        (clea, "thaw", {"kept": "room"}),
        (clea, "return", {"reason": "x"}),
    ):
        refused = who.post(f"/doses/{pack.code}/{path}", **body)
        assert (refused.status_code, refused.json["code"]) == (422, "code_kind"), path
    moved = pari.post(f"/items/{pack.code}/moves", to=codes.draw("A", practice=True))
    assert (moved.status_code, moved.json["code"]) == (422, "code_kind")


def test_a_scanned_pack_says_that_it_is_the_pack_and_leads_to_the_dose(bed, issued, web):  # noqa: F811
    pack = packed(bed, issued)
    symbol = codes.symbol(pack.code, 1)
    answer = Caller(web, bed, "pari").post("/scans", code=symbol, station="").json
    assert (answer["kind"], answer["code"], answer["copy"]) == ("pack", pack.code, 1)
    assert (answer["url"], answer["next"]) == (f"/items/{issued.dose}", [])
    tablet = Tablet(web, bed, "pari")
    tablet.get(f"/scan?code={symbol}")
    assert tablet.verdict == "ask"
    assert "This is the pack and not the dose in it." in tablet.text
    assert f'href="/items/{issued.dose}"' in tablet.text
    tablet.send("/station", code=symbol)
    assert tablet.verdict == "ask"
    assert "Take the vial out and scan the vial itself." in tablet.text


def test_another_label_of_a_pack_needs_a_reason_and_the_old_one_stops(bed, issued):
    pack = packed(bed, issued)
    with pytest.raises(BadInput) as refused:
        packed(bed, issued)
    assert refused.value.field == "reason"
    again = packed(bed, issued, reason="torn")
    assert again.code == pack.code
    with pytest.raises(OldLabel):
        found(codes.symbol(pack.code, 1))
    assert found(codes.symbol(pack.code, 2)).item.code == issued.dose
    with pytest.raises(PackUnknown):
        found(codes.draw("B", practice=True))
    assert live(issued.dose) == 1


def test_a_pack_is_over_with_its_assignment_and_the_next_woman_gets_another(bed, issued):
    stage = bed.stage
    first = packed(bed, issued)
    stage.do("pari", dosing.return_dose, code=issued.dose, reason="she is unwell today")
    with pytest.raises(PackOver) as over:
        found(codes.symbol(first.code, 1))
    assert "Take out what is in it" in str(over.value)
    with pytest.raises(BadInput, match="not assigned"):
        packed(bed, issued)
    stage.do("pari", dosing.assign, code=issued.dose, participant=issued.number)
    second = packed(bed, issued)
    assert second.code != first.code
    assert found(second.code).subject.number == issued.number
    with pytest.raises(PackOver):
        found(first.code)
    giving.destroy(stage, issued.dose, "dropped")
    with pytest.raises(PackOver):
        found(second.code)


def test_what_is_thawed_held_or_has_expired_gets_no_pack(bed, issued):
    with pytest.raises(StateRefused, match="thawed"):
        packed(bed, bed.world.first)
    with db.reading() as session:
        ends = custody.find(session, issued.dose).expires_at
    before = bed.clock.at
    bed.clock.set(ends)
    with pytest.raises(StateRefused, match="expired"):
        packed(bed, issued)
    bed.clock.set(before)
    with pytest.raises(DoesNotFit):
        dosing.label_pack(bed.actor("pari"), code=issued.dose, contact="W" * 199)
    custody.hold(bed.actor("quin"), code=issued.dose, reason="to be looked at again")
    with pytest.raises(DomainError):
        packed(bed, issued)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Pack)) == 0


@pytest.mark.parametrize("beds", ["sqlite"], indirect=True)  # permissions know none
@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_who_neither_assigns_nor_issues_packs_nothing(bed, issued, role):
    who = actor(role)
    if role in PACK.granted_to:
        assert dosing.label_pack(who, code=issued.dose, contact=CONTACT).code
        return
    with pytest.raises(NotAllowed):
        dosing.label_pack(who, code=issued.dose, contact=CONTACT)


def test_the_page_of_a_dose_prints_it_and_remembers_whom_to_call(bed, issued, web):  # noqa: F811
    tablet = Tablet(web, bed, "pari")
    tablet.get(f"/items/{issued.dose}")
    assert f"/doses/{issued.dose}/pack" in tablet.text
    tablet.get(f"/doses/{issued.dose}/pack")
    with db.reading() as session:
        item = custody.find(session, issued.dose)
        assert packing.first_contact(session, item) in tablet.text.replace("&#39;", "'")
    answer = tablet.send(f"/doses/{issued.dose}/pack", contact=CONTACT)
    assert (answer.status_code, tablet.verdict) == (200, "ok")
    assert "Pack around it" in tablet.text
    with db.reading() as session:
        assert packing.first_contact(session, custody.find(session, issued.dose)) == CONTACT
    tablet.get(f"/items/{bed.world.first.dose}")
    assert "/pack" not in tablet.text


def test_a_long_list_of_reactive_markers_is_counted_on_a_pack_as_on_a_vial():
    many = [f"marker_number_{each}_of_a_long_name" for each in range(9)]
    assert "see papers" in str(isolation.labelling.warning(many, packing.TEMPLATE))
