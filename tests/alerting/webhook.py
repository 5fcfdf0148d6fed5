"""Somebody to be told: a receiver of Alertmanager's webhooks that keeps what it gets."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self

from voc_stream.embedded.processes.tcp_ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping


class Told(NamedTuple):
    """One alert of one notification.

    Attributes:
        receiver: last part of the URL that it came to, which is the receiver's name.
        status: `firing` or `resolved`.
        labels: of the alert.
        annotations: of the alert.
    """

    receiver: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Webhook:
    """A receiver on a port of its own.

    Whoever does not know the token is turned away, and nothing of it is kept.
    """

    def __init__(self, token: str) -> None:
        self.messages: list[list[Told]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Authorization"] != f"Bearer {token}":
                    self.send_error(HTTPStatus.UNAUTHORIZED)
                    return
                messages.append(
                    [
                        Told(
                            self.path.rpartition("/")[2],
                            alert["status"],
                            alert["labels"],
                            alert["annotations"],
                        )
                        for alert in json.loads(body)["alerts"]
                    ]
                )
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: what came is kept."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="webhook", daemon=True
        )

    @property
    def told(self) -> list[Told]:
        """The alerts of all messages, in their order."""
        return [told for message in list(self.messages) for told in message]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def about(self, labels: Mapping[str, str], status: str) -> list[Told]:
        """What it was told about the alert with exactly these labels."""
        return [told for told in self.told if told.labels == labels and told.status == status]
