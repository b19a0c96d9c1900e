"""How much room is left on the disks under the records: nothing is begun where little is left."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LEAST_PERCENT = 10

_watched: list[Path] = []


@dataclass(frozen=True)
class Low:
    """A folder whose disk fills."""

    folder: Path
    percent: int  # of the disk that is free, rounded down


def watch(folders: Iterable[Path]) -> None:
    """Watch the disks of these folders in this process."""
    _watched[:] = dict.fromkeys(folders)


def low() -> Low | None:
    """The fullest of the watched disks with less than a tenth free; None where none is.

    A folder that is not there yet says nothing. A disk that cannot be asked counts as full.
    """
    fullest: Low | None = None
    for folder in _watched:
        try:
            disk = shutil.disk_usage(folder)
            percent = disk.free * 100 // disk.total if disk.total else 0
        except FileNotFoundError:
            continue
        except OSError:
            percent = 0
        if percent < LEAST_PERCENT and (fullest is None or percent < fullest.percent):
            fullest = Low(folder, percent)
    return fullest
