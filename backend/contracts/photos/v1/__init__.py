"""Version 1 of the contracts about photos."""
