from __future__ import annotations

import time
import uuid

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka_worker import settings_for

from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.log_reader import LogReader
from voc_stream.kafka.topics import (
    alert_topic,
    dead_letter_topic,
    ensure_topics,
    input_topics,
    topic_ids,
)
from voc_stream.pipeline.ports import Partition


def test_the_names_are_those_of_the_contract() -> None:
    """Other systems depend on them; types of events that come later may add some."""
    names = {"callbacks", "complaints", "repair-flow", "touchpoints", "customers", "retractions"}
    assert {f"voc.{name}" for name in names} <= set(input_topics("voc."))
    assert (dead_letter_topic("voc."), alert_topic("voc.")) == ("voc.dead-letters", "voc.alerts")


def test_missing_topics_are_created_and_repeating_changes_nothing(
    broker: str, topic_prefix: str
) -> None:
    """The inputs, with equal partitions, and both outputs; the second time nothing is created."""
    inputs = input_topics(topic_prefix)
    settings = settings_for(broker, topic_prefix, partitions=3)
    assert len(ensure_topics(settings).created) == len(inputs) + 2
    again = ensure_topics(settings)
    assert again.created == ()
    assert len(again.existing) == len(inputs) + 2
    ids = topic_ids(settings_for(broker, topic_prefix), inputs)
    assert len(set(ids.values())) == len(inputs)


def test_a_new_input_topic_gets_as_many_partitions_as_the_others_have(
    broker: str, topic_prefix: str
) -> None:
    """Not as many as the settings say: a customer's events must stay with one worker."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics(
        {f"{topic_prefix}callbacks": {"num_partitions": 5, "replication_factor": 1}}
    )
    ensure_topics(settings_for(broker, topic_prefix, partitions=3))
    found = {
        each["name"]: len(each["partitions"])
        for each in admin.describe_topics()
        if each["name"] in input_topics(topic_prefix)
    }
    admin.close()
    assert set(found.values()) == {5}


def test_input_topics_with_different_partitions_are_refused(broker: str, topic_prefix: str) -> None:
    """The error names them, and nothing is created."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    for name, count in (("callbacks", 2), ("complaints", 3)):
        admin.create_topics(
            {topic_prefix + name: {"num_partitions": count, "replication_factor": 1}}
        )
    admin.close()
    with pytest.raises(TopicsError, match=r"callbacks has 2.*complaints has 3"):
        ensure_topics(settings_for(broker, topic_prefix))
    with pytest.raises(TopicsError, match="customers"):
        topic_ids(settings_for(broker, topic_prefix), input_topics(topic_prefix))


def test_a_topic_made_anew_has_another_id(broker: str, topic_prefix: str) -> None:
    """That is how a worker tells one log from another under the same name."""
    settings = settings_for(broker, topic_prefix)
    ensure_topics(settings)
    before = topic_ids(settings_for(broker, topic_prefix), input_topics(topic_prefix))
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.delete_topics(list(before))
    admin.close()
    ensure_topics(settings)
    after = topic_ids(settings_for(broker, topic_prefix), input_topics(topic_prefix))
    assert all(uuid.UUID(after[name]).int != 0 and after[name] != before[name] for name in before)


def test_the_real_end_of_a_log_is_found_by_fetching(broker: str, topic_prefix: str) -> None:
    """The embedded broker lists too small an end where the last batch has several messages."""
    settings = settings_for(broker, topic_prefix)
    ensure_topics(settings)
    topic = input_topics(topic_prefix)[0]
    producer = KafkaProducer(bootstrap_servers=broker, linger_ms=200)
    for number in range(25):
        producer.send(topic, b"%d" % number, partition=0)
    producer.close()
    ends = LogReader(settings_for(broker, topic_prefix)).ends(
        {Partition(topic, 0): 1, Partition(topic, 1): 0}
    )
    assert ends == {Partition(topic, 0): 25, Partition(topic, 1): 0}


def test_an_absent_broker_is_named_soon() -> None:
    """The error says which setting to look at, within seconds."""
    started = time.monotonic()
    with pytest.raises(TopicsError, match="check VOC_KAFKA_BOOTSTRAP"):
        ensure_topics(settings_for(f"127.0.0.1:{free_port()}", "voc."))
    assert time.monotonic() - started < 5
