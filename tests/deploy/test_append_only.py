"""What refuses to rewrite history, against whoever may try (H38).

The application's role is refused everything. An owner or a superuser can do anything to a database,
so what they do has to be seen: by `ledger.verify`, or by the next act, which then fails.
"""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from lims import ledger, migrations
from lims.core import db
from lims.core.permissions import Role
from tests.ledger.tampering import outside
from tests.makers import actor

FORGE = "body = 'forged'"
LETS_PASS = (
    "CREATE OR REPLACE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RETURN NEW; END $$"
)
SWALLOW = (
    "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
)
POSTGRESQL = {
    "update": [f"UPDATE ledger_entry SET {FORGE} WHERE number = 1"],
    "delete": ["DELETE FROM ledger_entry WHERE number = 3"],
    "truncate": ["TRUNCATE ledger_entry CASCADE"],
    "head back": ["UPDATE ledger_head SET number = number - 1"],
    "head gone": ["DELETE FROM ledger_head"],
    "drop trigger": [
        "DROP TRIGGER ledger_entry_no_update ON ledger_entry",
        f"UPDATE ledger_entry SET {FORGE} WHERE number = 1",
    ],
    "disable trigger": [
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        f"UPDATE ledger_entry SET {FORGE} WHERE number = 1",
    ],
    "rewrite column": [
        "ALTER TABLE ledger_entry ALTER COLUMN kind TYPE varchar(60) USING 'forged'",
    ],
    "rule": ["CREATE RULE swallow AS ON INSERT TO ledger_entry DO INSTEAD NOTHING"],
    "swallowing trigger": [
        SWALLOW,
        "CREATE TRIGGER aaa BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION swallow()",
    ],
    "swap": [
        "ALTER TABLE ledger_entry RENAME TO ledger_before",
        "CREATE TABLE ledger_entry AS TABLE ledger_before",
        f"UPDATE ledger_entry SET {FORGE} WHERE number = 1",
    ],
    "drop table": ["DROP TABLE ledger_entry CASCADE"],
    "replica": [
        "SET session_replication_role = replica",
        f"UPDATE ledger_entry SET {FORGE} WHERE number = 1",
    ],
    "empty guard": [LETS_PASS, f"UPDATE ledger_entry SET {FORGE} WHERE number = 1"],
    "child table": [
        "CREATE TABLE ledger_child () INHERITS (ledger_entry)",
        "INSERT INTO ledger_child SELECT * FROM ONLY ledger_entry WHERE number = 2",
    ],
    "on conflict": [
        "INSERT INTO ledger_entry SELECT * FROM ledger_entry WHERE number = 1 "
        f"ON CONFLICT (id) DO UPDATE SET {FORGE}"
    ],
    "merge": [
        "MERGE INTO ledger_entry e USING (SELECT 1 AS number) s ON e.number = s.number "
        f"WHEN MATCHED THEN UPDATE SET {FORGE}"
    ],
    "copy": ["CREATE TEMP TABLE loaded AS TABLE ledger_entry", "COPY"],
}
SQLITE = {
    "update": [f"UPDATE ledger_entry SET {FORGE} WHERE number = 1"],
    "update or replace": ["UPDATE OR REPLACE ledger_entry SET number = 1 WHERE number = 2"],
    "update or ignore": [f"UPDATE OR IGNORE ledger_entry SET {FORGE}"],
    "move row": ["UPDATE ledger_entry SET id = id + 100 WHERE number = 2"],
    "delete": ["DELETE FROM ledger_entry WHERE number = 3"],
    "truncate": ["DELETE FROM ledger_entry"],
    "replace by id": ["REPLACE INTO ledger_entry SELECT * FROM ledger_entry WHERE number = 1"],
    "replace by number": [
        "INSERT OR REPLACE INTO ledger_entry (stream, number, kind, at, command, body, prev, "
        "digest) SELECT stream, number, kind, at, command, 'forged', x'01', x'02' "
        "FROM ledger_entry WHERE number = 1"
    ],
    "replace by digest": [
        "INSERT OR REPLACE INTO ledger_entry (stream, number, kind, at, command, body, prev, "
        "digest) SELECT 'item/other', 1, kind, at, command, 'forged', x'01', digest "
        "FROM ledger_entry WHERE number = 1"
    ],
    "upsert": [
        "INSERT INTO ledger_entry SELECT * FROM ledger_entry WHERE number = 1 "
        f"ON CONFLICT (id) DO UPDATE SET {FORGE}"
    ],
    "head back": ["UPDATE ledger_head SET number = number - 1"],
    "head gone": ["DELETE FROM ledger_head"],
    "head renamed": ["UPDATE ledger_head SET stream = 'item/other', number = number + 1"],
}
# This program refuses to ask for it; whoever uses another can, and verification names it.
SQLITE_SCHEMA = {
    "drop trigger": [
        "DROP TRIGGER ledger_entry_no_update",
        f"UPDATE ledger_entry SET {FORGE} WHERE number = 1",
    ],
    "swap": [
        "ALTER TABLE ledger_entry RENAME TO ledger_before",
        "CREATE TABLE ledger_entry AS SELECT * FROM ledger_before",
        "DELETE FROM ledger_entry WHERE number = 3",
    ],
    "schema by hand": [
        "PRAGMA writable_schema=ON",
        "DELETE FROM sqlite_master WHERE name = 'ledger_entry_no_delete'",
    ],
    "drop and remake": [
        "CREATE TABLE ledger_kept AS SELECT * FROM ledger_entry",
        "DROP TABLE ledger_entry",
        "ALTER TABLE ledger_kept RENAME TO ledger_entry",
    ],
}


