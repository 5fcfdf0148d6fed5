"""Folds the failed attempts to reach a customer, and says what was tried until one succeeded.

Attempts count from a mark on: the delivery of an order. It may be told late, so attempts before it
are kept, too. It only ever moves later, and takes attempts away from the earliest on. So the latest
ones suffice, however many there are: no stored event is read again.

What succeeded is kept elsewhere. So a call that is completed, as most are, costs nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.domain.moment import from_microseconds, microseconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

MOST_FAILED = 20
"""How many failed attempts are kept, the latest ones. Few call more often about one order."""
SUCCEEDED = "completed"


class FailedAttempt(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """An attempt that did not succeed.

    They sort by moment; of one moment by the word for the outcome, so that the order is always the
    same.

    Attributes:
        at: microseconds since 1970.
        outcome: `no_answer` or `refused`.
    """

    at: int
    outcome: str


class Attempts(NamedTuple):
    """The attempts from a mark until one succeeded. Without any, all but `calls` is None."""

    calls: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_outcome: str | None = None


def with_failed(failed: Iterable[FailedAttempt], attempt: FailedAttempt) -> list[FailedAttempt]:
    """One more failed attempt, in order. Any order of calls ends in the same."""
    return sorted([*failed, attempt])[-MOST_FAILED:]


def attempts_until(
    failed: Sequence[FailedAttempt], mark: int, success: datetime | None
) -> Attempts:
    """What was tried after a mark, until it succeeded, or to this day.

    Args:
        failed: in order.
        mark: microseconds since 1970; only what came strictly after it counts.
        success: the earliest attempt after the mark that succeeded; it counts as the last attempt.

    >>> calls = [FailedAttempt(0, "no_answer"), FailedAttempt(60_000_000, "no_answer")]
    >>> calls = with_failed(calls, FailedAttempt(30_000_000, "refused"))
    >>> tried = attempts_until(calls, 10_000_000, None)
    >>> tried.calls, tried.last_outcome
    (2, 'no_answer')
    >>> tried = attempts_until(calls, 10_000_000, from_microseconds(60_000_000))
    >>> tried.calls, tried.last_outcome
    (2, 'completed')
    >>> attempts_until(calls, 60_000_000, None)
    Attempts(calls=0, first_at=None, last_at=None, last_outcome=None)
    """
    if success is None:
        tried = [each for each in failed if each.at > mark]
    elif failed:
        until = microseconds_of(success)
        tried = [each for each in failed if mark < each.at < until]
    else:
        tried = []
    if not tried:
        return Attempts(0) if success is None else Attempts(1, success, success, SUCCEEDED)
    first, last = from_microseconds(tried[0].at), tried[-1]
    if success is None:
        return Attempts(len(tried), first, from_microseconds(last.at), last.outcome)
    return Attempts(len(tried) + 1, first, success, SUCCEEDED)
