"""Every way of tampering that hazard H23 names, by somebody who owns the database.

On a world with two doses ready to be given: results, releases, holders, places, volumes, roles.
The seals' part is in `test_seals_verified.py`.
"""

import json
from random import Random
from uuid import UUID, uuid4

import pytest
from sqlalchemy import String, insert, select, text, type_coerce, update

from lims import tables
from lims.core import db
from lims.ledger import rules
from lims.ledger.verifying_rows import guarded_tables
from lims.ledger.writing import guarded_columns
from tests.ledger.tampering import entry, named, owned, rechain, rewrite, streams, verified

SEED = 20261126
# What H23 names: the column of each, and a value that somebody might want there.
EDITED = {
    "result": ("qc_result", "value", "1"),
    "verdict": ("qc_result", "standing", "outside"),
    "holder": ("custody_item", "holder_id", uuid4()),
    "place": ("custody_item", "place_id", None),
    "volume": ("custody_item", "volume_ul", 424242),
    "state": ("custody_item", "state", "blocked"),
    "release": ("isolation_lot", "product", "prp"),
    "role": ("people_account", "roles", ["administrator"]),
    "consent": ("studies_consent", "covers", ["administration", "publication"]),
    "donor": ("custody_edge", "step", "forged"),
}


def other(column, value):
    """Another value that the column's type can hold."""
    kind = column.type.python_type
    if kind is str:
        return f"{value or ''}x"
    if kind is UUID:
        return uuid4()
    if kind is bool:
        return not value
    if kind is int:
        return (value or 0) + 1
    return None


def forge(connection, table, row_id, values):
    """Change a row as the owner does, through the types of its columns."""
    connection.execute(update(table).where(table.c.id == row_id).values(values))


def stream_of(connection, table, row_id):
    """The stream and number of the newest entry that names a row."""
    newest = None
    for row in connection.execute(
        text("SELECT stream, number, body FROM ledger_entry ORDER BY stream, number")
    ):
        for change in json.loads(bytes(row.body))["rows"]:
            if (change["table"], change["id"]) == (table.name, str(row_id)):
                version = change["set"].get("version", [0, 0])[1]
                if newest is None or (version, row.stream, row.number) > newest:
                    newest = (version, row.stream, row.number)
    assert newest, f"no entry names {table.name} {row_id}"
    return newest[1:]


@pytest.mark.parametrize("what", EDITED)
def test_H23_an_edited_row_is_named_by_its_stream_and_number(bed, measured, what):
    name, column, value = EDITED[what]
    table = tables.metadata.tables[name]
    with owned(db.current()) as connection:
        rows = connection.execute(select(table.c.id, table.c[column])).all()
        row_id = next(row[0] for row in rows if row[1] not in (value, None))
        where = stream_of(connection, table, row_id)
        forge(connection, table, row_id, {column: value})

    found = verified()

    measured("H23", trials=1, failures=int(where not in named(found)), what=f"edit of a {what}")
    assert where in named(found), found.breaks
    assert any(f"{name}.{column}" in each.what for each in found.breaks)
    assert len(found.breaks) == 1


def test_H23_every_guarded_column_of_every_table_is_compared(bed, measured):
    """One row of each table, each of its guarded columns changed by hand."""
    changed, missed = 0, []
    with owned(db.current()) as connection:
        for name, table in guarded_tables().items():
            row = connection.execute(select(table).limit(1)).mappings().one_or_none()
            for column in guarded_columns(table) if row else ():
                value = None if column == "id" else other(table.c[column], row[column])
                if value is None or column == "version":
                    continue
                try:
                    with connection.begin_nested():
                        forge(connection, table, row["id"], {column: value})
                        changed += 1
                        missed.append((name, column))
                except Exception:
                    continue  # a check or a unique index of the table refuses this value

    said = {each.what.split(" of ")[0] for each in verified().breaks}
    missed = [each for each in missed if ".".join(each) not in said]
    measured("H23", trials=changed, failures=len(missed), what="columns")
    assert missed == []
    assert changed > 150


