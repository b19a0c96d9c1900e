"""The small language of study rules: comparisons over named fields, and nothing else.

    (failed_transfer_cycles >= 3 OR good_quality_embryos_transferred >= 10) AND NOT conceived
    weight / (height * height) < 30.0 kg/m2
    prp_date > tcra_date

There are names of fields, numbers (with a UCUM unit where they have one), texts in double quotes,
`true` and `false`, `+ - * /`, `< <= > >= = !=`, `NOT`, `AND`, `OR` and parentheses. There are no
functions, no attributes, no indexes and no loops, and nothing is ever given to Python to run.
Numbers are exact fractions, so a value on the limit is on the limit. Length and depth are capped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from lims.core import numbers, units
from lims.core.errors import BadInput
from lims.core.words import Text as _

LONGEST = 600
DEEPEST = 25
KEYWORDS = frozenset({"AND", "OR", "NOT", "true", "false"})

# What compound kinds are made of: factor of the kind's first unit to the parts' first units.
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
_TIME: Dimension = (("time", 1),)
_DAY = 86400


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


@dataclass(frozen=True)
class Expression:
    """A rule that has been read.

    Attributes:
        text: as written.
        names: the fields it asks for, in order of appearance.
    """

    text: str
    tree: Node
    names: tuple[str, ...]

    def kind(self, fields: Mapping[str, Kind]) -> Kind:
        """The type of its answer.

        Raises:
            BadExpression: a field is unknown, or two things do not compare.
        """
        return _kind(self.tree, fields)

    def answer(self, values: Mapping[str, Value]) -> bool | None:
        """Whether the rule is met; None while any field it names is missing.

        Raises:
            BadExpression: the values do not fit the rule, or it divides by zero.
        """
        if any(name not in values for name in self.names):
            return None
        found = _value(self.tree, values)
        if not isinstance(found, bool):
            raise BadExpression(_("%(rule)s is not a yes or no.", rule=self.text))
        return found


def amount(quantity: units.Quantity) -> Amount:
    """A quantity as an exact number of its dimension."""
    kind = units.kind(quantity.unit)
    factor, parts = _PARTS.get(kind, (Fraction(1), {kind: 1}))
    # `to` the kind's first unit would round; the factor of one unit is exact.
    scale = Fraction(units.Quantity(1, quantity.unit).to(_first(kind)).value)
    return Amount(Fraction(quantity.value) * scale * factor, tuple(sorted(parts.items())))


def dimension(unit: str | None) -> Dimension:
    """The dimension of a unit; a bare number has none."""
    return amount(units.Quantity(1, unit)).dimension if unit else ()


def _first(kind: str) -> str:
    return next(unit for unit, (each, _factor) in units._UNITS.items() if each == kind)


# Reading

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]{0,60})"
    r'|"(?P<text>[^"\\\x00-\x1f]{0,80})"'
    r"|(?P<sign><=|>=|!=|[<>=()+\-*/])"
    r")"
)
_UNIT = re.compile(r" (?P<unit>(?:[A-Za-z%\[{]|10\*|/[a-z])[A-Za-z0-9%\[\]{}/*]*)")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    value: Value | None = None


def parse(text: str) -> Expression:
    """Read a rule.

    Raises:
        BadExpression: what is wrong, and near which word.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadExpression(_("The rule is empty; write a comparison such as age >= 20."))
    if len(text) > LONGEST:
        raise BadExpression(
            _("The rule is longer than %(longest)s characters; split it.", longest=LONGEST)
        )
    reader = _Reader(_tokens(text))
    tree = reader.either(0)
    if reader.peek().kind != "end":
        raise _unexpected(reader.peek().text)
    names = tuple(dict.fromkeys(t.text for t in reader.tokens if t.kind == "name"))
    return Expression(text, tree, names)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            raise _unexpected(text[at : at + 20].strip())
        at = found.end()
        kind = str(found.lastgroup)
        word = found[kind]
        if kind == "number":
            token, at = _number(text, word, at)
        elif kind == "name" and word in KEYWORDS:
            value = {"true": True, "false": False}.get(word)
            token = _Token("sign" if value is None else "value", word, value)
        elif kind == "text":
            token = _Token("value", word, word)
        else:
            token = _Token(kind, word)
        tokens.append(token)
    return [*tokens, _Token("end", "the end")]