def write(times=3):
    """Some history: one stream of several entries."""
    person = actor(Role.TECHNICIAN)
    for number in range(times):
        with db.transaction():
            ledger.record(person, "item/S0000000A", "test.written", {"number": number})


def seen():
    """Whether an attack that went through shows: the next act fails, or the trail is broken."""
    try:
        write(1)
    except Exception:
        return True
    try:
        with db.reading() as session:
            return not ledger.verify(session).ok
    except Exception:
        return True  # the table itself is no longer what it was


def attack_postgresql(address, statements):
    """Whether the statements went through, as one transaction."""
    try:
        with psycopg.connect(address) as connection:
            for each in statements:
                if each == "COPY":
                    with (
                        connection.cursor() as cursor,
                        cursor.copy("COPY loaded TO STDOUT (FORMAT binary)") as out,
                    ):
                        rows = b"".join(bytes(part) for part in out)
                    with (
                        connection.cursor() as cursor,
                        cursor.copy("COPY ledger_entry FROM STDIN (FORMAT binary)") as into,
                    ):
                        into.write(rows)
                else:
                    connection.execute(each)
    except psycopg.Error:
        return False
    return True


@pytest.fixture
def three_roles(postgres, request):
    """An upgraded database with an owner and an application role, some history, and clones."""
    request.config.per_database["postgresql"] += 1
    mark = uuid4().hex[:8]
    owner, application, name = f"owner_{mark}", f"app_{mark}", f"roles_{mark}"
    host = postgres.rpartition("@")[2]
    made = [name]
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as root:
        for role in (owner, application):
            root.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        root.execute(f"CREATE DATABASE {name} OWNER {owner}")
        with psycopg.connect(f"{postgres}/{name}", autocommit=True) as inside:
            inside.execute(f"ALTER SCHEMA public OWNER TO {owner}")
        as_owner = db.open_database(f"postgresql://{owner}@{host}/{name}")
        migrations.upgrade(as_owner, application_role=application)
        as_owner.engine.dispose()

        def clone():
            made.append(f"{name}_{len(made)}")
            root.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {name} OWNER {owner}")
            return made[-1]

        def address(role, database=name):
            return f"postgresql://{role}@{host}/{database}"

        yield {"owner": owner, "application": application, "superuser": "lims"}, address, clone
        db.forget()
        for each in made:
            root.execute(f"DROP DATABASE IF EXISTS {each} WITH (FORCE)")
        for role in (owner, application):
            root.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_H38_the_application_role_may_read_and_insert_and_no_more(three_roles, measured):
    """The triggers would refuse as well; the rights are asked for themselves."""
    roles, address, _clone = three_roles
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    wanted = {
        "ledger_entry": {"SELECT", "INSERT"},
        "ledger_head": {"SELECT", "INSERT", "UPDATE"},  # an append locks the head and moves it
    }
    wrong = 0
    with psycopg.connect(address(roles["application"])) as connection:
        for table, granted in wanted.items():
            for right in rights:
                has = connection.execute(
                    "SELECT has_table_privilege(%s, %s)", (table, right)
                ).fetchone()[0]
                wrong += has != (right in granted)
    measured("H38", trials=len(wanted) * len(rights), failures=wrong, role="application")
    assert wrong == 0


