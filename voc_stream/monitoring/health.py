"""Serves the pages of a worker over HTTP: /metrics, /healthz, /readyz and a small index.

A thread of their own serves them, so that a worker whose loop is blocked is still visible. It is
one thread with one loop, however many clients connect. Clients that say nothing must not use up the
threads and files that the worker needs. If too many are connected, the oldest connection is cut, so
a client that asks at once is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from email.parser import BytesHeaderParser
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from prometheus_client import CollectorRegistry, exposition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Problems = Callable[[], Sequence[str]]

CONNECTION_SECONDS = 10.0
"""How long a client has to ask and to read the answer."""
MOST_CONNECTIONS = 32
MOST_REQUEST_BYTES = 16 * 1024
INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>voc-stream worker</title>
<h1>voc-stream worker</h1>
<ul><li><a href="/metrics">/metrics</a> for Prometheus / 指标
<li><a href="/healthz">/healthz</a> is it alive / 是否存活
<li><a href="/readyz">/readyz</a> does it take in events / 是否就绪</ul></html>
"""
_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"

log = logging.getLogger(__name__)


class HealthServer:
    """Serves the pages until closed. Use as a context manager, or call `close()`.

    Args:
        host: address to listen on.
        port: port to listen on; 0 chooses a free one.
        registry: the metrics.
        not_alive: why the process should be restarted; empty if it is well. Called from another
            thread, and must not block.
        not_ready: why it takes in no events now; called as `not_alive` is.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        not_alive: Problems,
        not_ready: Problems,
    ) -> None:
        self._registry = registry
        self._checks = {"/healthz": not_alive, "/readyz": not_ready}
        self._connections: dict[asyncio.Task[None], None] = {}  # the oldest first
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name such as localhost has addresses of both kinds, and clients of 127.0.0.1 are the
        # more usual ones.
        family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        self._socket = socket.create_server(address[:2], family=family)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="voc-health", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL at which it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def close(self) -> None:
        """Stop serving and free the port."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()
            self._socket.close()

    async def _serve(self) -> None:
        async with await asyncio.start_server(
            self._converse, sock=self._socket, limit=MOST_REQUEST_BYTES
        ):
            await self._stopping.wait()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        assert this is not None
        self._cut_the_oldest()
        self._connections[this] = None
        try:
            # Clients that leave in the middle, are cut, or ask for nothing are no news.
            with contextlib.suppress(
                TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                async with asyncio.timeout(CONNECTION_SECONDS):
                    writer.write(await self._answer_to(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            del self._connections[this]

    def _cut_the_oldest(self) -> None:
        open_ones = [connection for connection in self._connections if not connection.cancelling()]
        for connection in open_ones[: max(0, len(open_ones) - MOST_CONNECTIONS + 1)]:
            connection.cancel()

    async def _answer_to(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TEXT, b"the request is too long\n"
            )
        request_line, _, headers = head.partition(b"\r\n")
        method, target, protocol, *_ = [*request_line.decode("latin-1").split(" "), "", ""]
        if not protocol.startswith("HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, _TEXT, b"this is no request of HTTP/1.1\n")
        if method != "GET":
            return _response(
                HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"only GET is served\n", ("Allow", "GET")
            )
        try:
            return self._page(
                target.partition("?")[0], BytesHeaderParser().parsebytes(headers).get("Accept", "")
            )
        except Exception:  # one page must not end the others
            log.exception("a page could not be made")
            return _response(
                HTTPStatus.INTERNAL_SERVER_ERROR, _TEXT, b"see the log of the worker\n"
            )

    def _page(self, path: str, accept: str) -> bytes:
        if path == "/metrics":
            encode, content_type = exposition.choose_encoder(accept)
            return _response(HTTPStatus.OK, content_type, encode(self._registry))
        if path in self._checks:
            problems = self._checks[path]()
            status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
            return _response(status, _TEXT, ("\n".join(problems or ["ok"]) + "\n").encode())
        if path == "/":
            return _response(HTTPStatus.OK, _HTML, INDEX.encode())
        return _response(HTTPStatus.NOT_FOUND, _TEXT, b"no such page; see /\n")


def _response(status: HTTPStatus, content_type: str, body: bytes, *more: tuple[str, str]) -> bytes:
    headers = [
        ("Server", "voc-stream"),
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
        *more,
    ]
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body
