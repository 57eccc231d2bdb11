"""A framework for backend APIs: plain handlers, parameters bound to arguments, several protocols over one route."""

from .app import Atila
from .errors import AtilaError, HTTPError, RouteError, SettingError
from .events import (
    app_mounted,
    app_restarted,
    app_restarting,
    app_started,
    app_starting,
    app_unmounting,
    request_failed,
    request_finished,
    request_starting,
    request_success,
    request_tearing_down,
    template_rendering,
)
from .http.results import API, File
from .http.uploads import Upload
from .loader import load
from .preference import Preference
from .was import Was

__all__ = [
    "API",
    "Atila",
    "AtilaError",
    "File",
    "HTTPError",
    "Preference",
    "RouteError",
    "SettingError",
    "Upload",
    "Was",
    "app_mounted",
    "app_restarted",
    "app_restarting",
    "app_started",
    "app_starting",
    "app_unmounting",
    "load",
    "request_failed",
    "request_finished",
    "request_starting",
    "request_success",
    "request_tearing_down",
    "template_rendering",
]
