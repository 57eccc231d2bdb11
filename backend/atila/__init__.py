"""A framework for backend APIs: plain handlers, parameters bound to arguments, several protocols over one route."""

from .app import Atila
from .errors import AtilaError, HTTPError, RouteError, SettingError
from .http.results import API, File
from .http.uploads import Upload
from .was import Was

__all__ = ["API", "Atila", "AtilaError", "File", "HTTPError", "RouteError", "SettingError", "Upload", "Was"]
