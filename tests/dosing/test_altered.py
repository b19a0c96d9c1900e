"""Records that were altered in the database stop the dose at the bed (H23)."""

import time

import pytest
from sqlalchemy import select, text

from lims import custody, ledger, tables
from lims.core import db
from lims.core.gate import GateStopped, Result, Verdict
from tests.ledger.tampering import owned, rechain

# What is changed by hand: a table, whose row, the column and its new value.
ROWS = {
    "a result of the lot": ("qc_result", "lot_id", "lot", "value", "9.9E10"),
    "the state of the lot": ("custody_item", "id", "lot", "name", "SARI-26-999"),
    "the dose's volume": ("custody_item", "id", "dose", "initial_volume_ul", 99),
    "when it expires": ("custody_item", "id", "dose", "expires_at", "2031-01-01 00:00:00.000000"),
    "when it was thawed": ("dosing_thaw", "item_id", "dose", "kept", "cold"),
    "its hand-over": ("custody_transfer", "item_id", "dose", "condition", "well"),
    "whose it is": ("dosing_assignment", "item_id", "dose", "visit", "another"),
}


def ids(woman):
    with db.reading() as session:
        return {
            "dose": custody.find(session, str(woman.dose)).id,
            "lot": custody.find(session, str(woman.lot)).id,
        }


def test_H23_a_row_of_dose_or_lot_that_its_entries_do_not_give_stops_the_dose(
    beds,
    measured,
):
    let_through = []
    with beds() as bed:
        assert bed.check(bed.world.first)[1].verdict is Verdict.OK
        for what, (name, key, whose, column, value) in ROWS.items():
            table = tables.metadata.tables[name]
            row = ids(bed.world.first)[whose]
            with owned(db.current()) as connection:
                this = select(table.c.id, table.c[column]).where(table.c[key] == row).limit(1)
                row_id, kept = connection.execute(this).one()
                change = text(f"UPDATE {name} SET {column} = :value WHERE id = :id")
                bound = table.c.id.type.bind_processor(db.current().engine.dialect)
                given = {"id": bound(row_id) if bound else row_id, "value": value}
                assert connection.execute(change, given).rowcount == 1
            _check, answer = bed.check(bed.world.first)
            if "B17" not in answer.ids(Result.STOPPED):
                let_through.append(what)
            with owned(db.current()) as connection:
                put_back = table.update().where(table.c.id == row_id).values({column: kept})
                connection.execute(put_back)
        assert bed.check(bed.world.first)[1].verdict is Verdict.OK
    measured("H23", trials=len(ROWS), failures=len(let_through), what="rows, at the bed")
    assert let_through == []


@pytest.mark.parametrize("whose", ["dose", "lot"])
def test_H23_an_altered_stream_stops_the_dose_to_its_last_step(bed, measured, whose):
    """Chained anew, so that each digest of the stream holds; changed after the verdict."""
    check = bed.ready(bed.world.first)
    stream = custody.stream(str(getattr(bed.world.first, whose)))
    with owned(db.current()) as connection:
        rechain(connection, stream, 1, {"rows": []})

    with pytest.raises(GateStopped) as stopped:
        bed.given(check)

    measured("H23", trials=1, failures=0, what=f"stream of the {whose}, at the bed")
    assert "B17" in stopped.value.answer.ids(Result.STOPPED)


def test_proving_the_records_of_a_dose_takes_few_milliseconds(bed):
    """It is asked at every step at the bed."""
    with db.reading() as session:
        item = custody.find(session, str(bed.world.first.dose))
        line = [item, *custody.ancestors(session, [item.id])]
        streams = [custody.stream(each.code) for each in line]
        times = []
        for _each in range(5):
            begun = time.perf_counter()
            assert ledger.breaks_in(session, streams) == []
            times.append(time.perf_counter() - begun)
    print(f"{len(streams)} streams in {min(times) * 1000:.1f} ms")
    assert len(streams) > 5
    assert min(times) < 0.25
