"""The life of one request, top to bottom: match, guards, binding, handler, answer. Every protocol goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from . import events
from .auth.guards import refuse
from .concurrency import Deferred, settle
from .conversation import Conversation
from .errors import HTTPError
from .faults import answer
from .hooks import called
from .http.body import FormLimits
from .http.cors import Sharing, is_preflight
from .http.headers import Pairs
from .http.request import Request
from .http.response import Response, Stream
from .http.results import Unfinished, encode, redirect
from .http.site import Job
from .logs import remembered
from .openapi.document import Info, build_document
from .openapi.routes import add_routes
from .params.checks import binder_for
from .routing.route import Handler, Route
from .routing.router import Redirect
from .rpc.descriptors import is_method
from .rpc.endpoint import doors
from .rpc.threads import StreamThreads
from .was import Was
from .websocket.design import asks_itself

BARE = 3  # attributes of a was of which no part was used: app, request, response


async def respond(request: Request) -> Response:
    """Answer a matched request. Never raises: whatever goes wrong becomes an answer with its status."""
    was = Was(request.app, request)
    try:
        try:
            result = await handle(was, request.route)
            if result is was.response and result.body is None:
                await explain(was)
            else:
                finish(was, result)
        except Unfinished as unfinished:
            await finish_later(was, unfinished.deferred)
        except Exception as error:
            await fail(was, error)
    finally:
        if (hook := was.app.hooks.teardown) is not None:
            await tear_down(was, hook)
        if request.body is not None:
            request.close()
    return was.response


async def perform(request: Request, headers: Pairs | None = None) -> Any:
    """Return what the handler of a matched request returned, for protocols that have an encoding of their own.

    The header fields of its response, cookies among them, are added to `headers`. Raises HTTPError, for every failure.
    """
    was = Was(request.app, request)
    try:
        result = await ready(await handle(was, request.route))
        if headers is not None:
            write_parts(was)
        return result
    except HTTPError:
        raise
    except Exception as error:
        was.traceback()
        raise HTTPError(500, str(error) if was.app.debug else None) from error
    finally:
        if headers is not None:
            headers += was.response.headers
        if (hook := was.app.hooks.teardown) is not None:
            await tear_down(was, hook)
        request.close()


async def handle(was: Was, route: Route) -> Any:
    """Run the hooks, the guards and the handler; return the result of the first that has one."""
    hooks = was.app.hooks
    declared = route.declared
    origin = was.request.source.get("origin")
    if origin is not None:
        route.sharing.admit(was.request, was.response, origin)
    # None is what a plain hook or guard mostly says: then nothing is awaited.
    if hooks.before is not None and (result := hooks.before(was)) is not None and (result := await called(result)):
        return result
    for guard in route.guards:
        if (outcome := guard(was)) is not None and (outcome := await called(outcome)) is not None:
            return refuse(was, outcome)
    arguments = route.binder.bind(was.request)
    for step in declared.before:
        if (outcome := await called(step(was))) is not None:
            return outcome
    result = route.handler(was, **arguments)
    if route.asynchronous:  # over HTTP it runs on the loop, other protocols may be on a thread of theirs
        result = await (result if was.request.wire == "http" else settle(result))
    if declared.after or hooks.finish is not None:
        return await follow(was, result)
    return result


async def follow(was: Was, result: Any) -> Any:
    """Run the steps and the hook that come after the handler, once its result is there; return that."""
    result = await ready(result)
    for step in was.request.route.declared.after:
        await called(step(was))
    if (hook := was.app.hooks.finish) is not None:
        await called(hook(was))
    return result


async def ready(result: Any) -> Any:
    """Return a handler's result; one that is still to come is awaited."""
    while isinstance(result, Deferred):
        result = await result
    return result


async def finish_later(was: Was, deferred: Deferred) -> None:
    """Await a result that is still to come, and write it into the response. The thread is free meanwhile."""
    try:
        result = await ready(deferred)
        if result is was.response and result.body is None:
            await explain(was)
        else:
            finish(was, result)
    except Exception as error:
        await fail(was, error)


def finish(was: Was, result: Any) -> None:
    """Write a handler's result, and the parts that were used, into the response."""
    encode(was.response, result)
    if len(was.__dict__) > BARE:
        write_parts(was)


async def explain(was: Was) -> None:
    """Generate the document of a status that a handler gave without a body; success needs none."""
    response = was.response
    if response.status < 400:
        response.body = b""
    else:
        await answer(was, HTTPError(response.get_status(), response.detail), response.exc_info)
    write_parts(was)


