"""Chapter "Upstreams": calls to other services."""
