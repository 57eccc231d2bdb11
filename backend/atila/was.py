"""One request's view of the app and its platform. A table of contents; holds no logic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .auth.bearer import Bearer
from .errors import HTTPError
from .facade import part
from .http.cookies import Cookies
from .http.request import Request
from .http.response import Response
from .http.results import API, File, fault, redirect
from .logs import Log
from .routing.urls import Urls
from .upstream.db import Sessions

if TYPE_CHECKING:
    from .app import Atila


class Was:
    """What a handler gets first. Lives as long as the request; its parts are made at first use."""

    app: Atila
    request: Request
    response: Response

    API = API
    Fault = staticmethod(fault)
    File = File
    Error = HttpError = HTTPError
    redirect = staticmethod(redirect)

    g: part[Was, SimpleNamespace] = part(lambda was: SimpleNamespace())
    cookie: part[Was, Cookies] = part(lambda was: Cookies.of(was.request))

    urls: part[Was, Urls] = part(lambda was: Urls(was.app.router, was.app.root, was.app.platform.apps, was.request))
    ab = urlfor = urls.forward(Urls.build)
    partial = urlpatch = urls.forward(Urls.partial)
    basepath = baseurl = urls.forward(Urls.basepath)

    bearer: part[Was, Bearer] = part(lambda was: Bearer(was.app.tokens, was.request))
    mkjwt = encode_jwt = bearer.forward(Bearer.make)
    dejwt = decode_jwt = bearer.forward(Bearer.read)

    databases: part[Was, Sessions] = part(lambda was: Sessions.of(was.app.platform, was.request))
    db = asyncon = backend = sqlite3 = postgresql = databases.forward(Sessions.open)
    transaction = databases.forward(Sessions.transaction)

    logging: part[Was, Log] = part(lambda was: Log(was.app.logger, was.request))
    log = logging.forward(Log.write)
    traceback = logging.forward(Log.traceback)

    apps = property(lambda was: was.app.platform.apps)
    env = property(lambda was: was.request.env)

    def __init__(self, app: Atila, request: Request) -> None:
        self.app = app
        self.request = request
        self.response = response = Response()
        response.request = request

    def __getattr__(self, name: str) -> Any:
        return self.app.plugged(name)