async def fail(was: Was, error: Exception) -> None:
    """Write the answer to an exception: of `failed_request`, else of the error handlers."""
    response, hook = was.response, was.app.hooks.failed
    exc_info = response.exc_info or (type(error), error, error.__traceback__)
    if isinstance(response.body, Stream):
        await settle(response.body.aclose())
    try:
        faulty = not isinstance(error, HTTPError) or error.status.code >= 400  # a 304 is no failure
        if faulty:
            response.forget_representation()
        if faulty and hook is not None and (result := await called(hook(was, exc_info))) is not None:
            if result is response and response.body is None:
                return await explain(was)
            return finish(was, result)
        await answer(was, _as_http(was, error), exc_info)
        write_parts(was)
    except Exception as second:
        was.app.faults.last_resort(was, second)


async def tear_down(was: Was, hook: Handler) -> None:
    """Run `teardown_request`; an error here is logged and changes nothing."""
    try:
        await called(hook(was))
    except Exception:
        was.traceback()


def write_parts(was: Was) -> None:
    """Let the parts that were used write themselves into the response."""
    used = was.__dict__
    for name in ("cookie", "session", "mbox"):
        if name in used:
            used[name].write(was.response)


def _as_http(was: Was, error: Exception) -> HTTPError:
    if isinstance(error, HTTPError):
        return error
    was.traceback()
    return HTTPError(500, f"{type(error).__name__}: {error}" if was.app.debug else None)


# from a request to the job that answers it


def resolve(app: Any, request: Request) -> Job:
    """Return how a request is answered; the match is kept on the request."""
    if not app.built:
        build_app(app)
    request.app = app
    request.claims_of = app.tokens.decode
    request.limits = app.form_limits
    root = request.root = app.root
    if root:
        request.inner = request.path[len(root) :]
        if not request.path.startswith(root) or request.inner[:1] not in ("", "/"):
            return failure(app, HTTPError(404))
    if request.method == "POST" and request.wire == "http":
        door = app.rpc_doors.get(request.get_content_type())
        if door is not None and (job := door(request)) is not None:
            return job  # type: ignore[no-any-return]  # build_app sets the doors
    return match(app, request)


def match(app: Any, request: Request) -> Job:
    """Find the route of a request; a request without one gets a job that says why."""
    try:
        route, request.path_args = app.router.match(request.inner, request.method)
    except HTTPError as error:
        return failure(app, error)
    except Redirect:
        return Job(_redirect_to_slash)
    wanted = route.options.content_types
    if wanted and request.wire == "http" and request.get_content_type() not in wanted:
        return failure(app, HTTPError("415 Unsupported Media Type", f"one of {', '.join(wanted)} is expected"))
    if request.method == "OPTIONS":
        request.route = route
        return Job(_options)
    request.route = route
    if route.job is None:
        build(app, route)
    return route.job  # type: ignore[no-any-return]  # a slot that `build` fills


def build_app(app: Any) -> None:
    """Mount the services and complete every route, once. Raises RouteError for a declaration that cannot work."""
    if app.built:
        return
    app.built = True
    config = app.config
    app.form_limits = FormLimits(
        config.max_query_fields, config.max_upload_file_size, config.upload_memory_size,
        config.max_json_depth,
    )  # fmt: skip
    app.rpc_doors = doors(app, partial(build, app), partial(match, app))
    app.grpc_web_threads = StreamThreads(config.grpc_web_threads)
    app.services.mount_all(app.auto_mount, app.debug)
    if app.openapi_url:
        add_routes(app.router, lambda: document(app), app.openapi_url, app.docs_url, app.root)
    for route in app.router.routes:
        build(app, route)


def document(app: Any) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of an app's routes."""
    build_app(app)
    complete(app)
    return build_document(app.router.routes, Info(app.title, app.version, app.description), app.root)


async def start(app: Any) -> None:
    """Run an app's steps of being mounted, in their order; what its services declare is among them."""
    app.platform.bus.attach(asyncio.get_running_loop())
    app.services.mount_all(app.auto_mount, app.debug)
    app.shared_keys.declare(app.platform)
    await app.events.tell(events.app_starting, app.wac)
    app.platform.apps.setdefault(app.name, app)
    await app.events.tell(events.app_started, app.wac)
    await app.lifecycle.run("before_mount", app.wac)
    build_app(app)
    await app.lifecycle.run("mounted", app.background())
    app.audience.start(app.platform.bus, asyncio.get_running_loop())
    await app.events.tell(events.app_mounted, app.background())
    await app.lifecycle.run("mounted_or_reloaded", app.background())
    app.maintenance.start(app.background, app.config.maintain_interval, asyncio.get_running_loop())


