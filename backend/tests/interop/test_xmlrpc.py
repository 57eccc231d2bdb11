"""XML-RPC as Python, Node, Perl, PHP and Ruby speak it: the classic validator's methods, faults, introspection."""

from __future__ import annotations

import json
import os
import subprocess
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest

from tests.machine import need
from tests.serving.engine_process import EngineProcess, status_of

CLIENTS = Path(__file__).parent / "clients"
MODULES = Path(__file__).parents[3] / "frontend" / "node_modules"

SENT: dict[str, list[Any]] = {
    "arrayOfStructsTest": [[{"moe": 1, "larry": 2, "curly": 3}, {"moe": -1, "larry": 5, "curly": -10}]],
    "countTheEntities": ["<<a>> & 'b' & \"c\" é"],
    "easyStructTest": [{"moe": 1, "larry": -2, "curly": 40}],
    "echoStructTest": [{"number": 7, "inner": {"list": [1, "two", True, 2.5, []]}, "text": "é <&> 漢 \U0001f600 ]]>"}],
    "moderateSizeArrayCheck": [[f"item {number}" for number in range(150)]],
    "nestedStructTest": [{"1999": {}, "2000": {"04": {"01": {"moe": 12, "larry": 14, "curly": 9}, "02": {"moe": 1}}}}],
    "simpleStructReturnTest": [-11],
}
EXPECTED: dict[str, Any] = {
    "arrayOfStructsTest": -7,
    "countTheEntities": {
        "ctLeftAngleBrackets": 2, "ctRightAngleBrackets": 2, "ctAmpersands": 2, "ctApostrophes": 2, "ctQuotes": 2,
    },
    "easyStructTest": 39,
    "echoStructTest": SENT["echoStructTest"][0],
    "moderateSizeArrayCheck": "item 0item 149",
    "nestedStructTest": 35,
    "simpleStructReturnTest": {"times10": -110, "times100": -1100, "times1000": -11000},
    # what each client builds itself, for JSON has neither moments nor bytes; these come back as text and in hex
    "manyTypesTest": [42, True, "text & <more>", 3.25, "20260102T03:04:05", bytes(range(256)).hex()],
    "fault": [409, "conflict: no luck"],
    "unknown": 404,
    "methods": True,  # system.listMethods names the eight
}  # fmt: skip

ADDRESSES = {
    "node": ["node", "validator.cjs"],
    "perl": ["perl", "validator.pl"],
    "php": ["php", "validator.php"],
    "ruby": ["ruby", "validator.rb"],
}


@pytest.mark.row("12.15", "12.17", "12.18")
@pytest.mark.parametrize("language", ADDRESSES)
def test_the_validators_methods_in_other_languages(engine: EngineProcess, language: str) -> None:
    program, script = ADDRESSES[language]
    if language == "node" and not (MODULES / "xmlrpc").exists():
        pytest.skip("frontend/node_modules has no xmlrpc")
    done = subprocess.run(
        [need(program), str(CLIENTS / script), f"{engine.url}/rpc2"],
        input=json.dumps(SENT),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, "NODE_PATH": str(MODULES), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr + engine.output
    assert json.loads(done.stdout) == EXPECTED


@pytest.mark.row("12.15", "12.16", "12.17", "12.18", "12.19", "12.27")
@pytest.mark.parametrize("path", ["/rpc2", "/rpc2/"])
def test_the_validators_methods_in_python(engine: EngineProcess, path: str) -> None:
    server: Any = xmlrpc.client.ServerProxy(f"{engine.url}{path}", allow_none=True, use_builtin_types=True)
    with server:
        validator = server.validator1
        for name, arguments in SENT.items():
            assert getattr(validator, name)(*arguments) == EXPECTED[name]
        moment = xmlrpc.client.DateTime("20260102T03:04:05")
        sent = [42, True, "text & <more>", 3.25, moment, bytes(range(256))]
        assert validator.manyTypesTest(*sent) == sent
        assert (validator.nothing(), validator.nothing(None)) == (None, None)
        many: Any = xmlrpc.client.MultiCall(server)
        many.validator1.simpleStructReturnTest(1)
        many.validator1.nothing("x")
        assert list(many()) == [{"times10": 10, "times100": 100, "times1000": 1000}, "x"]
        with pytest.raises(xmlrpc.client.Fault, match="conflict: no luck"):
            validator.refuse("luck")
        assert "validator1.nestedStructTest" in server.system.listMethods()
        assert server.system.methodSignature("validator1.simpleStructReturnTest") == [["struct", "int"]]
        assert server.system.methodHelp("validator1.nothing") == "The value, if there is one."


def test_large_numbers_and_bodies(engine: EngineProcess) -> None:
    with xmlrpc.client.ServerProxy(f"{engine.url}/rpc2", use_builtin_types=True) as server:
        validator: Any = server.validator1
        text = "x" * 1_000_000
        assert validator.nothing(text) == text
        body = xmlrpc.client.dumps((0,), "validator1.nothing").replace("<int>0</int>", "<i8>9007199254740993</i8>")
        head = f"POST /rpc2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = engine.send((head + body).encode())
        assert b"<i8>9007199254740993</i8>" in answer
        assert status_of(engine.send(head.replace(f": {len(body)}", ": 6000000").encode())) == 413