def test_H23_a_deleted_and_an_added_row_show(bed, measured):
    table = tables.metadata.tables["custody_hold"]
    result = tables.metadata.tables["qc_result"]
    with owned(db.current()) as connection:
        gone = connection.execute(select(result.c.id)).first()[0]
        where = stream_of(connection, result, gone)
        connection.execute(result.delete().where(result.c.id == gone))
        item = connection.execute(text("SELECT id FROM custody_item")).first()[0]
        added = uuid4()
        connection.execute(
            insert(table).values(
                id=added, version=1, item_id=UUID(str(item)), reason="forged", source="forged",
                placed_at=bed.clock.at,
            )
        )  # fmt: skip

    found = verified()

    said = [(each.stream, each.number, each.what) for each in found.breaks]
    wanted = [
        ("custody_hold", 0, f"custody_hold {added} stands in the table, no entry made it"),
        (*where, f"qc_result {gone} is missing from the table"),
    ]
    missed = [each for each in wanted if each not in said]
    measured("H23", trials=2, failures=len(missed), what="row deleted, row added")
    assert missed == []
    assert len(said) == 2


def test_H23_a_value_that_no_type_can_read_is_named(bed, measured):
    table = tables.metadata.tables["custody_item"]
    with owned(db.current()) as connection:
        row_id = connection.execute(select(table.c.id)).first()[0]
        where = stream_of(connection, table, row_id)
        key = type_coerce(row_id, table.c.id.type)
        connection.execute(
            update(table).where(table.c.id == key).values(state=type_coerce("no state", String))
        )

    found = verified()

    measured("H23", trials=1, failures=int(where not in named(found)), what="unreadable value")
    assert where in named(found), found.breaks


def test_H23_an_edited_entry_is_named(bed, measured):
    with owned(db.current()) as connection:
        stream, last = streams(connection, Random(SEED), least=3)
        row = entry(connection, stream, 2)
        forged = bytes(row.body).replace(b'"reason":""', b'"reason":"so"')
        connection.execute(
            text("UPDATE ledger_entry SET body = :body WHERE id = :id"),
            {"body": forged, "id": row.id},
        )
    assert last >= 3
    found = verified()
    measured("H23", trials=1, failures=int((stream, 2) not in named(found)), what="entry edited")
    assert (stream, 2) in named(found)


def test_H23_an_edited_column_beside_the_bytes_is_named(bed, measured):
    """The columns are what lists are made from, so they must not say something else."""
    forged = {"kind": "forged", "command": "forged", "at": "2001-01-01 00:00:00.000000"}
    with owned(db.current()) as connection:
        places = [(*streams(connection, Random(SEED + n), least=3)[:1], n + 1) for n in range(3)]
        for (stream, number), (column, value) in zip(places, forged.items(), strict=True):
            stamp = "" if db.current().is_sqlite or column != "at" else "::timestamptz"
            connection.exec_driver_sql(
                f"UPDATE ledger_entry SET {column} = '{value}'{stamp} "
                f"WHERE stream = '{stream}' AND number = {number}"
            )
    found = verified()
    missed = [place for place in places if place not in named(found)]
    measured("H23", trials=3, failures=len(missed), what="column of an entry edited")
    assert missed == []


def test_H23_two_swapped_entries_are_named(bed, measured):
    with owned(db.current()) as connection:
        stream, _last = streams(connection, Random(SEED), least=3)
        two, three = entry(connection, stream, 2), entry(connection, stream, 3)
        for id_, number in ((two.id, 1002), (three.id, 2), (two.id, 3)):
            connection.execute(
                text("UPDATE ledger_entry SET number = :number WHERE id = :id"),
                {"number": number, "id": id_},
            )
    found = verified()
    missed = {(stream, 2), (stream, 3)} - named(found)
    measured("H23", trials=1, failures=int(bool(missed)), what="entries swapped")
    assert not missed


