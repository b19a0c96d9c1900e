"""A folder as a printer: one file a label, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lims.labels import addresses, reasons
from lims.labels.errors import Interrupted
from lims.labels.handing import Handed, Line


@contextmanager
def line(address: str) -> Iterator[Line]:
    """The folder, where it can be written to.

    Raises:
        PrinterSilent: it cannot.
    """
    folder = Path(address)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise addresses.silent(address, NotADirectoryError())
    yield Folder(folder)


class Folder(Line):
    """A folder that takes files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, name: str, stream: bytes) -> Handed:
        """Keep one label; it is there, whole, once it has its name."""
        unfinished = self._folder / f".{name}.part"
        try:
            with unfinished.open("wb") as file:
                file.write(stream)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / name)
        except OSError as error:
            raise Interrupted(reasons.BROKEN) from error
        return Handed(printed=True)
