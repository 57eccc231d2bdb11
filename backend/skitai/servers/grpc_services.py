"""What gRPC tools expect of every server: the health and reflection services of the official packages."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class Standard:
    """Health and reflection of one server. Lives as long as the server. What an app serves itself is left to it."""

    def __init__(self, server: grpc.Server, services: Sequence[str], *, reflection: bool) -> None:
        self._health: health.HealthServicer | None = None
        shown = [*services]
        if health.SERVICE_NAME not in services:
            self._health = health.HealthServicer()
            for name in services:
                self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
            health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
            shown.append(health.SERVICE_NAME)
        if reflection:
            from grpc_reflection.v1alpha import reflection as reflecting  # not loaded where it is off

            if reflecting.SERVICE_NAME not in services:
                reflecting.enable_server_reflection([*shown, reflecting.SERVICE_NAME], server)

    def leave(self) -> None:
        """Tell everybody who watches that this server takes no new calls."""
        if self._health is not None:
            self._health.enter_graceful_shutdown()
