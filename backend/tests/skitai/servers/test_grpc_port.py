"""What grpcio is told of the port: times, sizes, keys."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from atila.errors import SettingError
from skitai.options import Options
from skitai.servers.grpc_port import Tls, channel_options, compression_of
from tests.serving.certificates import Authority


def test_settings_become_arguments() -> None:
    told = dict(channel_options(Options(grpc_keepalive=1.5, grpc_keepalive_timeout=2, grpc_max_age=3, stop_timeout=4)))
    assert (told["grpc.keepalive_time_ms"], told["grpc.keepalive_timeout_ms"]) == (1500, 2000)
    assert (told["grpc.max_connection_age_ms"], told["grpc.max_connection_age_grace_ms"]) == (3000, 4000)
    assert told["grpc.max_receive_message_length"] == Options().grpc_max_message
    quiet = dict(channel_options(Options(grpc_keepalive=0)))
    assert "grpc.keepalive_time_ms" not in quiet
    assert "grpc.max_connection_age_ms" not in quiet
    assert compression_of(Options(grpc_compression="deflate")) is grpc.Compression.Deflate


def test_keys_may_be_encrypted(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("server", "open sesame")
    assert isinstance(Tls(pair.key, pair.certificate, "open sesame").credentials(), grpc.ServerCredentials)
    with pytest.raises(SettingError, match="key_password does not open"):
        Tls(pair.key, pair.certificate, "wrong").credentials()


def test_without_a_key_the_port_is_plain(tmp_path: Path) -> None:
    assert Tls.of(Options()) is None
    with pytest.raises(SettingError, match="client_ca="):
        Options(client_ca=tmp_path)