def test_H23_a_cut_tail_is_named(bed, measured):
    """The newest entry and the head's memory of it: the rows it changed stand in the tables."""
    with owned(db.current()) as connection:
        table = tables.metadata.tables["custody_item"]
        row_id = connection.execute(
            select(table.c.id).where(table.c.code == str(bed.world.first.dose))
        ).scalar_one()
        stream, number = stream_of(connection, table, row_id)
        before = entry(connection, stream, number - 1)
        for statement in (
            f"DELETE FROM ledger_pending WHERE entry_id = (SELECT id FROM ledger_entry"
            f" WHERE stream = '{stream}' AND number = {number})",
            f"DELETE FROM ledger_entry WHERE stream = '{stream}' AND number >= {number}",
        ):
            connection.exec_driver_sql(statement)
        connection.execute(
            text("UPDATE ledger_head SET number = :n, digest = :d WHERE stream = :s"),
            {"n": number - 1, "d": bytes(before.digest), "s": stream},
        )
    found = verified()
    seen = any(each.stream == stream for each in found.breaks)
    measured("H23", trials=1, failures=int(not seen), what="tail cut")
    assert seen, found.breaks


def test_H23_a_stream_chained_anew_is_named(bed, measured):
    """Every digest of it holds again; what grew from it, and its rows, say otherwise."""
    with owned(db.current()) as connection:
        table = tables.metadata.tables["custody_item"]
        row_id = connection.execute(
            select(table.c.id).where(table.c.code == str(bed.world.first.lot))
        ).scalar_one()
        stream = stream_of(connection, table, row_id)[0]
        rechain(connection, stream, 1, {"reason": "forged", "rows": []})
    found = verified()
    children = [each for each in found.breaks if f"its parent {stream} " in each.what]
    measured("H23", trials=1, failures=int(not children), what="stream chained anew")
    assert children, found.breaks
    assert any("digest" in each.what for each in found.breaks) is False


def test_H23_an_entry_taken_out_of_its_act_is_named(bed, measured):
    """A stream that is gone as a whole, head included, is missed by those it acted with."""
    with owned(db.current()) as connection:
        row = next(
            each
            for each in connection.execute(text("SELECT stream, number, body FROM ledger_entry"))
            if json.loads(bytes(each.body))["peers"]
        )
        peer = json.loads(bytes(row.body))["peers"][0]
        for table in ("ledger_entry", "ledger_head"):
            connection.execute(
                text(f"DELETE FROM {table} WHERE stream = :stream"),
                {"stream": peer["stream"]},
            )
    found = verified()
    said = f"its peer {peer['stream']} {peer['number']} is not there or does not name it"
    seen = any(
        (each.stream, each.number, each.what) == (row.stream, row.number, said)
        for each in found.breaks
    )
    measured("H23", trials=1, failures=int(not seen), what="stream removed")
    assert seen, found.breaks


def test_H23_bytes_that_are_no_entry_are_named(bed, measured):
    """Each with its right digest: verification names them and goes on."""
    nonsense = [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"v":1}', b'{"v":2,"stream":"x"}',
        rules.rfc8785.dumps({"v": 1, "stream": 3, "number": "x", "prev": None, "kind": [],
                             "command": {}, "at": "never", "rows": "no", "peers": 7}),
    ]  # fmt: skip
    missed = []
    for body in nonsense:
        with owned(db.current()) as connection:  # overwrites the nonsense before it
            stream, last = streams(connection, Random(SEED))
            row = entry(connection, stream, last)
            digest = rewrite(connection, stream, last, body, bytes(row.prev))
            connection.execute(
                text("UPDATE ledger_head SET digest = :digest WHERE stream = :stream"),
                {"digest": digest, "stream": stream},
            )
        if (stream, last) not in named(verified()):
            missed.append(body)
    measured("H23", trials=len(nonsense), failures=len(missed), what="bytes that are no entry")
    assert missed == []
