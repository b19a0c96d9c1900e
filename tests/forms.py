"""Filled databases of earlier forms, kept as text: `tests/data/forms/<revision>.json`.

A form is kept once, at the end of a milestone, and never made anew: what a laboratory wrote then
has to come up whole under every later program (H48). `python -m tests.forms` keeps today's.
"""

import json
import sqlite3
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, Connection, Date, DateTime, MetaData, Uuid, insert

FOLDER = Path(__file__).parent / "data" / "forms"
# The form itself, and what lives for minutes only.
_LEFT_OUT = {"alembic_version", "core_heartbeat", "people_attempt"}


def kept() -> dict[str, Path]:
    """Every kept form, by its revision."""
    return {each.stem: each for each in sorted(FOLDER.glob("*.json"))}


def fill(connection: Connection, form: Path) -> None:
    """Put the rows of a kept form into empty tables of that form."""
    tables: Mapping[str, list[Mapping[str, Any]]] = json.loads(form.read_text())
    there = MetaData()
    there.reflect(connection)
    for table in there.sorted_tables:
        rows = tables.get(table.name, [])
        if rows and connection.dialect.name == "sqlite":  # as it was stored, to the letter
            names, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
            for row in rows:
                connection.exec_driver_sql(
                    f"INSERT INTO {table.name} ({names}) VALUES ({marks})",
                    tuple(map(_bytes, row.values())),
                )
        elif rows:
            connection.execute(
                insert(table),
                [{name: _value(table.c[name].type, row[name]) for name in row} for row in rows],
            )
            _go_on_counting(connection, table)


def _bytes(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def _value(kind: Any, value: Any) -> Any:
    if value is None or isinstance(value, dict):
        return _bytes(value)
    wanted = {
        Uuid: UUID,
        Boolean: bool,
        JSON: json.loads,
        DateTime: lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        Date: date.fromisoformat,
    }
    for each, read in wanted.items():
        if isinstance(kind, each):
            return read(value)
    return value


def _go_on_counting(connection: Connection, table: Any) -> None:
    for column in table.primary_key:
        sequence = connection.exec_driver_sql(
            f"SELECT pg_get_serial_sequence('{table.name}', '{column.name}')"
        ).scalar()
        if sequence:
            connection.exec_driver_sql(
                f"SELECT setval('{sequence}', (SELECT max({column.name}) FROM {table.name}))"
            )


def dump(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of a SQLite database, as it is stored."""
    found = {}
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for name in sorted(set(names) - _LEFT_OUT):
            rows = [
                {
                    column: {"hex": value.hex()} if isinstance(value, bytes) else value
                    for column, value in zip(row.keys(), row, strict=True)
                }
                for row in connection.execute(f"SELECT * FROM {name}")
            ]
            if rows:
                found[name] = rows
    return found


def keep() -> Path:
    """Keep today's form: a laboratory with a lot in quarantine."""
    from lims import migrations, studies
    from lims.core import clock, db
    from tests.laboratory import START, Laboratory

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "form.db"
        opened = db.open_database(f"sqlite:///{file}")
        migrations.upgrade(opened)
        db.use(opened)
        standing = clock.SetClock(START)
        with clock.running(standing):
            laboratory = Laboratory(standing)
            laboratory.quarantined()
            studies.issue_wristband(laboratory.clea, number=laboratory.number)
        opened.engine.dispose()
        db.forget()
        target = FOLDER / f"{migrations.head()}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(dump(file), ensure_ascii=False, indent=1) + "\n")
        return target


if __name__ == "__main__":
    print(keep())
