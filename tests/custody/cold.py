"""A freezer that is measured, and what the tests of its temperature do with it."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from lims import custody
from lims.core import clock, db
from lims.core.permissions import Role
from lims.custody import monitoring
from lims.custody.excursions import Read
from lims.custody.monitoring.models import Episode
from lims.custody.monitoring.rules import Standing
from tests.custody import bench
from tests.custody.bench import a_place, logger_file, row, somebody
from tests.makers import actor

WORKER = actor(Role.SYSTEM, name="worker")


class Cold:
    """A freezer with a rack and a box in it, measured every ten minutes by a clock that stands."""

    def __init__(self, donor, standing) -> None:
        self.donor, self.standing = donor, standing
        self.freezer = a_place(name="Freezer 1")
        self.box = a_place(name="Box 1", kind="box", parent=self.freezer)
        self.other = a_place(name="Freezer 2")
        self.who = somebody()
        monitoring.link(self.who, code=self.freezer, serial="TT-77", minutes=10)

    def put(self, to: str | None = None) -> str:
        code = bench.thing(donor=self.donor)
        custody.move(self.who, code=code, to=to or self.box)
        return code

    def run(self, minutes: float, cel: str = "-80", every: float = 10) -> None:
        """Time goes by, and the logger delivers."""
        for _each in range(int(minutes / every)):
            self.standing.forward(minutes=every)
            monitoring.deliver(
                self.who, code=self.freezer, readings=[Read(clock.now(), Decimal(cel))]
            )

    def episodes(self) -> list[Episode]:
        with db.reading() as session:
            return list(session.scalars(select(Episode).order_by(Episode.began_at)))

    def now(self) -> Standing:
        with db.reading() as session:
            found = monitoring.now_in(session, custody.place_by_code(session, self.box))
            assert found is not None
            return found.standing


def held(code: str) -> int:
    with db.reading() as session:
        return len(custody.holds(session, [row(code).id]))


def place_id(code: str):
    with db.reading() as session:
        return custody.place_by_code(session, code).id


def whole(cold: Cold, minutes: int, serial: str = "TT-77", **odd: str) -> tuple[str, bytes]:
    """A reading each ten minutes up to now; some minutes may have another, or none."""
    start = clock.now() - timedelta(minutes=minutes)
    cels = {int(name[1:]): value for name, value in odd.items()}
    points = [(m * 60, cels.get(m, "-80")) for m in range(0, minutes + 1, 10) if cels.get(m, "-80")]
    return logger_file(start, points, serial=serial)


def take(cold: Cold, file: tuple[str, bytes]):
    return monitoring.read_file(cold.who, code=cold.freezer, file=file, zone="UTC", unit="Cel")
