"""What workers and hosts tell each other: through the main process, and through Redis between hosts."""
