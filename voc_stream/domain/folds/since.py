"""Finds the earliest of many moments after a mark that only ever moves later.

Two moments are kept, however many there are. A complaint may be acknowledged a million times, and
be reopened late. An order may be called about a million times before its delivery is told. Of the
moments after the mark the earliest and the latest are kept. If the mark passes the earliest and not
the latest, the new earliest lies between. It stands among the stored events, and is read from there
by its index.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time

import msgspec


class Since(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The moments after a mark, of which there is at least one.

    Attributes:
        first: the earliest, once `is_read`; else no earlier one is known without reading.
        last: the latest.
        is_read: whether `first` is the earliest; always so in what is stored.
    """

    first: datetime
    last: datetime
    is_read: bool = True


def with_moment(since: Since | None, at: datetime) -> Since:
    """One more moment after the mark. Any order of calls ends in the same."""
    if since is None:
        return Since(at, at)
    if since.first <= at <= since.last:
        return since
    return Since(min(since.first, at), max(since.last, at), since.is_read)


def beyond(since: Since | None, mark: datetime) -> Since | None:
    """What is left strictly after a mark that has moved later.

    >>> from datetime import UTC
    >>> day = [datetime(2026, 1, number, tzinfo=UTC) for number in range(1, 5)]
    >>> since = with_moment(with_moment(None, day[1]), day[3])
    >>> beyond(since, day[0]) == since, beyond(since, day[3])
    (True, None)
    >>> beyond(since, day[2]).is_read
    False
    """
    if since is None or since.last <= mark:
        return None
    return since if since.first > mark else Since(since.last, since.last, is_read=False)


def read(since: Since, earliest: datetime | None) -> Since:
    """The same moments with the earliest that the stored events tell.

    None if they do not have it any more.
    """
    return Since(since.first if earliest is None else earliest, since.last)
