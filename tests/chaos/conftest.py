"""What the recipes share.

Apache Kafka with one broker, a PostgreSQL that can be stopped, and a service of each test's own.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from chaos.service import ChaosService

from voc_stream.embedded.processes.tcp_ports import LOOPBACK, free_port
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.kafka_behind_proxy import KafkaBehindProxy
    from chaos.server import Server

SESSION_TIMEOUT_SECONDS = 6
BATCH_MESSAGES = 200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a refused connection be forgotten.

    Without this, kafka-python leaves such sockets to the garbage collector.
    """
    for item in items:
        if item.get_closest_marker("chaos"):
            item.add_marker(
                pytest.mark.filterwarnings(
                    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
                )
            )


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBehindProxy]:
    """The session's Apache Kafka.

    One broker, with a second way in that leads through a fault proxy.
    """
    from chaos.kafka_behind_proxy import KafkaBehindProxy

    with (
        tempfile.TemporaryDirectory(prefix="voc-chaos-", ignore_cleanup_errors=True) as folder,
        KafkaBehindProxy(Path(folder)) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="session")
def session_server() -> Iterator[Server]:
    """The session's PostgreSQL."""
    from chaos.server import Server

    # Not pytest's own folder, which is closed to the user that the server runs as.
    with (
        tempfile.TemporaryDirectory(prefix="voc-chaos-", ignore_cleanup_errors=True) as folder,
        Server(Path(folder), free_port()) as server,
    ):
        yield server


@pytest.fixture
def server(session_server: Server) -> Iterator[Server]:
    """The same, running and awake before and after each test."""
    yield session_server
    session_server.resume()
    session_server.start()


@pytest.fixture
def chaos_database_url(server: Server) -> Iterator[str]:
    """URL of a fresh database of this test alone."""
    url = server.create_database()
    yield url
    server.resume()
    server.start()
    server.drop_database(url)


@pytest.fixture
def chaos_settings(chaos_database_url: str, kafka: KafkaBehindProxy) -> Settings:
    """Settings of a service of this test's own.

    Batches are small, so that much happens between them; sessions are short.
    """
    prefix = f"chaos-{uuid4().hex[:12]}."
    return Settings(
        kafka_bootstrap=kafka.bootstrap,
        database_url=chaos_database_url,
        topic_prefix=prefix,
        group=f"{prefix}group",
        web_host=LOOPBACK,
        web_port=0,
        partitions=2,
        broker_session_timeout_seconds=SESSION_TIMEOUT_SECONDS,
        maximum_batch_messages=BATCH_MESSAGES,
    )


@pytest.fixture
def service(chaos_settings: Settings, tmp_path: Path) -> Iterator[ChaosService]:
    """A service with its topics and tables, and no worker yet."""
    with ExitStack() as stack:
        yield stack.enter_context(ChaosService(chaos_settings, tmp_path))
