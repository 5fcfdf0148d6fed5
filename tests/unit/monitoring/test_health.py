from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Gauge

from voc_stream.monitoring.health import HealthServer

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 61_234
MOST_THREADS = 8
# A worker in small: its pages, and the deadlines of transactions, told over standard input and
# output.
LIMITED = """
import os, resource, socket, sys
from prometheus_client import CollectorRegistry
from voc_stream.monitoring.health import HealthServer
from voc_stream.postgres.session.deadline import deadline
socket.getaddrinfo("127.0.0.1", 0)  # reads a module that the other user may perhaps not read
resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[2]), int(sys.argv[2])))
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
with HealthServer("127.0.0.1", 0, CollectorRegistry(), list, list) as server:
    print(server.url.rpartition(":")[2], flush=True)
    for _ in sys.stdin:
        ours, theirs = socket.socketpair()
        with deadline(ours.fileno(), 60.0):
            print("within the deadline", flush=True)
"""


def connect(port: int, said: bytes = b"") -> socket.socket:
    """A connection that has said this much and waits."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(said)
    return client


def ask(port: int, path: str = "/healthz") -> bytes:
    """The whole answer to one request."""
    with connect(port, f"GET {path} HTTP/1.1\r\nHost: voc\r\n\r\n".encode()) as client:
        answer = b""
        while part := client.recv(65_536):
            answer += part
        return answer


class Service:
    """A server whose problems the test sets."""

    def __init__(self) -> None:
        self.dead: list[str] = []
        self.unready: list[str] = []
        self.registry = CollectorRegistry()
        self.server = HealthServer(
            "127.0.0.1", 0, self.registry, lambda: self.dead, lambda: self.unready
        )

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, content type and text of a page."""
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read().decode()
        finally:
            connection.close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with service.server:
        yield service


def test_health_and_readiness_tell_their_problems(service: Service) -> None:
    """200 where there is none, 503 with the reasons otherwise, each page by itself."""
    assert service.get("/healthz")[::2] == (200, "ok\n")
    service.unready = ["positions are not loaded", "PostgreSQL does not answer"]
    assert service.get("/readyz")[::2] == (
        503,
        "positions are not loaded\nPostgreSQL does not answer\n",
    )
    assert service.get("/healthz")[0] == 200
    service.dead = ["the main loop has not run for 31 s"]
    assert service.get("/healthz")[0] == 503


def test_metrics_are_those_of_the_registry(service: Service) -> None:
    """In the text format that Prometheus reads."""
    Gauge("voc_test", "A test.", registry=service.registry).set(4)
    status, content_type, text = service.get("/metrics")
    assert (status, content_type.partition(";")[0]) == (200, "text/plain")
    assert "voc_test 4.0" in text


def test_the_index_names_the_pages_and_others_are_not_found(service: Service) -> None:
    """A person who opens the address sees where to go."""
    status, content_type, text = service.get("/")
    assert (status, content_type) == (200, "text/html; charset=utf-8")
    assert all(page in text for page in ("/metrics", "/healthz", "/readyz"))
    assert service.get("/router")[0] == 404


def test_a_taken_port_is_an_error(service: Service) -> None:
    """Two workers on one port must not both seem to run."""
    address = urlsplit(service.server.url)
    with pytest.raises(OSError, match="in use"):
        HealthServer(str(address.hostname), address.port or 0, CollectorRegistry(), list, list)


@pytest.mark.parametrize("said", [b"", b"GET /metrics HTTP/1.0\r\n"])
def test_clients_that_say_nothing_keep_nobody_out(service: Service, said: bytes) -> None:
    """However many are connected and wait, whoever asks is answered, by one thread."""
    port, threads = urlsplit(service.server.url).port or 0, threading.active_count()
    with ExitStack() as idle:
        for number in range(1000):
            client = connect(port, said)
            # Those that are cut may be closed here, too: this process may have as few files as a
            # worker.
            (idle.enter_context(client) if number % 5 == 0 else client.close())
            assert number % 100 or b"200 OK" in ask(port)
        assert b"200 OK" in ask(port)
        assert threading.active_count() == threads


def test_a_client_that_trickles_is_cut(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not keep a connection: the time is for all of it."""
    monkeypatch.setattr("voc_stream.monitoring.health.CONNECTION_SECONDS", 0.2)
    with connect(urlsplit(service.server.url).port or 0, b"GET /") as client:
        client.settimeout(0.02)
        assert any(was_cut(client) for _ in range(500))


def was_cut(client: socket.socket) -> bool:
    """Send one more byte, and see whether the other side is still there."""
    try:
        client.sendall(b"x")
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_clients_that_leave_are_no_news(
    service: Service, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A client that is cut off leaves no word in the log.

    Neither a request that is cut off nor an answer that nobody reads.
    """
    for number in range(2000):
        Gauge(f"voc_test_{number}", "A test. " * 20, registry=service.registry)
    port = urlsplit(service.server.url).port or 0
    for said in (b"", b"GET", b"GET /metrics HTTP/1.1\r\n\r\n") * 5:
        client = connect(port, said)
        client.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )  # leave with a reset
        client.close()
    assert b"200 OK" in ask(port)
    assert (caplog.text, capfd.readouterr().err) == ("", "")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET http://[x\x1b[31mFAKE/metrics HTTP/1.0", b"404"),
        ("POST /metrics HTTP/1.1", b"405"),
        ("hello", b"400"),
        ("GET /" + "x" * 70_000 + " HTTP/1.1", b"431"),
    ],
)
def test_whatever_is_asked_is_answered(
    service: Service,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    request_line: str,
    status: bytes,
) -> None:
    """A request that is none gets its own status, and nothing of it reaches the log."""
    with connect(
        urlsplit(service.server.url).port or 0, request_line.encode() + b"\r\n\r\n"
    ) as client:
        assert client.recv(65_536).split(b" ")[1] == status
    assert (caplog.text, capfd.readouterr().err) == ("", "")


def test_metrics_come_in_the_format_that_is_asked_for(service: Service) -> None:
    """Prometheus asks for OpenMetrics, and gets it."""
    connection = http.client.HTTPConnection(urlsplit(service.server.url).netloc, timeout=5)
    connection.request(
        "GET", "/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"}
    )
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.read().endswith(b"# EOF\n")
    connection.close()


@pytest.mark.skipif(
    os.geteuid() != 0,
    reason="the limit of threads is not for root, and only root can become another user",
)
def test_idle_connections_take_no_threads_from_transactions() -> None:
    """Many idle connections leave the deadlines of transactions their thread.

    Under a limit of threads like that of deploy/.
    """
    root = Path(__file__).parents[3]
    with ExitStack() as stack:
        child = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", LIMITED, str(NOBODY), str(MOST_THREADS)],
                cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        stack.callback(child.stdin.close)
        port = int(child.stdout.readline())
        for _ in range(130):
            stack.enter_context(connect(port, b"GET /metrics HTTP/1.0\r\n"))
        for _ in range(20):
            child.stdin.write("go on\n")
            child.stdin.flush()
            assert child.stdout.readline() == "within the deadline\n"
        assert b"200 OK" in ask(port)
