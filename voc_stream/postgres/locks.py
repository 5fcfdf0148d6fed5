"""The advisory locks of this program. The numbers are one after another, so that two can never be the same by mistake."""

from __future__ import annotations

from enum import IntEnum

_FIRST = 7_602_000  # only to be unlike what other programs on the same database choose


class Lock(IntEnum):
    """What at most one at a time does in a database.

    WRITERS is shared by all that take events in, and TABLES by all whose work relies on how the tables are made.
    """

    MIGRATION = _FIRST
    WRITERS = _FIRST + 1
    SITES = _FIRST + 2
    ASSESSMENT = _FIRST + 3
    DETAILS = _FIRST + 4
    TABLES = _FIRST + 5
    EVALUATION = _FIRST + 6
    OUTBOX = _FIRST + 7
