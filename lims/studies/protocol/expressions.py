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
from fractions import Fraction

from lims.core import numbers, units
from lims.core.words import Text as _
from lims.studies.protocol import answers
from lims.studies.protocol.answers import words_compared
from lims.studies.protocol.nodes import (
    Amount,
    BadExpression,
    Binary,
    Kind,
    Literal,
    Name,
    Node,
    Unary,
    Value,
    amount,
    dimension,
)

__all__ = [
    "Amount",
    "BadExpression",
    "Expression",
    "Kind",
    "Name",
    "Value",
    "amount",
    "dimension",
    "parse",
    "words_compared",
]

LONGEST = 600
DEEPEST = 25
KEYWORDS = frozenset({"AND", "OR", "NOT", "true", "false"})


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
        return answers.kind(self.tree, fields)

    def answer(self, values: Mapping[str, Value]) -> bool | None:
        """Whether the rule is met; None while any field it names is missing.

        Raises:
            BadExpression: the values do not fit the rule, or it divides by zero.
        """
        if any(name not in values for name in self.names):
            return None
        found = answers.value(self.tree, values)
        if not isinstance(found, bool):
            raise BadExpression(_("%(rule)s is not a yes or no.", rule=self.text))
        return found


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
