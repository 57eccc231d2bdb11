"""The contracts about photos."""
