"""Reads how experiences stand over the last seven days, for the rules about levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.levels import HORIZON, Level, Levels, rule_of

if TYPE_CHECKING:
    from voc_stream.postgres.alerting.facts.reading import Reading


def read_levels(reading: Reading) -> Levels:
    """The level of every experience that a rule judges, at all sites together and at each site."""
    cursor, (catalogue, _, _) = reading.cursor, reading.context
    judged = [key for key, experience in catalogue.experience.items() if rule_of(key, experience)]
    cursor.execute(
        "SELECT experience, scope_type, scope, n, experience_mean, stddev, expectation_mean,"
        " importance, expectation_n, importance_n"
        " FROM rolling_satisfaction"
        " WHERE horizon = %(horizon)s AND scope_type IN ('all', 'site')"
        " AND experience = ANY(%(judged)s)",
        {"judged": judged, "horizon": HORIZON},
    )
    return Levels([Level._make(row) for row in cursor.fetchall()])
