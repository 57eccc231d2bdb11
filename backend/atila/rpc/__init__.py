"""The same handlers over other wire formats: codecs, never dispatchers of their own."""
