"""Tests with several parts: surface markers of the cells, proteins of the vesicles.

Source: ISCT 2006 for the cells, MISEV categories for the vesicles (domain.md 4.4, 6.4, 13.27).
"""

from collections.abc import Mapping
from typing import Any

from lims.core.errors import BadInput
from lims.core.words import Text as _
from lims.qc import rules
from lims.studies.protocol import Component, LimitKind, SpecTest

CONFORMS, FAILS = "conforms", "does_not_conform"
_TETRASPANINS = ("CD9", "CD63", "CD81")
_MEMBRANE = (*_TETRASPANINS, "CD73", "CD90", "CD105", "CD44")
_CYTOSOLIC = ("TSG101", "ALIX", "syntenin-1", "flotillin", "annexins")
_ENOUGH = 3


def judge(spec: SpecTest, given: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Whether all parts together conform.

    Returns:
        `conforms` or `does_not_conform`, and each part's value and verdict.

    Raises:
        BadInput: a part is missing, unknown, or no number where one is wanted.
    """
    wanted = {each.id: each for each in spec.components}
    missing = [name for name in wanted if not (given.get(name) or "").strip()]
    strange = [name for name in given if name not in wanted]
    if missing or strange:
        raise BadInput(
            _(
                "%(test)s wants exactly these parts: %(parts)s.",
                test=spec.id,
                parts=", ".join(wanted),
            ),
            field="components",
        )
    details = {
        name: {"value": given[name].strip(), "verdict": _verdict(each, given[name].strip())}
        for name, each in wanted.items()
    }
    met = all(
        each["verdict"] in (rules.Verdict.WITHIN.value, rules.Verdict.REPORTED.value)
        for each in details.values()
    )
    if met and set(_TETRASPANINS) <= set(wanted):
        met = _vesicles({name: each["value"] for name, each in details.items()})
    return (CONFORMS if met else FAILS), details


def _verdict(part: Component, value: str) -> str:
    if part.unit is not None:
        return rules.judge(rules.measured(value, part.unit, "components"), part.limit).value
    if part.limit.kind is LimitKind.REPORT and value not in ("positive", "negative", "not_tested"):
        raise BadInput(
            _("%(part)s is positive, negative or not_tested.", part=part.id), field="components"
        )
    return rules.judge(value, part.limit).value


def _vesicles(values: Mapping[str, str]) -> bool:
    """One membrane protein, one cytosolic, three together; two tetraspanins tested."""

    def positive(names: tuple[str, ...]) -> int:
        return sum(values.get(name) == "positive" for name in names)

    tested = sum(values.get(name) in ("positive", "negative") for name in _TETRASPANINS)
    membrane, cytosolic = positive(_MEMBRANE), positive(_CYTOSOLIC)
    return tested >= 2 and membrane >= 1 and cytosolic >= 1 and membrane + cytosolic >= _ENOUGH
