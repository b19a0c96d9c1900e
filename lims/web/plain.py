"""JSON in and out, exactly: decimals stay decimals, and nothing is sent twice or unreadable."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider

from lims.core import clock, codes, numbers
from lims.core.errors import BadInput
from lims.core.gate import Answer
from lims.core.units import Quantity
from lims.core.words import Text

_ = Text
_DEEPEST = 20


class NotJson(BadInput):
    """The body is not JSON."""

    code = "not_json"


def plain(value: Any) -> Any:  # noqa: PLR0911
    """What JSON can hold of an answer: texts spoken, amounts with their unit, instants in UTC."""
    if value is None or isinstance(value, bool | int) or type(value) is str:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Text | UUID | str):
        return str(value)
    if isinstance(value, Decimal):
        return numbers.plain(value)
    if isinstance(value, Quantity):
        return {"value": numbers.plain(value.value), "unit": value.unit}
    if isinstance(value, datetime):
        return clock.text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, codes.Scanned):
        return value.code
    if isinstance(value, Answer):
        return plain(value.shown())
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} is no answer of a door; name its fields in `gives`")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def loads(text: str | bytes) -> Any:
    """Read JSON strictly: numbers as Decimal, no NaN, no name twice.

    Raises:
        NotJson: it is not JSON, or nested too deeply.
    """
    try:
        read = text.decode() if isinstance(text, bytes) else text
        return _shallow(
            json.loads(
                read,
                parse_float=Decimal,
                parse_constant=_no_constant,
                object_pairs_hook=_once,
            )
        )
    except (ValueError, RecursionError):
        raise NotJson(
            _("The body is not JSON that can be read here; send one object, each name once.")
        ) from None


def _shallow(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        for each in value.values():
            _shallow(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _shallow(each, depth + 1)
    return value


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object.

    Raises:
        NotJson: another media type, or not an object.
    """
    sent = request.get_data(cache=True)
    if not sent.strip():
        return {}
    if not request.is_json:
        raise NotJson(_("Send the body as application/json."))
    found = loads(sent)
    if not isinstance(found, dict):
        raise NotJson(
            _("The body is not JSON that can be read here; send one object, each name once.")
        )
    return found


def dumps(value: Any) -> str:
    """Written JSON; the same answer gives the same bytes."""
    return json.dumps(value, ensure_ascii=False)


def answer(value: Any, status: int = 200, media: str = "application/json") -> Response:
    """An answer whose bytes depend on nothing but its value."""
    return Response(dumps(value) + "\n", status=status, content_type=media)


class Provider(DefaultJSONProvider):
    """Flask's own JSON, made as strict."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return loads(s)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        kwargs.setdefault("default", plain)
        kwargs.setdefault("ensure_ascii", False)
        return json.dumps(obj, **kwargs)


def install(app: Flask) -> None:
    """Make this the app's JSON."""
    app.json = Provider(app)
