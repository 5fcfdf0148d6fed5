"""What the tests of Apache Kafka share: clusters of one broker, and services that use them."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from apache.secure_kafka import (
    LISTENERS,
    PASSWORD,
    USERS,
    SecureKafka,
    as_user,
    documented_acls,
    eventually,
    make_certificates,
    properties,
)
from apache_kafka import KafkaCluster
from end_to_end.harness import Restart, Service

from voc_stream.kafka.topics import ensure_topics, require_worker_access
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    StartService = Callable[..., Service]

SESSION_TIMEOUT_SECONDS = 6


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs Apache Kafka.

    A worker in the test's own process that was cut off leaves its sockets behind, to be collected
    in whatever test comes later.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kafka)
            item.add_marker(
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
            )


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[KafkaCluster]:
    """One broker for all tests that leave it running."""
    with (
        tempfile.TemporaryDirectory(prefix="voc-tests-") as folder,
        KafkaCluster(Path(folder)) as cluster,
    ):
        yield cluster


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    """One broker of this test alone, which may be stopped."""
    with (
        tempfile.TemporaryDirectory(prefix="voc-tests-") as folder,
        KafkaCluster(Path(folder)) as cluster,
    ):
        yield cluster


@pytest.fixture
def start_service(database_url: str, topic_prefix: str, tmp_path: Path) -> Iterator[StartService]:
    """Make a service on a cluster; keyword arguments are settings.

    Its workers keep their group, and none may end by itself.
    """
    services: list[Service] = []

    def start(cluster: KafkaCluster, **changes: Any) -> Service:
        settings = Settings(
            kafka_bootstrap=cluster.bootstrap,
            database_url=database_url,
            topic_prefix=topic_prefix,
            group=f"{topic_prefix}group",
            web_port=0,
            partitions=2,
            replication_factor=len(cluster.brokers),
            broker_session_timeout_seconds=SESSION_TIMEOUT_SECONDS,
            maximum_batch_messages=500,
        )
        service = Service(replace(settings, **changes), tmp_path)
        service.restart = Restart.NEVER
        services.append(service)
        return service

    yield start
    for service in services:
        service.__exit__()


@pytest.fixture(scope="session")
def kafka() -> Iterator[SecureKafka]:
    """One broker with TLS and users, and without rules."""
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        certificates = make_certificates(folder)
        with KafkaCluster(folder, listeners=LISTENERS, properties=properties(folder)) as cluster:
            secure = SecureKafka(cluster, certificates)
            for user in USERS:
                secure.set_password(user, PASSWORD)
            yield secure


@pytest.fixture
def allowed(kafka: SecureKafka) -> Iterator[SecureKafka]:
    """The broker with exactly the documented rules, and the topics that `init` makes by them."""
    for rules in documented_acls().values():
        kafka.allow(rules)
    eventually(lambda: ensure_topics(as_user(kafka, "voc-init")))
    eventually(lambda: require_worker_access(as_user(kafka, "voc-worker")))
    yield kafka
    kafka.forbid_everything()
