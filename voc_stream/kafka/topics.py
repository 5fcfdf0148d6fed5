"""The topics of the contract: their names, making them, and their ids."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from voc_stream.events.topics import ALERTS, DEAD_LETTERS, INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from voc_stream.settings import Settings

OUTPUT_PARTITIONS = 1
CONNECT_TIMEOUT_SECONDS = 3.0
BOOTSTRAP_TIMEOUT_MS = 5_000
REQUEST_TIMEOUT_MS = 10_000

T = TypeVar("T")


class TopicsError(Exception):
    """Kafka cannot be reached, or the topics are not as they must be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What `ensure_topics` found: names that it created and names that were there."""

    created: tuple[str, ...]
    existing: tuple[str, ...]


def input_topics(prefix: str) -> tuple[str, ...]:
    """Names of the input topics.

    >>> input_topics("voc.")[2]
    'voc.repair-flow'
    """
    return tuple(prefix + name for name in INPUTS)


def dead_letter_topic(prefix: str) -> str:
    """Name of the topic of refused messages."""
    return prefix + DEAD_LETTERS


def alert_topic(prefix: str) -> str:
    """Name of the topic of alerts."""
    return prefix + ALERTS


def ensure_topics(settings: Settings) -> TopicReport:
    """Create the topics that are missing and check the partitions of all. Safe to repeat. Raises TopicsError."""
    wanted = dict.fromkeys(input_topics(settings.topic_prefix), settings.partitions)
    wanted |= {dead_letter_topic(settings.topic_prefix): OUTPUT_PARTITIONS, alert_topic(settings.topic_prefix): OUTPUT_PARTITIONS}

    def create(admin: Any) -> TopicReport:
        before = _partition_counts(admin, wanted)
        missing = {name: count for name, count in wanted.items() if name not in before}
        _check_inputs(settings.topic_prefix, before)
        # Where some input topics exist already, the new ones get as many partitions as those have.
        present = [before[name] for name in input_topics(settings.topic_prefix) if name in before]
        for name, count in missing.items():
            partitions = present[0] if present and name in input_topics(settings.topic_prefix) else count
            _create(admin, name, partitions, settings.replication_factor)
        _check_inputs(settings.topic_prefix, _partition_counts(admin, wanted))
        return TopicReport(created=tuple(missing), existing=tuple(before))

    return _with_admin(settings.kafka_bootstrap, create)


def topic_ids(bootstrap: str, topics: Collection[str]) -> Mapping[str, str]:
    """Kafka's ids of these topics: another id under the same name is another log. Raises TopicsError where one is missing."""

    def describe(admin: Any) -> Mapping[str, str]:
        found = {each["name"]: str(each["topic_id"]) for each in _describe(admin, topics)}
        missing = sorted(set(topics) - set(found))
        if missing:
            raise TopicsError(f"there is no topic {', '.join(missing)}: run `voc-stream init`")
        return found

    return _with_admin(bootstrap, describe)


def require_broker(bootstrap: str) -> None:
    """Fail at once where no broker accepts a connection. Raises TopicsError.

    kafka-python would try for seconds, and forgets to close the sockets of refused connections.
    """
    for broker in bootstrap.split(","):
        host, _, port = broker.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_SECONDS).close()
        except OSError:
            continue
        return
    raise TopicsError(f"no broker answers at {bootstrap}: check VOC_KAFKA_BOOTSTRAP and the broker")


def _with_admin(bootstrap: str, use: Callable[[Any], T]) -> T:
    require_broker(bootstrap)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            client_id="voc-stream-admin",
        )
        try:
            return use(admin)
        finally:
            admin.close()
    except KafkaError as error:
        raise TopicsError(f"Kafka at {bootstrap} does not answer as it must ({error}): check VOC_KAFKA_BOOTSTRAP and the broker") from error


def _describe(admin: Any, topics: Collection[str]) -> list[Mapping[str, Any]]:
    """Metadata of those topics that exist. All are asked for: naming a topic would create it where the broker does that by itself."""
    return [each for each in admin.describe_topics() if each["name"] in topics and each["error_code"] == 0]


def _partition_counts(admin: Any, topics: Collection[str]) -> dict[str, int]:
    return {each["name"]: len(each["partitions"]) for each in _describe(admin, topics)}


def _create(admin: Any, name: str, partitions: int, replication_factor: int) -> None:
    try:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": replication_factor}})
    except TopicAlreadyExistsError:
        return  # another `init` was faster


def _check_inputs(prefix: str, counts: Mapping[str, int]) -> None:
    """All input topics must have the same number of partitions, so that a customer's events stay with one worker."""
    found = {name: counts[name] for name in input_topics(prefix) if name in counts}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in found.items())
        raise TopicsError(f"all input topics must have the same number of partitions, but {listed}: add partitions to the smaller ones")
