"""What kind a rule is and what it answers: types first, values second, nothing run."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction

from lims.core.words import Text as _
from lims.studies.protocol.nodes import (
    TIME,
    Amount,
    BadExpression,
    Binary,
    Dimension,
    Kind,
    Literal,
    Name,
    Node,
    Unary,
    Value,
)

_DAY = 86400

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "=", "!="})


def kind(node: Node, fields: Mapping[str, Kind]) -> Kind:
    """The type of a tree, or a refusal."""
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
        inner = kind(node.operand, fields)
        if (node.sign == "NOT") != (inner == "boolean") or inner in ("text", "date"):
            raise _misfit(node.sign, inner, inner)
        return inner
    return _result(node.sign, kind(node.left, fields), kind(node.right, fields))


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
    elif left == "date" and sign in ("+", "-") and right == TIME:
        fits, result = True, "date"
    else:
        fits, result = left == right == "date" and sign == "-", TIME  # type: ignore[assignment]
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


def value(node: Node, values: Mapping[str, Value]) -> Value:
    """What a tree comes to with these values."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return values[node.name]
    if isinstance(node, Unary):
        return _turned(node.sign, value(node.operand, values))
    left, right = value(node.left, values), value(node.right, values)
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
        return Amount(Fraction((left - right).days * _DAY), TIME)
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
