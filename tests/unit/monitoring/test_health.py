from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Gauge

from voc_stream.monitoring.health import HealthServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Service:
    """A server whose problems the test sets."""

    def __init__(self) -> None:
        self.dead: list[str] = []
        self.unready: list[str] = []
        self.registry = CollectorRegistry()
        self.server = HealthServer("127.0.0.1", 0, self.registry, lambda: self.dead, lambda: self.unready)

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
    assert service.get("/readyz")[::2] == (503, "positions are not loaded\nPostgreSQL does not answer\n")
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
