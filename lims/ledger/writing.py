"""Writing entries: gathered while the act runs, written together when it ends.

Gathering lets every entry name its peers, and lets the heads be locked once and in sorted order,
so two benches never wait for each other in a ring (H40). While the act runs, every change of a
guarded row is noted as it is flushed; an act that changed a row without an entry for it fails.
"""

import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, event, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lims.core import acts, clock, codes, db, device, mode
from lims.core.gate import GateStopped
from lims.core.permissions import Actor
from lims.ledger import ordering, rules
from lims.ledger.models import LedgerEntry, LedgerHead

Changes = dict[tuple[str, str], dict[str, list[Any]]]

# Built once: building a statement and finding its compiled form costs more than sending it.
_entry = cast(Table, LedgerEntry.__table__)
_head = cast(Table, LedgerHead.__table__)
_APPEND = insert(_entry).inline()
_HEADS = select(_head.c.stream, _head.c.number, _head.c.digest).where(
    _head.c.stream.in_(bindparam("streams", expanding=True))
)
_LOCKED_HEADS = _HEADS.add_columns(*ordering.newest()).order_by(_head.c.stream).with_for_update()
_LOCKED_HEAD = (
    select(_head.c.stream, _head.c.number, _head.c.digest, *ordering.newest())
    .where(_head.c.stream == bindparam("stream"))
    .with_for_update()
)
_NEWEST = select(*ordering.newest())


class NoTrail(RuntimeError):
    """A guarded row was changed and no entry of the act says so: a fault of ours."""


def record(
    actor: Actor,
    stream: str,
    kind: str,
    data: Mapping[str, Any] | None = None,
    *,
    rows: Iterable[Any] = (),
    reason: str = "",
    parents: Sequence[str] = (),
    device_at: datetime | None = None,
) -> None:
    """Write an entry with the act that is open.

    Args:
        stream: `item/S7K4M29XC`, `participant/…`: the thing whose state the act changes.
        kind: what happened, as `feature.event`.
        data: what is not in the rows: gate answers, readings. No names of participants.
        rows: the ORM rows that this entry accounts for.
        reason: why, where a person had to say.
        parents: streams whose newest entries this one grows from (lineage).
        device_at: by a device's clock; what the door was told of the scan unless given.
    """
    session = db.open_act()
    draft = rules.Draft(actor, stream, kind, data or {}, reason, parents, device_at or device.at())
    session.info.setdefault("drafts", []).append((draft, list(rows)))


def changed(
    table: Table, row_id: Any, version: int, columns: Mapping[str, tuple[Any, Any]]
) -> tuple[str, str]:
    """Note a change made by a Core statement, which the session does not see.

    Args:
        columns: old and new value by column; the new version is added.

    Returns:
        The key of the row, to hand to `record` in `rows`.
    """
    key = (table.name, str(row_id))
    noted = _changes(db.open_act()).setdefault(key, {})
    for name, (old, new) in {**columns, "version": (version - 1, version)}.items():
        _note(noted, name, rules.plain(old), rules.plain(new))
    return key


def unguarded(table: Table) -> bool:
    """Whether a table says of itself that the ledger does not guard it."""
    return table.info.get("guarded") is False or table.name.startswith(("core_", "ledger_"))


def guarded_columns(table: Table) -> list[str]:
    """The columns whose values must follow from entries."""
    return [each.name for each in table.columns if each.info.get("guarded") is not False]


def _changes(session: Session) -> Changes:
    changes: Changes = session.info.setdefault("changes", {})
    return changes


def _note(noted: dict[str, list[Any]], column: str, old: Any, new: Any) -> None:
    if column in noted:
        noted[column][1] = new
    else:
        noted[column] = [old, new]


@event.listens_for(Session, "after_flush")
def _watch(session: Session, _context: Any) -> None:
    for row in (*session.new, *session.dirty):
        state = inspect(row)
        table = state.mapper.local_table
        if unguarded(table):
            continue
        guarded = set(guarded_columns(table))
        fresh = row in session.new
        values = {}
        for attribute in state.mapper.column_attrs:
            column = attribute.columns[0].name
            history = state.attrs[attribute.key].history
            if column in guarded and (fresh or history.has_changes()):
                old = history.deleted[0] if history.deleted and not fresh else None
                values[column] = (rules.plain(old), _as_stored(row, attribute))
        if values and not fresh and "version" in guarded:
            # The flush counts it up behind the history's back; entries are ordered by it.
            values["version"] = (row.version - 1, row.version)
        if values and (fresh or set(values) != {"version"}):
            noted = _changes(session).setdefault(row_key(row), {})
            for column, (old, new) in values.items():
                _note(noted, column, old, new)
    for row in session.deleted:
        if not unguarded(inspect(row).mapper.local_table):
            raise NoTrail(f"{row_key(row)} was deleted; a guarded row never is")


def _as_stored(row: Any, attribute: Any) -> Any:
    return rules.plain(getattr(row, attribute.key))


def row_key(row: Any) -> tuple[str, str]:
    """The table and primary key of a row, as entries name it."""
    if isinstance(row, tuple):
        return row
    state = inspect(row)
    identity = state.mapper.primary_key_from_instance(row)
    return (state.mapper.local_table.name, "/".join(str(each) for each in identity))


