"""Finds who else is in the consumer group.

Workers of two installations in one group would each get a part of the events. Every worker's client
id carries the id of its installation, and brokers show it in the ids of the group's members.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kafka.errors import CoordinatorNotAvailableError

from voc_stream.kafka.topics import with_admin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voc_stream.settings import Settings

_OURS = re.compile(r"voc-stream\.([0-9a-z]+)(-.*)?")


def client_id(installation: str) -> str:
    """The client id of a worker of this installation.

    >>> client_id("4f1c")
    'voc-stream.4f1c'
    """
    return f"voc-stream.{installation}"


def strangers(member_ids: Iterable[str], installation: str) -> list[str]:
    """Installations of other members, given the members' ids as brokers make them.

    Such an id is the client id, a dash, and something random.

    >>> members = ["voc-stream.4f1c-0a", "voc-stream.77aa-1b", "voc-stream.77aa-2c", "rdkafka-3d"]
    >>> strangers(members, "4f1c")
    ['77aa']
    """
    found = {match[1] for member_id in member_ids if (match := _OURS.fullmatch(member_id))}
    return sorted(found - {installation})


def read_strangers(settings: Settings, installation: str) -> Sequence[str]:
    """Other installations whose workers are in our group now. Raises TopicsError."""

    def look(admin: Any) -> Sequence[str]:
        # The embedded broker allows operations that Kafka does not have, and kafka-python fails to
        # name them; nobody asks for them here.
        admin._process_acl_operations = lambda group: group  # noqa: SLF001
        try:
            described = admin.describe_groups([settings.group])[settings.group]
        except CoordinatorNotAvailableError:
            return []  # the first worker of a new cluster
        return strangers([member["member_id"] for member in described["members"]], installation)

    return with_admin(settings, look)


def shared_group(settings: Settings, others: Sequence[str]) -> str:
    """What an operator is told about a group that several installations share."""
    return (
        f"the consumer group {settings.group} is used by another installation"
        f" ({', '.join(others)}), which would get a part of the"
        " events: give each installation a VOC_GROUP of its own"
    )
