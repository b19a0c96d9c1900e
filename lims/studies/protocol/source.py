"""A study file as text: its content, the line each key stands on, and its digest."""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import rfc8785

from lims.core.words import Text as _
from lims.studies.protocol.faults import Fault

LONGEST = 1_000_000
DEEPEST = 12
LARGEST = 10**12

Path = tuple[str, ...]

_HEADER = re.compile(r"\s*\[{1,2}(?P<key>[^\[\]]+)\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?P<key>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'|[ \t]*\.[ \t]*)+?)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True)
class Source:
    """A file that is at least TOML.

    Attributes:
        content: its tables.
        lines: line number by dotted path.
    """

    content: Mapping[str, Any]
    lines: Mapping[Path, int]

    def where(self, path: Path) -> str:
        """The dotted key, with the line of itself or of the nearest table above it."""
        for length in range(len(path), 0, -1):
            if line := self.lines.get(path[:length]):
                return f"{'.'.join(path)} (line {line})"
        return ".".join(path)


def read(text: str) -> Source | Fault:
    """The tables of a TOML text, or what keeps it from being read."""
    if len(text) > LONGEST:
        return Fault("file", str(_("The file is longer than 1 MB; a study file is not.")))
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        where = f"file (line {line[1]})" if line else "file"
        said = _LINE.sub("", str(error)).strip()
        return Fault(where, str(_("This is not TOML: %(said)s.", said=said.rstrip("."))))
    except (RecursionError, ValueError):
        return Fault("file", str(_("The file cannot be read as TOML; it nests or counts too far.")))
    return Source(content, dict(_lines(text)))


def oddities(source: Source) -> Iterator[Fault]:
    """Values that no study file may hold: floats, large numbers, deep nesting, clock times."""
    waiting: list[tuple[Path, Any]] = [((), source.content)]
    while waiting:
        path, value = waiting.pop()
        what = None
        if len(path) > DEEPEST:
            what = _("This is nested too deeply; write it flatter.")
        elif isinstance(value, Mapping):
            waiting.extend(((*path, key), each) for key, each in value.items())
        elif isinstance(value, list):
            waiting.extend((path, each) for each in value)
        elif isinstance(value, float):
            what = _('Write a number with a fraction as text with its unit, such as "1.5 mL".')
        elif isinstance(value, int) and abs(value) > LARGEST:
            what = _(
                'Write so large a number as text with its unit, such as "5E10 {particles}/mL".'
            )
        elif isinstance(value, datetime | time):
            what = _("Write a date without a time of day, such as 2026-01-15.")
        if what is not None:
            yield Fault(source.where(path), str(what))


def digest(content: Any) -> str:
    """SHA-256 of the canonical content: order, blanks and comments do not count."""
    return hashlib.sha256(rfc8785.dumps(_plain(content))).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    inside = _Inside()
    for number, line in enumerate(text.splitlines(), start=1):
        if inside.value:
            inside.read(line)
        elif header := _HEADER.match(line):
            table = _parts(header["key"])
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key["key"])), number
            inside.read(line[key.end() :])


def _parts(key: str) -> Path:
    return tuple(each.strip("\"'") for each in _PART.findall(key))


class _Inside:
    """Whether a value goes on over the next line: open brackets or an open long text."""

    _MARK = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]')

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""

    @property
    def value(self) -> bool:
        return bool(self.depth or self.quote)

    def read(self, line: str) -> None:
        at = 0
        while True:
            if self.quote:
                end = line.find(self.quote, at)
                if end < 0:
                    return
                at, self.quote = end + 3, ""
            found = self._MARK.search(line, at)
            if not found:
                return
            at = found.end()
            mark = found[0]
            if mark in ('"""', "'''"):
                self.quote = mark
            elif mark in ("[", "{"):
                self.depth += 1
            elif mark in ("]", "}"):
                self.depth -= 1
