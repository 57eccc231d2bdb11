"""A framework for backend APIs: plain handlers, parameters bound to arguments, several protocols over one route."""