def test_H38_the_application_role_is_refused_every_attack(three_roles, measured):
    roles, address, _clone = three_roles
    opened = db.open_database(address(roles["application"]))
    db.use(opened)
    write()

    through = [
        name
        for name, statements in POSTGRESQL.items()
        if attack_postgresql(address(roles["application"]), statements)
    ]

    with db.reading() as session:
        found = ledger.verify(session)
    write(1)
    opened.engine.dispose()
    measured("H38", trials=len(POSTGRESQL), failures=len(through), role="application")
    assert through == []
    assert found.ok, found.breaks
    assert found.entries == 3


@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_H38_what_an_owner_or_superuser_does_is_seen(three_roles, measured, role):
    roles, address, clone = three_roles
    opened = db.open_database(address(roles["application"]))
    db.use(opened)
    write()
    opened.engine.dispose()

    unseen, went_through = [], 0
    for name, statements in POSTGRESQL.items():
        database = clone()
        if not attack_postgresql(address(roles[role], database), statements):
            continue
        went_through += 1
        opened = db.open_database(address(roles["application"], database))
        db.use(opened)
        if not seen():
            unseen.append(name)
        opened.engine.dispose()
    measured("H38", trials=went_through, failures=len(unseen), role=role, tried=len(POSTGRESQL))
    assert went_through >= 8, "the attacks are no attacks"
    assert unseen == []


def test_H38_a_guard_that_is_switched_off_is_named(three_roles, measured):
    """Even where nothing was changed yet."""
    roles, address, clone = three_roles
    ways = {
        "DROP TRIGGER ledger_entry_no_truncate ON ledger_entry": "ledger_entry_no_truncate",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_no_update": "ledger_entry_no_update",
        # Not switched off, but no longer in force while replicating.
        "ALTER TABLE ledger_head ENABLE TRIGGER ledger_head_forward": "ledger_head_forward",
    }
    silent = []
    for statement, name in ways.items():
        database = clone()
        assert attack_postgresql(address(roles["superuser"], database), [statement])
        opened = db.open_database(address(roles["application"], database))
        with opened.reader() as session:
            if ledger.missing_guards(session) != [name]:
                silent.append(statement)
        opened.engine.dispose()
    measured("H38", trials=len(ways), failures=len(silent))
    assert silent == []


@pytest.fixture
def file(tmp_path, request):
    """An upgraded SQLite database in a file, with some history."""
    request.config.per_database["sqlite"] += 1
    opened = db.open_database(f"sqlite:///{tmp_path / 'lims.db'}")
    migrations.upgrade(opened)
    db.use(opened)
    write()
    yield opened
    db.forget()
    opened.engine.dispose()


def attack_sqlite(opened, statements, program="ours"):
    """Whether the statements went through on a connection of this program, or of another."""
    opens = opened.engine.begin if program == "ours" else lambda: outside(opened)
    try:
        with opens() as connection:
            if program != "ours":
                connection.exec_driver_sql("PRAGMA recursive_triggers=OFF")
            for each in statements:
                connection.execute(text(each))
    except Exception as refused:
        said = str(refused)
        words = ("only grows", "never ends", "not authorized", "prohibited")
        assert any(word in said for word in words), said
        return False
    return True


@pytest.mark.parametrize("program", ["ours", "another"])
def test_H38_sqlite_refuses_every_rewriting_statement(file, measured, program):
    """A connection of ours is refused by the authorizer and the triggers, another by these."""
    through = [name for name, each in SQLITE.items() if attack_sqlite(file, each, program)]
    with db.reading() as session:
        found = ledger.verify(session)
    measured("H38", trials=len(SQLITE), failures=len(through))
    assert through == []
    assert found.ok, found.breaks


@pytest.mark.parametrize("name", SQLITE_SCHEMA)
def test_H38_a_changed_schema_of_sqlite_is_seen(file, measured, name):
    refused = not attack_sqlite(file, SQLITE_SCHEMA[name])
    assert attack_sqlite(file, SQLITE_SCHEMA[name], "another")
    shown = seen() and refused
    measured("H38", trials=1, failures=int(not shown))
    assert shown
