"""From the routes to an OpenAPI 3.1 document, and a page to read it."""