def _number(text: str, word: str, at: int) -> tuple[_Token, int]:
    if text[at : at + 1].isalnum() or text[at : at + 1] in {"_", "."}:
        raise _unexpected(text[at - len(word) : at + 20])
    value = numbers.decimal(word)
    unit = _UNIT.match(text, at)
    if not unit or unit["unit"] in KEYWORDS:
        return _Token("value", word, Amount(Fraction(value))), at
    return _Token("value", word, amount(units.Quantity(value, unit["unit"]))), unit.end()


class _Reader:
    """Recursive descent: OR, AND, NOT, comparison, sum, product, sign, atom."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *signs: str) -> str | None:
        token = self.peek()
        if token.kind == "sign" and token.text in signs:
            self.at += 1
            return token.text
        return None

    def either(self, depth: int) -> Node:
        left = self.both(depth)
        while self.take("OR"):
            left = Binary("OR", left, self.both(depth))
        return left

    def both(self, depth: int) -> Node:
        left = self.negated(depth)
        while self.take("AND"):
            left = Binary("AND", left, self.negated(depth))
        return left

    def negated(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise BadExpression(_("The rule is nested too deeply; write it flatter."))
        if self.take("NOT"):
            return Unary("NOT", self.negated(depth + 1))
        return self.compared(depth)

    def compared(self, depth: int) -> Node:
        left = self.added(depth)
        sign = self.take("<", "<=", ">", ">=", "=", "!=")
        if not sign:
            return left
        found = Binary(sign, left, self.added(depth))
        if again := self.take("<", "<=", ">", ">=", "=", "!="):
            raise _unexpected(again)
        return found

    def added(self, depth: int) -> Node:
        left = self.multiplied(depth)
        while sign := self.take("+", "-"):
            left = Binary(sign, left, self.multiplied(depth))
        return left

    def multiplied(self, depth: int) -> Node:
        left = self.signed(depth)
        while sign := self.take("*", "/"):
            left = Binary(sign, left, self.signed(depth))
        return left

    def signed(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise BadExpression(_("The rule is nested too deeply; write it flatter."))
        if self.take("-"):
            return Unary("-", self.signed(depth + 1))
        return self.atom(depth)

    def atom(self, depth: int) -> Node:
        token = self.peek()
        if self.take("("):
            inner = self.either(depth + 1)
            if not self.take(")"):
                raise _unexpected(self.peek().text)
            return inner
        self.at += 1
        if token.kind == "name":
            return Name(token.text)
        if token.kind == "value" and token.value is not None:
            return Literal(token.value)
        raise _unexpected(token.text)


def _unexpected(word: str) -> BadExpression:
    return BadExpression(
        _(
            "The rule cannot be read near %(word)s; it takes field names, numbers with units, "
            "comparisons, AND, OR, NOT and parentheses.",
            word=word or "the end",
        )
    )


# Types

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "=", "!="})


def _kind(node: Node, fields: Mapping[str, Kind]) -> Kind:
    if isinstance(node, Literal):
        return kind_of(node.value)
    if isinstance(node, Name):
        if node.name not in fields:
            raise BadExpression(
                _(
                    "The rule names %(name)s, which is no field of this study; add the field or "
                    "correct the name.",
                    name=node.name,
                ),
                field=node.name,
            )
        return fields[node.name]
    if isinstance(node, Unary):
        inner = _kind(node.operand, fields)
        if (node.sign == "NOT") != (inner == "boolean") or inner in ("text", "date"):
            raise _misfit(node.sign, inner, inner)
        return inner
    return _result(node.sign, _kind(node.left, fields), _kind(node.right, fields))


def kind_of(value: Value) -> Kind:
    """The type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    return "date" if isinstance(value, date) else value.dimension


