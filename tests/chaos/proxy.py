"""A TCP proxy that misbehaves on demand.

Delay, rate, reset, silence, a cut after so many bytes, and a cut at COMMIT.

It runs on a thread of its own, so that a test can turn a fault on and off while real processes talk
through it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from chaos.postgres_wire import ClientMessages, statement_of

from voc_stream.embedded.processes.tcp_ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Coroutine

CHUNK_BYTES = 1 << 16
CALL_TIMEOUT_SECONDS = 10.0
LATE_SECONDS = 0.3


class CommitCut(Enum):
    """What becomes of a COMMIT at which the connection is cut.

    The client sees the same each time.
    """

    LOST = "the COMMIT never arrives"
    ANSWER_LOST = "the server commits, its answer is lost"
    LATE = "the COMMIT arrives after the client has seen the cut"


@dataclass(eq=False)
class _Link:
    """One client and its connection to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    messages: ClientMessages = field(default_factory=ClientMessages)
    is_chosen: bool = False
    swallows: bool = False


class FaultProxy:
    """Listens on `port` and hands everything on to the target, except for what it is told.

    Attributes:
        delay_seconds: how long each piece waits on its way, in both directions.
        bytes_per_second: how fast each connection may be; None: as fast as it can.
        cuts: how many connections were cut at COMMIT or after so many bytes.

    Args:
        target: host and port of the server.
        listen: address to listen on.
        speaks_postgres: whether to cut what clients say into PostgreSQL's messages, as
            `cut_commits` needs.
    """

    def __init__(
        self, target: tuple[str, int], listen: str = LOOPBACK, *, speaks_postgres: bool = False
    ) -> None:
        self.delay_seconds = 0.0
        self.bytes_per_second: float | None = None
        self.cuts = 0
        self._target = target
        self._speaks_postgres = speaks_postgres
        self._links: set[_Link] = set()
        self._waiting: set[asyncio.StreamWriter] = set()
        self._bytes_left: int | None = None
        self._commit_cuts: list[CommitCut] = []
        self._marker = b""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fault-proxy", daemon=True
        )
        self._thread.start()
        self._open = asyncio.Event()
        self._open.set()
        self.port: int = self._call(self._listen(listen))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_SECONDS)
        self._loop.close()

    def black_hole(self) -> None:
        """From now on accept connections and say nothing, on established ones too.

        What is sent waits, as for a network that comes back.
        """
        self._loop.call_soon_threadsafe(self._open.clear)

    def heal(self) -> None:
        """End the silence."""
        self._loop.call_soon_threadsafe(self._open.set)

    def reset(self) -> None:
        """Reset every connection that there is now, to both sides."""
        self._call(self._reset())

    def cut_after_bytes(self, number: int) -> None:
        """Reset the connection over which the server sends this one of its bytes.

        It is not handed on. Once.
        """
        self._bytes_left = number

    def cut_commits(self, kinds: list[CommitCut], marker: bytes = b"") -> None:
        """Cut the connection at the next COMMITs, one for each of `kinds`.

        Only transactions with a statement that contains `marker` are cut.
        """
        self._marker = marker
        self._commit_cuts = list(kinds)

    @property
    def cuts_left(self) -> int:
        """How many COMMITs are still to be cut."""
        return len(self._commit_cuts)

    def _call(self, call: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(CALL_TIMEOUT_SECONDS)

    async def _listen(self, host: str) -> int:
        self._server = await asyncio.start_server(self._serve, host, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        await self._reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _reset(self) -> None:
        for link in self._links:
            _abort(link.client)
            _abort(link.server)
        for client in self._waiting:
            _abort(client)

    async def _serve(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._waiting.add(client)
        try:
            await self._open.wait()
            from_server, server = await asyncio.open_connection(*self._target)
        except OSError:
            _abort(client)
            return
        finally:
            self._waiting.discard(client)
        link = _Link(client, server)
        self._links.add(link)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._to_server(link, from_client), self._to_client(link, from_server)
            )
        self._links.discard(link)
        for writer in (client, server):
            writer.close()

    async def _to_server(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._pause(data)
            if self._speaks_postgres:
                for message in link.messages.feed(data):
                    if not await self._hand_on(link, message):
                        return
            else:
                await _write(link.server, data)
        link.server.close()

    async def _hand_on(self, link: _Link, message: bytes) -> bool:
        """Hand on a message of a PostgreSQL client; False if that was the end of the connection."""
        statement = statement_of(message)
        if statement is not None and self._marker in statement:
            link.is_chosen = True
        is_end = statement in (b"COMMIT", b"ROLLBACK")
        if not (statement == b"COMMIT" and link.is_chosen and self._commit_cuts):
            link.is_chosen = link.is_chosen and not is_end
            await _write(link.server, message)
            return True
        kind = self._commit_cuts.pop(0)
        self.cuts += 1
        if kind is CommitCut.ANSWER_LOST:
            link.swallows = True
            await _write(link.server, message)
            return True
        if kind is CommitCut.LATE:
            link.swallows = True
            _abort(link.client)
            await asyncio.sleep(LATE_SECONDS)
            await _write(link.server, message)
            return False
        _abort(link.client)
        link.server.close()
        return False

    async def _to_client(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._pause(data)
            if link.swallows:
                _abort(link.client)
                break
            if self._bytes_left is not None:
                data, left = data[: self._bytes_left], self._bytes_left - len(data)
                self._bytes_left = None if left <= 0 else left
                if left <= 0:
                    self.cuts += 1
                    await _write(link.client, data[:-1])
                    _abort(link.client)
                    break
            await _write(link.client, data)
        link.server.close()
        link.client.close()

    async def _pause(self, data: bytes) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.bytes_per_second is not None:
            await asyncio.sleep(len(data) / self.bytes_per_second)
        await self._open.wait()


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, not with a farewell."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    writer.transport.abort()
