"""Chapter 4: JSON answers, and the faults that handlers describe themselves."""

from __future__ import annotations

import sys
import time

import msgspec
import pytest

from atila import API, Atila, Was
from tests.documented.conftest import ClientOf


class Photo(msgspec.Struct):
    """A record that goes out as JSON."""

    id: int
    title: str


@pytest.mark.row("4.10")
def test_api_answers_json(app: Atila, client_of: ClientOf) -> None:
    @app.route("/empty")
    def empty(was: Was) -> API[object]:
        return was.API()

    @app.route("/merged")
    def merged(was: Was) -> API[object]:
        return was.API({"a": 1, "b": 2}, b=3)

    @app.route("/created")
    def created(was: Was) -> API[object]:
        return was.API("201 Created", id=7)

    @app.route("/record")
    def record(was: Was) -> API[Photo]:
        return was.API(Photo(1, "é"))

    @app.route("/record-created")
    def record_created(was: Was) -> API[Photo]:
        return was.API("201 Created", Photo(1, "é"))

    client = client_of(app)
    assert client.get("/empty").content == b"{}"
    answer = client.get("/merged")
    assert (answer.content, answer.headers["content-type"]) == (b'{"a":1,"b":3}', "application/json")
    assert (client.get("/created").status_code, client.get("/created").data) == (201, {"id": 7})
    assert client.get("/record").data == {"id": 1, "title": "é"}
    assert (client.get("/record-created").status_code, client.get("/record-created").data["id"]) == (201, 1)


@pytest.mark.row("4.10")
def test_a_status_that_api_cannot_read_is_an_error(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> API[object]:
        return was.API("created", id=7)

    assert client_of(app).get("/").status_code == 500


@pytest.mark.row("4.11")
@pytest.mark.parametrize("status", ["204 No Content", "205 Reset Content"])
def test_statuses_without_content_carry_none(app: Atila, client_of: ClientOf, status: str) -> None:
    @app.route("/")
    def page(was: Was) -> API[object]:
        return was.API(status, a=1)

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.content) == (int(status[:3]), b"")
    assert "content-type" not in answer.headers


@pytest.mark.row("4.12")
def test_fault_tells_what_went_wrong(app: Atila, client_of: ClientOf) -> None:
    @app.route("/short")
    def short(was: Was) -> object:
        return was.Fault("400 Bad Request", "missing parameter", 10021)

    @app.route("/default")
    def default(was: Was) -> object:
        return was.Fault("400 Bad Request", "missing parameter")

    @app.route("/long")
    def long(was: Was) -> object:
        return was.Fault("400 Bad Request", "missing", 10021, "need offset", "http://127.0.0.1/moreinfo/10021")

    client = client_of(app)
    assert client.get("/short").data == {"code": 10021, "message": "missing parameter"}
    assert client.get("/short").status_code == 400
    assert client.get("/default").data["code"] == 40000
    assert client.get("/long").data == {
        "code": 10021, "message": "missing", "debug": "need offset", "more_info": "http://127.0.0.1/moreinfo/10021"
    }  # fmt: skip
    assert client.get("/short", headers={"Accept": "text/html"}).headers["content-type"] == "application/json"


@pytest.mark.row("4.12", "4.16", "4.22")
def test_fault_with_traceback_shows_it_in_any_mode(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        try:
            raise ValueError("no such stone")
        except ValueError:
            return was.Fault("500 Internal Server Error", "not valid", 10022, traceback=True)

    data = client_of(app).get("/").data
    assert (data["code"], data["message"], data["debug"]) == (10022, "not valid", "see traceback")
    assert data["traceback"][0] == "[ValueError] no such stone"
    assert data["traceback"][1].startswith(f"in file {__file__} at line ")
    assert data["traceback"][1].endswith("function page")


@pytest.mark.row("4.13")
def test_fault_with_success_is_api(app: Atila, client_of: ClientOf) -> None:
    @app.route("/rows")
    def rows(was: Was) -> object:
        return was.Fault("200 OK", data=[1, 2, 3])

    @app.route("/accepted")
    def accepted(was: Was) -> object:
        return was.Fault("201 Accept")

    client = client_of(app)
    assert (client.get("/rows").status_code, client.get("/rows").data) == (200, {"data": [1, 2, 3]})
    assert (client.get("/accepted").status_code, client.get("/accepted").data) == (201, {})


@pytest.mark.row("4.14")
def test_fault_with_the_message_first_is_a_clear_error(app: Atila, client_of: ClientOf) -> None:
    app.debug = True

    @app.route("/")
    def page(was: Was) -> object:
        return was.Fault("missing parameter", code=10021)

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "the status comes first" in answer.data["more_info"]


@pytest.mark.row("4.15")
def test_response_traceback_is_a_fault_with_traceback(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        try:
            raise KeyError("stone")
        except KeyError:
            return was.response.traceback("gone wrong")

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert (answer.data["code"], answer.data["message"], answer.data["debug"]) == (10001, "gone wrong", "see traceback")
    assert answer.data["traceback"][0] == "[KeyError] 'stone'"


@pytest.mark.row("4.22")
def test_exc_info_shows_the_traceback_in_any_mode(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        try:
            raise ValueError("Test Error")
        except ValueError:
            return was.response("500 Internal Server Error", exc_info=sys.exc_info())  # type: ignore[arg-type]  # set here

    assert client_of(app).get("/").data["traceback"][0] == "[ValueError] Test Error"


@pytest.mark.row("4.34")
def test_jstream_is_json_under_a_key_or_not(app: Atila, client_of: ClientOf) -> None:
    app.route("/plain")(lambda was: was.jstream([1, 2]))
    app.route("/keyed")(lambda was: was.jstream([1, 2], "rows"))
    client = client_of(app)
    assert client.get("/plain").content == b"[1,2]"
    assert client.get("/keyed").content == b'{"rows":[1,2]}'
    assert client.get("/keyed").headers["content-type"] == "application/json"


@pytest.mark.row("4.35")
def test_values_as_text_and_back(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was, text: str) -> object:
        value = was.fromjson(text)
        return was.API(value=value, text=was.tojson(value), xml=was.toxml(value))

    client = client_of(app)
    data = client.get("/", {"text": ' {"é": [1, null]}'}).data
    assert (data["value"], data["text"]) == ({"é": [1, None]}, '{"é":[1,null]}')
    assert "<methodResponse>" in data["xml"]
    assert client.get("/", {"text": "{"}).status_code == 400


@pytest.mark.row("4.35")
def test_ids_times_and_passwords(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        kept = was.encrypt_password("sesame")
        return was.API(
            ids=[was.uniqid(), was.uniqid()],
            time=was.timestamp(),
            kept=[kept, was.encrypt_password("sesame")],
            verdicts=[was.verify_password("sesame", kept), was.verify_password("Sesame", kept)],
        )

    data = client_of(app).get("/").data
    assert len(set(data["ids"])) == 2
    assert abs(data["time"] / 1000 - time.time()) < 5
    assert len(set(data["kept"])) == 2
    assert "sesame" not in data["kept"][0]
    assert data["verdicts"] == [True, False]


@pytest.mark.row("4.35")
@pytest.mark.parametrize("kept", ["", "sesame", "scrypt$1$2$3", "md5$1$2$3$a$b", "scrypt$a$8$1$YQ==$YQ=="])
def test_what_was_not_encrypted_here_verifies_nothing(app: Atila, client_of: ClientOf, kept: str) -> None:
    app.debug = True
    app.route("/")(lambda was: was.API(value=was.verify_password("sesame", kept)))
    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "encrypt_password" in answer.data["more_info"]
