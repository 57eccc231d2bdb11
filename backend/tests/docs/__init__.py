"""Tests of the documentation: its examples run, its links lead somewhere, its tables agree with the code."""
