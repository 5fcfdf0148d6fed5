"""Finds the message for which a batch fails, by pure decisions without I/O.

Parts of the batch are tried alone, smaller and smaller ones. A part that fails holds the guilty
message, and half of it is tried next. A part that goes in is done with. A message is guilty if it
fails alone often enough, in the same way, while the store is well, and not for a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from voc_stream.pipeline.ports import Batch

SHORT_SHARE = 1 / 25
"""The share of the usual time that a part may take.

A part that fails because of its time is halved soon, and a part that is only large goes in by
halves.
"""
SHORTEST_SECONDS = 0.5
GUILTY_AT = 3
USED_UP_COUNTS = 2
"""How often a failure counts if a message alone had all of the usual time.

Each such try costs that time.
"""


class Failure(NamedTuple):
    """Why a try failed while the store was well.

    Attributes:
        way: what is the same if it fails in the same way again.
        explanation: the cause, for people; without the customers' words.
        may_be_guilty: whether the message itself may be the cause; not so with a lock.
        used_up: whether it had all the time that a batch usually has.
    """

    way: str
    explanation: str
    may_be_guilty: bool
    used_up: bool


class Try(NamedTuple):
    """What to try next, and for how long."""

    portion: Batch
    seconds: float


@dataclass(slots=True)
class Case:
    """A batch that failed, and how far its guilty message is narrowed down.

    Attributes:
        batch: what is left of it.
        deadline_seconds: the time that a batch usually has.
        failures: how often something failed since the last part went in; for the pause.
    """

    batch: Batch
    deadline_seconds: float
    failures: int = 0
    _suspects: int = 0
    _most: int | None = None
    _largest: int = 0
    _evidence: int = 0
    _way: str = ""

    def next_try(self) -> Try:
        """The first part of what is left.

        That is all of it at first, then half of the part that must hold the guilty message. If all
        of what failed then goes in by parts, no message was guilty, but it was too much at once.
        Then twice what went in comes next.
        """
        size = -(-self._suspects // 2) or self._most or len(self.batch.messages)
        is_lone_again = self._suspects == 1 and self._evidence > 0
        short = min(
            self.deadline_seconds, max(SHORTEST_SECONDS, self.deadline_seconds * SHORT_SHARE)
        )
        return Try(
            self.batch.first(max(1, size)), self.deadline_seconds if is_lone_again else short
        )

    def narrow(self, admitted: Batch) -> None:
        """Try only this part next: what follows it may not be refused."""
        self._most, self._suspects = len(admitted.messages), 0

    def succeeded(self, tried: Try) -> bool:
        """Note that the part went in, or was set aside; returns whether all is done."""
        size, was_suspect, was_guilty = (
            len(tried.portion.messages),
            self._suspects > 0,
            self._evidence >= GUILTY_AT,
        )
        self._suspects = max(0, self._suspects - size)
        self._largest = max(self._largest, size)
        if not self._suspects:
            self._most = (
                2 * self._largest if not was_guilty and (was_suspect or self._most) else None
            )
            self._largest = 0
        self.failures, self._evidence, self._way = 0, 0, ""
        if tried.portion.next_offset >= self.batch.next_offset:
            return True
        self.batch = self.batch.after(tried.portion)
        return False

    def failed(self, tried: Try, failure: Failure) -> bool:
        """Note that the part failed; returns whether its one message is guilty."""
        self.failures += 1
        was_narrowed = self._suspects != 1
        self._suspects = len(tried.portion.messages)
        if self._suspects > 1:
            return False
        if was_narrowed or failure.way != self._way:
            self._evidence, self._way = 0, failure.way
        if failure.may_be_guilty:
            self._evidence += USED_UP_COUNTS if failure.used_up else 1
        return self._evidence >= GUILTY_AT
