"""Exchanges questions and answers with a broker over one socket, one after another.

That is enough to ask a broker how it wants to be spoken to.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError
from kafka.protocol.parser import KafkaProtocol

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT_SECONDS = 3.0
ANSWER_TIMEOUT_SECONDS = 5.0
RECEIVE_BYTES = 65_536


class Conversation:
    """A connection to one broker. Blocking; close it. Raises OSError if nothing accepts it."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._socket = socket.create_connection((host, port), CONNECT_TIMEOUT_SECONDS)
        self._socket.settimeout(ANSWER_TIMEOUT_SECONDS)
        self._parser = KafkaProtocol(client_id="voc-stream-probe")

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on by TLS. Raises ssl.SSLError, OSError."""
        self._socket = context.wrap_socket(self._socket, server_hostname=self._host.rstrip("."))

    def ask(self, request: Any) -> Any:
        """The broker's answer.

        Raises OSError, and EOFError if the broker ends the connection or speaks another language.
        """
        self._parser.send_request(request)
        self._socket.sendall(self._parser.send_bytes())
        while received := self._socket.recv(RECEIVE_BYTES):
            try:
                answers = list(self._parser.receive_bytes(received))
            except KafkaError as error:
                raise EOFError("what answers speaks another protocol") from error
            if answers:
                return answers[0][1]
        raise EOFError("the broker ended the connection")

    def close(self) -> None:
        """End the connection. Safe to call twice."""
        self._socket.close()
