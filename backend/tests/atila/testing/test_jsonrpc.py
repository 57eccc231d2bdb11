"""The test client's JSON-RPC proxy."""

from __future__ import annotations

import pytest

from atila import Atila, Was
from atila.testing.jsonrpc import JsonRpcError


@pytest.mark.row("14.15")
def test_a_proxy_of_json_rpc_methods() -> None:
    app = Atila("tests")
    heard: list[int] = []

    @app.route("/math/add")
    def add(was: Was, a: int, b: int = 1) -> int:
        heard.append(a)
        return a + b

    @app.route("/who")
    def who(was: Was) -> object:
        return was.request.get_header("x-own")

    with app.test_client("/rpc2") as cli:
        server = cli.jsonrpc("/rpc2")
        assert (server.math.add(1, 2), server.math.add(a=1), server.math.add(5)) == (3, 2, 6)
        assert server._notify.math.add(7) is server.math._notify.add(8) is None
        assert heard == [1, 1, 5, 7, 8]
        assert cli.jsonrpc("/rpc2", x_own="mine").who() == "mine"
        with pytest.raises(ValueError, match="by place or by name"):
            server.math.add(1, b=2)
        with pytest.raises(JsonRpcError, match="-32602: Invalid params") as caught:
            server.math.add("x")
        assert caught.value.data["errors"] == [{"name": "a", "reason": "parameter `a` should be an integer"}]