def _finish(session: Session) -> None:
    """Write what the act recorded; fail if it changed a guarded row without an entry."""
    session.flush()
    drafts: list[tuple[rules.Draft, list[Any]]] = session.info.pop("drafts", [])
    changes: Changes = session.info.pop("changes", {})
    if not drafts and not changes:
        return
    for draft, rows in drafts:
        draft.rows = [row_key(row) for row in rows]
    named = {key for draft, _rows in drafts for key in draft.rows}
    lost = sorted(set(changes) - named)
    if lost:
        raise NoTrail(f"changed without an entry: {lost[:5]}")
    _write(session, [draft for draft, _rows in drafts], changes)


def _write(session: Session, drafts: list[rules.Draft], changes: Changes) -> None:
    streams = sorted({draft.stream for draft in drafts})
    connection = session.connection()
    heads, newest = _lock_heads(connection, streams)
    parents = _parents(connection, drafts, heads)
    now, command = clock.now(), db.command()
    behind = ordering.behind_of(session, *newest, now)
    numbers = {stream: number for stream, (number, _digest) in heads.items()}
    places: list[dict[str, Any]] = []
    for draft in drafts:
        numbers[draft.stream] += 1
        places.append({"stream": draft.stream, "number": numbers[draft.stream]})
    written = []
    spent: set[tuple[str, str]] = set()
    for draft, place in zip(drafts, places, strict=True):
        _number, prev = heads[draft.stream]
        rows = [
            {"table": key[0], "id": key[1], "set": changes[key]}
            for key in dict.fromkeys(draft.rows)
            if key in changes and key not in spent
        ]
        spent.update(draft.rows)
        stored = rules.body(
            draft,
            number=place["number"],
            prev=prev,
            command=command,
            at=now,
            rows=rows,
            peers=rules.peers(places, place),
            parents=[parents[stream] for stream in draft.parents if stream in parents],
            marks=ordering.marks(draft.device_at, now, behind),
            host=platform.node(),
        )
        digest = rules.digest(stored)
        heads[draft.stream] = (place["number"], digest)
        written.append(
            {
                "stream": draft.stream,
                "number": place["number"],
                "kind": draft.kind,
                "at": now,
                "command": command,
                "body": stored,
                "prev": prev,
                "digest": digest,
            }
        )
    _send(connection, _APPEND, written)
    _move_heads(connection, {stream: heads[stream] for stream in streams})
    mode.settle(session)
    session.info["entries"] = [(each["stream"], each["number"]) for each in written]


def _lock_heads(
    connection: Connection, streams: list[str]
) -> tuple[dict[str, tuple[int, bytes]], tuple[datetime | None, datetime | None]]:
    """The heads, and in the same turn the newest instants of all entries and seals."""
    heads = dict.fromkeys(streams, (0, rules.FIRST))
    entry = seal = None
    if len(streams) == 1:  # nearly always, and a list would be written out anew each time
        found = connection.execute(_LOCKED_HEAD, {"stream": streams[0]}).all()
    else:
        found = connection.execute(_LOCKED_HEADS, {"streams": streams}).all()
    for stream, number, digest, entry, seal in found:  # noqa: B007 - the same in every row
        heads[stream] = (number, digest)
    if not found:
        entry, seal = connection.execute(_NEWEST).one()
    return heads, (entry, seal)


def _parents(
    connection: Connection, drafts: list[rules.Draft], heads: dict[str, tuple[int, bytes]]
) -> dict[str, dict[str, Any]]:
    wanted = {stream for draft in drafts for stream in draft.parents}
    known = {stream: heads[stream] for stream in wanted if stream in heads}
    others = sorted(wanted - set(known))
    if others:
        for stream, number, digest in connection.execute(_HEADS, {"streams": others}):
            known[stream] = (number, digest)
    return {
        stream: {"stream": stream, "number": number, "digest": digest.hex()}
        for stream, (number, digest) in known.items()
        if number
    }


def _moving(make: Any) -> Any:
    statement = make(_head)
    return statement.on_conflict_do_update(
        index_elements=["stream"],
        set_={"number": statement.excluded.number, "digest": statement.excluded.digest},
    )


_MOVE_HEADS = {"postgresql": _moving(postgresql.insert), "sqlite": _moving(sqlite.insert)}


def _move_heads(connection: Connection, heads: dict[str, tuple[int, bytes]]) -> None:
    _send(
        connection,
        _MOVE_HEADS[connection.dialect.name],
        [
            {"stream": stream, "number": number, "digest": digest}
            for stream, (number, digest) in heads.items()
        ],
    )


_COUNTED = {"preserve_rowcount": True}


def _send(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    """Send rows as Core does; one row by itself, which a driver answers in one turn."""
    many = rows[0] if len(rows) == 1 else rows
    kept = connection.execute(statement, many, execution_options=_COUNTED).rowcount
    if kept != len(rows):
        # A rule or a trigger that somebody put there swallows what is written (H38).
        raise NoTrail(f"the database kept {kept} of {len(rows)} rows of the ledger")


def _refused(actor: Actor, stop: GateStopped) -> None:
    """A stopped gate undid the act; that it was tried stays."""
    with db.transaction():
        stream = f"gate/{stop.answer.gate}"
        if stop.codes:
            # What was offered first: an item by its code, otherwise a participant by her number.
            what = "item" if codes.valid(stop.codes[0]) else "participant"
            stream = f"{what}/{stop.codes[0]}"
        record(
            actor,
            stream,
            "refused",
            {"codes": list(stop.codes), "gate": stop.answer.as_record()},
        )


db.before_commit(_finish)
acts.when_refused(_refused)
