"""The gRPC port: its address, its limits and its keys, as grpcio is told them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc

from skitai.options import Options

from .keys import opened

PINGS = 10_000  # milliseconds that have to lie between the pings of a client that is silent otherwise

_COMPRESSIONS = {
    "none": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: the key, the certificate with its chain, and who signed those of the clients, if they need one."""

    key: Path
    certificate: Path
    key_password: str | None = None
    client_ca: Path | None = None

    @classmethod
    def of(cls, options: Options) -> Tls | None:
        """Return what the options say, or None when the port is plain."""
        if options.key is None or options.certificate is None:
            return None
        client_ca = None if options.client_ca is None else Path(options.client_ca)
        return cls(Path(options.key), Path(options.certificate), options.key_password, client_ca)

    def credentials(self) -> grpc.ServerCredentials:
        """Read the files. Raises SettingError for a key that the password does not open."""
        pair = (opened(self.key, self.key_password), self.certificate.read_bytes())
        if self.client_ca is None:
            return grpc.ssl_server_credentials([pair])
        return grpc.ssl_server_credentials([pair], self.client_ca.read_bytes(), require_client_auth=True)


def channel_options(options: Options) -> list[tuple[str, int]]:
    """Return grpcio's arguments: message sizes in bytes, times in milliseconds."""
    found = [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", options.grpc_max_message),
        ("grpc.max_send_message_length", options.grpc_max_message),
        # Clients may ask whether we are there more often than grpcio's five minutes, also between calls.
        ("grpc.http2.min_ping_interval_without_data_ms", PINGS),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
    if options.grpc_keepalive:
        found.append(("grpc.keepalive_time_ms", int(options.grpc_keepalive * 1000)))
        patience = int(options.grpc_keepalive_timeout * 1000)
        found += [("grpc.keepalive_timeout_ms", patience), ("grpc.http2.ping_timeout_ms", patience)]
        found.append(("grpc.http2.max_pings_without_data", 0))  # or it stops asking after the second time
    if options.grpc_max_age:
        found.append(("grpc.max_connection_age_ms", int(options.grpc_max_age * 1000)))
        found.append(("grpc.max_connection_age_grace_ms", int(options.stop_timeout * 1000)))
    return found


def compression_of(options: Options) -> grpc.Compression:
    return _COMPRESSIONS[options.grpc_compression]


def open_port(server: grpc.Server, address: str, port: int, tls: Tls | None) -> None:
    """Listen. Raises RuntimeError when the port is taken, SettingError for keys that cannot be used."""
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if tls is None:
        server.add_insecure_port(place)
    else:
        server.add_secure_port(place, tls.credentials())
