"""Calls by HTTP's methods: `was.get(…)`, `was.post(…)`, `was.upload(…)`; `.map` asks every server of an alias."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atila.alias import Member

from .calls import HTTP_KINDS, Auth, Callback, Calls, Use, authorization
from .group import Tasks
from .message import IDEMPOTENT, Call, Fields, Pairs, as_pairs, encode_data, with_query
from .task import Task

_BODILESS = ("GET", "DELETE", "OPTIONS")


class Verb:
    """Calls by one method. Used by one request."""

    def __init__(self, calls: Calls, method: str) -> None:
        self._calls = calls
        self._method = method

    def __call__(
        self,
        url: str,
        data: Any = None,
        headers: Fields | None = None,
        callback: Callback | None = None,
        use_cache: Use = True,
        timeout: float | None = None,
        *,
        params: Mapping[str, Any] | str | None = None,
        auth: Auth | None = None,
        follow_redirects: bool = False,
    ) -> Task[Any]:
        """Send a request to a URL or "@alias/path", and return at once: the reply is the task's.

        `data`: bytes and text as they are, other values as JSON, or as a form when the Content-Type says so; GET,
        DELETE and OPTIONS take a mapping as their query, as `params` is. `headers` is a mapping or pairs, `auth` is
        (user, password) or a bearer token. `callback(reply)` is called on another thread. `use_cache` says whether a
        reply that `dispatch(cache=…)` kept will do, or since when it must have been kept (`was.getlu(…)`). `timeout`
        is in seconds, for all of it; the app's `upstream_timeout` without one.
        Raises SettingError for an alias that is not there or not HTTP, ValueError for a header that would break the
        message, TypeError for data without a form in JSON.
        """
        call = self._prepare(url, data, headers, timeout, params, auth, follow_redirects)
        return self._calls.fire(call, callback=callback, use=use_cache)

    lb = __call__  # the server whose turn it is, which is always so

    def map(self, url: str, *arguments: Any, **options: Any) -> Tasks:
        """Send the request to every server of the alias; arguments as above. Raises SettingError for another URL."""
        members = self._calls.members(url, *HTTP_KINDS)
        return Tasks([self._to(member, url, *arguments, **options) for member in members], None)

    def _to(
        self,
        member: Member,
        url: str,
        data: Any = None,
        headers: Fields | None = None,
        callback: Callback | None = None,
        use_cache: Use = True,
        timeout: float | None = None,
        params: Mapping[str, Any] | str | None = None,
        auth: Auth | None = None,
        follow_redirects: bool = False,
    ) -> Task[Any]:
        call = self._prepare(url, data, headers, timeout, params, auth, follow_redirects)
        return self._calls.fire(call, callback=callback, use=use_cache, member=member)

    def _prepare(
        self,
        url: str,
        data: Any,
        headers: Fields | None,
        timeout: float | None,
        params: Mapping[str, Any] | str | None,
        auth: Auth | None,
        redirects: bool,
    ) -> Call:
        fields = as_pairs(headers) + authorization(auth)
        if isinstance(data, Mapping) and self._method in _BODILESS:
            url, data = with_query(url, data), None
        if params:
            url = with_query(url, params)
        content = self._content(data, fields)
        return self._calls.call(
            self._method,
            url,
            fields,
            content,
            timeout=timeout,
            redirects=redirects,
            repeatable=self._method in IDEMPOTENT,
        )

    def _content(self, data: Any, headers: Pairs) -> bytes:
        if isinstance(data, Mapping) and any(_names_multipart(*field) for field in headers):
            return self._multipart(data, headers)
        return encode_data(data, headers)

    def _multipart(self, data: Any, headers: Pairs) -> bytes:
        """Return the form (RFC 7578). Its files are paths, open files, (name, bytes) and (name, bytes, type).

        They are read here and now. Raises OSError when one cannot be read.
        """
        import httpx2  # as the call itself will

        fields = dict(data or {})
        files = {name: _as_file(value) for name, value in fields.items() if _is_file(value)}
        plain = {name: value for name, value in fields.items() if name not in files}
        request = httpx2.Request("POST", "http://form/", data=plain, files=files)
        headers[:] = [pair for pair in headers if pair[0].lower() != "content-type"]
        headers.append(("content-type", request.headers["content-type"]))
        return request.read()


class Upload(Verb):
    """Calls with a multipart form."""

    def _content(self, data: Any, headers: Pairs) -> bytes:
        return self._multipart(data, headers)


def _names_multipart(name: str, value: str) -> bool:
    return name.lower() == "content-type" and value.startswith("multipart/form-data")


def _is_file(value: Any) -> bool:
    return isinstance(value, (Path, tuple)) or hasattr(value, "read")


def _as_file(value: Any) -> Any:
    return (value.name, value.read_bytes()) if isinstance(value, Path) else value
