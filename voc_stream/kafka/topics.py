"""The topics of the contract: their names, making them, and their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, TopicAlreadyExistsError

from voc_stream.events.topics import ALERTS, DEAD_LETTERS, INPUTS
from voc_stream.kafka.access import TopicsError, explained
from voc_stream.kafka.permissions import DESCRIBE, READ, WRITE, forbidden, group_problem, hidden_topics, refusal
from voc_stream.kafka.security import client_options

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from voc_stream.settings import Settings

OUTPUT_PARTITIONS = 1
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
            _create(settings, admin, name, partitions)
        _check_inputs(settings.topic_prefix, _partition_counts(admin, wanted))
        return TopicReport(created=tuple(missing), existing=tuple(before))

    return _with_admin(settings, create)


def topic_ids(settings: Settings, topics: Collection[str]) -> Mapping[str, str]:
    """Kafka's ids of these topics: another id under the same name is another log. Raises TopicsError where one is missing."""
    return _with_admin(settings, lambda admin: {name: str(each["topic_id"]) for name, each in _existing(settings, admin, topics).items()})


def unwritable_topics(settings: Settings) -> Mapping[str, str]:
    """The input topics that we may not write to, and why. Raises TopicsError where that is all of them, or where one does not exist."""
    topics = input_topics(settings.topic_prefix)

    def look(admin: Any) -> Mapping[str, str]:
        described = {each["name"]: each for each in _describe(admin, topics)}
        missing = [name for name in topics if name not in described]
        hidden = hidden_topics(admin, missing) if missing else []
        _refuse_missing(set(missing) - set(hidden))
        reasons = forbidden(settings, described.values(), dict.fromkeys(topics, WRITE))
        return reasons | {name: refusal(settings, WRITE, "topic", name) for name in hidden}

    reasons = _with_admin(settings, look)
    if len(reasons) == len(topics):
        raise TopicsError(reasons[topics[0]])
    return reasons


def require_readable(settings: Settings) -> None:
    """The rules (ACLs) let us read the input topics that exist. Raises TopicsError."""
    topics = input_topics(settings.topic_prefix)

    def look(admin: Any) -> None:
        described = _describe(admin, topics)
        missing = set(topics) - {each["name"] for each in described}
        for hidden in hidden_topics(admin, missing) if missing else ():
            raise TopicsError(refusal(settings, READ, "topic", hidden))
        for reason in forbidden(settings, described, dict.fromkeys(topics, READ)).values():
            raise TopicsError(reason)

    _with_admin(settings, look)


def require_worker_access(settings: Settings) -> None:
    """Topics and rules (ACLs) let a worker read the input topics and join its group. Raises TopicsError with what is missing first."""
    inputs = input_topics(settings.topic_prefix)

    def look(admin: Any) -> None:
        described = _existing(settings, admin, inputs)
        for reason in forbidden(settings, described.values(), dict.fromkeys(inputs, READ)).values():
            raise TopicsError(reason)
        # Only brokers with rules tell what is allowed, and only those need to be asked.
        if described[inputs[0]].get("authorized_operations") is not None:
            problem = group_problem(settings, admin)
            if problem is not None:
                raise TopicsError(problem)

    _with_admin(settings, look)


def _with_admin(settings: Settings, use: Callable[[Any], T]) -> T:
    with explained(settings):
        admin = KafkaAdminClient(
            **client_options(settings),
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            client_id="voc-stream-admin",
        )
        try:
            return use(admin)
        finally:
            admin.close()


def _existing(settings: Settings, admin: Any, topics: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """Metadata of these topics, by name. Raises TopicsError where one does not exist, or may not be seen."""
    found = {each["name"]: each for each in _describe(admin, topics)}
    missing = sorted(set(topics) - set(found))
    if missing:
        for hidden in hidden_topics(admin, missing):
            raise TopicsError(refusal(settings, DESCRIBE, "topic", hidden))
    _refuse_missing(missing)
    return found


def _refuse_missing(topics: Collection[str]) -> None:
    if topics:
        raise TopicsError(f"there is no topic {', '.join(sorted(topics))}: run `voc-stream init`")


def _describe(admin: Any, topics: Collection[str]) -> list[Mapping[str, Any]]:
    """Metadata of those topics that exist. All are asked for: naming a topic would create it where the broker does that by itself."""
    return [each for each in admin.describe_topics() if each["name"] in topics and each["error_code"] == 0]


def _partition_counts(admin: Any, topics: Collection[str]) -> dict[str, int]:
    return {each["name"]: len(each["partitions"]) for each in _describe(admin, topics)}


def _create(settings: Settings, admin: Any, name: str, partitions: int) -> None:
    try:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": settings.replication_factor}})
    except TopicAlreadyExistsError:
        return  # another `init` was faster
    except AuthorizationError as error:
        raise TopicsError(refusal(settings, "CREATE", "topic", name)) from error


def _check_inputs(prefix: str, counts: Mapping[str, int]) -> None:
    """All input topics must have the same number of partitions, so that a customer's events stay with one worker."""
    found = {name: counts[name] for name in input_topics(prefix) if name in counts}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in found.items())
        raise TopicsError(f"all input topics must have the same number of partitions, but {listed}: add partitions to the smaller ones")
