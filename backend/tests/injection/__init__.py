"""Nothing that a client sends, or a handler repeats, gets out of the line, the field or the page that it stands in."""
