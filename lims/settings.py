"""What an installation decides, read once from `LIMS_*` when a process starts."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lims.core import isbt128, words
from lims.core.errors import BadInput
from lims.core.words import Text as _


class MissingSetting(BadInput):
    """A setting that this way of running needs is absent, or cannot be used."""

    code = "missing_setting"


@dataclass(frozen=True)
class Settings:
    """One installation.

    Attributes:
        home: data folder of the embedded mode.
        database_url: where the records are; SQLite in `home` unless given.
        owner_database_url: the owner's connection for upgrades (PostgreSQL with two roles).
        broker_url: Redis; None means the worker runs inside the web process.
        secret_key: signs cookies and wraps the keys of identities.
        site_file: the site's own defaults.
        time_zone: in which dates of this site are meant.
        behind_proxy: whether one trusted TLS proxy stands in front.
        seal_key_file: the key that seals the ledger, where the operator keeps it.
        scan_silence_ms, scan_gap_ms: after which pause a scan without Enter is over, and how far
            apart its keys are at most, on average.
        witness_url, witness_key: whoever co-signs seals, and the key by which he is believed.
        isbt128_facility: the site's number with ICCBBA; without one ISBT 128 is off.
        watched_folders: further folders whose disks must not fill, such as the database's.
        label_language: what the site's labels speak; new ones, where their design does.
    """

    home: Path
    database_url: str
    owner_database_url: str | None
    broker_url: str | None
    secret_key: str = field(repr=False)
    site_file: Path | None
    time_zone: ZoneInfo
    behind_proxy: bool = False
    seal_key_file: Path | None = None
    witness_url: str | None = None
    witness_key: str | None = None
    scan_silence_ms: int = 120
    scan_gap_ms: int = 100
    isbt128_facility: str | None = None
    watched_folders: tuple[Path, ...] = ()
    label_language: str = "en"

    @property
    def own_seal_key(self) -> bool:
        """Whether the seal key is made at first need, in the data folder."""
        sqlite = self.database_url.startswith("sqlite")
        return self.embedded and sqlite and self.seal_key_file is None

    @property
    def embedded(self) -> bool:
        """Whether one process does everything."""
        return self.broker_url is None


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process.

    With a database server or a broker the operator gives the secret key; in the embedded mode it
    is made on first start and kept in the data folder.

    Raises:
        MissingSetting: names the variable.
    """
    given = os.environ if environment is None else environment
    home = Path(given.get("LIMS_HOME") or "var").absolute()
    database = given.get("LIMS_DATABASE_URL") or f"sqlite:///{home / 'lims.db'}"
    broker = given.get("LIMS_BROKER_URL") or None
    try:
        zone = ZoneInfo(given.get("LIMS_TIME_ZONE") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise MissingSetting(
            _(
                "LIMS_TIME_ZONE is %(zone)s, which is no time zone; write one such as Asia/Tehran.",
                zone=given.get("LIMS_TIME_ZONE"),
            )
        ) from None
    secret = given.get("LIMS_SECRET_KEY") or ""
    if not secret:
        if broker or not database.startswith("sqlite"):
            raise MissingSetting(
                _(
                    "LIMS_SECRET_KEY is not set; with a database server or a broker the operator "
                    "gives it. Set it to 32 or more random characters and start again."
                )
            )
        secret = _own_secret(home)
    if len(secret) < 32:
        raise MissingSetting(
            _("LIMS_SECRET_KEY is shorter than 32 characters; give a longer random one.")
        )
    site = given.get("LIMS_SITE_FILE")
    seal_key = given.get("LIMS_SEAL_KEY_FILE")
    witness_url, witness_key = _witness(given)
    return Settings(
        home=home,
        database_url=database,
        owner_database_url=given.get("LIMS_OWNER_DATABASE_URL") or None,
        broker_url=broker,
        secret_key=secret,
        site_file=Path(site) if site else None,
        time_zone=zone,
        behind_proxy=given.get("LIMS_BEHIND_PROXY") == "1",
        seal_key_file=Path(seal_key) if seal_key else None,
        witness_url=witness_url,
        witness_key=witness_key,
        scan_silence_ms=_milliseconds(given, "LIMS_SCAN_SILENCE_MS", 120),
        scan_gap_ms=_milliseconds(given, "LIMS_SCAN_GAP_MS", 100),
        isbt128_facility=isbt128_facility(given),
        watched_folders=_folders(given),
        label_language=_label_language(given),
    )


def _label_language(given: Mapping[str, str]) -> str:
    language = given.get("LIMS_LABEL_LANGUAGE") or "en"
    if language not in words.LANGUAGES:
        raise MissingSetting(
            _(
                "LIMS_LABEL_LANGUAGE is %(language)s; labels speak one of %(languages)s.",
                language=language[:20],
                languages=", ".join(words.LANGUAGES),
            )
        )
    return language


def _folders(given: Mapping[str, str]) -> tuple[Path, ...]:
    named = tuple(
        Path(each) for each in (given.get("LIMS_WATCHED_FOLDERS") or "").split(":") if each
    )
    for folder in named:
        if not folder.is_dir():
            raise MissingSetting(
                _(
                    "LIMS_WATCHED_FOLDERS names %(folder)s, which is no folder here; mount it, or "
                    "take it out.",
                    folder=folder,
                )
            )
    return named


def _milliseconds(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 20 <= int(text) <= 2000):
        raise MissingSetting(
            _(
                "%(name)s is %(text)s; give 20 to 2000 milliseconds as a whole number.",
                name=name,
                text=text,
            )
        )
    return int(text)


def isbt128_facility(environment: Mapping[str, str] | None = None) -> str | None:
    """The site's own facility number, where it gave one and says that it is registered.

    Raises:
        MissingSetting: it is no such number, or the registration was not confirmed.
    """
    given = os.environ if environment is None else environment
    number = given.get("LIMS_ISBT128_FACILITY") or None
    if number is None:
        return None
    if not isbt128.FACILITY.fullmatch(number):
        raise MissingSetting(
            _(
                "LIMS_ISBT128_FACILITY is %(number)s, which is no facility number; ICCBBA gives "
                "one such as A1234.",
                number=number[:20],
            )
        )
    if given.get("LIMS_ISBT128_REGISTERED") != "yes":
        raise MissingSetting(
            _(
                "ISBT 128 is licensed: set LIMS_ISBT128_REGISTERED=yes once the site has "
                "registered with ICCBBA, or leave LIMS_ISBT128_FACILITY empty."
            )
        )
    return number


def _witness(given: Mapping[str, str]) -> tuple[str | None, str | None]:
    url, key = given.get("LIMS_WITNESS_URL") or None, given.get("LIMS_WITNESS_KEY") or None
    if bool(url) != bool(key):
        raise MissingSetting(
            _(
                "LIMS_WITNESS_URL and LIMS_WITNESS_KEY belong together; give the address of the "
                "witness and the public key that lims witness prints at its start."
            )
        )
    if url and not url.startswith(("https://", "http://")):
        raise MissingSetting(
            _("LIMS_WITNESS_URL is %(url)s; write an address such as https://…", url=url)
        )
    if key and not re.fullmatch(r"[A-Za-z0-9_-]{43}", key):
        raise MissingSetting(
            _("LIMS_WITNESS_KEY is not the public key that lims witness prints; copy it again.")
        )
    return url, key


def _own_secret(home: Path) -> str:
    path = home / "secret.key"
    try:
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            _make_secret(path)
        return path.read_text().strip()
    except OSError as refused:
        raise MissingSetting(
            _(
                "The data folder %(home)s cannot be used: %(why)s. Set LIMS_HOME to another.",
                home=home,
                why=refused.strerror,
            )
        ) from None


def _make_secret(path: Path) -> None:
    """Make it whole and then give it its name: two processes that start at once keep one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
