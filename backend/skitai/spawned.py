"""A script of the engine, run as a process of its own for tests, and a client that calls it over the network."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import grpc

from atila.http.headers import Pairs
from atila.rpc.grpc import find_method
from atila.testing.answer import Answer
from atila.testing.caller import Caller
from atila.testing.wires import ServerCall

if TYPE_CHECKING:
    from .spawned_socket import SpawnedSocket

PATIENCE = 30.0  # seconds until a script must serve, and until it must have stopped


class SpawnedClient(Caller):
    """Runs `script`, which serves at `port` of this machine, and calls it: `with skitai.test_client("serve.py", 5000)`.

    With `dry` nothing is started: somebody else has. Lives as long as the block.
    """

    __test__ = False  # for pytest: this is no test

    def __init__(
        self,
        script: str | os.PathLike[str],
        port: int = 5000,
        dry: bool = False,
        *,
        grpc_port: int = 0,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"http://127.0.0.1:{port}", headers)
        self.script = os.path.abspath(script)
        self.port = port
        self.grpc_port = grpc_port or port + 1
        self.dry = dry
        self._arguments = arguments
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._file: IO[bytes] | None = None
        self._written = ""

    def open(self) -> None:
        """Start the script and wait until it serves. Raises RuntimeError with its output when it does not."""
        if not self.dry and self._process is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            self._process = subprocess.Popen(  # noqa: S603 - the test's own script
                [sys.executable, self.script, *self._arguments], cwd=os.path.dirname(self.script),
                env=self._environment, stdout=self._file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not self._serves():
            if time.monotonic() > end or (self._process is not None and self._process.poll() is not None):
                self.close()
                raise RuntimeError(f"{self.script} does not serve at port {self.port}:\n{self.output}")
            time.sleep(0.05)

    def close(self) -> None:
        """Stop the script; it may finish the requests that run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind
        process.wait()
        self._written = self.output
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def output(self) -> str:
        """What the script has written so far."""
        if self._file is None:
            return self._written
        return os.pread(self._file.fileno(), 10_000_000, 0).decode(errors="replace")

    def send(self, call: ServerCall) -> Answer:
        """Send a request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            target = f"{call.path}?{call.query}" if call.query else call.path
            connection.putrequest(call.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in call.headers:
                connection.putheader(name, value)
            connection.endheaders(call.body)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def ws(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        subprotocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> SpawnedSocket:
        """Open a WebSocket: `with cli.ws("/chat?room_id=1") as ws: ws.send("hi"); ws.receive()`."""
        from .spawned_socket import SpawnedSocket  # few scripts serve any

        call = self.prepare("GET", path, params or {}, headers or {})
        query = f"?{call.query}" if call.query else ""
        sent = {name: value for name, value in call.headers if name not in ("host", "user-agent")}
        socket = SpawnedSocket(f"ws://127.0.0.1:{self.port}{call.path}{query}", subprotocols, sent)
        for field in socket.answer.headers.get_all("set-cookie"):
            self.cookies.keep(field)
        return socket

    def grpc(self, service: str, **metadata: str) -> SpawnedGrpc:
        """Return a stub of a gRPC service: `cli.grpc("/package.Service").Get(message)`."""
        return SpawnedGrpc(f"127.0.0.1:{self.grpc_port}", service.strip("/"), list(metadata.items()))

    def _serves(self) -> bool:
        """Say whether a connection is answered: here by its end. The port is open before a worker is ready."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.shutdown(socket.SHUT_WR)
                return probe.recv(1) == b""
        except OSError:
            return False


class SpawnedGrpc:
    """The methods of a gRPC service of another process; calls raise grpc.RpcError, streams are iterators."""

    def __init__(self, address: str, service: str, metadata: Pairs) -> None:
        self._address = address
        self._service = service
        self._metadata = metadata

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = find_method(f"/{self._service}/{name}")
        if method is None:
            raise AttributeError(f"no imported *_pb2 module has a method /{self._service}/{name}")

        def call(message: Any) -> Any:
            with grpc.insecure_channel(self._address) as channel:
                sent = "stream" if method.takes_stream else "unary"
                make = getattr(channel, f"{sent}_{'stream' if method.gives_stream else 'unary'}")
                ask = make(method.path, method.request.SerializeToString, method.response.FromString)
                given = iter(message) if method.takes_stream else message
                answer = ask(given, timeout=PATIENCE, metadata=tuple(self._metadata))
                return iter(list(answer)) if method.gives_stream else answer

        return call
