"""Settings of the topics that `init` makes, as Apache Kafka takes them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from builders import message, touchpoint
from end_to_end.harness import wait_until
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from raw_producer import send_batch
from record_batches import raw_batch, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from apache_kafka import KafkaCluster
    from end_to_end.harness import Service

    StartService = Callable[..., Service]


def test_a_producer_whose_clock_stands_at_1970_loses_nothing(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """Kafka deletes by the time of messages.

    By the producer's, they would be gone before anybody reads them, as in the usual topic.
    """
    service = start_service(shared_cluster)
    bootstrap, ours, usual = (
        shared_cluster.bootstrap,
        f"{service.settings.topic_prefix}touchpoints",
        f"{service.settings.topic_prefix}usual",
    )
    value = message(touchpoint("of-1970"))
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics({usual: {"num_partitions": 1, "replication_factor": 1}})
    for topic in (ours, usual):
        send_batch(bootstrap, topic, 0, raw_batch(0, 0, 1, record(0, value), stamp_ms=1_000))
    with closing(KafkaConsumer(bootstrap_servers=bootstrap)) as consumer:
        places = [TopicPartition(topic, 0) for topic in (usual, ours)]
        wait_until(
            lambda: consumer.beginning_offsets(places[:1]) == {places[0]: 1},
            60,
            "Kafka deletes from the usual topic",
        )
        assert consumer.beginning_offsets(places[1:]) == {places[1]: 0}
    service.start_worker()
    service.sent.append(value)
    service.wait_until_caught_up()
    service.assert_tables_are_right()