def _result(sign: str, left: Kind, right: Kind) -> Kind:
    """The type of a binary expression, or a refusal."""
    if sign in ("AND", "OR"):
        fits, result = left == right == "boolean", "boolean"
    elif sign in _COMPARISONS:
        ordered = sign in ("=", "!=") or left not in ("boolean", "text")
        fits, result = left == right and ordered, "boolean"
    elif isinstance(left, tuple) and isinstance(right, tuple):
        if sign in ("+", "-"):
            fits, result = left == right, left  # type: ignore[assignment]
        else:
            fits, result = True, _combined(left, right, sign)  # type: ignore[assignment]
    elif left == "date" and sign in ("+", "-") and right == _TIME:
        fits, result = True, "date"
    else:
        fits, result = left == right == "date" and sign == "-", _TIME  # type: ignore[assignment]
    if not fits:
        raise _misfit(sign, left, right)
    return result


def _combined(left: Dimension, right: Dimension, sign: str) -> Dimension:
    powers = dict(left)
    for kind, power in right:
        powers[kind] = powers.get(kind, 0) + (power if sign == "*" else -power)
    return tuple(sorted((kind, power) for kind, power in powers.items() if power))


def _misfit(sign: str, left: Kind, right: Kind) -> BadExpression:
    return BadExpression(
        _(
            "%(sign)s does not go with %(left)s and %(right)s; use values of one kind, with "
            "units that convert.",
            sign=sign,
            left=_spoken(left),
            right=_spoken(right),
        )
    )


def _spoken(kind: Kind) -> str:
    if isinstance(kind, str):
        return kind
    written = [name if power == 1 else f"{name}^{power}" for name, power in kind]
    return " ".join(written) or "number"


# Answers


def _value(node: Node, values: Mapping[str, Value]) -> Value:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return values[node.name]
    if isinstance(node, Unary):
        return _turned(node.sign, _value(node.operand, values))
    left, right = _value(node.left, values), _value(node.right, values)
    _result(node.sign, kind_of(left), kind_of(right))
    if node.sign in ("AND", "OR"):
        return (left and right) if node.sign == "AND" else (left or right)
    if node.sign in _COMPARISONS:
        return _compare(node.sign, left, right)
    return _calculate(node.sign, left, right)


def _turned(sign: str, operand: Value) -> Value:
    if isinstance(operand, bool) and sign == "NOT":
        return not operand
    if isinstance(operand, Amount) and sign == "-":
        return Amount(-operand.value, operand.dimension)
    raise _misfit(sign, kind_of(operand), kind_of(operand))


def _compare(sign: str, left: Value, right: Value) -> bool:
    a = left.value if isinstance(left, Amount) else left
    b = right.value if isinstance(right, Amount) else right
    if sign == "=":
        return a == b
    if sign == "!=":
        return a != b
    less, equal = a < b, a == b  # type: ignore[operator]
    return {"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[sign]


def _calculate(sign: str, left: Value, right: Value) -> Value:
    if isinstance(left, date) and isinstance(right, date):
        return Amount(Fraction((left - right).days * _DAY), _TIME)
    if not isinstance(right, Amount):
        raise _misfit(sign, kind_of(left), kind_of(right))
    if isinstance(left, date):
        days = right.value / _DAY
        if days.denominator != 1:
            raise BadExpression(_("A date moves by whole days only; write the time in d."))
        try:
            return left + timedelta(days=int(days) if sign == "+" else -int(days))
        except OverflowError:
            raise BadExpression(_("The rule moves a date out of the calendar.")) from None
    if not isinstance(left, Amount):
        raise _misfit(sign, kind_of(left), kind_of(right))
    a, b = left.value, right.value
    if sign in ("+", "-"):
        return Amount(a + b if sign == "+" else a - b, left.dimension)
    if sign == "*":
        return Amount(a * b, _combined(left.dimension, right.dimension, sign))
    if b == 0:
        raise BadExpression(_("The rule divides by zero; check the values entered."))
    return Amount(a / b, _combined(left.dimension, right.dimension, sign))


def words_compared(node: Node) -> list[tuple[str, str]]:
    """Fields compared with a written word, and that word."""
    if isinstance(node, Unary):
        return words_compared(node.operand)
    if not isinstance(node, Binary):
        return []
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, Name) and isinstance(other, Literal) and isinstance(other.value, str):
            return [(one.name, other.value)]
    return [*words_compared(node.left), *words_compared(node.right)]
