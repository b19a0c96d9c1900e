"""A rack scanner's file against a box: shown, settled by a person, written at once or not."""

from pathlib import Path

import pytest

from lims import custody, instruments, ledger
from lims.core import acts, codes, db
from lims.core.errors import BadInput, NotAllowed
from lims.core.permissions import Role
from lims.custody import ItemKind, RackFound, SlotTaken, racking
from lims.custody.racks import OtherRack, RackChanged
from tests.custody import bench
from tests.makers import actor

REAL = Path(__file__).parent.parent / "data" / "rack-scan" / "fluidx_example_scan.csv"
WHO = actor(Role.TECHNICIAN, name="Tara")
ROWS, COLUMNS = "ABC", range(1, 5)
POSITIONS = [f"{row}{column}" for row in ROWS for column in COLUMNS]


def fluidx(rack: str, tubes: dict[str, str], positions=POSITIONS) -> tuple[str, bytes]:
    """A file as the scanner of the real one writes it."""
    read = [tubes.get(each, "NO TUBE") for each in positions]
    lines = [f"Rack ID,{rack},,", f"Tube Count,{sum(each != 'NO TUBE' for each in read)},,",
             "Rack ID,Well,2D Barcode, "]  # fmt: skip
    lines += [f"{rack},{at},{code}," for at, code in zip(positions, read, strict=True)]
    return "scan.csv", ("\r\n".join(lines) + "\r\n").encode()


class Boxed:
    """A box of three by four in a freezer, and tubes in its slots."""

    def __init__(self, donor) -> None:
        self.donor = donor
        self.freezer = bench.a_place(name="Freezer")
        self.box = self.make("Box 7")
        self.other = self.make("Box 8")

    def make(self, name: str) -> str:
        return custody.make_box(WHO, name=name, parent=self.freezer, rows=3, columns=4).code

    def tube(self, at: str = "", box: str = "") -> str:
        code = bench.thing(ItemKind.LOT, donor=self.donor, volume_ul=100)
        if at:
            custody.put(WHO, code=code, to=box or self.box, position=at)
        return code

    def at(self, code: str) -> str:
        """`Box 7 A1`, or "" where its place is not known."""
        with db.reading() as session:
            place = custody.place(session, custody.find(session, code).place_id)
            return place.name if place else ""

    def entries(self) -> int:
        with db.reading() as session:
            return ledger.entry_count(session)

    def review(self, tubes: dict[str, str], rack: str = ""):
        self.file = fluidx(rack or self.box, tubes)
        return racking.review(WHO, code=self.box, file=self.file)

    def settle(self, review, **instead: str):
        answers = {racking.key_of(each): each.answers[0].value for each in review.open}
        return racking.settle(
            WHO, code=self.box, file=self.file, review=review.digest, answers=answers | instead
        )


@pytest.fixture
def boxed(donor) -> Boxed:
    """The box."""
    return Boxed(donor)


def test_map_csv_diff_six_counts_and_nothing_written_before_confirm(boxed):
    tubes = {at: boxed.tube(at) for at in POSITIONS[:9]}
    foreign = boxed.tube("B2", boxed.other)
    seen = dict(tubes)
    seen["A1"], seen["A2"] = tubes["A2"], tubes["A1"]  # two changed places
    seen["A3"] = "NO READ"
    del seen["A4"]
    seen["C2"] = foreign
    seen["C3"] = "FD06299917"
    before = boxed.entries()
    review = boxed.review(seen)
    assert {name: n for name, n in review.counts.items() if n} == {
        "match": 5, "inside": 2, "unexpected": 1, "unknown": 1, "missing": 1, "no-read": 1,
    }  # fmt: skip
    assert next(each for each in review.open if each.item == foreign).stands == (
        "Freezer › Box 8 › Box 8 B2"
    )
    assert boxed.entries() == before

    settled = boxed.settle(review)

    assert boxed.at(tubes["A2"]) == "Box 7 A1"
    assert boxed.at(tubes["A1"]) == "Box 7 A2"
    assert boxed.at(tubes["A3"]) == "Box 7 A3"
    assert boxed.at(tubes["A4"]) == ""
    assert boxed.at(foreign) == "Box 7 C2"
    assert bench.kinds(tubes["A4"])[-1] == "custody.missing"
    assert bench.kinds(boxed.box, "place")[-1] == "custody.rack-settled"
    assert sorted(settled.left) == ["A3", "C3"]
    # The same file again finds nothing to settle but what nobody could read.
    again = boxed.review(seen)
    assert {each.found for each in again.open} == {RackFound.NO_READ, RackFound.UNKNOWN}


def test_a_settled_file_sent_twice_acts_once(boxed):
    tubes = {"A1": boxed.tube("A2")}
    review = boxed.review(tubes)
    given = {"code": boxed.box, "file": boxed.file, "review": review.digest,
             "answers": {"A1": "move"}}  # fmt: skip

    def once():
        return acts.once(
            WHO, "rack-1", acts.digest_of("rack"), lambda: dict(vars(racking.settle(WHO, **given)))
        )

    first = once()
    count = boxed.entries()
    second = once()
    assert (first.repeated, second.repeated) == (False, True)
    assert second.answer == first.answer
    assert boxed.entries() == count


