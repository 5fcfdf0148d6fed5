from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.embedded.worker_pages import is_ready, lag_events, why_not_ready

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pages(BaseHTTPRequestHandler):
    """A stand-in for a worker: path to status and text."""

    content: dict[str, tuple[int, str]]

    def do_GET(self) -> None:
        """Answer with what the test put there."""
        status, text = self.content[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pages() -> Iterator[tuple[str, dict[str, tuple[int, str]]]]:
    content: dict[str, tuple[int, str]] = {}
    with HTTPServer(("127.0.0.1", 0), type("TestPages", (Pages,), {"content": content})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", content
        server.shutdown()
        thread.join()


def test_ready_is_what_the_page_says(pages: tuple[str, dict[str, tuple[int, str]]]) -> None:
    """A worker is ready when its page says so, and not while it answers otherwise."""
    url, content = pages
    content["/readyz"] = (503, "positions are not loaded\n")
    assert not is_ready(url)
    content["/readyz"] = (200, "ok\n")
    assert is_ready(url)


def test_what_a_worker_waits_for_is_told(pages: tuple[str, dict[str, tuple[int, str]]]) -> None:
    """Whoever starts it in the trial reads the first reason, without looking for the log."""
    url, content = pages
    content["/readyz"] = (503, "another catalogue rules this database\npositions are not loaded\n")
    assert why_not_ready(url) == "another catalogue rules this database"
    content["/readyz"] = (200, "ok\n")
    assert why_not_ready(url) == ""
    assert why_not_ready(f"http://127.0.0.1:{free_port()}") == ""


def test_lag_is_summed_over_partitions(
    pages: tuple[str, dict[str, tuple[int, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lag of all partitions counts; no sample is no data, not 0.

    A proxy for other machines is not asked.
    """
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    url, content = pages
    head = "# HELP voc_consumer_lag_events x\n# TYPE voc_consumer_lag_events gauge\n"
    content["/metrics"] = (
        200,
        head + 'voc_consumer_lag_events{partition="0",topic="a"}'
        ' 3.0\nvoc_consumer_lag_events{partition="1",topic="a"} 4.0\n',
    )
    assert lag_events(url) == 7
    content["/metrics"] = (200, head)
    assert lag_events(url) is None


def test_worker_that_does_not_answer_tells_nothing() -> None:
    """No worker: not ready, and no lag rather than 0."""
    url = f"http://127.0.0.1:{free_port()}"
    assert not is_ready(url)
    assert lag_events(url) is None
