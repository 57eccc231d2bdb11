"""Tests of deploy/: the scripts, nginx in front of the engine, and a rehearsed deployment."""
