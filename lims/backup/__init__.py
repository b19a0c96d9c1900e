"""Backup: one file that holds the whole record, and a database made from it again.

A copy is honest but old: what happened after it is unknown to it. So a restored database refuses
every entry and every seal until a person has shown it the newest seal known outside and opened it
(hazard H45). The reasons stand in ARCHITECTURE.md, the operator's steps in docs/backup.md.

Start reading at `manifest` (what a copy says of itself), then `taking` and `restoring`.
"""

from lims.backup.drilling import drill
from lims.backup.manifest import Manifest
from lims.backup.opening import StaysClosed, open_copy
from lims.backup.restoring import Restored, restore
from lims.backup.shown import Shown
from lims.backup.shown import read as read_seal
from lims.backup.shown import read_file as read_seal_file
from lims.backup.taking import Taken, take

__all__ = [
    "Manifest",
    "Restored",
    "Shown",
    "StaysClosed",
    "Taken",
    "drill",
    "open_copy",
    "read_seal",
    "read_seal_file",
    "restore",
    "take",
]
