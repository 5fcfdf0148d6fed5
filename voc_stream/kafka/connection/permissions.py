"""Asks what Kafka's rules (ACLs) let us do, before it is tried.

A client that may not read a topic is told so nowhere else in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from voc_stream.kafka.connection.probe import SECURITY_PAGE, principal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voc_stream.settings import Settings

READ, WRITE, DESCRIBE = "READ", "WRITE", "DESCRIBE"


def is_hidden(described: Mapping[str, Any]) -> bool:
    """Whether we may not see this topic: then it may exist or not."""
    return bool(described["error_code"] == TopicAuthorizationFailedError.errno)


def forbidden(
    settings: Settings, described: Iterable[Mapping[str, Any]], wanted: Mapping[str, str]
) -> dict[str, str]:
    """Why we may not do the operation `wanted`, and what to do, for each topic that forbids it."""
    return {
        each["name"]: refusal(settings, wanted[each["name"]], "topic", each["name"])
        for each in described
        if is_hidden(each) or not _is_allowed(each, wanted[each["name"]])
    }


def _is_allowed(described: Mapping[str, Any], operation: str) -> bool:
    """Whether the operation is allowed.

    Brokers without rules, and old ones, tell of no operations.
    """
    allowed = described.get("authorized_operations")
    return allowed is None or operation in allowed


def group_problem(settings: Settings, admin: Any) -> str | None:
    """Why a worker cannot join its group: a rule is missing.

    None if it can, or if nobody tells.
    """
    try:
        described = admin.describe_groups([settings.group])[settings.group]
    except GroupAuthorizationFailedError:
        return refusal(settings, READ, "group", settings.group)
    except CoordinatorNotAvailableError:
        return None  # the first worker of a new cluster
    is_unseen = "GroupAuthorizationFailed" in str(described.get("error"))
    return (
        refusal(settings, READ, "group", settings.group)
        if is_unseen or not _is_allowed(described, READ)
        else None
    )


def refusal(settings: Settings, operation: str, kind: str, name: str) -> str:
    """The sentence for one missing rule."""
    verb = {READ: "read", WRITE: "write to", DESCRIBE: "see"}.get(operation, operation.lower())
    return (
        f"Kafka at {settings.kafka_bootstrap} does not let {principal(settings)} {verb} {kind}"
        f" {name}: "
        f"add an ACL that allows {operation.capitalize()} on it ({SECURITY_PAGE})"
    )
