"""The demonstration's practice data, made once for all tests and copied for each."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lims import ledger
from lims.core import console, db, vault
from lims.station import demo, practice_sheets
from tests import services_here
from tests.apps import app_over


@dataclass
class Shown:
    """The demonstration of one test: its folder, its people, who can be given a dose now."""

    home: Path
    told: list[str]
    now: dict[str, str] | None = None

    @property
    def people(self) -> dict[str, dict[str, str]]:
        """The practice people, by login."""
        listed = json.loads((self.home / "people.json").read_text(encoding="utf-8"))["people"]
        return {each["user"]: each for each in listed}

    def app(self) -> Any:
        """The application on this data."""
        return app_over(self.home, db.current())

    @contextmanager
    def listening(self) -> Iterator[str]:
        """The application on a port of its own."""
        with services_here.listening(self.app()) as url:
            yield url


def printed(shown: Shown) -> list[practice_sheets.Section]:
    """What stands on the practice sheets of a demonstration."""
    with db.reading() as session:
        people = [shown.people[each] for each in (demo.LEARNER[0], "teo", "cyra")]
        return practice_sheets.sections(session, people)


@contextmanager
def opened(home: Path) -> Iterator[Shown]:
    """The demonstration of a folder, in use by this process."""
    database = db.open_database(f"sqlite:///{home / 'lims.db'}")
    db.use(database)
    vault.use("k" * 40)
    ledger.seal_with(ledger.KeyPlace(home / "seal.key", own=True))
    try:
        yield Shown(home, [])
    finally:
        db.forget()
        database.engine.dispose()


def make(home: Path, template: Path) -> None:
    """Practice data in an empty folder, and a dose to give."""
    shutil.copy(template, home / "lims.db")
    with opened(home) as shown:
        assert demo.prepare(console.actor(), home, shown.told.append)
        (home / "now.json").write_text(json.dumps(demo.one_more_dose(home)))
