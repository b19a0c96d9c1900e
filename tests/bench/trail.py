"""A long trail for measuring, of entries as the bench writes them, put in by COPY.

Items of twenty entries each: made from the one before (its parent), moved between two places with
a change of its row, every fifth time together with the next item (two entries that name each
other). Bytes, digests, chains, heads and rows are what the services would have left.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import NAMESPACE_OID, uuid5

import orjson
import psycopg

from lims import ledger
from lims.core import clock, db

EACH = 20  # entries of an item
_BORN = datetime(2026, 1, 5, 8, tzinfo=UTC)
_PERSON, _ACCOUNT = (str(uuid5(NAMESPACE_OID, each)) for each in ("person", "account"))
_PLACES = [uuid5(NAMESPACE_OID, f"place {each}") for each in range(2)]
_ENTRY = "ledger_entry (stream, number, kind, at, command, body, prev, digest)"
_ITEM = (
    "custody_item (id, version, code, kind, state, study_id, donor_id, name, product, volume_ul,"
    " initial_volume_ul, place_id, slot_id, holder_id, made_at, made_by, expires_at, thawed_at,"
    " thaw_count)"
)


def entry(stream, number, prev, at, command, rows, peers=(), parents=()):
    """One entry as the columns of its table; in plain ASCII sorted keys make RFC 8785."""
    text = clock.text(at)
    kind = "custody.moved" if number > 1 else "custody.made"
    body = orjson.dumps(
        {
            "v": 1,
            "stream": stream,
            "number": number,
            "prev": prev.hex(),
            "kind": kind,
            "command": command,
            "at": text,
            "actor": {
                "person": _PERSON,
                "account": _ACCOUNT,
                "station": "bench-1",
                "by": "password",
            },
            "data": {"from": str(_PLACES[number % 2]), "to": str(_PLACES[(number + 1) % 2])},
            "rows": rows,
            "reason": "",
            "peers": list(peers),
            "parents": list(parents),
            "device_at": "",
        },
        option=orjson.OPT_SORT_KEYS,
    )
    digest = hashlib.sha256(b"\x00" + body).digest()
    return (stream, number, kind, at, command, body, prev, digest)


def items(count):
    """Entries and rows of items, one item at a time."""
    parent = None
    for each in range(count):
        item, stream = uuid5(NAMESPACE_OID, f"item {each}"), f"item/{each:09d}"
        begun = _BORN + timedelta(seconds=each)
        row = {
            "id": str(item), "version": 1, "code": f"{each:09d}", "kind": "kit",
            "state": "available", "study_id": None, "donor_id": None, "name": None,
            "product": None, "volume_ul": 2500, "initial_volume_ul": 2500,
            "place_id": str(_PLACES[0]), "slot_id": None, "holder_id": None,
            "made_at": clock.text(begun), "made_by": _PERSON, "expires_at": None,
            "thawed_at": None, "thaw_count": 0,
        }  # fmt: skip
        made, prev = [], bytes(32)
        for number in range(1, EACH + 1):
            if number == 1:
                values = {name: [None, value] for name, value in row.items()}
            else:
                to = str(_PLACES[number % 2])
                values = {"place_id": [row["place_id"], to], "version": [number - 1, number]}
                row |= {"place_id": to, "version": number}
            command, peers = uuid5(item, str(number)).hex, []
            if number % 5 == 0:
                # An even item and the one after it are moved in one act.
                pair, other = each - each % 2, each ^ 1
                if other < count:
                    command = uuid5(NAMESPACE_OID, f"act {pair} {number}").hex
                    peers = [{"stream": f"item/{other:09d}", "number": number}]
            parents = [parent] if number == 1 and parent else []
            at = begun + timedelta(seconds=number)
            rows = [{"table": "custody_item", "id": str(item), "set": values}]
            made.append(entry(stream, number, prev, at, command, rows, peers, parents))
            prev = made[-1][-1]
        parent = {"stream": stream, "number": EACH, "digest": prev.hex()}
        yield made, row, begun


def fill(address, entries):
    """Put a trail of so many entries into an upgraded, empty database; how many there are."""
    count = entries // EACH
    with psycopg.connect(address) as connection:
        connection.execute("SET session_replication_role = replica")  # no foreign keys meanwhile
        for table in ("ledger_entry", "ledger_head"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        made = items(count)
        while several := list(islice(made, 2000)):
            _copy(connection.cursor(), several)
        connection.execute("INSERT INTO ledger_pending SELECT id FROM ledger_entry")
        connection.execute("RESET session_replication_role")
    opened = db.open_database(address)
    with opened.engine.begin() as connection:
        ledger.install_guards(connection)
    opened.engine.dispose()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return count * EACH


def _copy(cursor, several):
    with cursor.copy(f"COPY {_ENTRY} FROM STDIN") as into:
        for entries, _row, _at in several:
            for each in entries:
                into.write_row(each)
    with cursor.copy("COPY ledger_head (stream, number, digest) FROM STDIN") as into:
        for entries, _row, _at in several:
            into.write_row((entries[-1][0], entries[-1][1], entries[-1][-1]))
    with cursor.copy(f"COPY {_ITEM} FROM STDIN") as into:
        for _entries, row, at in several:
            into.write_row([at if name == "made_at" else row[name] for name in row])
