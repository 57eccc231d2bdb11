"""Tests of what workers and hosts tell each other."""
