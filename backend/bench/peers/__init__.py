"""The same endpoints in frameworks of others; each runs in a virtual environment of its own."""
