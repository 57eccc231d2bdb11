"""Services an app calls: '@alias' -> a client, pooled per process."""
