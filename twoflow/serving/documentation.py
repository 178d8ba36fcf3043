"""The page ``/docs``: the calls of the service, from its OpenAPI document. It loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..report.page import render


def render_documentation(document: Mapping[str, Any]) -> str:
    """Render the page that lists the calls of an OpenAPI document, with the statuses and bodies of each."""
    calls = [
        {"method": method.upper(), "path": path, "summary": call.get("summary", ""),
         "parameters": [_parameter(each) for each in call.get("parameters", ())],
         "body": _bodies(call.get("requestBody")),
         "answers": [(status, each["description"], _bodies(each)) for status, each in call["responses"].items()]}
        for path, methods in document["paths"].items() for method, call in methods.items()
    ]
    schemas = {
        name: json.dumps(schema, indent=2, ensure_ascii=False)
        for name, schema in document.get("components", {}).get("schemas", {}).items()
    }
    return render("documentation.html", __package__, title=document["info"]["title"],
                  version=document["info"]["version"], calls=calls, schemas=schemas)


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str]:
    schema = parameter["schema"]
    limits = [f"{word} {schema[key]}" for key, word in (
        ("minimum", "at least"), ("maximum", "at most"), ("default", "default")) if key in schema]
    return parameter["name"], f"in the {parameter['in']}; {', '.join([schema.get('type', 'text'), *limits])}", \
        parameter.get("description", "")


def _bodies(holder: Mapping[str, Any] | None) -> str:
    """Name the types of a body, such as "application/json: Predictions"."""
    content = (holder or {}).get("content", {})
    return "; ".join(f"{kind}: {_shape(each.get('schema', {}))}" for kind, each in content.items())


def _shape(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_shape, schema["anyOf"]))
    if "properties" in schema:
        return ", ".join(f"{name} ({_shape(each)})" for name, each in schema["properties"].items())
    if schema.get("type") == "array":
        return f"one or several: {_shape(schema['items'])}"
    return "file" if schema.get("format") == "binary" else schema.get("type", "text")
