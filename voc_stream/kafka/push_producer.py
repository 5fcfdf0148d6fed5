"""Makes the producer of `push`, and ends it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAXIMUM_OPEN_BYTES = 32 * 1024 * 1024
METADATA_TIMEOUT_SECONDS = 2.0
REQUEST_TIMEOUT_MS = 10_000
LINGER_MS = 20
POLL_SECONDS = 0.2
CLOSE_TIMEOUT_SECONDS = 2.0
BATCH_BYTES = 64 * 1024


def connect_producer(
    options: Mapping[str, Any], delivery_seconds: float, connect_seconds: float
) -> Any:
    """A producer that keeps what it sends for `delivery_seconds`, once it has reached a broker.

    Raises KafkaError.
    """
    return KafkaProducer(
        **options,
        client_id="voc-stream-push",
        acks="all",
        enable_idempotence=True,
        compression_type="gzip",  # the one codec that needs no further library
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
        # A refused message of any size can be sent again; the topic has the last word.
        max_request_size=MAXIMUM_OPEN_BYTES,
        # Whole milliseconds: the client packs them as integers.
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        # The deadline is kept here, over all attempts; the producer must only not give up
        # earlier.
        delivery_timeout_ms=int(delivery_seconds * 1000) + REQUEST_TIMEOUT_MS + LINGER_MS,
        max_block_ms=int(METADATA_TIMEOUT_SECONDS * 1000),
        bootstrap_timeout_ms=int(connect_seconds * 1000),
        reconnect_backoff_max_ms=1000,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )


def close_producer(producer: Any) -> None:
    """End the producer at once: what is open has been either acknowledged or given up."""
    try:
        producer.close(timeout=POLL_SECONDS)
    except KafkaTimeoutError:
        # close() gives up if it cannot flush, and leaves its thread running.
        sender = producer._sender  # noqa: SLF001  there is no public way
        sender.force_close()
        sender.join(CLOSE_TIMEOUT_SECONDS)
