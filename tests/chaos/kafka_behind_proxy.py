"""Apache Kafka with a second listener that clients reach only through a fault proxy.

So one worker can be cut off, and the others not.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from apache_kafka import KafkaCluster
from chaos.proxy import FaultProxy

from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from pathlib import Path


class KafkaBehindProxy(KafkaCluster):
    """One broker, with a plain way in and one through `proxy`.

    `bootstrap` is the plain way. `proxied_bootstrap` leads through `proxy`, also after the first
    connection.

    Args:
        folder: existing folder for data and logs.
        host: address of the second way.
    """

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        super().__init__(folder)
        self._stack = ExitStack()
        port = free_port()
        self.proxy = self._stack.enter_context(FaultProxy((LOOPBACK, port), host))
        self.proxied_bootstrap = f"{host}:{self.proxy.port}"
        path = self._properties(1)
        properties = dict(line.split("=", 1) for line in path.read_text().splitlines())
        properties["listeners"] += f",PROXIED://{LOOPBACK}:{port}"
        properties["advertised.listeners"] += f",PROXIED://{self.proxied_bootstrap}"
        properties["listener.security.protocol.map"] += ",PROXIED:PLAINTEXT"
        path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))

    def close(self) -> None:
        """End all of it."""
        super().close()
        self._stack.close()
