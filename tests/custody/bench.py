"""Donors and items for the tests of custody, and what runs in processes beside this one."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import lims.tables  # noqa: F401
from lims import custody, ledger, people, studies
from lims.core import acts, codes, db, vault
from lims.core.errors import DomainError
from lims.core.permissions import PEOPLE, Actor, Role
from lims.core.units import Quantity
from lims.custody import Item, ItemKind, NotEnough, StateRefused, Taken
from tests.laboratory import PASSWORD, Laboratory
from tests.makers import actor

PROTOCOLS = Path(studies.__file__).parent / "protocols"
EVERYBODY = PEOPLE
OPERATOR = actor(Role.OPERATOR, name="console")


def verified() -> ledger.Verified:
    """Whether the trail holds and the tables follow from it (I2, I3)."""
    with db.reading() as session:
        return ledger.verify(session)


def badge(login: str, *roles: Role) -> tuple[Actor, str]:
    """A person with an account, and her badge."""
    chosen = roles or (Role.TECHNICIAN,)
    account = people.add_user(
        OPERATOR, login=login, name=login.title(), roles=chosen, password=PASSWORD
    )
    with db.reading() as session:
        code = people.badge_of(session, account.id)
    return Actor(account.person_id, account.id, login.title(), frozenset(chosen), "bench-1"), code


def a_place(
    *, name: str = "Box 1", kind: str = "freezer", temperature: str = "-80C", **more: Any
) -> str:
    """A place; its code."""
    return custody.make_place(
        somebody(), name=name, kind=kind, temperature_class=temperature, **more
    ).code


def kinds(code: str, of: str = "item") -> list[str]:
    """What befell a thing, in order."""
    with db.reading() as session:
        return [each.kind for each in ledger.entries_of(session, f"{of}/{code}", limit=100_000)]


def somebody(name: str = "somebody") -> Actor:
    """A person who may do everything, so that nothing but the guard refuses."""
    return actor(*EVERYBODY, name=name)


class Light(Laboratory):
    """The laboratory without accounts, whose passwords cost seconds: for acts nobody signs."""

    def join(self, login: str, *roles: Role, person: str | None = None) -> Actor:
        """A person of these roles."""
        return actor(*roles, name=login.title())


def open_study() -> str:
    """The autologous study, loaded; its code."""
    vault.use("k" * 40)
    return studies.load(
        OPERATOR,
        document=(PROTOCOLS / "irct20210228050535n2.toml").read_text(),
        site_document=(PROTOCOLS / "site.toml").read_text(),
    ).code


def women(study: str, number: int) -> list[studies.Subject]:
    """So many registered participants."""
    return [
        studies.register(
            somebody(), study=study, name=f"Laleh {each}", birth_date=date(1994, 5, 1 + each)
        )
        for each in range(number)
    ]


def thing(
    kind: ItemKind = ItemKind.LOT, *, donor: studies.Subject, volume_ul: int | None = None
) -> str:
    """An item of a donor, without parents; its code."""
    return custody.make(
        somebody(),
        kind,
        study_id=donor.study_id,
        donor_id=donor.id,
        volume_ul=volume_ul,
        step="test",
    ).code


def row(code: str) -> Item:
    """An item as it stands now."""
    with db.reading() as session:
        return custody.find(session, code)


def once(who: Actor, service: Callable[..., Any], **how: Any) -> str:
    """One act as a door does it; answers the code of what came out."""

    def call() -> str:
        answer = service(who, **how)
        return str(getattr(answer, "code", answer))

    return str(acts.once(who, uuid4().hex, acts.digest_of(service.__name__), call).answer)


def race(calls: Sequence[Callable[[], object]]) -> list[object]:
    """Let all go at one barrier; each one's answer, or what it raised."""
    barrier = threading.Barrier(len(calls))
    answers: list[object] = [None] * len(calls)

    def run(place: int) -> None:
        barrier.wait()
        try:
            answers[place] = calls[place]()
        except Exception as raised:  # judged by the test, whatever it is
            answers[place] = raised

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return answers


# In processes of their own


def take_quarters(url: str, parents: list[str], quarter_ul: int, takes: int, how: str) -> list[str]:
    """Take quarters of every parent, which this process has loaded before; what went wrong.

    Args:
        how: `make` takes by the one statement of `custody.take`; `locked` by a locking read;
            `divide` and `lose` by these acts, which know that nothing is there any more.
    """
    database = db.open_database(url, pool=2)
    db.use(database)
    who = somebody()
    faults = []

    def quarter(code: str) -> str:
        with db.transaction() as session:
            item = custody.find(session, code)
            assert item.volume_ul is not None
            if how == "make":
                return custody.make(
                    who,
                    ItemKind.DOSE,
                    study_id=item.study_id,
                    parents=[Taken(item, quarter_ul)],
                    step="fill",
                ).code
            if how == "divide":
                amount = [Quantity(quarter_ul, "uL")]
                return custody.divide(who, code=code, volumes=amount, into="qc-sample").whole.code
            if how == "lose":
                custody.record_loss(
                    who, code=code, cause="spill", volume=Quantity(quarter_ul, "uL")
                )
                return code
            return _locked_quarter(who, session, item.id, quarter_ul)

    for _each in range(takes):
        for code in parents:
            try:
                acts.once(who, uuid4().hex, acts.digest_of(code), lambda code=code: quarter(code))
            except (NotEnough, StateRefused):
                pass
            except DomainError as refused:
                faults.append(f"{type(refused).__name__}: {refused}")
            except Exception as raised:  # anything else is a fault, and is told as one
                faults.append(f"{type(raised).__name__}: {raised}"[:200])
    database.engine.dispose()
    return faults


def _locked_quarter(who: Actor, session: db.Session, item_id: UUID, quarter_ul: int) -> str:
    from sqlalchemy import select

    item = db.locked(session, select(Item).where(Item.id == item_id))
    assert item is not None
    if (item.volume_ul or 0) < quarter_ul:
        raise NotEnough("less is there")
    item.volume_ul = (item.volume_ul or 0) - quarter_ul
    made = custody.make(
        who, ItemKind.DOSE, study_id=item.study_id, parents=[Taken(item)], step="fill"
    )
    custody.touch(who, item, "custody.taken", {"volume_ul": quarter_ul, "purpose": "test"})
    return made.code


def logger_file(
    start: datetime, readings: Sequence[tuple[int, str]], *, serial: str | None = None
) -> tuple[str, bytes]:
    """A Tinytag's export in UTC: seconds after the start, and degrees Celsius.

    Args:
        serial: drawn unless given, so that no two files have the same bytes.
    """
    number = serial or codes.draw("E")
    lines = [
        ",Time,1", f"S/N,,{number}", "Type,,TGP-4510", "Description,,Box", "Property,,Temperature"
    ]  # fmt: skip
    for count, (after, cel) in enumerate(readings, 1):
        at = start.astimezone(UTC) + timedelta(seconds=after)
        lines.append(f"{count},{at:%Y-%m-%d %H:%M:%S},{cel}")
    return f"{number}.csv", ("\r\n".join(lines) + "\r\n").encode()


def brought(file: tuple[str, bytes]) -> custody.Brought:
    """The same as the receiver brings it."""
    return custody.Brought(*file, zone="UTC", unit="Cel")
