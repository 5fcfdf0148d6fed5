"""What Kafka's rules (ACLs) let us do, asked before it is tried: a client that may not read a topic is told so nowhere else in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError, TopicAuthorizationFailedError

from voc_stream.kafka.probe import SECURITY_PAGE, principal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voc_stream.settings import Settings

READ, WRITE, DESCRIBE = "READ", "WRITE", "DESCRIBE"


def hidden_topics(admin: Any, topics: Iterable[str]) -> list[str]:
    """Which of these topics, all missing in the list of topics, we may not see: they may exist or not."""
    # No topic is created by this: the client asks for that not to happen.
    found = admin.describe_topics(list(topics))
    return sorted(each["name"] for each in found if each["error_code"] == TopicAuthorizationFailedError.errno)


def forbidden(settings: Settings, described: Iterable[Mapping[str, Any]], wanted: Mapping[str, str]) -> dict[str, str]:
    """Of each topic on which we may not do the operation that is `wanted`: why, and what to do."""
    # Brokers without rules, and old ones, tell of no operations.
    allowed = {each["name"]: each.get("authorized_operations") for each in described}
    return {
        topic: refusal(settings, operation, "topic", topic)
        for topic, operation in wanted.items()
        if (operations := allowed.get(topic)) is not None and operation not in operations
    }


def group_problem(settings: Settings, admin: Any) -> str | None:
    """Why a worker cannot join its group: a rule is missing. None where it can, or where nobody tells."""
    try:
        described = admin.describe_groups([settings.group])[settings.group]
    except GroupAuthorizationFailedError:
        return refusal(settings, READ, "group", settings.group)
    except CoordinatorNotAvailableError:
        return None  # the first worker of a new cluster
    allowed = described.get("authorized_operations")
    is_forbidden = "GroupAuthorizationFailed" in str(described.get("error")) or (allowed is not None and READ not in allowed)
    return refusal(settings, READ, "group", settings.group) if is_forbidden else None


def refusal(settings: Settings, operation: str, kind: str, name: str) -> str:
    """The sentence for one missing rule."""
    verb = {READ: "read", WRITE: "write to", DESCRIBE: "see"}.get(operation, operation.lower())
    return (
        f"Kafka at {settings.kafka_bootstrap} does not let {principal(settings)} {verb} {kind} {name}: "
        f"add an ACL that allows {operation.capitalize()} on it ({SECURITY_PAGE})"
    )
