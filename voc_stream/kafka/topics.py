"""Names the topics of the contract, makes them, and reads their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, NoError, TopicAlreadyExistsError

from voc_stream.events.topics import ALERTS, DEAD_LETTERS, INPUTS
from voc_stream.kafka.connection.ask import TopicsError, explained
from voc_stream.kafka.connection.permissions import (
    DESCRIBE,
    READ,
    WRITE,
    forbidden,
    group_problem,
    is_hidden,
    refusal,
)
from voc_stream.kafka.connection.security import client_options

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from voc_stream.settings import Settings

OUTPUT_PARTITIONS = 1
# Kafka stamps messages as they come. By the producers' clocks, it would at once delete a message
# that a producer dates to 1970. Nothing here reads the stamp. Two settings are deliberately not
# set. `compression.type=uncompressed` would make the broker refuse bombs. But it takes 5 to 7 times
# the disk and the network for all events (84,775 of them: 29.5 MB for 4.3). It also unpacks the
# bomb in the broker's own memory. `max.message.bytes` bounds only what is packed. The worker bounds
# what it unpacks, in topics made by others, too.
INPUT_SETTINGS = {"message.timestamp.type": "LogAppendTime"}
BOOTSTRAP_TIMEOUT_MS = 5_000
REQUEST_TIMEOUT_MS = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What `ensure_topics` found: names that it created and names that were there."""

    created: tuple[str, ...]
    existing: tuple[str, ...]


def input_topics(prefix: str) -> tuple[str, ...]:
    """Names of the input topics.

    >>> input_topics("voc.")[0]
    'voc.callbacks'
    """
    return tuple(prefix + name for name in INPUTS)


def dead_letter_topic(prefix: str) -> str:
    """Name of the topic of refused messages."""
    return prefix + DEAD_LETTERS


def alert_topic(prefix: str) -> str:
    """Name of the topic of alerts."""
    return prefix + ALERTS


def ensure_topics(settings: Settings) -> TopicReport:
    """Create the topics that are missing, and check the partitions of all.

    Safe to repeat. Raises TopicsError.
    """
    wanted = dict.fromkeys(input_topics(settings.topic_prefix), settings.partitions)
    wanted |= {
        dead_letter_topic(settings.topic_prefix): OUTPUT_PARTITIONS,
        alert_topic(settings.topic_prefix): OUTPUT_PARTITIONS,
    }

    def create(admin: Any) -> TopicReport:
        before = _partition_counts(settings, admin, wanted)
        missing = {name: count for name, count in wanted.items() if name not in before}
        _check_inputs(settings.topic_prefix, before)
        # If some input topics exist already, the new ones get as many partitions as those have.
        present = [before[name] for name in input_topics(settings.topic_prefix) if name in before]
        inputs = input_topics(settings.topic_prefix)
        for name, count in missing.items():
            partitions = present[0] if present and name in inputs else count
            _create(settings, admin, name, partitions, INPUT_SETTINGS if name in inputs else {})
        _check_inputs(settings.topic_prefix, _partition_counts(settings, admin, wanted))
        return TopicReport(created=tuple(missing), existing=tuple(before))

    return with_admin(settings, create)


def topic_ids(settings: Settings, topics: Collection[str]) -> Mapping[str, str]:
    """Kafka's ids of these topics: another id under the same name is another log.

    Raises TopicsError if one is missing.
    """
    return with_admin(
        settings,
        lambda admin: {
            name: str(each["topic_id"]) for name, each in _existing(settings, admin, topics).items()
        },
    )


def unwritable_topics(settings: Settings) -> Mapping[str, str]:
    """The input topics that we may not write to, and why.

    Raises TopicsError if these are all topics, or if one does not exist.
    """
    topics = input_topics(settings.topic_prefix)

    def look(admin: Any) -> Mapping[str, str]:
        described = admin.describe_topics(list(topics))
        _refuse_missing(
            [each["name"] for each in described if not _exists(each) and not is_hidden(each)]
        )
        return forbidden(settings, described, dict.fromkeys(topics, WRITE))

    reasons = with_admin(settings, look)
    if len(reasons) == len(topics):
        raise TopicsError(reasons[topics[0]])
    return reasons