async def reload(app: Any, files: Iterable[Path]) -> list[str]:
    """Load the changed service modules anew, between an app's steps of being reloaded; return their names."""
    await app.events.tell(events.app_restarting, app.wac)
    await app.lifecycle.run("before_reload", app.background())
    names: list[str] = app.services.reload(files)
    complete(app)
    await app.lifecycle.run("reloaded", app.background())
    await app.lifecycle.run("mounted_or_reloaded", app.background())
    await app.events.tell(events.app_restarted, app.wac)
    return names


async def stop(app: Any) -> None:
    """Run an app's steps of being unmounted, in their order."""
    app.audience.stop()
    if app.maintenance.running:
        await asyncio.to_thread(app.maintenance.stop)
    await app.events.tell(events.app_unmounting, app.background())
    await app.lifecycle.run("before_umount", app.background())
    app.services.umount_all()
    if app.built:
        app.grpc_web_threads.stop()
    app.built = False
    await app.lifecycle.run("umounted", app.wac)
    if app.platform.apps.get(app.name) is app:
        del app.platform.apps[app.name]


def build(app: Any, route: Route) -> None:
    """Complete a route: its binder and its job. Raises RouteError for a declaration that cannot work."""
    route.binder = binder_for(route)
    options, declared, config = route.options, route.declared, app.config
    said = (declared.scheme, options.authenticate, app.authenticate)
    route.scheme = app.guards.scheme_for(said, app.authorization)
    route.guards = [*([route.scheme.check] if route.scheme else []), *declared.guards]
    origins, age = options.access_control_allow_origin, options.access_control_max_age
    origins = app.access_control_allow_origin if origins is None else origins
    route.sharing = Sharing.of(origins, app.access_control_max_age if age is None else age)
    aware = config.log_tasks and route.asynchronous
    route.job = Job(
        remembered(respond) if aware else respond,
        perform=remembered(perform) if aware else perform,
        blocking=not route.asynchronous,
        body_limit=config.max_post_body_size,
        multipart_limit=config.max_multipart_body_size,
    )
    if declared.socket is not None or asks_itself(route.handler):
        route.job.converse = Conversation(app, route, respond, perform)
    if is_method(path := app.root + route.rule.text):
        from .rpc import grpc_web  # loaded only where there is a service

        route.job = grpc_web.web_job(route.job, path, app.grpc_web_threads)
        app.rpc_doors.update(grpc_web.DOORS)


def complete(app: Any) -> None:
    """Complete the routes that came since the app was built. Raises RouteError for one that cannot work."""
    for route in app.router.routes:
        if route.job is None:
            build(app, route)


def failure(app: Any, error: HTTPError) -> Job:
    """Return a job that answers with an error and no hooks; its body stays unread."""

    async def respond_failure(request: Request) -> Response:
        was = Was(app, request)
        await fail_quietly(was, error)
        return was.response

    async def perform_failure(request: Request, headers: Pairs | None = None) -> Any:
        raise error

    blocking = app.faults.handler(error.status.code) is not None
    return Job(respond_failure, perform=perform_failure, blocking=blocking, found=error.status.code != 404)


async def fail_quietly(was: Was, error: HTTPError) -> None:
    """Write the answer to an error that happened before any handler was chosen."""
    try:
        await answer(was, error)
        write_parts(was)
    except Exception as second:
        was.app.faults.last_resort(was, second)


async def _redirect_to_slash(request: Request) -> Response:
    target = request.root + request.inner + "/"
    query = f"?{request.query_string}" if request.query_string else ""
    return redirect(target + query, "301 Moved Permanently")


async def _options(request: Request) -> Response:
    """Answer OPTIONS of a path that lists it; a browser's preflight by what the route of the real request allows."""
    app = request.app
    allowed = app.router.allowed(request.inner)
    response = Response(200, [("allow", ", ".join(allowed))])
    if not is_preflight(request):
        response.headers.append(("access-control-allow-methods", ", ".join(allowed)))
        return response
    try:
        route, _ = app.router.match(request.inner, request.get_header("access-control-request-method"))
        if route.job is None:
            build(app, route)
        route.sharing.answer_preflight(request, response, allowed)
    except HTTPError as error:
        return await failure(app, error).respond(request)
    return response
