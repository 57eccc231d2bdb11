"""The app engine: serves apps, folders and upstreams from several worker processes."""
