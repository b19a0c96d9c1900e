"""Opening the database as this way of running wants it, once, for whoever asks first."""

from pathlib import Path

from lims import labels, ledger
from lims import settings as read_settings
from lims.core import db, isbt128, space, vault
from lims.core.errors import BadInput, Conflict
from lims.core.words import Text as _
from lims.settings import Settings


class NotUpgraded(Conflict):
    """The database has another form than this program."""

    code = "not_upgraded"


def open_installation(settings: Settings | None = None) -> db.Database:
    """Open this installation's database and make it the process's.

    A SQLite file is created and upgraded here; a database server is upgraded by its operator.

    Raises:
        NotUpgraded: `lims db upgrade` has to run first.
        BadInput: the address or the data folder cannot be used.
    """
    chosen = settings or read_settings.read()
    database = _opened(chosen)
    use_keys(chosen)
    watch_disks(chosen, database)
    db.use(database)
    return database


def watch_disks(settings: Settings, database: db.Database) -> None:
    """Watch the disks that this installation writes on: its data folder, a SQLite file's, more."""
    file = database.engine.url.database if database.is_sqlite else None
    beside = [Path(file).parent] if file and file != ":memory:" else []
    space.watch([settings.home, *beside, *settings.watched_folders])


def use_keys(settings: Settings) -> None:
    """Let this process find the keys, numbers and words of the site, its sealer and its witness."""
    vault.use(settings.secret_key)
    isbt128.use(settings.isbt128_facility)
    labels.speak(settings.label_language)
    own = settings.own_seal_key
    file = settings.home / "seal.key" if own else settings.seal_key_file
    ledger.seal_with(ledger.KeyPlace(file, own=own))
    if settings.witness_url and settings.witness_key:
        key = ledger.PublicKey(settings.witness_key)
        ledger.witnessed_by(ledger.WitnessPlace(settings.witness_url, key))
    else:
        ledger.witnessed_by(None)


def _opened(settings: Settings) -> db.Database:
    from sqlalchemy.exc import OperationalError

    from lims import migrations, tables  # noqa: F401

    database = db.open_database(settings.database_url)
    try:
        if database.is_sqlite:
            _make_folder(database)
            migrations.upgrade(database)
        else:
            with database.engine.connect() as connection:
                found, wanted = migrations.revision(connection), migrations.head()
            if found != wanted:
                raise NotUpgraded(
                    _(
                        "The database has the form %(found)s and this program needs %(wanted)s; "
                        "run lims db upgrade.",
                        found=found or "-",
                        wanted=wanted or "-",
                    )
                )
    except OperationalError as away:
        database.engine.dispose()
        raise _away(database, away) from away
    except BaseException:
        database.engine.dispose()
        raise
    return database


def _make_folder(database: db.Database) -> None:
    file = database.engine.url.database
    if not file or file == ":memory:":
        return
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise BadInput(
            _(
                "The folder of %(file)s cannot be made: %(why)s. Set LIMS_HOME to another.",
                file=file,
                why=refused.strerror,
            )
        ) from refused


def _away(database: db.Database, failure: Exception) -> Exception:
    from lims.core.errors import TemporaryFailure

    # The address may hold a password, so only its harmless parts are said.
    where = database.engine.url
    return TemporaryFailure(
        _(
            "The database %(where)s does not answer (%(why)s); start it, or correct "
            "LIMS_DATABASE_URL.",
            where=f"{where.host}:{where.port or 5432}/{where.database}"
            if where.host
            else str(where.database),
            why=str(getattr(failure, "orig", failure)).strip().splitlines()[0][:200],
        )
    )


def upgrade(settings: Settings) -> tuple[str, str]:
    """Bring the database to the newest form, with the owner's connection where there is one.

    Returns:
        The revisions before and after.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import OperationalError

    from lims import migrations, tables  # noqa: F401

    owner = settings.owner_database_url
    database = db.open_database(owner or settings.database_url)
    if database.is_sqlite:
        _make_folder(database)
    # With an owner of its own, the application's role may only read and insert in the ledger.
    role = make_url(settings.database_url).username if owner else None
    try:
        return migrations.upgrade(database, application_role=role, repair=True)
    except OperationalError as away:
        raise _away(database, away) from away
    finally:
        database.engine.dispose()
