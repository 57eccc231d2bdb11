"""Texts that try to get out of a line, of a header field, of HTML, of JSON."""

from __future__ import annotations

BREAKS = (
    "\r\nset-cookie: evil=1", "\nlocation: //evil.example", "\r\rx: y", "\x00x", "\x0bx", "\x0cx", "\x1b[31mred",
    "\x1cx", "\x7fx", "\x85x", "\x9b31m", "\u2028x", "\u2029x", "\u202ex", "\u2066x", "\r\n\r\n<html>", ",\r\nx",
)  # fmt: skip
MARKUP = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "</title></style><svg>",
    "--><b>", "]]><b>", "</pre></details><b>", "{{ 1237 * 7001 }}", "{title}", "%s", "&lt;b&gt;", "\\u003cb\\u003e",
    "<b\x00>",
)  # fmt: skip
ATTEMPTS = BREAKS + MARKUP
