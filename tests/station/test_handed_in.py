"""Kept scans of somebody who does not come back: handed in by another, answered by a third."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from lims import custody, ledger, people
from lims.core import clock, codes, db
from lims.custody import late
from lims.custody.errors import OwnLateScan
from lims.custody.models import LateScan, LateState
from tests.site_here import site, verified  # noqa: F401
from tests.station.test_bench import Station, here, moves, where  # noqa: F401

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def label(here, login: str) -> str:  # noqa: F811
    return here.site.actor(login).label


class Device:
    """A device that kept scans of one person; another sends them."""

    def __init__(self, here, by: str, of: str, start: int = 0) -> None:  # noqa: F811
        self.at = Station(here.site, by)
        self.of, self.count = label(here, of), start
        self.begun = clock.now() - timedelta(hours=3)

    def send(self, text: str, **more: str) -> "Device":
        self.count += 1
        said = {
            "at": clock.text(self.begun + timedelta(seconds=5 * self.count)),
            "age": "5000", "device": "station-1", "counter": str(self.count),
            "person": self.of, "handed": "yes",
        }  # fmt: skip
        self.at.scan(text, **{**said, **more})
        return self


def rows() -> list[LateScan]:
    with db.reading() as session:
        return list(session.scalars(select(LateScan).order_by(LateScan.counter)))


def test_what_is_handed_in_waits_and_moves_nothing(here, measured):  # noqa: F811
    device = Device(here, by="tech2", of="tech").send(here.vials[0]).send(here.box)
    device.send("BATCH").send(here.shelf).send(here.vials[1]).send(here.vials[2]).send("DONE")

    kept = rows()
    wrong = moves() + sum(each.state is not LateState.WAITING for each in kept)
    measured("H50", trials=3, failures=wrong, what="handed in by another")
    assert moves() == 0
    assert [each.given["to"] for each in kept] == [here.box, here.shelf, here.shelf]
    assert {str(each.claimed_by) for each in kept} == {label(here, "tech")}
    assert {str(each.scanned_by) for each in kept} == {label(here, "tech2")}
    assert {each.why for each in kept} == {"handed-in"}
    with db.reading() as session:
        assert custody.late.missing(session) == {}
    page = here.site.page("qc", f"/late-scans/{kept[0].id}/answer").get_data(as_text=True)
    assert "→ Box 7" in page
    assert "Where it stands now" in page
    assert page.index("Scanned by") < page.index("Tech") < page.index("Handed in by")
    assert verified() == []


@pytest.mark.parametrize("login", ["tech", "tech2"])
def test_neither_who_scanned_nor_who_handed_in_answers(here, login):  # noqa: F811
    Device(here, by="tech2", of="tech").send(here.vials[0]).send(here.box)
    (row,) = rows()
    qc = here.site.actor("qc")
    promoted = replace(here.site.actor(login), roles=qc.roles)
    with pytest.raises(OwnLateScan):
        late.answer(promoted, scan_id=row.id, decision="accept", reason="looked at it")
    assert moves() == 0

    late.answer(qc, scan_id=row.id, decision="accept", reason="it stands there")
    assert where(here.vials[0]) == "Box 7 A1"
    assert verified() == []


def test_what_she_sent_herself_before_its_answer_was_lost_stays(here):  # noqa: F811
    tech = here.site.actor("tech")
    hers = Device(here, by="tech", of="tech")
    hers.begun = clock.now()  # nothing happened to the vial since
    hers.send(here.vials[0])
    hers.send(here.box, _key="k" * 32)
    assert moves() == 1
    device = Device(here, by="tech2", of="tech").send(here.vials[0])
    assert device.at.carried["hand"] == here.vials[0]
    device.send(here.box, _key="k" * 32)

    assert (moves(), where(here.vials[0])) == (1, "Box 7 A1")
    assert [each.state for each in rows()] == [LateState.TAKEN]
    assert str(rows()[0].scanned_by) == tech.label


def test_nobody_is_signed_out_and_nothing_is_opened_or_undone(here):  # noqa: F811
    with db.reading() as session:
        badge = people.badge_of(session, people.account_of(session, "tech").id)
    device = Device(here, by="tech2", of="tech")
    for text in (badge, "SIGN-OUT", "PRINT", "UNDO"):
        device.send(here.vials[0]).send(text)
        assert device.at.answer.status_code == 200
        assert 'name="pin"' not in device.at.text
    assert "Tech2" in device.at.client.get("/station").get_data(as_text=True)
    assert (moves(), rows()) == (0, [])


@pytest.mark.parametrize(
    "more",
    [{"person": "worker"}, {"person": "00000000-0000-4000-8000-000000000000"}],
)
def test_a_person_whom_nobody_knows_is_refused(here, more):  # noqa: F811
    device = Device(here, by="tech2", of="tech").send(here.vials[0], **more)
    device.send(here.box, **more)

    assert device.at.verdict == "stop"
    assert "Who scanned this is not known here" in device.at.text
    assert rows() == []


def test_what_was_not_kept_by_a_device_is_not_handed_in(here):  # noqa: F811
    device = Device(here, by="tech2", of="tech").send(here.vials[0])
    device.send(here.box, device="", counter="", at=clock.text(clock.now()))

    assert device.at.verdict == "stop"
    assert "scanned by another person" in device.at.text
    assert (moves(), rows()) == (0, [])


def test_a_note_is_handed_in_as_well(here):  # noqa: F811
    Device(here, by="tech2", of="tech").send(here.vials[0]).send("NOTE frost at the cap")
    (row,) = rows()
    assert (row.kind, row.given["note"]) == ("observe", "frost at the cap")
    late.answer(here.site.actor("qc"), scan_id=row.id, decision="accept", reason="seen as well")
    with db.reading() as session:
        kinds = [each.kind for each in ledger.entries_of(session, f"item/{here.vials[0]}")]
    assert kinds[-2:] == ["custody.observed", "custody.late-accepted"]
    assert verified() == []


def test_a_code_that_nobody_knows_is_said_and_the_next_scan_goes_on(here):  # noqa: F811
    device = Device(here, by="tech2", of="tech").send(codes.draw("V")).send(here.vials[0])
    device.send(here.box)

    assert [each.given["code"] for each in rows()] == [here.vials[0]]
