"""What `make demo` shows: lots that ended in every way, women at all stages, ways of forty days."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from lims import custody, ledger
from lims.core import clock, console, db
from lims.custody import Item, ItemKind, Place, State
from lims.custody.models import TransportRecord
from lims.qc.models import Finding
from lims.station import demo
from lims.studies import SubjectKind
from lims.studies.models import Subject


def states(session, kind: ItemKind) -> Counter:
    return Counter(session.scalars(select(Item.state).where(Item.kind == kind)))


def test_the_lots_of_the_demonstration_ended_in_every_way(shown):
    with db.reading() as session:
        lots = list(session.scalars(select(Item).where(Item.kind == ItemKind.LOT)))
        assert len(lots) == 8
        assert states(session, ItemKind.LOT) == {
            State.RELEASED: 3, State.TESTING: 2, State.AWAITING_REVIEW: 1, State.REJECTED: 1,
            State.BLOCKED: 1,
        }  # fmt: skip
        expired = [each for each in lots if each.expires_at and each.expires_at < clock.now()]
        assert State.RELEASED in {each.state for each in expired}
        tested = [each.id for each in lots if each.state is State.TESTING]
        failed = select(Finding).where(Finding.lot_id.in_(tested), Finding.closed_at.is_(None))
        assert len(session.scalars(failed).all()) == 1
        assert len({each.donor_id for each in lots}) == 6
        vials = (ItemKind.DOSE, ItemKind.QC_SAMPLE, ItemKind.RETAINED)
        count = session.scalar(select(func.count()).where(Item.kind.in_(vials)))
        assert 170 <= count <= 190


def test_each_site_of_the_demonstration_has_one_set_of_places(shown):
    with db.reading() as session:
        places = session.scalars(select(Place).where(Place.kind != "slot")).all()
        names = Counter(each.name for each in places)
        assert not [name for name, number in names.items() if number > 1]
        assert [each.kind for each in places].count("site") == 2
        for each in places:
            if each.kind != "site":
                assert custody.path_of(session, each.parent_id)[0].kind == "site", each.name


def test_twelve_women_stand_at_all_stages_and_one_more_can_be_given_a_dose(shown):
    with db.reading() as session:
        women = select(Subject).where(Subject.kind == SubjectKind.PARTICIPANT)
        assert len(session.scalars(women).all()) == 12 + 1
        assert states(session, ItemKind.DOSE)[State.ADMINISTERED] == 3
        assert states(session, ItemKind.FLASK)[State.GROWING]
        assert custody.find(session, shown.now["dose"]).state is State.ISSUED


def test_the_ways_of_forty_days_have_one_excursion_and_one_gap(shown):
    with db.reading() as session:
        records = session.scalars(select(TransportRecord)).all()
        faults = [fault["kind"] for each in records for fault in each.faults]
        assert sorted(faults) == ["excursion", "gap"]
        ages = [clock.now() - each.judged_at for each in records]
        assert timedelta(days=36) < max(ages) < timedelta(days=40)
        assert min(ages) < timedelta(days=4)


def test_the_trail_of_the_demonstration_verifies(shown):
    with db.reading() as session:
        assert ledger.verify(session).ok


def test_practice_data_is_made_once_and_half_of_it_is_refused(shown):
    assert demo.prepare(console.actor(), shown.home, shown.told.append) is False
    (shown.home / "people.json").unlink()
    with pytest.raises(demo.Unfinished, match="make demo-reset"):
        demo.prepare(console.actor(), shown.home, shown.told.append)


def test_a_file_that_was_written_in_a_hurry_waits_for_the_disk_again(database):
    if not database.is_sqlite:
        return

    def mode() -> int:
        with database.engine.connect() as connection:
            return connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    careful = mode()
    with db.hurrying(database):
        assert mode() == 0
    assert mode() == careful > 1
