"""What a test imports: a client that calls an app in process, over either adapter."""
