"""Who may call: guards, permissions, tokens."""
