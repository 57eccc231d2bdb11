"""The servers beneath the engine: one module for each."""
