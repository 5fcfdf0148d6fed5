"""Names what a fold reads from the stored events before its states are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Unread(NamedTuple):
    """What must be read from the stored events, and also what was read.

    Each value is a mark when it must be read. When it was read, it is the earliest moment after the
    mark; what the stored events do not have is not in it.

    Attributes:
        steps: of complaints, by id and action; the mark is the latest reopening.
        contacts: of orders, by id; the mark is the delivery.
    """

    steps: Mapping[tuple[str, str], datetime]
    contacts: Mapping[str, datetime]
