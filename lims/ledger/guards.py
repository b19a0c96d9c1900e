"""What refuses to rewrite history, in the database itself.

Triggers stop accidents and programs; on PostgreSQL the application's role can only read and insert
here, which is the real guard (H38). A plain BEFORE UPDATE trigger on SQLite is open to
INSERT OR REPLACE, so an insert that meets an existing key is refused as well.
"""

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from lims.core.db import CLOSED

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
_POSTGRESQL = {
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
    for name, (table, body) in _POSTGRESQL.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {body}")
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


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
