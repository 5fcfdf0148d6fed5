"""What a PostgreSQL client says, message by message.

As much of the protocol (version 3) as a fault at COMMIT needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROTOCOL_MAJOR = 3
_LENGTH_BYTES = 4


class ClientMessages:
    """Cuts the bytes of one client into whole messages.

    Until the start-up message there is no type byte: the client may first ask for encryption, which
    the server must refuse here.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that these bytes complete."""
        self._buffer += data
        while True:
            head = 1 if self._started else 0
            if len(self._buffer) < head + _LENGTH_BYTES:
                return
            size = head + int.from_bytes(self._buffer[head : head + _LENGTH_BYTES])
            if len(self._buffer) < size:
                return
            message = bytes(self._buffer[:size])
            del self._buffer[:size]
            if not self._started:
                self._started = int.from_bytes(message[4:6]) == _PROTOCOL_MAJOR
            yield message


def statement_of(message: bytes) -> bytes | None:
    """The text of a simple query; None for any other message.

    >>> statement_of(b"Q" + (11).to_bytes(4) + b"COMMIT" + bytes(1))
    b'COMMIT'
    """
    return message[5:-1] if message[:1] == b"Q" else None
