"""Which handler answers a path, and the way back from a handler to its URL."""
