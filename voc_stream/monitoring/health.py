"""The pages of a worker over HTTP: /metrics, /healthz, /readyz and a small index.

They are served from a thread of their own, so that a worker whose loop is blocked is still visible.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, exposition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Problems = Callable[[], Sequence[str]]

REQUEST_TIMEOUT_SECONDS = 10.0
STOP_POLL_SECONDS = 0.1
INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>voc-stream worker</title>
<h1>voc-stream worker</h1>
<ul><li><a href="/metrics">/metrics</a> for Prometheus / 指标
<li><a href="/healthz">/healthz</a> is it alive / 是否存活
<li><a href="/readyz">/readyz</a> does it take in events / 是否就绪</ul></html>
"""


class HealthServer:
    """Serves the pages until closed. Use as a context manager, or call `close()`.

    Args:
        host: address to listen on.
        port: port to listen on; 0 chooses a free one.
        registry: the metrics.
        not_alive: why the process should be restarted; empty where it is well. Called from other threads.
        not_ready: why it takes in no events now; likewise.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry, not_alive: Problems, not_ready: Problems) -> None:
        handler = type("Handler", (_Handler,), {"registry": registry, "checks": {"/healthz": not_alive, "/readyz": not_ready}})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(STOP_POLL_SECONDS,), name="voc-health", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    checks: dict[str, Problems]
    timeout = REQUEST_TIMEOUT_SECONDS
    server_version = "voc-stream"
    sys_version = ""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/metrics":
            encode, content_type = exposition.choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, content_type, encode(self.registry))
        elif path in self.checks:
            problems = self.checks[path]()
            status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
            self._answer(status, "text/plain; charset=utf-8", ("\n".join(problems or ["ok"]) + "\n").encode())
        elif path == "/":
            self._answer(HTTPStatus.OK, "text/html; charset=utf-8", INDEX.encode())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"no such page; see /\n")

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a probe every few seconds is no news."""
