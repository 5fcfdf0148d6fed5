"""What only Apache Kafka does.

It compresses by a topic's setting, and gives out what went wrong on its disk.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from builders import message, touchpoint
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from raw_producer import kcat, send_batch, send_by_kcat, send_compressed
from record_batches import NAMES, batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from apache_kafka import KafkaCluster
    from end_to_end.harness import Service

    StartService = Callable[..., Service]

MARK = b"this will be another letter"


def events(tag: str, number: int = 40, **fields: object) -> list[bytes]:
    """Valid events of so many customers."""
    return [
        message(touchpoint(f"{tag}-{place}", customer_id=f"{tag}-u{place}", **fields))
        for place in range(number)
    ]


def set_compression(service: Service, topic: str, codec: str) -> None:
    """What the broker keeps the topic's batches in, whatever producers send."""
    with closing(KafkaAdminClient(bootstrap_servers=service.settings.kafka_bootstrap)) as admin:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, {"compression.type": codec})]
        )


@pytest.mark.parametrize("codec", NAMES.values())
def test_topics_that_compress_by_themselves(
    shared_cluster: KafkaCluster, start_service: StartService, codec: str
) -> None:
    """Batches are read whatever they are compressed with.

    Whatever the setting `compression.type` of a topic is, and whatever producers used.
    """
    service = start_service(shared_cluster)
    topic = f"{service.settings.topic_prefix}touchpoints"
    set_compression(service, topic, codec)
    service.start_worker()
    for other in (None, *NAMES.values()):
        service.sent += events(f"{other}", 10)
        send_compressed(service.settings.kafka_bootstrap, topic, events(f"{other}", 10), other)
    service.wait_until_caught_up()
    service.assert_tables_are_right()


@pytest.mark.skipif(kcat() is None, reason="kcat is not installed")
def test_librdkafka_with_every_codec(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """The C library behind the clients of many languages; its snappy is framed as Java's is not."""
    service = start_service(shared_cluster)
    service.start_worker()
    topic, program = f"{service.settings.topic_prefix}touchpoints", kcat()
    assert program is not None
    for codec in NAMES.values():
        service.sent += events(codec)
        send_by_kcat(program, service.settings.kafka_bootstrap, topic, events(codec), codec)
    service.wait_until_caught_up()
    service.assert_tables_are_right()


def test_a_batch_that_the_disk_changed(cluster: KafkaCluster, start_service: StartService) -> None:
    """One byte of a stored batch is another one.

    That batch is one dead letter, and everything around it is in the tables.

    aiokafka raises for the checksum and fetches the batch again for ever; the partition would never
    go on.
    """
    service = start_service(cluster)
    bootstrap, topic = (
        service.settings.kafka_bootstrap,
        f"{service.settings.topic_prefix}touchpoints",
    )
    send_batch(bootstrap, topic, 0, batch(0, before := events("before")))
    spoilt = send_batch(bootstrap, topic, 0, batch(0, events("spoilt", 7, text=MARK.decode())))
    send_batch(bootstrap, topic, 0, batch(0, after := events("after")))
    send_batch(bootstrap, topic, 1, batch(0, beside := events("beside")))
    cluster.stop(1)
    [log] = [path for path in cluster.folder.rglob("*.log") if path.parent.name == f"{topic}-0"]
    data = log.read_bytes()
    assert MARK in data
    log.write_bytes(data.replace(MARK, MARK.upper(), 1))
    cluster.start(1)
    cluster.wait_until_ready()
    worker = service.start_worker()
    service.sent += [*before, *after, *beside]
    service.wait_until_caught_up()
    [(offset, reason, detail)] = service.query('SELECT "offset", reason, detail FROM dead_letter')
    assert (offset, reason) == (spoilt + 6, "unreadable_batch")
    assert f"offsets {spoilt} to {spoilt + 6}" in detail
    assert worker.metric("voc_unreadable_batches_total") == 1
    assert topic in service.command("status")
    service.assert_tables_are_right()
