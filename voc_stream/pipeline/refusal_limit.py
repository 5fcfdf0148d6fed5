"""Decides when a partition refuses no more.

A broken producer must not drain into dead letters unseen. There are two limits: so many refused
messages in a row, and such a share of the latest ones. Beyond either, messages that are events are
still taken in. The next message that would be refused is not: there the partition stops until
somebody has looked. What has been refused is kept beside the position, so a restart forgets
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.events.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence


FEWEST = 2_000
"""A share of fewer messages counts as one of so many: a burst of some hundreds stops nothing."""
WINDOW = 2 * FEWEST
"""Once so many messages are counted, all count half: what happened long ago is forgotten."""
SET_ASIDE_COUNTS = 100
"""How much a message counts that had to be found by trying.

Each such message takes a minute of its partition.
"""


class RefusalRecord(NamedTuple):
    """What a partition has refused of late.

    Attributes:
        run: refused messages in a row before the position.
        messages: messages of late; counted from the first refusal on, so a healthy partition has
            nothing to write.
        refused: of those the refused ones.
        allowed: refusals that an operator lets through without counting them.
    """

    run: int = 0
    messages: int = 0
    refused: int = 0
    allowed: int = 0

    def after(self, contents: Sequence[object]) -> RefusalRecord:
        """The record once these messages, too, were taken in or refused.

        >>> RefusalRecord().after([Refusal("empty", "")] * 3)
        RefusalRecord(run=3, messages=3, refused=3, allowed=0)
        """
        run, messages, refused, allowed = self
        if (
            not run
            and not refused
            and not any(isinstance(content, Refusal) for content in contents)
        ):
            return self
        for content in contents:
            if not isinstance(content, Refusal):
                run, messages = 0, messages + (refused > 0)
            elif allowed:
                allowed -= 1
            else:
                weight = weight_of(content)
                run, messages, refused = run + weight, messages + weight, refused + weight
            if messages >= WINDOW:
                refused //= 2
                messages = messages // 2 if refused else 0
        return RefusalRecord(run, messages, refused, allowed)


class RefusalLimit(NamedTuple):
    """The limits at which a partition stops; 0 is never.

    Attributes:
        run: refused messages in a row.
        percent: share of the latest messages, of at least FEWEST.
    """

    run: int = 1_000
    percent: int = 50

    def reached(self, record: RefusalRecord) -> str | None:
        """Which limit is reached, in words; None if none is.

        >>> RefusalLimit().reached(RefusalRecord(run=1_000))
        '1000 messages in a row were refused'
        """
        if record.allowed:
            return None
        if self.run and record.run >= self.run:
            return f"{record.run} messages in a row were refused"
        if self.percent and 100 * record.refused >= self.percent * max(record.messages, FEWEST):
            return (
                f"{record.refused} of the latest {max(record.messages, FEWEST)} messages were"
                f" refused"
            )
        return None

    def admits(self, record: RefusalRecord, contents: Sequence[object]) -> int:
        """How many of the next messages may be taken in or refused before the partition stops."""
        cost = sum([weight_of(content) for content in contents if isinstance(content, Refusal)])
        may_reach_run = self.run and record.run + cost > self.run
        may_reach_share = self.percent and 100 * (record.refused + cost) > self.percent * FEWEST
        if not (may_reach_run or may_reach_share):
            return len(contents)  # nearly always, without counting one by one
        for place, content in enumerate(contents):
            if isinstance(content, Refusal) and self.reached(record) is not None:
                return place
            record = record.after([content])
        return len(contents)


def weight_of(refusal: Refusal) -> int:
    """How much a refusal counts."""
    return SET_ASIDE_COUNTS if refusal.reason == "processing_failed" else 1
