"""Laboratory panels: what may be measured besides, recorded and shown, never a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from lims.core.errors import NotFound
from lims.core.words import Text as _
from lims.studies.protocol import shapes, source
from lims.studies.protocol.faults import Fault, ProtocolInvalid
from lims.studies.protocol.reading import FOLDER
from lims.studies.protocol.shapes import Flag, Listed, Named, OneOf, Part, Words, shape
from lims.studies.protocol.words import Severity

_PANEL = shape(
    "PanelPart",
    code=Words(), title=Words(), version=Words(), severity=OneOf((Severity.REC,)),
    eligibility=Flag(), population=Words(), per_result=Listed(Words()),
    covariates=Listed(Words()), context=Words(),
)  # fmt: skip
_ANALYTE = shape(
    "AnalytePart",
    title=Words(), specimen=Words(), method=Words(), results=Named(Words()), direction=Words(),
    population_=Words(), list_source_=Words(),
)  # fmt: skip
_DEFINITION = shape(
    "DefinitionPart", losses=Words(), consecutive_=Words(), before_=Words(), counts=Words()
)
_FILE = shape(
    "PanelFile",
    panel=Part(_PANEL), analytes=Named(_ANALYTE), traps=Named(Words()),
    definitions=Named(_DEFINITION),
)  # fmt: skip


@dataclass(frozen=True)
class Analyte:
    """One row of a panel.

    Attributes:
        results: unit by result, as laboratories write it.
        direction: what the review reports, for reading only.
        population: who was compared with whom.
    """

    code: str
    title: str
    specimen: str
    method: str
    results: Mapping[str, str]
    direction: str
    population: str


@dataclass(frozen=True)
class Panel:
    """A panel: its analytes, and the definitions of the condition that may be named."""

    code: str
    title: str
    version: str
    digest: str
    analytes: Mapping[str, Analyte]
    definitions: Mapping[str, Mapping[str, str]]


def load_panel(text: str, name: str = "panel") -> Panel:
    """Read a panel file.

    Raises:
        ProtocolInvalid: the file has errors; all of them are in `faults`.
    """
    read = source.read(text)
    if isinstance(read, Fault):
        raise ProtocolInvalid((read,), name)
    data, messages = shapes.load(_FILE, read.content)
    faults = [Fault(read.where(path), what) for path, what in shapes.sentences(messages)]
    if data.get("panel", {}).get("eligibility"):
        what = str(_("A panel is never a rule of eligibility; write false."))
        faults.append(Fault(read.where(("panel", "eligibility")), what))
    if faults:
        raise ProtocolInvalid(tuple(faults), name)
    head = data["panel"]
    return Panel(
        head["code"],
        head["title"],
        head["version"],
        source.digest(read.content),
        MappingProxyType(
            {code: _analyte(code, each, head) for code, each in data["analytes"].items()}
        ),
        MappingProxyType(data["definitions"]),
    )


def _analyte(code: str, each: Mapping[str, Any], head: Mapping[str, Any]) -> Analyte:
    return Analyte(
        code,
        each["title"],
        each["specimen"],
        each["method"],
        MappingProxyType(each["results"]),
        each["direction"],
        each.get("population", head["population"]),
    )


@cache
def panel(code: str) -> Panel:
    """A panel that ships.

    Raises:
        NotFound: no such panel.
    """
    path = FOLDER / "immunology-panel.toml"
    if code != "immunology":
        raise NotFound(_("No panel is called %(code)s.", code=code), field="panel")
    return load_panel(path.read_text(encoding="utf-8"), path.name)