def test_map_wrong_rack_is_refused_and_the_boxs_own_name_or_symbol_is_not(boxed):
    for wrong in ("container1", boxed.other, codes.symbol(boxed.other, 1)):
        with pytest.raises(OtherRack):
            boxed.review({}, rack=wrong)
    for right in ("box 7", codes.symbol(boxed.box, 1)):
        assert boxed.review({}, rack=right).open == []
    with pytest.raises(OtherRack, match="96 positions"):
        racking.review(WHO, code=boxed.box, file=("r.csv", REAL.read_bytes().replace(
            b"container1", boxed.box.encode())))  # fmt: skip
    with pytest.raises(OtherRack):
        racking.review(WHO, code=boxed.freezer, file=fluidx("Freezer", {}))


def test_a_code_that_stands_twice_is_booked_nowhere(boxed):
    tube = boxed.tube("A1")
    review = boxed.review({"A1": tube, "A2": tube})
    assert [(each.position, each.found) for each in review.open] == [
        ("A1", RackFound.DUPLICATE),
        ("A2", RackFound.DUPLICATE),
    ]
    boxed.settle(review)
    assert boxed.at(tube) == "Box 7 A1"
    assert review.warnings


def test_a_slot_whose_tube_is_said_to_stay_takes_no_other(boxed):
    here, foreign = boxed.tube("A1"), boxed.tube("A1", boxed.other)
    review = boxed.review({"A1": foreign})
    assert {racking.key_of(each): each.found for each in review.open} == {
        "A1": RackFound.UNEXPECTED, "A1-": RackFound.MISSING,
    }  # fmt: skip
    before = boxed.entries()
    with pytest.raises(SlotTaken):
        boxed.settle(review, **{"A1-": "leave"})
    assert boxed.entries() == before
    boxed.settle(review)
    assert (boxed.at(here), boxed.at(foreign)) == ("", "Box 7 A1")


def test_what_is_no_longer_as_it_was_reviewed_is_not_written(boxed):
    tube = boxed.tube("A1")
    review = boxed.review({"A2": tube})
    late = boxed.tube("A2")
    before = boxed.entries()
    with pytest.raises(RackChanged):
        boxed.settle(review)
    assert boxed.entries() == before
    assert (boxed.at(tube), boxed.at(late)) == ("Box 7 A1", "Box 7 A2")


@pytest.mark.parametrize("answer", ["", "missing", "destroy"])
def test_an_answer_that_cannot_be_given_is_refused(boxed, answer):
    review = boxed.review({"A2": boxed.tube("A1")})
    before = boxed.entries()
    with pytest.raises(BadInput):
        boxed.settle(review, A2=answer)
    assert boxed.entries() == before


def test_only_whoever_may_move_settles(boxed):
    review = boxed.review({"A2": boxed.tube("A1")})
    with pytest.raises(NotAllowed):
        racking.settle(
            actor(Role.AUDITOR), code=boxed.box, file=boxed.file, review=review.digest,
            answers={"A2": "move"},
        )  # fmt: skip


# The file itself


def test_the_real_file_holds_one_tube_and_ninety_five_empty_positions():
    reading = instruments.read(REAL.read_bytes(), REAL.name)
    (rack,) = reading.samples
    assert (reading.kind, reading.maker, rack.rack) == ("rack", "FluidX", "container1")
    assert [each.position for each in rack.positions] == [
        f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)
    ]
    assert [(each.position, each.code) for each in rack.positions if each.code] == [
        ("A1", "FD06299917")
    ]
    assert sum(each.status == "empty" for each in rack.positions) == 95
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text[:1200], "broken off"),
        (lambda text: text.replace(",B7,", ",B6,"), "B6 stands in the file twice"),
        (lambda text: text.replace(",B7,", ",7B,"), "7B is not a position"),
        (lambda text: text.replace("container1,C1,", "container2,C1,"), "several racks"),
        (lambda text: text.replace("container1,H12,NO TUBE,\n", ""), "H12 is not in it"),
    ],
)
def test_a_spoilt_file_is_refused_by_name_and_line(spoil, said):
    text = REAL.read_text().replace("\r\n", "\n")
    with pytest.raises(instruments.NotReadable, match=said):
        instruments.read(spoil(text).encode(), "spoilt.csv", "rack")


def test_a_plain_list_is_read_whatever_its_delimiter_and_zeros():
    data = "Position;Code\nA01;S1\nA02;no read\nB01;\nB02;S2\n".encode("utf-16")
    (rack,) = instruments.read(data, "plain.txt").samples
    assert [(each.position, each.code, each.status.value) for each in rack.positions] == [
        ("A1", "S1", "read"), ("A2", None, "no-read"), ("B1", None, "empty"), ("B2", "S2", "read"),
    ]  # fmt: skip
    assert rack.rack is None
