"""Amounts that must rise from key to key."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from lims.core.errors import BadInput
from lims.core.units import Quantity
from lims.core.words import Text as _

Path = tuple[str, ...]


def ordered(path: Path, table: Mapping[str, Any], *keys: str) -> Iterator[tuple[Path, str]]:
    """Faults where an amount lies above the next one."""
    present = [key for key in keys if isinstance(table.get(key), Quantity)]
    for lower, upper in pairwise(present):
        try:
            above = table[lower].value > table[upper].to(table[lower].unit).value
        except BadInput:
            yield (
                (*path, upper),
                str(
                    _("%(upper)s and %(lower)s measure different things.", upper=upper, lower=lower)
                ),
            )
            continue
        if above:
            yield (
                (*path, lower),
                str(_("%(lower)s lies above %(upper)s.", lower=lower, upper=upper)),
            )
