"""From a request to a handler's arguments: binding, checks, schemas."""
