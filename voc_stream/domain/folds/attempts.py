"""Folds the attempts to reach a customer: how many after a mark, the first, the last, how it ended.

The mark is the delivery of an order, and may be told late. So attempts are kept before it, too. It
only ever moves later, and takes attempts away from the earliest on. So the latest ones suffice,
however many there are: what they say after a mark, they say after any later mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.domain.moment import from_microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

MOST_ATTEMPTS = 20
"""How many attempts are kept, the latest ones. Nobody is called more often about one order."""


class Attempt(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """An attempt to reach a customer.

    They sort by moment; of one moment by the word for the outcome, so that the order is always the
    same.

    Attributes:
        at: microseconds since 1970.
        outcome: `completed`, `no_answer` or `refused`.
    """

    at: int
    outcome: str


class Attempts(NamedTuple):
    """What attempts after a mark say. Without any, `calls` is 0 and the rest is None."""

    calls: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_outcome: str | None = None


def with_attempt(attempts: Iterable[Attempt], attempt: Attempt) -> list[Attempt]:
    """One more attempt, in order. Any order of calls ends in the same."""
    return sorted([*attempts, attempt])[-MOST_ATTEMPTS:]


def attempts_after(attempts: Sequence[Attempt], mark: int) -> Attempts:
    """The attempts strictly after a mark, in microseconds since 1970.

    >>> calls = [Attempt(0, "no_answer"), Attempt(60_000_000, "no_answer")]
    >>> calls = with_attempt(calls, Attempt(30_000_000, "refused"))
    >>> attempts_after(calls, 10_000_000).calls, attempts_after(calls, 10_000_000).last_outcome
    (2, 'no_answer')
    >>> attempts_after(calls, 60_000_000)
    Attempts(calls=0, first_at=None, last_at=None, last_outcome=None)
    """
    after = [attempt for attempt in attempts if attempt.at > mark]
    if not after:
        return Attempts(0)
    first, last = after[0], after[-1]
    return Attempts(
        len(after), from_microseconds(first.at), from_microseconds(last.at), last.outcome
    )
