"""How Sphinx makes pages of these files: Markdown by MyST, the order of the chapters from index.md."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

project = "Atila"
extensions = ["myst_parser"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = "Atila"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options: dict[str, object] = {"footer_icons": [], "top_of_page_buttons": []}
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]

_CHAPTER = re.compile(r"^(?:## (?P<caption>.+)|.*?\]\((?P<page>[a-z-]+)\.md\).*)$")


def add_chapters(_app: Sphinx, name: str, source: list[str]) -> None:
    """Give the index its tables of contents: one for each heading, of the pages that are linked below it."""
    if name != "index":
        return
    captions: dict[str, list[str]] = {}
    for line in source[0].splitlines():
        match = _CHAPTER.match(line)
        if match and match["caption"]:
            captions[match["caption"]] = []
        elif match and captions:
            captions[list(captions)[-1]].append(match["page"])
    for caption, pages in captions.items():
        if pages:
            source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```\n"])


def setup(app: Sphinx) -> None:
    """Let Sphinx call `add_chapters` for each page it reads."""
    app.connect("source-read", add_chapters)
