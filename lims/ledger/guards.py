"""What refuses to rewrite history, in the database itself.

Triggers stop accidents and programs; on PostgreSQL the application's role can only read and insert
here, which is the real guard (H38). A plain BEFORE UPDATE trigger on SQLite is open to
INSERT OR REPLACE, so an insert that meets an existing key is refused as well.
"""

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

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
                "AND tgrelid IN ('ledger_entry'::regclass, 'ledger_head'::regclass)"
            )
        ).all()
    )
    return sorted(set(_POSTGRESQL) - there)
