"""The doors of study files: check one and name every error, or load it or refuse."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.studies.protocol import building, limits, rules, shapes, source
from lims.studies.protocol.faults import Fault, ProtocolInvalid, Report
from lims.studies.protocol.model import Field, LimitValue, Protocol, Site

FOLDER = FilePath(__file__).parent.parent / "protocols"
_NOT_STUDIES = frozenset({"site.toml", "immunology-panel.toml"})


@dataclass(frozen=True)
class _Checked:
    content: Mapping[str, Any]
    resolved: Mapping[str, Any]
    data: Mapping[str, Any]
    limits: Mapping[str, LimitValue]
    faults: tuple[Fault, ...]


def check(text: str, site: Site) -> Report:
    """Every error of a study file, by dotted key and line.

    A missing ethics number is no error: it stands in `activation_requires`.
    """
    checked = _checked(text, site)
    data = checked.data
    code = data.get("study", {}).get("code")
    return Report(
        code=code if isinstance(code, str) else None,
        arms=tuple(data.get("arms", {})),
        digest=source.digest(checked.content) if not checked.faults else None,
        fields=_fields(data),
        errors=checked.faults,
        activation_requires=building.missing_live(data) if data else (),
    )


def load(text: str, site: Site, name: str = "") -> Protocol:
    """A study, with the site's defaults beneath its own.

    Raises:
        ProtocolInvalid: the file has errors; all of them are in `faults`.
    """
    checked = _checked(text, site)
    if checked.faults:
        raise ProtocolInvalid(checked.faults, name)
    return building.protocol(checked.data, checked.content, checked.resolved, checked.limits, site)


def load_site(text: str, name: str = "site.toml") -> Site:
    """A site's house defaults.

    Raises:
        ProtocolInvalid: the file has errors; all of them are in `faults`.
    """
    read = source.read(text)
    if isinstance(read, Fault):
        raise ProtocolInvalid((read,), name)
    data, messages = shapes.load(shapes.SITE_FILE, read.content)
    values, bad = limits.values(read.content.get("limits", {}))
    faults = [*source.oddities(read), *_placed(read, [*shapes.sentences(messages), *bad])]
    if faults:
        raise ProtocolInvalid(tuple(faults), name)
    site = data["site"]
    return Site(
        title=site["title"],
        version=site["version"],
        approver=site["approver"],
        approved_on=site["approved_on"],
        demonstration=site["demonstration"],
        digest=source.digest(read.content),
        limits=MappingProxyType(values),
        labels=MappingProxyType(data["labels"]),
        document=read.content,
    )


def shipped() -> list[FilePath]:
    """The study files that come with the program."""
    return sorted(each for each in FOLDER.glob("*.toml") if each.name not in _NOT_STUDIES)


@cache
def demonstration_site() -> Site:
    """The house defaults that ship; a live system asks for its own file."""
    return load_site(demonstration_site_text())


def demonstration_site_text() -> str:
    """The file of those defaults, to be pinned with a study."""
    return (FOLDER / "site.toml").read_text(encoding="utf-8")


def _checked(text: str, site: Site) -> _Checked:
    read = source.read(text)
    if isinstance(read, Fault):
        return _Checked({}, {}, {}, {}, (read,))
    faults = list(source.oddities(read))
    if faults:
        return _Checked(read.content, {}, {}, {}, tuple(faults))
    own, bad_values = limits.values(read.content.get("limits", {}))
    merged, bad_overrides = limits.overridden(own, site.limits)
    raw = {
        **dict(limits.flat(site.document["limits"])),
        **dict(limits.flat(read.content.get("limits", {}))),
    }
    resolved, bad_names = limits.resolved(read.content, raw)
    data, messages = shapes.load(shapes.FILE, resolved)
    found = [
        *shapes.sentences(messages),
        *bad_values,
        *bad_overrides,
        *bad_names,
        *rules.faults(data, read.content),
    ]
    # The first sentence about a key is the plainest; what follows from it is not said again.
    said: dict[tuple[str, ...], str] = {}
    for path, sentence in found:
        said.setdefault(path, sentence)
    return _Checked(read.content, resolved, data, merged, tuple(_placed(read, said.items())))


def _placed(read: source.Source, found: Any) -> list[Fault]:
    return [Fault(read.where(path) if path else "file", sentence) for path, sentence in found]


def _fields(data: Mapping[str, Any]) -> tuple[Field, ...]:
    fields = data.get("eligibility", {}).get("fields", {})
    return tuple(building.field(*each) for each in fields.items() if "type" in each[1])


def read_file(path: FilePath) -> str:
    """The text of a file.

    Raises:
        BadInput: there is no such file, or it is no UTF-8 text.
    """
    try:
        if path.stat().st_size > source.LONGEST * 4:
            raise BadInput(_("%(path)s is too large for a study file.", path=path), field=str(path))
        return path.read_bytes().decode("utf-8")
    except OSError:
        raise BadInput(
            _("%(path)s cannot be read; check the name of the file.", path=path), field=str(path)
        ) from None
    except UnicodeDecodeError:
        raise BadInput(
            _("%(path)s is no UTF-8 text; save it as UTF-8.", path=path), field=str(path)
        ) from None
