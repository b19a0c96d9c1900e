"""What a verification has to bring together again, in parts that fit into memory.

The entries are read once, by stream, on all cores; the changes of one row and the entries of one
act lie scattered over them. So each finding is put into a part chosen by its key, and a part is
looked at as a whole afterwards. Parts are files where there is much, lists where there is little.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

_LINE = orjson.OPT_APPEND_NEWLINE


class Parts:
    """Records by the part that their key falls into."""

    def __init__(self, count: int, folder: Path | None = None) -> None:
        self.count, self.folder = count, folder
        # Bytes at once: so many live lists and mappings would keep the garbage collector busy.
        self._kept: list[list[bytes]] = [[] for _part in range(count)]

    def put(self, key: str, record: Any) -> None:
        """Keep a record with all others of its key."""
        self._kept[crc32(key.encode()) % self.count].append(orjson.dumps(record, option=_LINE))

    def flush(self) -> None:
        """Write what was kept to the files, where there are files."""
        if self.folder is None:
            return
        for part, records in enumerate(self._kept):
            if records:
                # Each process has files of its own, so none waits for another.
                with (self.folder / f"{part}-{os.getpid()}").open("ab") as out:
                    out.writelines(records)
                records.clear()

    def read(self, part: int) -> Iterator[Any]:
        """The records of a part, those of every process."""
        if self.folder is None:
            yield from map(orjson.loads, self._kept[part])
            return
        for file in sorted(self.folder.glob(f"{part}-*")):
            with file.open("rb") as lines:
                yield from map(orjson.loads, lines)

    def all(self) -> Iterable[int]:
        """The numbers of all parts."""
        return range(self.count)
