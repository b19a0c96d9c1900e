"""A database of any size, filled by COPY with entries and rows that verification accepts.

One family (specimen, culture, harvest, lot, doses; made and moved through the services) is the
template. Its rows and the bytes of its entries are copied with new ids, codes and digests, so every
copy has its own chains, lineage and rows, as if somebody had done it all again.
"""

import hashlib
import re
from dataclasses import dataclass
from uuid import uuid4

import psycopg

from lims import custody
from lims.core import codes, db
from lims.custody import ItemKind, Taken
from tests.bench import loops
from tests.custody import bench
from tests.makers import unlike

DOSES, ROUNDS = 3, 8


def family(donor, there, rounds=ROUNDS):
    """One specimen down to its doses, each moved so many times; the code of the last dose."""
    who = bench.somebody()

    def make(kind, parent=None, volume_ul=None):
        with db.transaction() as session:
            above = [custody.find(session, parent.code, lock=True)] if parent else []
            return custody.make(
                who,
                kind,
                study_id=donor.study_id,
                donor_id=donor.id,
                parents=[Taken(each, volume_ul) for each in above],
                volume_ul=None if kind is ItemKind.FLASK else 10_000,
                step="bench",
            )

    specimen = make(ItemKind.SPECIMEN)
    flask = make(ItemKind.FLASK, specimen)
    harvest = make(ItemKind.HARVEST, flask)
    lot = make(ItemKind.LOT, harvest)
    made = [specimen, flask, harvest, lot]
    made += [make(ItemKind.DOSE, lot, 1_000) for _each in range(DOSES)]
    for number in range(rounds):
        for item in made:
            custody.move(who, code=item.code, to=there[number % 2])
    return made[-1].code


@dataclass
class Template:
    """The family as bytes and rows, cut where a copy differs."""

    entries: list
    tables: dict
    old: list


def _rows(connection, table, where=""):
    cursor = connection.execute(f"SELECT * FROM {table} {where}")
    return [each.name for each in cursor.description], cursor.fetchall()


def template(address, first_entry):
    """Read the family whose first entry has this id or a later one."""
    with psycopg.connect(address) as connection:
        entries = connection.execute(
            "SELECT stream, number, kind, at, command, body, prev, digest FROM ledger_entry"
            " WHERE id >= %s ORDER BY id",
            [first_entry],
        ).fetchall()
        streams = {each[0] for each in entries}
        its = [each.partition("/")[2] for each in streams if each.startswith("item/")]
        quoted = ",".join(f"'{each}'" for each in its)
        tables = {
            "custody_item": _rows(connection, "custody_item", f"WHERE code IN ({quoted})"),
        }
        ids = ",".join(f"'{row[tables['custody_item'][0].index('id')]}'"
                       for row in tables["custody_item"][1])  # fmt: skip
        tables["custody_edge"] = _rows(connection, "custody_edge", f"WHERE child_id IN ({ids})")
    # What a copy has of its own: the codes, the ids of rows, the keys of acts, the digests.
    old = [each.encode() for each in its]
    for names, rows in tables.values():
        old += [str(row[names.index("id")]).encode() for row in rows]
    old += sorted({each[4].encode() for each in entries})
    old += [each[7].hex().encode() for each in entries]
    cut = re.compile(b"(" + b"|".join(old) + b")")
    return Template([(*each, cut.split(each[5])) for each in entries], tables, old)


class Copier:
    """Writes copies of the template until there are enough entries."""

    def __init__(self, address, made):
        self.address, self.made = address, made
        self.taken = set()

    def fill(self, entries):
        """Bring the database to about so many entries."""
        with psycopg.connect(self.address) as connection:
            there = connection.execute("SELECT count(*) FROM ledger_entry").fetchone()[0]
            while there < entries:
                many = min(300, -(-(entries - there) // len(self.made.entries)))
                self._batch(connection, many)
                there += many * len(self.made.entries)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        return there

    def _batch(self, connection, many):
        entries, heads, tables = [], [], {name: [] for name in self.made.tables}
        for _each in range(many):
            self._one(entries, heads, tables)
        for name, rows in tables.items():
            _copy(connection, name, self.made.tables[name][0], rows)
        columns = ["stream", "number", "kind", "at", "command", "body", "prev", "digest"]
        _copy(connection, "ledger_entry", columns, entries)
        _copy(connection, "ledger_head", ["stream", "number", "digest"], heads)

    def _one(self, entries, heads, tables):
        new = {}
        for old in self.made.old:
            if len(old) == codes.LENGTH:
                new[old] = unlike(chr(old[0]), self.taken).encode()
            elif len(old) == 36:
                new[old] = str(uuid4()).encode()
            elif len(old) == 32:
                new[old] = uuid4().hex.encode()
        newest = {}
        for stream, number, kind, at, command, _body, _prev, digest, parts in self.made.entries:
            body = b"".join([new.get(each, each) for each in parts])
            here = hashlib.sha256(b"\x00" + body).digest()
            new[digest.hex().encode()] = here.hex().encode()
            what, _slash, code = stream.partition("/")
            own = f"{what}/{new.get(code.encode(), code.encode()).decode()}"
            prev = newest.get(own, (0, bytes(32)))[1]
            its = new[command.encode()].decode()
            entries.append((own, number, kind, at, its, body, prev, here))
            newest[own] = (number, here)
        heads += [(stream, number, digest) for stream, (number, digest) in newest.items()]
        for name, (_names, rows) in self.made.tables.items():
            for row in rows:
                tables[name].append([_renewed(new, each) for each in row])


def _renewed(new, value):
    found = new.get(str(value).encode())
    return value if found is None else found.decode()


def _copy(connection, table, columns, rows):
    listed = ", ".join(columns)
    with connection.cursor().copy(f"COPY {table} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def databases(server, sizes, *, rounds=ROUNDS, first=lambda: None):
    """One database for each size, all with the same dose to work on; addresses by size.

    Args:
        sizes: entries, about.
        rounds: how often each item was moved; with none there is an item to each entry.
        first: what else every one of them has.

    Returns:
        Addresses, the code of the dose, and the places.
    """
    seed = "template_filled"
    opened = loops.upgraded(server, seed)
    db.use(opened)
    there = loops.places(bench.somebody())
    (donor,) = bench.women(bench.open_study(), 1)
    dose = family(donor, there, rounds)
    first()
    with opened.engine.connect() as line:
        before = line.exec_driver_sql("SELECT max(id) FROM ledger_entry").scalar()
    family(donor, there, rounds)
    loops.close(opened)
    made = template(f"{server}/{seed}", before + 1)
    addresses = {}
    for size in sizes:
        name = f"filled_{size}"
        loops.root(server, f"CREATE DATABASE {name} TEMPLATE {seed}")
        addresses[size] = f"{server}/{name}"
        Copier(addresses[size], made).fill(size)
        loops.seal(addresses[size])
    return addresses, dose, there
