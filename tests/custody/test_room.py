"""A disk that fills: what is open goes on, nothing new is opened (H37)."""

import pytest

from lims import custody
from lims.core import db, mode, space
from lims.custody.errors import DiskNearlyFull
from lims.ledger.models import LedgerEntry
from tests.custody import bench
from tests.custody.bench import badge


@pytest.fixture
def filling(tmp_path, monkeypatch):
    """Watch a real disk with a limit that it is under, from when it is called."""

    def begin():
        space.watch([tmp_path])
        monkeypatch.setattr(space, "LEAST_PERCENT", 101)

    yield begin
    space.watch([])


def areas_open() -> int:
    with db.reading() as session:
        return session.query(LedgerEntry).filter_by(kind="custody.area-opened").count()


def hood(name: str) -> str:
    return bench.a_place(name=name, kind="hood", temperature="room", work_area=True)


def test_H37_no_new_area_is_opened_on_a_disk_that_fills_and_open_work_goes_on(
    database, filling, measured
):
    tara, _code = badge("tara")
    (woman,) = bench.women(bench.open_study(), 1)
    one, two = bench.thing(donor=woman), bench.thing(donor=woman)
    first, second = hood("Hood 1"), hood("Hood 2")
    custody.move(tara, code=one, to=first)
    filling()

    with pytest.raises(
        DiskNearlyFull, match=r"Hood 2 is not opened: \d+ % of the disk under the records is free"
    ):
        custody.move(tara, code=one, to=second)
    refused = areas_open() == 1
    custody.move(tara, code=two, to=first)
    custody.move(tara, code=one, to=bench.a_place())

    measured("H37", trials=2, failures=int(not refused), what="areas on a full disk")
    assert refused


def test_a_disk_with_room_says_nothing_and_one_that_is_not_there_neither(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "LEAST_PERCENT", 0)
    space.watch([tmp_path, tmp_path / "absent"])
    assert space.low() is None
    monkeypatch.setattr(space, "LEAST_PERCENT", 101)
    low = space.low()
    assert low is not None
    assert low.folder == tmp_path
    space.watch([tmp_path / "absent"])
    assert space.low() is None
    space.watch([])


def test_practice_goes_on_whatever_the_disk(database, filling):
    with db.transaction() as session:
        mode.declare_practice(session, empty=True)
    tara, _code = badge("tara")
    (woman,) = bench.women(bench.open_study(), 1)
    filling()
    custody.move(tara, code=bench.thing(donor=woman), to=hood("Hood 1"))
    assert areas_open() == 1
