"""What refuses to rewrite history, in the database itself.

Triggers stop accidents and programs; on PostgreSQL the application's role can only read and insert
here, which is the real guard (H38). A plain BEFORE UPDATE trigger on SQLite is open to
INSERT OR REPLACE, so an insert that meets an existing key is refused as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from lims.core.db import CLOSED
from lims.ledger import authorizing

# Rows of these are written once; keys by which a replacing insert would find an old row.
_WRITTEN_ONCE = {
    "ledger_leaf": "number = NEW.number OR entry_id = NEW.entry_id",
    "ledger_tile": "level = NEW.level AND number = NEW.number",
    "ledger_seal": "number = NEW.number OR prev = NEW.prev",
    "ledger_cosignature": "seal_number = NEW.seal_number AND key_id = NEW.key_id",
}

_SQLITE = {
    "ledger_entry_no_update": """
        CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
    "ledger_entry_no_delete": """
        CREATE TRIGGER ledger_entry_no_delete BEFORE DELETE ON ledger_entry
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
    "ledger_entry_no_replace": """
        CREATE TRIGGER ledger_entry_no_replace BEFORE INSERT ON ledger_entry
        WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.id
                     OR (stream = NEW.stream AND number = NEW.number)
                     OR (stream = NEW.stream AND prev = NEW.prev)
                     OR digest = NEW.digest)
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
    "ledger_head_no_delete": """
        CREATE TRIGGER ledger_head_no_delete BEFORE DELETE ON ledger_head
        BEGIN SELECT RAISE(ABORT, 'a stream never ends'); END""",
    "ledger_head_forward": """
        CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON ledger_head
        WHEN NEW.number <= OLD.number OR NEW.stream <> OLD.stream
        BEGIN SELECT RAISE(ABORT, 'a stream only grows'); END""",
    "ledger_entry_pending": """
        CREATE TRIGGER ledger_entry_pending AFTER INSERT ON ledger_entry
        BEGIN INSERT INTO ledger_pending (entry_id) VALUES (NEW.id); END""",
}
# What a restored copy takes nothing of until somebody opens it (H45).
_CLOSABLE = ("ledger_entry", "ledger_seal")
for _table in _CLOSABLE:
    _SQLITE[f"{_table}_closed"] = f"""
        CREATE TRIGGER {_table}_closed BEFORE INSERT ON {_table}
        WHEN EXISTS (SELECT 1 FROM core_system_fact WHERE name = 'restored')
        BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"""  # noqa: S608 - our names
for _table, _key in _WRITTEN_ONCE.items():
    _SQLITE |= {
        f"{_table}_no_update": f"""
            CREATE TRIGGER {_table}_no_update BEFORE UPDATE ON {_table}
            BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
        f"{_table}_no_delete": f"""
            CREATE TRIGGER {_table}_no_delete BEFORE DELETE ON {_table}
            BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",
        f"{_table}_no_replace": f"""
            CREATE TRIGGER {_table}_no_replace BEFORE INSERT ON {_table}
            WHEN EXISTS (SELECT 1 FROM {_table} WHERE {_key})
            BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END""",  # noqa: S608 - our names
    }

_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger only grows' USING ERRCODE = 'restrict_violation';
END $$"""
_HEAD_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.number <= OLD.number OR NEW.stream <> OLD.stream THEN
    RAISE EXCEPTION 'a stream only grows' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$"""
_PENDING_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_note_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ledger_pending (entry_id) VALUES (NEW.id);
  RETURN NULL;
END $$"""
_CLOSED_FUNCTION = f"""
CREATE OR REPLACE FUNCTION ledger_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM core_system_fact WHERE name = 'restored') THEN
    RAISE EXCEPTION '{CLOSED}' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$"""  # noqa: S608 - our words
_WHOLE_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_entry_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.digest IS DISTINCT FROM sha256('\\x00'::bytea || NEW.body) THEN
    RAISE EXCEPTION 'the digest is not that of the bytes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$"""
# Nobody changes the form of the ledger in passing: an upgrade says that it is one.
_FORM_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_form_stands() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  touched text;
BEGIN
  IF coalesce(current_setting('lims.upgrade', true), '') = 'on' THEN
    RETURN;
  END IF;
  IF tg_event = 'sql_drop' THEN
    SELECT object_identity INTO touched FROM pg_event_trigger_dropped_objects()
      WHERE object_identity ~ '(^|[. ])ledger_' LIMIT 1;
  ELSE
    SELECT object_identity INTO touched FROM pg_event_trigger_ddl_commands()
      WHERE object_identity ~ '(^|[. ])ledger_' LIMIT 1;
  END IF;
  IF touched IS NOT NULL THEN
    RAISE EXCEPTION 'the form of the ledger stands: %%', touched
      USING ERRCODE = 'restrict_violation';
  END IF;
