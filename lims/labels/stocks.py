"""Label stock, read from `label_templates/stocks.toml`; and where the templates lie."""

import tomllib
from decimal import Decimal
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from lims.labels.places import Stock


class NoStock(Exception):
    """No stock has this name."""


def folder() -> Traversable:
    """The templates of the checkout, or those packed into the wheel."""
    checkout = Path(__file__).resolve().parents[2] / "label_templates"
    if checkout.is_dir():
        return checkout
    return resources.files("lims") / "_label_templates"


@cache
def stocks() -> dict[str, Stock]:
    """Every stock, by name."""
    text = (folder() / "stocks.toml").read_text(encoding="utf-8")
    return {
        name: Stock(
            name, each["about"], Decimal(each["module_least_mm"]), Decimal(each["coldest_c"])
        )
        for name, each in tomllib.loads(text, parse_float=Decimal).items()
    }


def stock(name: str) -> Stock:
    """One stock.

    Raises:
        NoStock: lists those there are.
    """
    try:
        return stocks()[name]
    except KeyError:
        raise NoStock(f"stock is one of {', '.join(stocks())}") from None
