"""However producers compress and whatever a batch holds.

Good events are in the tables, and what cannot be read is one dead letter.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError
from builders import message, touchpoint
from end_to_end.harness import wait_until
from raw_producer import send_batch, send_compressed
from record_batches import (
    GZIP,
    HEADER_BYTES,
    LZ4,
    NAMES,
    PACK,
    SNAPPY,
    ZSTD,
    batch,
    flipped,
    packed_batch,
    raw_batch,
    record,
    varint,
)

from voc_stream.kafka.records.reading import KEPT_BATCH_BYTES
from voc_stream.kafka.records.unpacking import MAXIMUM_UNPACKED_BYTES

if TYPE_CHECKING:
    from end_to_end.harness import Service

EVENTS = 40


def events(tag: str, number: int = EVENTS) -> list[bytes]:
    """Valid events of so many customers."""
    return [
        message(touchpoint(f"{tag}-{place}", customer_id=f"{tag}-u{place}"))
        for place in range(number)
    ]


def bomb(codec: int) -> bytes:
    """One message that unpacks to more than a batch may."""
    return packed_batch(0, 0, 1, record(0, bytes(MAXIMUM_UNPACKED_BYTES)), codec)


# By their reason; some brokers refuse some of them, none refuses a bomb.
UNREADABLE: list[tuple[str, bytes]] = [
    ("too_large", bomb(GZIP)),
    ("too_large", bomb(LZ4)),
    ("too_large", bomb(ZSTD)),
    ("too_large", bomb(SNAPPY)),
    ("unreadable_batch", flipped(batch(0, [b"v" * 50] * 3), 70)),
    ("unreadable_batch", raw_batch(0, 2, 3, b"?" * 50, attributes=ZSTD)),
    ("unreadable_batch", raw_batch(0, 2, 3, PACK[LZ4](b"x" * 999)[:-9], attributes=LZ4)),
    ("unreadable_batch", raw_batch(0, 2, 3, b"\xff" * 40)),
    (
        "unreadable_batch",
        raw_batch(0, 2, 3, record(-1, b"a") + record(10**6, b"b") + record(2, b"c")),
    ),
]


def test_events_of_every_codec_are_taken_in(service: Service) -> None:
    """Whatever aiokafka compresses with.

    And `status` tells the ends of the logs, which it learns without unpacking anything.
    """
    service.start_worker()
    topic = f"{service.settings.topic_prefix}touchpoints"
    for codec in NAMES.values():
        service.sent += events(codec)
        send_compressed(service.settings.kafka_bootstrap, topic, events(codec), codec)
        assert topic in service.command("status")
    service.wait_until_caught_up()
    assert service.query("SELECT count(*) FROM dead_letter") == [(0,)]
    service.assert_tables_are_right()


def test_batches_that_cannot_be_read_stop_nothing(service: Service) -> None:
    """Each is one dead letter with its bytes, and named by a metric.

    The worker lives, and no partition waits. None is sent again.
    """
    worker = service.start_worker()
    bootstrap, topic = (
        service.settings.kafka_bootstrap,
        f"{service.settings.topic_prefix}touchpoints",
    )
    taken: list[tuple[int, str, bytes]] = []
    header = varint(1) + varint(2) + b"\xff\xfe" + varint(-1)
    odd = [
        raw_batch(0, 0, 1, record(0, value, tail=header, timestamp_delta=-(2**62)))
        for value in events("odd", 2)
    ]
    for number, (reason, data) in enumerate(UNREADABLE):
        service.sent += (good := events(f"good-{number}", 3))
        send_batch(bootstrap, topic, 0, batch(0, good))
        with suppress(KafkaError):
            taken.append((send_batch(bootstrap, topic, 0, data), reason, data))
        send_batch(bootstrap, topic, 1, batch(0, good, ZSTD))
    assert topic in service.command("status")
    for data in odd:
        send_batch(bootstrap, topic, 0, data)
    service.sent += events("odd", 2)
    service.wait_until_caught_up()
    letters = service.query(
        'SELECT "offset", reason, substr(payload, 62) FROM dead_letter ORDER BY 1'
    )
    lasts = [first + int.from_bytes(data[23:27], "big") for first, _, data in taken]
    assert [(offset, reason) for offset, reason, _ in letters] == list(
        zip(lasts, [reason for _, reason, _ in taken], strict=True)
    )
    kept = [
        data[HEADER_BYTES:] if len(data) < KEPT_BATCH_BYTES else None for _, _, data in taken
    ]  # brokers change the header
    assert [None if payload is None else bytes(payload) for _, _, payload in letters] == kept
    assert {reason for _, reason, _ in taken[:4]} == {"too_large"}
    assert worker.metric("voc_unreadable_batches_total") == len(taken)
    assert worker.is_running
    assert "0 sent again" in service.command("dead-letters", "retry", "--all")
    wait_until(
        lambda: (
            service.query("SELECT count(*) FROM dead_letter WHERE published_at IS NULL") == [(0,)]
        ),
        60,
        "all are published",
    )
    assert service.query("SELECT count(*) FROM dead_letter") == [(len(taken),)]
    service.assert_tables_are_right()
