"""The demonstration site's limits by dotted name, read apart from the product's own reader."""

import tomllib
from decimal import Decimal
from pathlib import Path

from lims.core.errors import BadInput
from lims.core.units import Quantity

SITE = Path(__file__).parent.parent / "lims" / "studies" / "protocols" / "site.toml"


def _value(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str):
        return value
    try:
        return Quantity.parse(value)
    except BadInput:
        pass
    return Decimal(value) if value.replace(".", "", 1).isdigit() else value


def _flat(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = _value(value)
    return found


LIMITS = _flat(tomllib.loads(SITE.read_text(encoding="utf-8"))["limits"])
