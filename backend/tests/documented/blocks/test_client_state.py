"""Blocks on the environment, cookies, sessions, messages and uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atila import Atila
from tests.documented.blocks.conftest import Write
from tests.documented.conftest import ClientOf

FORM = """
<form enctype="multipart/form-data" method="post">
  What is your name? <input type="text" name="submit-name" value="Hans Roh">
  What files are you sending? <input type="file" name="file">
  <input type="submit" value="Send">
</form>
"""


def test_the_environment(app: Atila, client_of: ClientOf) -> None:
    @app.route("/", methods=["POST"])
    def index(was: Any, **data: Any) -> Any:
        known = "HTTP_USER_AGENT" in was.env
        return was.API(known=known, agent=was.env["HTTP_USER_AGENT"], type=was.env.get("CONTENT_TYPE"))

    assert client_of(app).post("/", json={}).data == {"known": True, "agent": "atila-test", "type": "application/json"}


def test_a_cookie_in_two_ways(app: Atila, client_of: ClientOf) -> None:
    @app.route("/<way>")
    def index(was: Any, way: str) -> str:
        if "user_id" not in was.cookie:
            if way == "set":
                was.cookie.set("user_id", "hansroh")
            else:
                was.cookie["user_id"] = "hansroh"
            return "new"
        return str(was.cookie["user_id"])

    for way in ("set", "item"):
        cli = client_of(app)
        assert [cli.get(f"/{way}").text, cli.get(f"/{way}").text] == ["new", "hansroh"]


def test_every_argument_of_a_cookie(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def index(was: Any) -> str:
        was.cookie.set("key", "val", expires=60, path="/a", domain="testserver", secure=True, http_only=True)
        return ""

    field = client_of(app).get("/").headers["set-cookie"]
    for part in ("key=val", "Max-Age=60", "Path=/a", "Domain=testserver", "Secure", "HttpOnly"):
        assert part in field


def test_the_path_of_a_cookie(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def index(was: Any) -> str:
        was.cookie.set("private_cookie", "val")
        was.cookie.set("public_cookie", "val", path="/")
        return ""

    private, public = client_of(app, "/admin").get("/admin/").headers.get_all("set-cookie")
    assert "Path=/admin;" in private + ";"
    assert "Path=/;" in public + ";"


def test_a_session(app: Atila, client_of: ClientOf) -> None:
    app.securekey = "ds8fdsflksdjf9879dsf;?<>Asda"
    app.session_timeout = 1200

    @app.route("/session")
    def hello_world(was: Any, **form: Any) -> Any:
        if "login" not in was.session:
            was.session.set("user_id", form.get("user"))
            was.session["login"] = True
        return was.API(user_id=was.session["user_id"])

    cli = client_of(app)
    assert cli.post("/session", {"user": "hansroh"}).data == {"user_id": "hansroh"}
    assert cli.get("/session").data == {"user_id": "hansroh"}


def test_messages_of_the_next_pages(app: Atila, client_of: ClientOf, template: Write) -> None:
    template(
        "msg.htm",
        "Messages To {{ name }},{% for message_id, category, created, valid, msg, extra in was.mbox.get() %}"
        " {{ category }}: {{ msg }}.{% endfor %}",
    )

    @app.route("/msg")
    def msg(was: Any) -> Any:
        was.mbox.send("This is Flash Message", "flash")
        was.mbox.send("This is Alert Message Kept by 60 seconds on every request", "alram", valid=60)
        return was.redirect(was.ab("showmsg", "Hans Roh"), status="302 Object Moved")

    @app.route("/showmsg")
    def showmsg(was: Any, name: str) -> Any:
        return was.render("msg.htm", name=name)

    cli = client_of(app)
    kept = "alram: This is Alert Message Kept by 60 seconds on every request."
    shown = cli.get("/msg", follow_redirects=True).text
    assert shown == f"Messages To Hans Roh, flash: This is Flash Message. {kept}"
    assert cli.get("/showmsg?name=Hans").text == f"Messages To Hans, {kept}"


def test_messages_of_some_categories(app: Atila, client_of: ClientOf, template: Write) -> None:
    template(
        "news.htm",
        "News for {{ was.g.username }},"
        "{% for mid, category, created, valid, msg, extra in was.mbox.get('notice', 'news') %}"
        '<li class="{{ category }}">{{ msg }}</li>{% endfor %}',
    )

    @app.before_request
    def before_request(was: Any) -> None:
        was.g.username = "hans"
        was.mbox.send("New Item Arrived", "notice")
        was.mbox.send("Unread", "other")

    @app.route("/main")
    def main(was: Any) -> Any:
        return was.render("news.htm")

    assert client_of(app).get("/main").text == 'News for hans,<li class="notice">New Item Arrived</li>'


def test_named_sessions_and_boxes(app: Atila, client_of: ClientOf) -> None:
    key = "another key of thirty-two letters"

    @app.route("/")
    def index(was: Any) -> str:
        options: dict[str, Any] = {"path": "/admin", "domain": None, "secure": False, "http_only": True}
        was.session.mount("ADM", key, **options, session_timeout=600)
        was.session.set("admin_login", True)
        was.mbox.mount("ADM", key, **options)
        was.mbox.send("10 data has been deleted", "warning")
        return ""

    @app.route("/everywhere")
    def everywhere(was: Any) -> str:
        was.session.mount("ADM", key, path="/")
        was.session.set("admin_login", True)
        return ""

    @app.route("/admin/state")
    def state(was: Any) -> Any:
        admin = was.session.exists("ADM", key, "/admin")
        if not was.session.exists(None) and not admin:
            return "Your admin session maybe expired or signed out, please sign in again"
        return was.API(own=was.session.exists(None), admin=admin)

    cli = client_of(app)
    assert cli.get("/admin/state").text.startswith("Your admin session")
    fields = cli.get("/").headers.get_all("set-cookie")
    assert all("Path=/admin" in field for field in fields)
    assert len(fields) == 2
    assert cli.get("/admin/state").data == {"own": False, "admin": True}
    assert "Path=/;" in cli.get("/everywhere").headers["set-cookie"] + ";"


def test_an_uploaded_file(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    @app.route("/upload")
    def upload(was: Any, **form: Any) -> Any:
        if was.request.command == "get":
            return FORM
        file = form.get("file")
        if file:
            return was.API(saved=Path(file.save(str(tmp_path), dup="o")).name)
        return was.Fault("400 Bad Request", "no file")

    cli = client_of(app)
    assert cli.get("/upload").text == FORM
    for content in (b"first", b"second"):
        answer = cli.post("/upload", {"submit-name": "Hans Roh"}, files={"file": ("a.txt", content)})
        assert answer.data == {"saved": "a.txt"}
    assert (tmp_path / "a.txt").read_bytes() == b"second"
    assert cli.post("/upload", {"submit-name": "Hans Roh"}).status_code == 400
