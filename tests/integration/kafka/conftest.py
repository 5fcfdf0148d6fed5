"""A worker's surroundings: topics of its own, and a store in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import MemoryChores, MemorySink
from kafka_worker import ThreadWorker, settings_for, started_workers

from voc_stream.kafka.topics import ensure_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voc_stream.settings import Settings


@pytest.fixture
def voc(broker: str, topic_prefix: str) -> Settings:
    """Settings without a database, and the topics that belong to them."""
    settings = settings_for(broker, topic_prefix)
    ensure_topics(settings)
    return settings


@pytest.fixture
def sink() -> MemorySink:
    """An empty store."""
    return MemorySink()


@pytest.fixture
def chores() -> MemoryChores:
    """Chores with nothing to do."""
    return MemoryChores()


@pytest.fixture
def start(
    voc: Settings, sink: MemorySink, chores: MemoryChores
) -> Iterator[Callable[[], ThreadWorker]]:
    """Start a worker on the test's store and topics; all are stopped afterwards."""
    with started_workers() as start_one:
        yield lambda: start_one(voc, sink, chores)
