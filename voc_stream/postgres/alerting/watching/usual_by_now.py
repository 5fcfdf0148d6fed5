"""Reads which drops have lasted so long that they are what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.detection.settling import midnight, settled_before, settled_day
from voc_stream.alerts.rules.experiences.key_experience_dropped import NAME, USUAL_BY_NOW
from voc_stream.postgres.alerting.watching.detector_rows import Key

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor


def read_usual_since(cursor: Cursor) -> dict[Key, datetime]:
    """The day from which on a drop is what is usual; the walk of its key begins there."""
    cursor.execute(
        "SELECT scope_type, scope, experience, max(ended_at) FROM alert"
        " WHERE rule = %s AND ended_at IS NOT NULL AND evidence ->> 'ended_because' = %s"
        " GROUP BY 1, 2, 3",
        (NAME, USUAL_BY_NOW.name),
    )
    return {Key(*key): midnight(settled_day(settled_before(ended_at))) for *key, ended_at in cursor}
