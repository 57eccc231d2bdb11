"""Chapter 11: what a handler may ask of the engine besides: state, locks, temporary files, mail, its end."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from atila import Atila, SettingError, Was
from atila.alias import DB_POSTGRESQL
from tests.documented.conftest import ClientOf
from tests.serving.engine_process import free_ports


@pytest.mark.row("11.36")
def test_status_tells_of_the_process_and_no_password(app: Atila, client_of: ClientOf) -> None:
    app.alias("@db", DB_POSTGRESQL, "shop:secret@127.0.0.1/shop")

    @app.route("/status")
    def status(was: Was) -> Any:
        return was.API(**was.status())

    told = client_of(app, "/shop").get("/shop/status").data
    assert told["pid"] == os.getpid()
    assert told["apps"] == {"tests": "/shop"}
    assert told["aliases"] == {"@db": "postgresql"}
    assert told["bus"]["status"] == "ok"
    assert told["uptime"] >= 0
    assert "secret" not in str(told)


@pytest.mark.row("11.36")
def test_one_holder_of_a_lock_at_a_time(app: Atila, client_of: ClientOf) -> None:
    order: list[str] = []

    @app.route("/plain")
    def plain(was: Was, name: str) -> str:
        with was.get_lock("import"):
            order.append(name)
            order.append(name)
        return "done"

    @app.route("/async")
    async def later(was: Was) -> str:
        async with was.get_lock("import"):
            order.append("async")
            await asyncio.sleep(0.01)
            order.append("async")
        return "free" if was.get_lock("other").acquire(timeout=0) else "taken"

    cli = client_of(app)
    holder = app.platform.locks.get("import")
    holder.acquire()

    def let_go() -> None:
        order.append("holder")
        holder.release()

    threading.Timer(0.05, let_go).start()
    assert cli.get("/async").text == "free"
    assert cli.get("/plain?name=plain").text == "done"
    assert order == ["holder", "async", "async", "plain", "plain"]


@pytest.mark.row("11.36")
def test_a_temporary_file_is_gone_with_the_process(app: Atila, client_of: ClientOf) -> None:
    @app.route("/report")
    def report(was: Was) -> Any:
        path = was.gentemp(".csv")
        Path(path).write_text("a,b\n")
        return was.File(path, "text/csv")

    @app.route("/name")
    def name(was: Was) -> str:
        return was.gentemp()

    cli = client_of(app)
    assert cli.get("/report").text == "a,b\n"
    path = Path(cli.get("/name").text)
    assert path.read_bytes() == b""
    app.platform.close()
    assert not path.exists()


class Box:
    """What the SMTP server took."""

    def __init__(self) -> None:
        self.content: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.content.append(envelope.content)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[str, Box]]:
    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=free_ports(), loop=asyncio.new_event_loop())
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}", box
    controller.stop()


@pytest.mark.row("11.36")
def test_mail_goes_to_the_server_of_the_settings(app: Atila, client_of: ClientOf, smtp: tuple[str, Box]) -> None:
    app.config.smtp, box = smtp

    @app.route("/plain")
    def plain(was: Was) -> str:
        was.email("Your order", "shop@example.com", "ann@example.com").add_text("Thank you").send()
        return "sent"

    @app.route("/async")
    async def later(was: Was) -> str:
        message = was.email("Your order", "shop@example.com", ["ann@example.com"]).add_html("<p>Thank you</p>")
        await asyncio.to_thread(message.send)
        return "sent"

    cli = client_of(app)
    assert [cli.get(path).text for path in ("/plain", "/async")] == ["sent", "sent"]
    assert [email.message_from_bytes(each, policy=email.policy.default)["to"] for each in box.content] == [
        "ann@example.com", "ann@example.com",
    ]  # fmt: skip


@pytest.mark.row("11.36")
def test_mail_without_a_server_says_so(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.email("Hi", "a@b.c", "d@e.f").add_text("x").send()
        return "never"

    assert client_of(app).get("/").status_code == 500
    assert "set app.config.smtp" in caplog.text


@pytest.mark.row("11.36")
@pytest.mark.parametrize("name", ["restart", "shutdown"])
def test_without_the_engine_nothing_can_be_ended(app: Atila, client_of: ClientOf, name: str) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        with pytest.raises(SettingError, match="runs without the engine"):
            getattr(was, name)()
        return "told"

    assert client_of(app).get("/").text == "told"
