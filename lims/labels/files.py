"""Where drawn labels lie: `<code>-<copy>.png` and `.zpl` under `LIMS_HOME/labels`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_elsewhere: list[Path] = []


def folder() -> Path:
    """The folder of drawn labels."""
    if _elsewhere:
        return _elsewhere[-1]
    return Path(os.environ.get("LIMS_HOME") or "var").absolute() / "labels"


@contextmanager
def kept_in(path: Path) -> Iterator[None]:
    """Keep drawn labels in another folder for a while, as a rehearsal does."""
    _elsewhere.append(path)
    try:
        yield
    finally:
        _elsewhere.remove(path)


def paths(code: str, copy: int) -> tuple[Path, Path]:
    """The picture and the printer's stream of one physical label."""
    name = f"{code}-{copy:02d}"
    return folder() / f"{name}.png", folder() / f"{name}.zpl"


def write(code: str, copy: int, png: bytes, zpl: bytes) -> None:
    """Keep one label; only this account reads it, since a wristband carries a name."""
    folder().mkdir(parents=True, exist_ok=True)
    for path, data in zip(paths(code, copy), (png, zpl), strict=True):
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        unfinished.replace(path)


def forget(code: str) -> int:
    """Remove every drawn label of a code: what erasing a person asks for.

    Returns:
        How many files went.
    """
    found = [*folder().glob(f"{code}-*.png"), *folder().glob(f"{code}-*.zpl")]
    for each in found:
        each.unlink(missing_ok=True)
    return len(found)
