"""Text that is markup already: templates insert it as it is, and as an answer it is a page."""

from __future__ import annotations


class Html(str):
    """Markup. A login handler that returns it shows a page; plain text there is the reason of a refusal."""

    __slots__ = ()

    def __html__(self) -> str:
        return self
