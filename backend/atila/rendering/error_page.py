"""The default answer to an error: a page for browsers, JSON for everybody else. Everything in it is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body>
<main>
<h1>{title}</h1>
{detail}{traceback}<p><small>{software}</small></p>
</main>
</body>
</html>
"""


def error_page(error: dict[str, Any]) -> str:
    """Return the HTML page of an error, from the dict that error handlers get."""
    detail = error.get("detail")
    frames = error.get("traceback")
    listed = "\n".join(escape(str(line)) for line in frames) if frames else ""
    return PAGE.format(
        title=escape(f"{error['code']} {error['reason']}"),
        detail=f"<p>{escape(str(detail))}</p>\n" if detail else "",
        traceback=f"<pre>{listed}</pre>\n" if listed else "",
        software=escape(str(error.get("software", ""))),
    )
