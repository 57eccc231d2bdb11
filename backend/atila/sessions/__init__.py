"""State that the client carries, signed: sessions and message boxes."""
