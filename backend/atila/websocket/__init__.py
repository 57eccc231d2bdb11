"""WebSockets: how routes declare them, what handlers use of them, and how messages find their clients."""
