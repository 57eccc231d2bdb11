"""The default answer to an error for a browser. Everything in it is escaped; in debug it shows where the error was."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>{style}</head>
<body>
<main>
<h1>{title}</h1>
{detail}{errors}{traceback}<p><small>{software}</small></p>
</main>
</body>
</html>
"""
STYLE = """
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
pre { overflow: auto; padding: .5rem; border: 1px solid #8888 } mark { display: block }
</style>"""
AROUND = 4  # lines of source shown before and after the one that failed


def error_page(error: dict[str, Any], exception: BaseException | None = None) -> str:
    """Return the HTML page of an error, from the dict that error handlers get.

    `exception` is given in debug mode only: its frames are shown with their source, templates included.
    """
    detail, lines = error.get("detail"), error.get("traceback") or ()
    listed = "".join(_frames(exception)) if exception is not None else _preformatted(lines)
    return PAGE.format(
        title=escape(f"{error['code']} {error['reason']}"),
        style=STYLE if exception is not None else "",
        detail=f"<p>{escape(str(detail))}</p>\n" if detail else "",
        errors=_reasons(error.get("errors") or ()),
        traceback=listed,
        software=escape(str(error.get("software", ""))),
    )


def _reasons(errors: Sequence[dict[str, Any]]) -> str:
    items = "".join(f"<li>{escape(str(item['name']))}: {escape(str(item['reason']))}</li>" for item in errors)
    return f"<ul>{items}</ul>\n" if items else ""


def _preformatted(lines: Sequence[object]) -> str:
    listed = "\n".join(escape(str(line)) for line in lines)
    return f"<pre>{listed}</pre>\n" if listed else ""


def _frames(exception: BaseException) -> Iterator[str]:
    """Yield the exception and its frames, the innermost first and open; then what it came from."""
    yield f"<h2>{escape(type(exception).__name__)}: {escape(str(exception))}</h2>\n"
    frames = traceback.extract_tb(exception.__traceback__)
    for number, frame in enumerate(reversed(frames)):
        place = escape(f"{frame.filename}, line {frame.lineno}, in {frame.name}")
        yield f"<details{' open' if number == 0 else ''}><summary>{place}</summary>\n"
        yield f"<pre>{_source(frame.filename, frame.lineno or 0)}</pre></details>\n"
    cause = exception.__cause__ or (None if exception.__suppress_context__ else exception.__context__)
    if cause is not None:
        yield "<p>It came from:</p>\n"
        yield from _frames(cause)


def _source(filename: str, line: int) -> str:
    linecache.checkcache(filename)
    shown = []
    for number in range(max(line - AROUND, 1), line + AROUND + 1):
        text = linecache.getline(filename, number)
        if text:
            row = escape(f"{number:5} {text.rstrip()}")
            shown.append(f"<mark>{row}</mark>" if number == line else row + "\n")
    return "".join(shown)
