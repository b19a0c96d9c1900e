"""The API's own description: OpenAPI 3.1, and a page for people made from it."""

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, render_template
from flask.typing import ResponseReturnValue
from flask_smorest import Api
from marshmallow import Schema, fields
from marshmallow.class_registry import get_class

from lims.core.words import Text as _

_PROBLEM = "application/problem+json"


class Problem(Schema):
    """A refusal (RFC 9457). `code` is stable; the words are for people, in their language."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String()
    code = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    field = fields.String()
    why = fields.String()
    do_now = fields.String()
    call = fields.String()
    verdict = fields.String()
    checks = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))
    pending = fields.List(fields.String())
    number = fields.String()


def _name_of(schema: Any) -> str:
    """Two features may both have an `ItemOut`: the feature stands before the name."""
    if isinstance(schema, str):
        schema = get_class(schema)
    kind = schema if isinstance(schema, type) else type(schema)
    parts = kind.__module__.split(".")
    feature = parts[1] if parts[0] == "lims" and len(parts) > 1 else parts[-1]
    return f"{feature}.{kind.__name__}"


class ProblemApi(Api):
    """flask-smorest whose refusals are problem documents, in its description as well."""

    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        kept: str = Api.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = _PROBLEM
        try:
            super()._register_responses()
        finally:
            self.DEFAULT_RESPONSE_CONTENT_TYPE = kept

    def _register_error_handlers(self) -> None:
        """`web.errors` answers every error of the app, the API's too."""


def install(app: Flask, version: str) -> ProblemApi:
    """Open `/api/openapi.json` and `/api/docs`."""
    app.config.update(
        API_TITLE="Exotrace",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = ProblemApi(
        app,
        spec_kwargs={
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name_of),
            "security": [{"bearer": []}],
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.components.parameter(
        "IdempotencyKey",
        "header",
        {
            "name": "Idempotency-Key",
            "required": False,
            "schema": {"type": "string", "maxLength": 120},
            "description": "Made by the client, kept for ever: the same key acts once.",
        },
    )
    _devices(api)

    @app.get("/api/docs")
    def docs() -> ResponseReturnValue:
        return render_template("docs.html", title=_("The API"), groups=_groups(api))

    return api


def _devices(api: Api) -> None:
    for name, header, schema, said in (
        (
            "DeviceTime",
            "X-Device-Time",
            {"type": "string", "format": "date-time"},
            "When it was scanned, by the device's clock; stands in the entry beside the server's.",
        ),
        (
            "Device",
            "X-Device",
            {"type": "string", "maxLength": 60},
            "The device that kept the scan while it had no network.",
        ),
        (
            "DeviceCounter",
            "X-Device-Counter",
            {"type": "integer", "minimum": 1},
            "Its count of kept scans, from 1 on without a gap.",
        ),
    ):
        api.spec.components.parameter(
            name,
            "header",
            {"name": header, "required": False, "schema": schema, "description": said},
        )


def _groups(api: Api) -> list[tuple[str, list[dict[str, Any]]]]:
    spec = api.spec.to_dict()
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in spec["paths"].items():
        shared = operations.get("parameters", [])
        for method, one in operations.items():
            if method == "parameters":
                continue
            found.setdefault(one["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": one.get("summary", ""),
                    "inputs": list(_inputs(spec, shared, one)),
                }
            )
    return sorted(found.items())


def _inputs(spec: dict[str, Any], shared: list[Any], one: dict[str, Any]) -> Any:
    for given in [*shared, *one.get("parameters", [])]:
        each = _followed(spec, given)
        yield {
            "where": each["in"],
            "name": each["name"],
            "type": _kind(each.get("schema", {})),
            "required": each.get("required", False),
            "about": each.get("description", ""),
        }
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _followed(spec, body.get("schema", {}))
    for name, each in schema.get("properties", {}).items():
        yield {
            "where": "body",
            "name": name,
            "type": _kind(each),
            "required": name in schema.get("required", []),
            "about": " - ".join(filter(None, (each.get("title"), each.get("description")))),
        }


def _followed(spec: dict[str, Any], each: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in each:
        at: Any = spec
        for part in each["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        each = at
    return each


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    named = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return f"{named} ({schema['format']})" if "format" in schema else named
