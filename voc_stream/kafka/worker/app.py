"""Makes the Faust app: one agent over all input topics.

Its settings are those that Faust's known bugs call for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import faust
from yarl import URL

from voc_stream.kafka.connection.faust_credentials import faust_credentials
from voc_stream.kafka.records.record_batches import MAXIMUM_FETCH_BYTES
from voc_stream.kafka.topics import input_topics
from voc_stream.kafka.worker.agent import BatchAgent
from voc_stream.kafka.worker.consumer import BatchTransport
from voc_stream.pipeline.refusal_limit import RefusalLimit

if TYPE_CHECKING:
    from voc_stream.kafka.positions.decoding import Decoding
    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.settings import Settings

MAXIMUM_REQUEST_BYTES = 32 * 1024 * 1024


class VocApp(faust.App):
    """A Faust app that tells the worker's state when it rebalances."""

    ledger: Ledger
    batches: BatchAgent

    def on_rebalance_start(self) -> None:
        """Note since when; a further rebalance inside one counts from the first."""
        state = self.ledger.state
        state.rebalancing_since = state.rebalancing_since or time.monotonic()
        super().on_rebalance_start()

    def _create_directories(self) -> None:
        """Make no directories: Faust's tables would need them, and we have no such tables."""

    def on_rebalance_end(self) -> None:
        """Note the end."""
        self.ledger.state.joined(time.monotonic())
        super().on_rebalance_end()


def create_app(
    settings: Settings, ledger: Ledger, decoding: Decoding, metrics: Metrics, **overrides: Any
) -> VocApp:
    """The app, not yet started. `overrides` are Faust settings, for tests."""
    session_timeout_seconds = float(settings.broker_session_timeout_seconds)
    urls = [URL(f"kafka://{broker}") for broker in settings.kafka_bootstrap.split(",")]
    options: dict[str, Any] = {
        "broker": urls,
        "broker_credentials": faust_credentials(settings),
        "store": "memory://",
        "broker_session_timeout": session_timeout_seconds,
        "broker_heartbeat_interval": session_timeout_seconds / 5,
        "broker_rebalance_timeout": max(10.0, min(60.0, 4 * session_timeout_seconds)),
        "broker_request_timeout": 90.0,
        # If nothing is fetched for so long (an idle standby, a store that is away), aiokafka leaves
        # the group and is never let back. This was seen on Apache Kafka 4.4.0
        # (tests/apache/test_known_bugs.py).
        "broker_max_poll_interval": 1e6,
        "broker_max_poll_records": settings.maximum_batch_messages,
        "broker_commit_interval": 1.0,
        "consumer_max_fetch_size": MAXIMUM_FETCH_BYTES,
        "consumer_auto_offset_reset": "earliest",
        "consumer_metadata_max_age_ms": 30_000,
        "producer_max_request_size": MAXIMUM_REQUEST_BYTES,
        "producer_threaded": False,
        # This counts what is handed on; the consumer waits until it is taken.
        "stream_buffer_maxsize": 4,
        # A revocation never waits for PostgreSQL; its compare-and-swap keeps order.
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "web_enabled": False,
        "processing_guarantee": "at_least_once",
    }
    app = VocApp(settings.group, **(options | overrides))
    app.ledger = ledger
    app.transport = BatchTransport(urls, app, ledger=ledger, decoding=decoding)
    topic = app.topic(
        *input_topics(settings.topic_prefix), key_serializer="raw", value_serializer="raw"
    )
    limit = RefusalLimit(settings.dead_letter_limit_run, settings.dead_letter_limit_percent)
    app.batches = BatchAgent(app, ledger, metrics, float(settings.database_deadline_seconds), limit)
    app.agent(topic, name="batches", concurrency=1)(app.batches)
    return app
