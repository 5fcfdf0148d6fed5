"""What the test of every rule declares.

Facts in which its alert starts, and facts in which it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.alerts.rule import Facts


class Example(NamedTuple):
    """Judged with the packaged catalogue.

    Attributes:
        starts: facts in which an alert starts.
        ends: facts in which each of these alerts ends.
        now: the time of both evaluations.
    """

    starts: Facts
    ends: Facts
    now: datetime
