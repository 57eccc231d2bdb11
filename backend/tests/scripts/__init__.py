"""The commands of the Makefile: what they promise to a person at a terminal."""
