"""What backup and restore refuse."""

from lims.core.errors import BadInput, Conflict, TemporaryFailure


class NoBackup(BadInput):
    """The file is no whole copy of ours, or not one that this program can load."""

    code = "no_backup"


class NotEmpty(Conflict):
    """A copy is loaded into an empty database only."""

    code = "database_not_empty"


class ToolMissing(TemporaryFailure):
    """A program of the database server is not here, or refused."""

    code = "tool_missing"


class NotClosed(Conflict):
    """The database is no restored copy that waits to be opened."""

    code = "copy_not_closed"