END $$"""
_FORM = {"ledger_form_stands": "ddl_command_end", "ledger_nothing_dropped": "sql_drop"}
_POSTGRESQL = {
    "ledger_entry_whole": (
        "ledger_entry",
        "BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_whole()",
    ),
    "ledger_entry_no_update": (
        "ledger_entry",
        "BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()",
    ),
    "ledger_entry_no_truncate": (
        "ledger_entry",
        "BEFORE TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()",
    ),
    "ledger_head_no_delete": (
        "ledger_head",
        "BEFORE DELETE ON ledger_head FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()",
    ),
    "ledger_head_no_truncate": (
        "ledger_head",
        "BEFORE TRUNCATE ON ledger_head FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()",
    ),
    "ledger_head_forward": (
        "ledger_head",
        "BEFORE UPDATE ON ledger_head FOR EACH ROW EXECUTE FUNCTION ledger_head_forward()",
    ),
    "ledger_entry_pending": (
        "ledger_entry",
        "AFTER INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_note_pending()",
    ),
}
for _table in _CLOSABLE:
    _POSTGRESQL[f"{_table}_closed"] = (
        _table,
        f"BEFORE INSERT ON {_table} FOR EACH STATEMENT EXECUTE FUNCTION ledger_closed()",
    )
for _table in _WRITTEN_ONCE:
    _POSTGRESQL |= {
        f"{_table}_no_update": (
            _table,
            f"BEFORE UPDATE OR DELETE ON {_table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()",
        ),
        f"{_table}_no_truncate": (
            _table,
            f"BEFORE TRUNCATE ON {_table} FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()",
        ),
    }


def install_guards(connection: Connection) -> None:
    """Put every guard in place; runs after each upgrade."""
    if connection.dialect.name == "sqlite":
        for name, statement in _SQLITE.items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(statement)
        return
    connection.exec_driver_sql(_FUNCTION)
    connection.exec_driver_sql(_HEAD_FUNCTION)
    connection.exec_driver_sql(_PENDING_FUNCTION)
    connection.exec_driver_sql(_CLOSED_FUNCTION)
    connection.exec_driver_sql(_WHOLE_FUNCTION)
    for name, (table, body) in _POSTGRESQL.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {body}")
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


@contextmanager
def upgrading(connection: Connection) -> Iterator[None]:
    """Change the form of the ledger on purpose, on this connection."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lims.upgrade = 'on'")
        yield
        connection.exec_driver_sql("SET LOCAL lims.upgrade = 'off'")
    else:
        with authorizing.upgrading():
            yield


def watch_form(connection: Connection) -> None:
    """Refuse changes of the ledger's tables, rules and triggers, where this role may (PostgreSQL).

    Only a superuser may make an event trigger; for any other owner `form_watched` says so.
    """
    superuser = connection.execute(
        text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    ).scalar_one()
    if not superuser:
        return
    connection.exec_driver_sql(_FORM_FUNCTION)
    for name, when in _FORM.items():
        connection.exec_driver_sql(f"DROP EVENT TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(
            f"CREATE EVENT TRIGGER {name} ON {when} EXECUTE FUNCTION ledger_form_stands()"
        )
        connection.exec_driver_sql(f"ALTER EVENT TRIGGER {name} ENABLE ALWAYS")


def form_watched(db: Session) -> bool:
    """Whether the database itself refuses changes of the ledger's form; SQLite cannot."""
    if db.get_bind().dialect.name == "sqlite":
        return False
    there = db.scalars(text("SELECT evtname FROM pg_event_trigger WHERE evtenabled = 'A'")).all()
    return set(_FORM) <= set(there)


def restrict(connection: Connection, role: str) -> None:
    """Let the application's role read and insert in the ledger, and no more (PostgreSQL).

    The heads are what an append locks, and a locking read needs the right to update.
    """
    quoted = connection.dialect.identifier_preparer.quote(role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
        f"REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ledger_entry FROM {quoted}",
        f"REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON ledger_head FROM {quoted}",
        *(
            f"REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {quoted}"
            for table in _WRITTEN_ONCE
        ),
    ):
        connection.exec_driver_sql(statement)


def missing_guards(db: Session) -> list[str]:
    """The guards that are not in place."""
    if db.get_bind().dialect.name == "sqlite":
        there = set(db.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all())
        return sorted(set(_SQLITE) - there)
    there = set(
        db.scalars(
            text(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A' "
                "AND tgrelid IN (SELECT oid FROM pg_class WHERE relname LIKE 'ledger\\_%')"
            )
        ).all()
    )
    return sorted(set(_POSTGRESQL) - there)
