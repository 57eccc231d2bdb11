"""Everything that is mounted, as one site: host and path -> file, app, or the page of a single-page application."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from atila.errors import SettingError
from atila.http.headers import accepts
from atila.http.request import Request
from atila.http.response import Pending, Response
from atila.http.site import Job, Site

from .static import Examined, Folder

DEFAULT_HOST = "default"
NO_FALLBACK = ("/api", "/rpc", "/ws", "/.well-known")  # below these a missing path is a real 404


@dataclass(slots=True)
class Point:
    """What is mounted at one path: at most one app or upstream, and any number of folders, asked in their order."""

    prefix: str  # "" or "/sub"
    below: str  # "/" or "/sub/"
    folders: list[Folder] = field(default_factory=list)
    app: Any = None
    single_page: Folder | None = None  # the folder whose index.html answers paths that nothing else does


class Mounts:
    """A site of many. Built while a worker starts, then only read.

    For a GET or HEAD: a file that exists, then an app's route, then a folder's index.html, then the fallback of a
    single-page application. Other methods go to the app.
    """

    def __init__(self, not_found: Callable[[Request, int], Response]) -> None:
        self._everywhere: list[Point] = []
        self._hosts: dict[str, list[Point]] = {DEFAULT_HOST: self._everywhere}
        self.apps: list[Any] = []  # those of Atila, once each
        self._not_found = not_found
        self.leaving = False  # this process ends soon: each answer closes its HTTP/1 connection (RFC 9112 9.6)

    @property
    def sites(self) -> list[Any]:
        """Everything that starts and stops, once: apps of Atila and of others, and upstreams."""
        points = [point for points in self._hosts.values() for point in points]
        return list({id(point.app): point.app for point in points if point.app is not None}.values())

    def add_app(self, prefix: str, app: Any, host: str = DEFAULT_HOST) -> None:
        """Mount an app of Atila. Raises SettingError when the point has one."""
        self.add_site(prefix, app, host)
        if all(app is not known for known in self.apps):
            self.apps.append(app)

    def add_site(self, prefix: str, site: Site, host: str = DEFAULT_HOST) -> None:
        """Mount an app of another framework, or an upstream. Raises SettingError when the point has one."""
        point = self._point(prefix, host)
        if point.app is not None:
            raise SettingError(f"two apps are mounted at {prefix or '/'} of host {host!r}; mount one of them elsewhere")
        point.app = site

    def add_folder(self, prefix: str, folder: Folder, host: str = DEFAULT_HOST, *, single_page: bool = False) -> None:
        """Mount a folder; with `single_page` its index.html answers deep links."""
        point = self._point(prefix, host)
        point.folders.append(folder)
        if single_page:
            point.single_page = folder

    def resolve(self, request: Request) -> Job:
        path = request.path
        for point in self._everywhere if len(self._hosts) == 1 else self._points_of(request):
            prefix = point.prefix
            if prefix and path != prefix and not path.startswith(point.below):
                continue
            if point.app is not None and not point.folders:
                request.root, request.inner = prefix, path[len(prefix) :] if prefix else path
                job: Job | None = point.app.resolve(request)
            else:
                job = self._resolve_at(point, request)
            if job is not None:
                break
        else:
            job = self._job(lambda: self._not_found(request, 404), found=False)
        closing = self.leaving and request.wire == "http" and request.version in ("1.0", "1.1")
        return _closing(job) if closing else job

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        for site in self.sites:
            await site.start(loop)

    async def stop(self) -> None:
        for site in reversed(self.sites):
            await site.stop()

    # looking up

    def _points_of(self, request: Request) -> list[Point]:
        host = request.host.lower()
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        return self._hosts.get(name.rstrip(".")) or self._hosts[DEFAULT_HOST]

    def _resolve_at(self, point: Point, request: Request) -> Job | None:
        """Return what a point has for a request, or None when a shorter point is to be asked."""
        prefix = point.prefix
        inner = request.path[len(prefix) :]
        reading = request.method in ("GET", "HEAD")
        if reading:
            for folder in point.folders:
                file = folder.find(inner[1:])
                if file is not None:
                    return self._file_job(folder, file, request)
        if point.app is None:
            return self._folder_job(point, inner, request) if reading else self._refused(point, inner, request)
        request.root, request.inner = prefix, inner
        job: Job = point.app.resolve(request)
        if job.found or not reading:
            return job
        return self._folder_job(point, inner, request) or job

    def _folder_job(self, point: Point, inner: str, request: Request) -> Job | None:
        """Answer a folder's own path with its index.html, and a deep link with that of the application."""
        for folder in point.folders:
            index = folder.find(f"{inner.strip('/')}/index.html".lstrip("/"))
            if index is None:
                continue
            if inner.endswith("/"):
                return self._file_job(folder, index, request)
            return self._job(lambda: _moved(request))
        if point.single_page is not None and wants_page(request):
            page = point.single_page.find("index.html")
            return None if page is None else self._file_job(point.single_page, page, request)
        return None

    def _refused(self, point: Point, inner: str, request: Request) -> Job | None:
        """A file that is there takes no other method (RFC 9110 15.5.6)."""
        if not any(folder.find(inner[1:]) for folder in point.folders):
            return None

        def refuse() -> Response:
            response = self._not_found(request, 405)
            response.headers.append(("allow", "GET, HEAD"))
            return response

        return self._job(refuse)

    def _file_job(self, folder: Folder, file: Examined, request: Request) -> Job:
        return self._job(lambda: folder.answer(file, request))

    def _job(self, make: Callable[[], Response], *, found: bool = True) -> Job:
        async def respond(_: Request) -> Response:
            return make()

        answer: Callable[[Request], Coroutine[Any, Any, Response]] = respond
        return Job(answer, found=found)

    def _point(self, prefix: str, host: str) -> Point:
        prefix = prefix.rstrip("/")
        if prefix and not prefix.startswith("/"):
            raise SettingError(f"mount point {prefix!r}: it starts with '/'")
        points = self._hosts.setdefault(host.lower(), [])
        for point in points:
            if point.prefix == prefix:
                return point
        made = Point(prefix, f"{prefix}/")
        points.append(made)
        points.sort(key=lambda each: -len(each.prefix))
        return made


def wants_page(request: Request) -> bool:
    """Say whether a path that nothing answers may be a deep link of a single-page application: asked for as a document,
    without a file extension, and not below a path that programs call."""
    path = request.path
    if "." in path.rpartition("/")[2] or not accepts(request.get_header("accept"), "text/html"):
        return False
    return not any(path == prefix or path.startswith(f"{prefix}/") for prefix in NO_FALLBACK)


def _closing(job: Job) -> Job:
    """Return the same job, whose answer asks the client to close the connection."""

    async def respond(request: Request) -> Response:
        return close(await job.respond(request))

    async def respond_later(coming: Coroutine[Any, Any, Response]) -> Response:
        return close(await coming)

    def close(response: Response) -> Response:
        if isinstance(response.body, Pending):
            return Response(body=Pending(respond_later(response.body.coming)))
        response.headers.append(("connection", "close"))
        return response

    leaving = copy.copy(job)
    leaving.respond = respond
    return leaving


def _moved(request: Request) -> Response:
    """Return the redirect from a folder's name to the folder, query kept; never to another host ("//evil")."""
    path = Request("GET", "/" + request.path.strip("/") + "/", request.query_string).uri
    return Response(301, [("location", path), ("cache-control", "no-cache")])
