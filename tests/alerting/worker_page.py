"""The page of metrics of a worker, which says what a test wants of open alerts."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from voc_stream.embedded.processes.tcp_ports import LOOPBACK
from voc_stream.monitoring.table_gauges import READ_FROM_TABLES


class WorkerPage:
    """A page with open alerts and the time of an evaluation a moment ago."""

    def __init__(self) -> None:
        self._open: list[str] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = page.text().encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing of requests."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="worker page", daemon=True
        )

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

    def open(self, **labels: str) -> None:
        """Show one alert more as open; labels that are not given do not apply."""
        names = READ_FROM_TABLES["voc_alert_firing"].labels
        assert labels.keys() <= set(names)
        shown = ",".join(f'{name}="{labels.get(name, "")}"' for name in names)
        self._open.append(f"voc_alert_firing{{{shown}}} 1\n")

    def text(self) -> str:
        """The page as Prometheus reads it."""
        evaluated = f"voc_evaluator_last_success_timestamp_seconds {time.time()}\n"
        return "".join([*self._open, evaluated])
