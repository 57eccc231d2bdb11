"""Clients in other languages, which others wrote, against a running engine."""
