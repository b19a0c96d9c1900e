"""The application over a database of a test, without building it anew for each."""

from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from lims import app as application
from lims.core import db
from lims.settings import Settings

# Doors and pages are the same for every installation, and a fifth of a second each time.
_assembled = cache(application.assembled)


def settings_of(home: Path, *, zone: str = "Asia/Tehran", **other: Any) -> Settings:
    """How a test's installation is set up; its database is given apart."""
    plain: dict[str, Any] = {
        "database_url": "sqlite://",
        "owner_database_url": None,
        "broker_url": None,
        "secret_key": "k" * 40,
        "site_file": None,
        # A machine that is busy with other tests may pause between two keys.
        "scan_silence_ms": 600,
    }
    return Settings(home=home, time_zone=ZoneInfo(zone), **plain | other)


def app_over(home: Path, database: db.Database, **other: Any) -> Flask:
    """The whole application, set up over this database, with other settings where given."""
    made = _assembled()
    application.set_up(made, settings_of(home, **other), database)
    made.testing = True
    return made