def require_readable(settings: Settings) -> None:
    """Make sure that the rules (ACLs) let us read the input topics that exist.

    Raises TopicsError.
    """
    topics = input_topics(settings.topic_prefix)
    reasons = with_admin(
        settings,
        lambda admin: forbidden(
            settings, admin.describe_topics(list(topics)), dict.fromkeys(topics, READ)
        ),
    )
    for reason in reasons.values():
        raise TopicsError(reason)


def require_worker_access(settings: Settings) -> None:
    """Make sure that topics and rules (ACLs) let a worker read the input and join its group.

    Raises TopicsError with what is missing first.
    """
    inputs = input_topics(settings.topic_prefix)

    def look(admin: Any) -> None:
        described = _existing(settings, admin, inputs, READ)
        # Only brokers with rules tell what is allowed, and only those need to be asked.
        if described[inputs[0]].get("authorized_operations") is not None:
            problem = group_problem(settings, admin)
            if problem is not None:
                raise TopicsError(problem)

    with_admin(settings, look)


class _Admin(KafkaAdminClient):  # type: ignore[misc]  # the library ships no usable types
    """Connects by a method of its own.

    If kafka-python's constructor fails, it leaves its thread and its sockets behind.
    """

    def __init__(self) -> None:
        self._closed = True

    def connect(self, settings: Settings) -> None:
        """Connect. Raises KafkaError; close it also then."""
        options = client_options(settings)
        self._closed = False
        super().__init__(
            **options,
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            client_id="voc-stream-admin",
        )


def with_admin(settings: Settings, use: Callable[[Any], T]) -> T:
    """Call `use` with a client that administers the cluster, and return its result.

    Raises TopicsError.
    """
    with explained(settings):
        admin = _Admin()
        try:
            admin.connect(settings)
            return use(admin)
        finally:
            admin.close()


def _existing(
    settings: Settings, admin: Any, topics: Collection[str], operation: str = DESCRIBE
) -> Mapping[str, Mapping[str, Any]]:
    """Metadata of these topics, by name.

    Raises TopicsError if one does not exist, or if the operation is not allowed.
    """
    # No topic is made by being named: the client asks for that not to happen.
    described = admin.describe_topics(list(topics))
    for reason in forbidden(settings, described, dict.fromkeys(topics, operation)).values():
        raise TopicsError(reason)
    found = {each["name"]: each for each in described if _exists(each)}
    _refuse_missing(set(topics) - set(found))
    return found


def _exists(described: Mapping[str, Any]) -> bool:
    return bool(described["error_code"] == NoError.errno)


def _refuse_missing(topics: Collection[str]) -> None:
    if topics:
        raise TopicsError(f"there is no topic {', '.join(sorted(topics))}: run `voc-stream init`")


def _partition_counts(settings: Settings, admin: Any, topics: Collection[str]) -> dict[str, int]:
    described = admin.describe_topics(list(topics))
    for reason in forbidden(settings, described, dict.fromkeys(topics, DESCRIBE)).values():
        raise TopicsError(reason)
    return {each["name"]: len(each["partitions"]) for each in described if _exists(each)}


def _create(
    settings: Settings, admin: Any, name: str, partitions: int, configs: Mapping[str, str]
) -> None:
    topic = {
        "num_partitions": partitions,
        "replication_factor": settings.replication_factor,
        "configs": dict(configs),
    }
    try:
        admin.create_topics({name: topic})
    except TopicAlreadyExistsError:
        return  # another `init` was faster
    except AuthorizationError as error:
        raise TopicsError(refusal(settings, "CREATE", "topic", name)) from error


def _check_inputs(prefix: str, counts: Mapping[str, int]) -> None:
    """Make sure that all input topics have the same number of partitions.

    So a customer's events stay with one worker.
    """
    found = {name: counts[name] for name in input_topics(prefix) if name in counts}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in found.items())
        raise TopicsError(
            f"all input topics must have the same number of partitions, but {listed}: add"
            f" partitions to the smaller ones"
        )
