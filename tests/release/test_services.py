"""Releasing through the services: what is refused however one asks, and what is signed."""

import pytest

from lims import custody, isolation, labels, people, qc, release
from lims.core import codes, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.gate import GateStopped, Result
from lims.core.permissions import Role
from lims.qc.errors import OwnResult
from tests.laboratory import PASSWORD, scan_back


def stops(refused):
    return set(refused.value.answer.ids(Result.STOPPED))


def tried(lab, who, lot):
    """The rows that stopped a release; none where it went through."""
    try:
        lab.release(who, lot, reason="please")
    except GateStopped as refused:
        return set(refused.answer.ids(Result.STOPPED))
    return set()


def test_a_complete_lot_is_released_with_its_certificate_and_its_vial_is_available(laboratory):
    lab = laboratory
    lot = lab.awaiting()
    lab.confirm_units()

    lab.release(lab.rosa, lot, reason="the share of purity is reported only")

    assert lab.state(lot) == "released"
    with db.reading() as session:
        item = custody.find(session, lot)
        assert [each.state.value for each in isolation.vials_of(session, item.id)] == ["available"]
        assert release.certificate_of(session, item.id).pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("which", "row"),
    [
        ({"without": ("S09",)}, "S09"),
        ({"S09": ("no_match", "")}, "S09"),
        ({"without": ("S13",)}, "S13"),
        ({"S14": ("0.5", "[IU]/mL")}, "S14"),
    ],
    ids=["no identity", "another donor's cells", "no sterility", "endotoxin at its limit"],
)
def test_H01_H22_a_missing_or_failing_result_keeps_a_lot_from_release(
    laboratory, measured, which, row
):
    lab = laboratory
    lot = lab.awaiting(**which)
    lab.confirm_units()

    found = tried(lab, lab.rosa, lot)

    measured("H01" if row == "S09" else "H22", trials=1, failures=int(row not in found))
    assert row in found
    assert lab.state(lot) == "awaiting-review"
    with db.reading() as session:
        assert release.certificate_of(session, custody.find(session, lot).id) is None


def test_H21_whoever_did_a_step_does_not_release_not_even_by_a_second_account(laboratory, measured):
    lab = laboratory
    lot = lab.awaiting()
    lab.confirm_units()
    second = lab.join("tara2", Role.QC_OFFICER, person="tara")
    found = [tried(lab, who, lot) for who in (lab.quin, second)]

    measured("H21", trials=2, failures=2 - found.count({"R08"}))
    assert found == [{"R08"}, {"R08"}]
    assert second.person == lab.tara.person
    lab.release(lab.rosa, lot, reason="reported only")  # the same lot, by somebody who did nothing


def test_two_accounts_of_one_person_are_one_reviewer(laboratory):
    lab = laboratory
    lot = lab.tested()
    second = lab.join("ana2", Role.QC_OFFICER, person="ana")

    with pytest.raises(OwnResult):
        qc.review(second, code=lot, password=PASSWORD)


def test_a_release_needs_the_right_password_the_meaning_and_the_sponsors_unit(laboratory):
    lab = laboratory
    lot = lab.awaiting()

    with pytest.raises(GateStopped) as refused:
        lab.release(lab.rosa, lot, reason="reported only")
    assert stops(refused) == {"R06"}
    lab.confirm_units()
    with pytest.raises(people.WrongSecret):
        release.release(lab.rosa, code=lot, meaning="released", password="wrong", reason="x")
    with pytest.raises(BadInput):
        release.release(lab.rosa, code=lot, meaning="looks fine", password=PASSWORD, reason="x")
    with pytest.raises(NotAllowed):
        lab.release(lab.tara, lot)
    assert lab.state(lot) == "awaiting-review"


def test_a_lot_is_sent_back_completed_and_released_and_a_rejected_one_is_blocked(laboratory):
    lab = laboratory
    lot = lab.awaiting(without=("S13",))
    lab.confirm_units()

    release.send_back(lab.rosa, code=lot, reason="sterility is missing")
    qc.enter(lab.ana, code=lot, test="S13", value="no_growth")
    qc.review(lab.quin, code=lot, password=PASSWORD)
    qc.submit(lab.quin, code=lot)
    release.reject(lab.rosa, code=lot, reason="the sponsor stopped the trial", password=PASSWORD)

    assert lab.state(lot) == "rejected"
    with db.reading() as session:
        item = custody.find(session, lot)
        assert [each.state.value for each in isolation.vials_of(session, item.id)] == ["blocked"]
    with pytest.raises(GateStopped):
        lab.release(lab.rosa, lot, reason="please")


def test_H14_a_lot_with_a_label_left_over_or_a_bare_vial_is_not_released(laboratory, measured):
    lab = laboratory
    lab.confirm_units()
    lot = lab.awaiting()
    with db.reading() as session:
        (vial,) = isolation.vials_of(session, custody.find(session, lot).id)

    wrong = 0
    for spoil in (labels.reprint, labels.destroy):
        spoil(lab.tara, code=vial.code, reason="smudged")
        with pytest.raises(GateStopped) as refused:
            lab.release(lab.rosa, lot)
        wrong += stops(refused) != {"R09"}
        wrong += codes.grouped(vial.code) not in str(refused.value.row.finding.why)
    labels.reprint(lab.tara, code=vial.code, reason="torn")
    scan_back(lab.tara, lot)
    lab.release(lab.rosa, lot)

    measured("H14", trials=2, failures=wrong, how="releases")
    assert wrong == 0
    assert lab.state(lot) == "released"
