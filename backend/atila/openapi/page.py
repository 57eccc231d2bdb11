"""A page to read an OpenAPI document: plain HTML, no script, nothing from elsewhere, all of it escaped."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def render_page(document: dict[str, Any], source: str, style: str) -> str:
    """Return the page of a document; `source` and `style` are the URLs of the JSON and of the style sheet."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    sections = [f"<h2>{escape(tag)}</h2>\n{''.join(operations)}" for tag, operations in sorted(by_tag.items())]
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    described = f"<p>{escape(info['description'])}</p>" if info.get("description") else ""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(info["title"])}: API</title>\n'
        f'<link rel="stylesheet" href="{escape(style)}">\n</head>\n<body>\n<main>\n<h1>{escape(info["title"])}</h1>\n'
        f'<p class="soft">Version {escape(info["version"])} · OpenAPI {document["openapi"]} · '
        f'<a href="{escape(source)}">the document as JSON</a></p>\n{described}{"".join(sections)}'
        f"<h2>Schemas</h2>\n{schemas}</main>\n</body>\n</html>\n"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    schemes = ", ".join(name for item in operation.get("security", ()) for name in item)
    locked = f' <span class="soft">needs authentication: {escape(schemes)}</span>' if schemes else ""
    text = f"<p>{escape(operation['description'])}</p>" if operation.get("description") else ""
    body = operation.get("requestBody", {}).get("content", {})
    bodies = "".join(f"<h3>Body: {escape(kind)}</h3>{_json(item['schema'])}" for kind, item in body.items())
    return (
        f'<details id="{escape(operation["operationId"])}">'
        f'<summary><span class="method {method}">{method.upper()}</span>'
        f'<code>{escape(path)}</code><span class="soft">{escape(operation["summary"])}</span></summary>\n<div>'
        f"<p><code>{escape(operation['operationId'])}</code>{locked}</p>{text}{_parameters(operation)}{bodies}"
        f"{_responses(operation)}</div></details>\n"
    )


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(item['name'])}</code></td>"
        f"<td>{item['in']}{', required' if item['required'] else ''}</td>"
        f"<td><code>{escape(json.dumps(item['schema']))}</code></td></tr>"
        for item in operation.get("parameters", [])
    ]
    head = "<tr><th>Parameter</th><th>Where</th><th>Schema</th></tr>"
    return f"<h3>Parameters</h3><table>{head}{''.join(rows)}</table>" if rows else ""


def _responses(operation: dict[str, Any]) -> str:
    rows = []
    for status, response in operation["responses"].items():
        kinds = [
            f"{escape(kind)} <code>{escape(json.dumps(item.get('schema', {})))}</code>"
            for kind, item in response.get("content", {}).items()
        ]
        rows.append(
            f"<tr><td>{status}</td><td>{escape(response['description'])}</td><td>{'<br>'.join(kinds)}</td></tr>"
        )
    head = "<tr><th>Status</th><th>Meaning</th><th>Content</th></tr>"
    return f"<h3>Answers</h3><table>{head}{''.join(rows)}</table>"


def _schema(name: str, schema: dict[str, Any]) -> str:
    head = f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
    return f"{head}<div>{_json(schema)}</div></details>\n"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
