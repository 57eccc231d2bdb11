"""One request's view of the app and its platform. A table of contents; holds no logic."""

from __future__ import annotations

from functools import partial as bound
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .auth.bearer import Bearer
from .auth.csrf import Csrf
from .auth.onetime import OneTime
from .auth.passwords import encrypt_password, verify_password
from .broadcasting import Broadcaster
from .errors import HTTPError
from .events import template_rendering
from .facade import part
from .http import values
from .http.cookies import Cookies
from .http.request import Request
from .http.response import Response
from .http.results import API, File, fault, redirect
from .locks import Locks
from .logs import Log
from .platform import Platform
from .postman import Postman
from .rendering.templates import Renderer
from .routing.urls import Urls
from .scratch import Scratch
from .sessions.envelope import Carrier, serializer
from .sessions.mbox import MessageBox
from .sessions.session import Session
from .shared import Shared
from .upstream import services
from .upstream.calls import Calls
from .upstream.db import Sessions
from .upstream.group import Tasks
from .upstream.proxypass import Passing
from .upstream.verbs import Upload, Verb
from .websocket.socket import Socket, socket_of

if TYPE_CHECKING:
    from .app import Atila
    from .upstream.db import Sql
    from .upstream.grpc import Grpc
    from .upstream.rpc import Remote


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
    jstream, tojson = staticmethod(values.jstream), staticmethod(values.tojson)
    fromjson, toxml = staticmethod(values.fromjson), staticmethod(values.toxml)
    uniqid, timestamp = staticmethod(values.uniqid), staticmethod(values.timestamp)
    encrypt_password, verify_password = staticmethod(encrypt_password), staticmethod(verify_password)

    g: part[Was, SimpleNamespace] = part(lambda was: SimpleNamespace())
    cookie: part[Was, Cookies] = part(lambda was: Cookies.of(was.request))

    carrier: part[Was, Carrier] = part(
        lambda was: Carrier(
            was.cookie, was.app.securekey, was.request.get_remote_addr(), was.app.root, was.request.scheme == "https"
        )
    )
    session: part[Was, Session] = part(lambda was: Session(was.carrier, was.app.session_timeout))
    mbox: part[Was, MessageBox] = part(lambda was: MessageBox(was.carrier))

    csrf: part[Was, Csrf] = part(lambda was: Csrf(was.session, was.request))
    csrf_token, csrf_token_input = csrf.attribute("token"), csrf.attribute("input")
    csrf_verify = verify_csrf = csrf.forward(Csrf.verify)

    onetime: part[Was, OneTime] = part(
        lambda was: OneTime(serializer(was.app.securekey, "one-time token"), was.session)
    )
    mkott = encode_ott = onetime.forward(OneTime.make)
    deott = decode_ott = onetime.forward(OneTime.read)
    rvott = revoke_ott = onetime.forward(OneTime.revoke)

    renderer: part[Was, Renderer] = part(
        lambda was: Renderer(was.app.templates, was, bound(was.app.events.send, template_rendering, was))
    )
    render = renderer.forward(Renderer.render)

    urls: part[Was, Urls] = part(lambda was: Urls(was.app.router, was.app.root, was.app.platform.apps, was.request))
    ab = urlfor = urls.forward(Urls.build)
    partial = urlpatch = urls.forward(Urls.partial)
    basepath = baseurl = urls.forward(Urls.basepath)

    bearer: part[Was, Bearer] = part(
        lambda was: Bearer(was.app.tokens, was.request, was.app.config.access_token_timeout)
    )
    mkjwt = encode_jwt = bearer.forward(Bearer.make)
    dejwt = decode_jwt = bearer.forward(Bearer.read)

    calls: part[Was, Calls] = part(lambda was: Calls.of(was.app.platform, was.app.config, was.request))
    get: part[Was, Verb] = part(lambda was: Verb(was.calls, "GET"))
    post: part[Was, Verb] = part(lambda was: Verb(was.calls, "POST"))
    put: part[Was, Verb] = part(lambda was: Verb(was.calls, "PUT"))
    patch: part[Was, Verb] = part(lambda was: Verb(was.calls, "PATCH"))
    delete: part[Was, Verb] = part(lambda was: Verb(was.calls, "DELETE"))
    options: part[Was, Verb] = part(lambda was: Verb(was.calls, "OPTIONS"))
    upload: part[Was, Upload] = part(lambda was: Upload(was.calls, "POST"))
    rpc: part[Was, Remote] = part(services.xmlrpc)
    xmlrpc: part[Was, Remote] = part(services.xmlrpc)
    jsonrpc: part[Was, Remote] = part(services.jsonrpc)
    grpc: part[Was, Grpc] = part(services.grpc)
    ws = property(services.websocket)
    redis, mongodb = property(services.redis), property(services.mongodb)
    Tasks, Futures, promise = Tasks, property(services.futures), staticmethod(services.promise)

    databases: part[Was, Sessions] = part(
        lambda was: Sessions.of(was.app.platform, was.request, was.app.sqlmaps, was.app.config.max_cache_size)
    )
    db = asyncon = backend = sqlite3 = postgresql = property(lambda was: was.databases)
    transaction = databases.forward(Sessions.transaction)
    sql: part[Was, Sql] = part(services.sql)

    passing: part[Was, Passing] = part(lambda was: Passing(was.app.platform, was.request))
    proxypass = passing.forward(Passing.pass_on)

    broadcaster: part[Was, Broadcaster] = part(
        lambda was: Broadcaster(was.app.platform.apps, was.beside, was.app.platform.bus)
    )
    broadcast = broadcaster.forward(Broadcaster.send)

    shared: part[Was, Shared] = part(lambda was: Shared(was.app.platform, was.broadcaster))
    setlu = shared.forward(Shared.setlu)
    getlu = shared.forward(Shared.getlu)
    setgs = shared.forward(Shared.setgs)
    getgs = shared.forward(Shared.getgs)
    addgs = shared.forward(Shared.addgs)
    rate_limit = shared.forward(Shared.rate_limit)

    websocket: part[Was, Socket] = part(lambda was: socket_of(was.request))
    wsinit, wsopened = websocket.forward(Socket.init), websocket.forward(Socket.opened)
    wsclosed, wshasevent = websocket.forward(Socket.closed), websocket.forward(Socket.has_event)
    wsconfig, wsclient = websocket.forward(Socket.configure), websocket.forward(Socket.client)

    logging: part[Was, Log] = part(lambda was: Log(was.app.logger, was.request))
    log = logging.forward(Log.write)
    traceback = logging.forward(Log.traceback)

    platform: part[Was, Platform] = part(lambda was: was.app.platform)
    status, restart = platform.forward(Platform.status), platform.forward(Platform.restart)
    shutdown = platform.forward(Platform.shutdown)
    metrics = platform.attribute("metrics")
    locks: part[Was, Locks] = part(lambda was: was.app.platform.locks)
    get_lock = locks.forward(Locks.get)
    scratch: part[Was, Scratch] = part(lambda was: was.app.platform.scratch)
    gentemp = scratch.forward(Scratch.make)
    postman: part[Was, Postman] = part(lambda was: Postman(was.app.config.smtp, was.app.config.smtp_timeout))
    email = postman.forward(Postman.write)

    push = property(lambda was: was.response.hint_promise)
    apps = property(lambda was: was.app.platform.apps)
    bus = property(lambda was: was.app.platform.bus)
    env = property(lambda was: was.request.env)

    def __init__(self, app: Atila, request: Request) -> None:
        self.app = app
        self.request = request
        self.response = response = Response()
        response.request = request

    def beside(self, app: Atila) -> Was:
        """Return the was that another app's event handlers get for this request."""
        return self if app is self.app else Was(app, self.request)

    def __getattr__(self, name: str) -> Any:
        return self.app.plugged(name)
