"""The original pair of the same names, version 0.27 on 0.57, from its own virtual environment."""

import os

import jwt

import skitai
from atila import Atila

app = Atila(__name__)
app.securekey = "s" * 32


@app.route("/")
def hello(was):
    return was.API(message="hello")


@app.route("/items/<int:id>")
def item(was, id, q=None):
    return was.API(id=id, q=q)


@app.route("/echo", methods=["POST"])
def echo(was, **fields):
    return was.API(fields)


@app.route("/jwt")
def who(was):
    token = was.request.get_header("authorization")[7:]
    return was.API(sub=jwt.decode(token, "s" * 32, algorithms=["HS256"])["sub"])


@app.route("/sync")
def hello_sync(was):
    return was.API(message="hello")


@app.route("/add")
def add(was, a, b):
    return a + b


if __name__ == "__main__":
    with skitai.preference() as pref:
        skitai.mount("/static", os.environ["BENCH_FILES"])
        skitai.mount("/", app, pref)
    skitai.log_off("/")
    skitai.run(address="127.0.0.1", port=int(os.environ["PORT"]), workers=1, threads=4, name="bench")
