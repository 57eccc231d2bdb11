"""Blocks on who may call: logins, permissions, tokens, passwords and other origins."""

from __future__ import annotations

import re
import time
from hashlib import md5
from typing import Any

import pytest

from atila import Atila
from tests.documented.blocks.conftest import Write
from tests.documented.conftest import ClientOf
from tests.documented.digests import challenges, digest


def bearer(app: Atila, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {app.tokens.encode({'exp': 4_000_000_000, **claims})}"}


def test_a_login_page_permissions_and_staff(  # noqa: C901 - the block's three handlers stand in one place
    app: Atila, client_of: ClientOf, template: Write
) -> None:
    template(
        "login.html",
        "{% for note in was.mbox.get() %}{{ note.msg }} {% endfor %}<form>{{ was.csrf_token_input }}</form>",
    )
    levels = {"hans": "staff", "kim": "user"}

    @app.login_handler
    def login_handler(was: Any) -> Any:
        if was.session.get("demo_username"):
            return None
        if was.request.args.get("username"):
            if not was.csrf_verify():
                return was.response("400 Bad Request")
            if was.request.args.get("signin"):
                user = was.request.args["username"]
                if user in levels and was.request.args["password"] == "1234":
                    was.session.set("demo_username", user)
                    was.session.set("demo_permission", levels[user])
                    return None
                was.mbox.send("Invalid User Name or Password", "error")
        return was.render("login.html")

    @app.permission_check_handler
    def permission_check_handler(was: Any, perms: Any) -> Any:
        return None if was.session.get("demo_permission") in perms else was.response("403 Permission Denied")

    @app.staff_member_check_handler
    def staff_check_handler(was: Any) -> Any:
        if was.session.get("demo_permission") != "staff":
            return was.response("403 Staff Permission Required")
        return None

    @app.route("/")
    @app.login_required
    @app.permission_required(["staff"])
    def index(was: Any, **form: Any) -> str:
        return "Hello"

    @app.route("/2")
    @app.staff_member_required
    def index2(was: Any) -> str:
        return "Hello"

    for user, status in (("hans", 200), ("kim", 403)):
        cli = client_of(app)
        token = re.findall('value="([^"]+)"', cli.get("/").text)[0]
        form = {"username": user, "password": "1", "signin": "1"}
        assert cli.post("/", form).status_code == 400
        assert "Invalid User Name" in cli.post("/", form | {"_csrf_token": token}).text
        token = re.findall('value="([^"]+)"', cli.get("/").text)[0]
        assert cli.post("/", form | {"_csrf_token": token, "password": "1234"}).status_code == status
        assert cli.get("/2").status_code == status


def test_permissions_of_a_token(app: Atila, client_of: ClientOf) -> None:
    @app.permission_check_handler
    def permission_check_handler(was: Any, perms: Any) -> Any:
        claims = was.request.JWT
        if "err" in claims:
            return claims["err"]
        if not perms:
            return None
        for level in claims["levels"]:
            if level in perms:
                return None
        return was.response("403 Permission Denied")

    @app.route("/")
    @app.permission_required(["admin"])
    def index(was: Any) -> str:
        return "Hello"

    cli = client_of(app)
    assert cli.get("/").status_code == 401
    assert cli.get("/", headers=bearer(app, levels=["user"])).status_code == 403
    assert cli.get("/", headers=bearer(app, levels=["user", "admin"])).text == "Hello"


def test_permissions_by_parameter_and_by_method(app: Atila, client_of: ClientOf) -> None:
    @app.permission_check_handler
    def permission_check_handler(was: Any, perms: Any) -> Any:
        claims = was.request.JWT
        if "err" in claims:
            return claims["err"]
        if not perms or claims["level"] == "admin":
            return None
        if "admin" in perms:
            raise was.Error("403 Permission Denied")
        if "staff" in perms and claims["level"] != "staff":
            raise was.Error("403 Permission Denied")
        return None

    @app.route("/animals/<id>", methods=["GET"])
    @app.permission_required([], id=["staff"])
    def animals(was: Any, id: Any = None) -> str:
        return was.request.JWT["userid"] if id == "me" else str(id)

    @app.route("/animals/<id>", methods=["POST", "DELETE"])
    @app.permission_required(["user"], id=["staff"], DELETE=["admin"])
    def change_animals(was: Any, id: Any = None) -> str:
        return was.request.JWT["userid"] if id == "me" else str(id)

    cli = client_of(app)
    expected = {
        ("user", "GET", "me"): 200, ("user", "GET", "7"): 403, ("staff", "GET", "7"): 200,
        ("user", "POST", "me"): 200, ("user", "POST", "7"): 403, ("staff", "POST", "7"): 200,
        ("staff", "DELETE", "7"): 403, ("admin", "DELETE", "7"): 200,
    }  # fmt: skip
    for (level, method, name), status in expected.items():
        answer = cli.request(method, f"/animals/{name}", headers=bearer(app, level=level, userid="u1"))
        assert answer.status_code == status, (level, method, name)
    assert cli.get("/animals/me").status_code == 401


def test_a_test_to_pass(app: Atila, client_of: ClientOf) -> None:
    def is_superuser(was: Any) -> Any:
        if was.request.get_header("x-user") not in ("admin", "root"):
            return was.response("403 Permission Denied")
        return None

    @app.route("/")
    @app.testpass_required(is_superuser)
    def modify_profile(was: Any) -> str:
        return "modified"

    cli = client_of(app)
    assert (cli.get("/").status_code, cli.get("/", headers={"X-User": "root"}).text) == (403, "modified")


def test_a_csrf_token_in_a_form(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("form.html", "<form>{{ was.csrf_token_input }}</form>")

    @app.before_request
    def before_request(was: Any) -> Any:
        if was.request.args.get("username") and not was.csrf_verify():
            return was.response("400 Bad Request")
        return None

    @app.route("/")
    def form(was: Any, **fields: Any) -> Any:
        return was.render("form.html")

    cli = client_of(app)
    token = re.findall('name="_csrf_token" value="([^"]+)"', cli.get("/").text)[0]
    assert cli.post("/", {"username": "hans"}).status_code == 400
    assert cli.post("/", {"username": "hans", "_csrf_token": token}).status_code == 200


def test_a_new_password_by_a_one_time_token(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("done.html", "{{ url }}")

    @app.route("/password-reset")
    def password_reset(was: Any, username: str | None = None, token: str | None = None) -> Any:
        if was.request.args.get("username"):
            made = was.mkott("hans", 3600, "pwrset")
            return was.render("done.html", url=was.ab("password_reset", token=made))
        found = was.deott(was.request.args["token"])
        if not found:
            return was.response("400 Bad Request")
        was.rvott(was.request.args["token"])
        return found

    cli = client_of(app)
    url = cli.get("/password-reset?username=hans").text
    assert cli.get(url + "x").status_code == 400
    assert cli.get(url).text == "hans"
    assert cli.get(url).status_code == 400  # it was revoked


@pytest.mark.parametrize("way", ["option", "decorator", "app"])
def test_digest_by_option_decorator_and_app(app: Atila, client_of: ClientOf, way: str) -> None:
    app.realm = "Partner App Area of mysite.com"
    app.users = {"app": ("iamyourpartnerapp", False, {"role": "root"})}
    if way == "app":
        app.authenticate = "digest"

    def hello(was: Any, name: str = "Hans Roh") -> str:
        return f"Hello, {name}"

    handler = app.authorization_required("digest")(hello) if way == "decorator" else hello
    options: dict[str, Any] = {"authenticate": "digest"} if way == "option" else {}
    app.route("/hello/<name>", **options)(handler)
    cli = client_of(app)
    refused = cli.get("/hello/Kim")
    assert refused.status_code == 401
    assert 'realm="Partner App Area of mysite.com"' in refused.headers["www-authenticate"]
    sent = digest(challenges(refused)[0], "app", "iamyourpartnerapp", "/hello/Kim")
    assert cli.get("/hello/Kim", headers=sent).text == "Hello, Kim"


@pytest.mark.parametrize("encrypted", [False, True])
def test_passwords_from_users_or_a_handler(app: Atila, client_of: ClientOf, encrypted: bool) -> None:
    app.realm = "area"
    password = md5(b"hansroh:area:1234").hexdigest() if encrypted else "1234"

    @app.authorization_handler
    def auth_handler(was: Any, username: str) -> Any:
        return (password, encrypted) if username == "hansroh" else None

    @app.route("/", authenticate="digest")
    def index(was: Any) -> str:
        return "in"

    cli = client_of(app)
    for user, status in (("hansroh", 200), ("other", 401)):
        challenge = next(item for item in challenges(cli.get("/")) if item["algorithm"] == "MD5")
        assert cli.get("/", headers=digest(challenge, user, "1234")).status_code == status


def test_a_token_and_its_handler(app: Atila, client_of: ClientOf) -> None:
    app.securekey = "5b2c4f18-01fd-4b85-8cfa-01827878562f"

    @app.bearer_handler
    def bearer_handler(was: Any, token: str) -> Any:
        return was.request.JWT.get("err")

    @app.route("/token")
    def token(was: Any) -> str:
        return str(was.mkjwt({"username": "hansroh", "exp": time.time() + 3600}))

    @app.route("/api/v1/predict")
    @app.authorization_required("bearer")
    def predict(was: Any) -> Any:
        return was.API(user=str(was.request.user), claims=was.request.JWT["username"])

    cli = client_of(app)
    made = cli.get("/token").text
    assert made.startswith("eyJ")
    assert cli.get("/api/v1/predict").status_code == 401
    answer = cli.get("/api/v1/predict", headers={"Authorization": f"Bearer {made}"})
    assert answer.data == {"user": "hansroh", "claims": "hansroh"}
    assert cli.get("/api/v1/predict", headers={"Authorization": f"Bearer {made}x"}).status_code == 401


@pytest.mark.parametrize("of_route", [False, True])
def test_other_origins(app: Atila, client_of: ClientOf, of_route: bool) -> None:
    origins = ["http://www.skitai.com:5001"]
    options: dict[str, Any] = {}
    if of_route:
        options = {"access_control_allow_origin": origins, "access_control_max_age": 3600}
    else:
        app.access_control_allow_origin = origins
        app.access_control_max_age = 3600

    @app.route("/post", methods=["POST", "OPTIONS"], **options)
    def post(was: Any) -> Any:
        return was.jstream({"sent": was.request.json()})

    cli = client_of(app)
    asked = {"Origin": origins[0], "Access-Control-Request-Method": "POST"}
    preflight = cli.options("/post", headers=asked)
    assert preflight.headers["access-control-allow-origin"] == origins[0]
    assert preflight.headers["access-control-max-age"] == "3600"
    answer = cli.post("/post", json={"a": 1}, headers={"Origin": origins[0]})
    assert (answer.data, answer.headers["access-control-allow-origin"]) == ({"sent": {"a": 1}}, origins[0])
    assert cli.post("/post", json={}, headers={"Origin": "http://elsewhere.example"}).status_code == 403
