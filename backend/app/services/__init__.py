"""The services of the application, one folder or file per noun. Removing one is deleting it and its mount in app.py."""
