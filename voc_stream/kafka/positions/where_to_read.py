"""Decides where to read a partition from, given the store and the log: pure.

The store is the truth about what has been taken in. Kafka's committed offset is only shown to tools
that watch consumer groups.
"""

from __future__ import annotations

from typing import NamedTuple

from voc_stream.pipeline.ports import StoredPosition


class Log(NamedTuple):
    """One partition of a topic as the broker has it now."""

    topic_id: str
    earliest: int
    end: int


class Placement(NamedTuple):
    """Where to start.

    Attributes:
        position: what to read from, and in which log.
        is_new: the store has to be told, because this is not the position that it has.
        reset_reason: why the stored position cannot be used; None if it can, or if there was none.
    """

    position: StoredPosition
    is_new: bool
    reset_reason: str | None


def place(stored: StoredPosition | None, log: Log) -> Placement:
    """Choose where to read from.

    That is the stored position if it lies in this log, else the earliest record. Starting too early
    is safe, since an event counts once by its id. Starting too late would lose events.
    """
    earliest = StoredPosition(topic_id=log.topic_id, next_offset=log.earliest)
    if stored is None:
        return Placement(earliest, is_new=True, reset_reason=None)
    if stored.topic_id != log.topic_id:
        reason = f"the topic was created anew (its id was {stored.topic_id}, now {log.topic_id})"
    elif stored.next_offset < log.earliest:
        reason = (
            f"{log.earliest - stored.next_offset} offsets from {stored.next_offset} on are gone"
            f" from the log (retention)"
        )
    elif stored.next_offset > log.end:
        reason = f"the log ends at {log.end}, before the stored position {stored.next_offset}"
    else:
        return Placement(stored, is_new=False, reset_reason=None)
    return Placement(earliest, is_new=True, reset_reason=reason)
