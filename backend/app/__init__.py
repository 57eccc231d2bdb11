"""The starter application: what a cloner edits."""
