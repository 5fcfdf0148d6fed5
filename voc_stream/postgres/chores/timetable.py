"""Declares how often each chore of the store is due. It imports nothing of what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.pipeline.chores import Due

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


SITES_SECONDS = 2.0


def timetable(evaluate_every: timedelta) -> Sequence[Due]:
    """All chores of the store; alerts are evaluated as often as the caller says."""
    return (
        # It takes no time from a clock, so it goes on while a clock is wrong.
        Due("move_histories", 2.0, needs_clock=False),
        Due("settle_sites", SITES_SECONDS),
        Due("settle_details", 4.0),
        Due("assess_churn", 2.0),
        Due("take_back", 2.0),
        Due("read_texts", 2.0, needs_clock=False),
        Due("measure_importance", 3600.0),
        Due("walk_customers", 5.0),
        Due("fit_churn", 3600.0),
        Due("evaluate", evaluate_every.total_seconds()),
        Due("dead_letter_retention", 60.0),
        Due("readings", 10.0),
    )
