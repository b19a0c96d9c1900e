"""The pieces of a rule: exact values with their dimension, and the tree they stand in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from lims.core import units
from lims.core.errors import BadInput

# What compound kinds are made of, and their base unit in base units of the parts (g, m, L, s):
# 1 kg/m2 is 1000 g/m2.
_PARTS: Mapping[str, tuple[Fraction, Mapping[str, int]]] = {
    "body-mass index": (Fraction(1000), {"mass": 1, "length": -2}),
    "mass concentration": (Fraction(1), {"mass": 1, "volume": -1}),
    "particle concentration": (Fraction(1000), {"particles": 1, "volume": -1}),
    "purity": (Fraction(1000000), {"particles": 1, "mass": -1}),
    "cell concentration": (Fraction(1000), {"cells": 1, "volume": -1}),
    "cell density": (Fraction(10000), {"cells": 1, "length": -2}),
    "particles per cell": (Fraction(1), {"particles": 1, "cells": -1}),
    "area": (Fraction(1), {"length": 2}),
    "number": (Fraction(1), {}),
    "fraction": (Fraction(1, 100), {}),
}

Dimension = tuple[tuple[str, int], ...]
TIME: Dimension = (("time", 1),)


class BadExpression(BadInput):
    """A rule that cannot be read, or that compares what cannot be compared."""

    code = "bad_expression"


@dataclass(frozen=True)
class Amount:
    """An exact number in the first units of its dimension."""

    value: Fraction
    dimension: Dimension = ()


Value = bool | str | date | Amount
# The type of an expression: `boolean`, `text`, `date` or the dimension of an amount.
Kind = str | Dimension


@dataclass(frozen=True)
class Literal:
    """A value written in the rule."""

    value: Value


@dataclass(frozen=True)
class Name:
    """A field."""

    name: str


@dataclass(frozen=True)
class Unary:
    """`NOT a` or `- a`."""

    sign: str
    operand: "Node"


@dataclass(frozen=True)
class Binary:
    """`a AND b`, `a < b`, `a + b`."""

    sign: str
    left: "Node"
    right: "Node"


Node = Literal | Name | Unary | Binary


def amount(quantity: units.Quantity) -> Amount:
    """A quantity as an exact number of its dimension."""
    kind = units.kind(quantity.unit)
    factor, parts = _PARTS.get(kind, (Fraction(1), {kind: 1}))
    scale = Fraction(units.factor(quantity.unit))
    return Amount(Fraction(quantity.value) * scale * factor, tuple(sorted(parts.items())))


def dimension(unit: str | None) -> Dimension:
    """The dimension of a unit; a bare number has none."""
    return amount(units.Quantity(1, unit)).dimension if unit else ()
